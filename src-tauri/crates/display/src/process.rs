//! Which process is meant, whether it lives, and how to end it: by process id *and* start time, since ids are reused.
//!
//! Works alike for our own children and for processes that an earlier node left running. Absent on purpose: starting programs.

use std::{fs, io, os::fd::OwnedFd, time::Duration};

use model::ProcessId;
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid},
};
use tokio::io::{Interest, unix::AsyncFd};

/// How often a process is looked at where the kernel gives no pidfd (before Linux 5.3, or a strict container).
const POLL: Duration = Duration::from_millis(250);

/// How a process is asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kill {
    /// `SIGTERM`: it may clean up, and it may refuse.
    Gently,
    /// `SIGKILL`.
    Now,
}

/// The identity of the process that has this id now.
///
/// # Errors
/// `NotFound` when there is none. A process that has ended and was not collected by its parent still counts.
pub fn identify(pid: u32) -> io::Result<ProcessId> {
    Ok(ProcessId { pid, start_ticks: Stat::read(pid)?.start_ticks })
}

/// Does it still run? A process that has ended and waits for its parent (a zombie) does not.
pub fn is_alive(id: ProcessId) -> bool {
    Stat::read(id.pid).is_ok_and(|stat| stat.start_ticks == id.start_ticks && !stat.has_ended())
}

/// Resolves when the process has ended, at once if it is gone already. It need not be our child. Nothing is collected: see [`reap`].
pub async fn exited(id: ProcessId) {
    match pidfd(id).and_then(watch) {
        // An error here means that the runtime is shutting down, and then nobody waits any more.
        Ok(fd) => drop(fd.readable().await),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => {
            while is_alive(id) {
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// Asks the process to end; never another one that got its id later.
///
/// # Errors
/// `NotFound` when it has ended already; `PermissionDenied` when it belongs to somebody else.
pub fn end(id: ProcessId, how: Kill) -> io::Result<()> {
    let signal = match how {
        Kill::Gently => Signal::TERM,
        Kill::Now => Signal::KILL,
    };
    match pidfd(id) {
        Ok(fd) => Ok(pidfd_send_signal(fd, signal)?),
        Err(error) if error.raw_os_error() == Some(Errno::NOSYS.raw_os_error()) && is_alive(id) => {
            Ok(rustix::process::kill_process(raw(id.pid)?, signal)?)
        }
        Err(error) => Err(error),
    }
}

/// Collects the exit status of a child of ours that has ended, so that no zombie stays. Does nothing for any other process.
pub fn reap(id: ProcessId) {
    let is_zombie =
        Stat::read(id.pid).is_ok_and(|stat| stat.start_ticks == id.start_ticks && stat.has_ended());
    if let (true, Ok(pid)) = (is_zombie, raw(id.pid)) {
        // Fails with ECHILD where it is not ours; its own parent collects it then.
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// A descriptor of exactly this process; `NotFound` when it is gone or its id belongs to another by now.
fn pidfd(id: ProcessId) -> io::Result<OwnedFd> {
    let fd = pidfd_open(raw(id.pid)?, PidfdFlags::empty()).map_err(|errno| match errno {
        Errno::SRCH => io::Error::from(io::ErrorKind::NotFound),
        other => other.into(),
    })?;
    // The descriptor is held first and the identity asked second: what is true now stays true of this descriptor.
    if is_alive(id) { Ok(fd) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Hands a descriptor to the runtime. A pidfd becomes readable when its process has ended.
#[allow(unsafe_code)]
fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open and stays the same descriptor until it is dropped, and the `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

fn raw(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// What is needed of `/proc/<pid>/stat`.
struct Stat {
    state: char,
    start_ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> io::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&text)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "unreadable /proc/<pid>/stat"))
    }

    /// The second field is the program's name in parentheses and may itself hold blanks and parentheses: what counts comes after the last one.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // The state is field 3, the start time field 22.
        let start_ticks = fields.nth(18)?.parse().ok()?;
        Some(Self { state, start_ticks })
    }

    const fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_does_not_move_the_fields() {
        let line = "42 (a) b (c)) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200 18446744073709551615";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.start_ticks), ('S', 98_765));
        assert!(Stat::parse("42 (short) S 1").is_none());
    }

    #[test]
    fn a_process_of_the_same_id_but_another_start_is_another() {
        let me = identify(std::process::id()).unwrap();
        assert!(is_alive(me));
        let other = ProcessId { start_ticks: me.start_ticks + 1, ..me };
        assert!(!is_alive(other));
        assert_eq!(end(other, Kill::Now).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn no_process_has_the_id_zero_or_a_negative_one() {
        for pid in [0, u32::MAX] {
            assert!(identify(pid).is_err());
            assert!(end(ProcessId { pid, start_ticks: 0 }, Kill::Now).is_err(), "{pid}");
        }
    }

    #[tokio::test]
    // Nobody waits for it on purpose: that is what `reap` is for.
    #[allow(clippy::zombie_processes)]
    async fn the_end_of_a_process_is_noticed_and_leaves_no_zombie() {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let id = identify(child.id()).unwrap();
        let watch = tokio::spawn(exited(id));
        tokio::task::yield_now().await;
        assert!(!watch.is_finished());

        end(id, Kill::Gently).unwrap();
        watch.await.unwrap();
        assert!(!is_alive(id));

        reap(id);
        assert!(identify(id.pid).map_or(true, |now| now != id), "a zombie stayed");
        exited(id).await;
    }
}
