//! Starts a program in a session of its own, knows it again, and ends it with everything that it started.
//!
//! The program must outlive the node: nothing ties it to us but the log file that it writes to. A descendant is known by its session, or
//! by the mark that it inherits in its environment, so that neither a helper that left the process group nor one that left the session stays behind.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use display::process::Kill;
use model::{LaunchPlan, ProcessId};
use process_wrap::std::{CommandWrap, ProcessSession};
use rustix::process::{Pid, Signal, WaitOptions};

use crate::machine::Exit;

/// In the environment of the program and of all that it starts: whose they are.
const MARK: &str = "OPENSPACE_WEBRTC_INSTANCE";

/// By the instance's folder: an instance that goes on at another node has the same name there, and two nodes may share a computer.
#[derive(Clone, Debug)]
pub(crate) struct Mark(PathBuf);

impl Mark {
    pub fn of(dir: &Path) -> Self {
        Self(std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()))
    }

    fn is_on(&self, pid: u32) -> bool {
        let mark = [MARK.as_bytes(), b"=", self.0.as_os_str().as_encoded_bytes()].concat();
        fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|pair| pair == mark))
    }
}

/// Settings of the node, which may hold secrets.
const OUR_PREFIX: &str = "OPENSPACE_WEBRTC_";

/// What would lead a program to the desktop of the person who started the node, and away from its own display.
const LEADS_ASTRAY: [&str; 8] = [
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "XDG_SESSION_TYPE",
    "SESSION_MANAGER",
    "DESKTOP_STARTUP_ID",
    "GDK_BACKEND",
    "QT_QPA_PLATFORM",
    "SDL_VIDEODRIVER",
];

/// A killed process is gone within milliseconds; one that hangs in the kernel is not waited for longer.
const SWEEP_ROUNDS: u32 = 200;
const SWEEP_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Program {
    id: ProcessId,
    mark: Mark,
}

impl Program {
    /// `log` takes what it prints.
    pub fn spawn(plan: &LaunchPlan, mark: Mark, log: File) -> io::Result<Self> {
        let mut command = Command::new(&plan.program);
        command.args(&plan.args).current_dir(&plan.working_dir);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        for name in std::env::vars_os().map(|(name, _)| name).filter(stays_behind) {
            command.env_remove(name);
        }
        command.envs(&plan.env).env(MARK, &mark.0);
        let child = CommandWrap::from(command).wrap(ProcessSession).spawn()?;
        // It is our child and not collected yet, so its id cannot be another's.
        Ok(Self { id: display::process::identify(child.id())?, mark })
    }

    /// The program that an earlier node started, if it still runs.
    pub fn adopt(id: ProcessId, mark: Mark) -> Option<Self> {
        display::process::is_alive(id).then_some(Self { id, mark })
    }

    pub const fn id(&self) -> ProcessId {
        self.id
    }

    /// Resolves when it has ended; it is not collected yet, so its ids stay its own until [`Program::bury`].
    pub async fn ended(&self) {
        display::process::exited(self.id).await;
    }

    /// Asks it and its helpers to end.
    pub fn terminate(&self) {
        if let Some(pid) = pid(self.id.pid)
            && display::process::is_alive(self.id)
        {
            // It fails where the last of the group has just ended.
            let _ = rustix::process::kill_process_group(pid, Signal::TERM);
        }
    }

    /// Ends it and all that it started, now.
    pub fn kill(&self) {
        kill_all(&self.mark, Some(self.id));
    }

    /// Ends what it left behind and says how it ended. Blocks for some milliseconds.
    pub fn bury(self) -> Exit {
        sweep(&self.mark, Some(self.id));
        let Some(pid) = pid(self.id.pid) else { return Exit::Unknown };
        match rustix::process::waitpid(Some(pid), WaitOptions::NOHANG) {
            Ok(Some((_, status))) => status
                .exit_status()
                .map(Exit::Code)
                .or_else(|| status.terminating_signal().map(Exit::Signal))
                .unwrap_or(Exit::Unknown),
            // An adopted program is not our child: the system has collected it, and its status with it.
            Ok(None) | Err(_) => Exit::Unknown,
        }
    }
}

/// Ends all processes of an instance that nobody knows any more. Blocks until they are gone.
pub(crate) fn sweep(mark: &Mark, leader: Option<ProcessId>) {
    for _ in 0..SWEEP_ROUNDS {
        if kill_all(mark, leader) == 0 {
            return;
        }
        std::thread::sleep(SWEEP_PAUSE);
    }
    tracing::warn!(folder = %mark.0.display(), "a process of the instance does not end even when it is killed");
}

/// How many still lived. The leader's id names its session as long as it is not collected, or as long as a member of the session lives.
fn kill_all(mark: &Mark, leader: Option<ProcessId>) -> usize {
    let ours = std::process::id();
    let session = leader.map(|leader| leader.pid);
    let members = processes().filter(|process| process.pid != ours && !process.has_ended).filter(|process| {
        // A session that is younger than its leader's name would be another's: ids are reused.
        let in_session = Some(process.session) == session
            && leader.is_some_and(|leader| process.start_ticks >= leader.start_ticks)
            && (process.pid != process.session
                || leader.is_some_and(|leader| process.start_ticks == leader.start_ticks));
        in_session || mark.is_on(process.pid)
    });
    let mut alive = 0;
    for Process { pid, start_ticks, .. } in members {
        alive += 1;
        // It fails where the process has ended since.
        let _ = display::process::end(ProcessId { pid, start_ticks }, Kill::Now);
    }
    alive
}

struct Process {
    pid: u32,
    session: u32,
    start_ticks: u64,
    has_ended: bool,
}

fn processes() -> impl Iterator<Item = Process> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Process::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
}

impl Process {
    /// The name, field 2, may hold blanks and parentheses: what counts comes after the last one. There, the state is field 3, the session
    /// field 6, the start time field 22.
    fn parse(pid: u32, stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Self {
            pid,
            session: fields.get(3)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
            has_ended: matches!(*fields.first()?, "Z" | "X"),
        })
    }
}

fn stays_behind(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(OUR_PREFIX) || LEADS_ASTRAY.contains(&name.as_ref())
}

fn pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;
    use crate::log;

    #[tokio::test]
    async fn the_status_of_a_program_is_told() {
        for (script, exit) in
            [("exit 3", Exit::Code(3)), ("kill -9 $$", Exit::Signal(9)), ("exit 0", Exit::Code(0))]
        {
            let dir = tempfile::tempdir().unwrap();
            let program = spawn(dir.path(), script);
            program.ended().await;
            assert_eq!(program.bury(), exit, "{script}");
        }
    }

    #[tokio::test]
    async fn nothing_of_a_program_stays_behind() {
        let dir = tempfile::tempdir().unwrap();
        // A child of the same group, one of its own group (bash -m), one of its own session, and one whose parent is gone.
        let script = "sleep 600 & echo $! >> pids
            bash -mc 'sleep 600 & echo $! >> pids'
            setsid sleep 600 & echo $! >> pids
            (setsid sh -c 'sleep 600 & echo $! >> pids' &)
            until [ $(wc -l < pids) = 4 ]; do sleep 0.01; done
            echo ready > ready; wait";
        let program = spawn(dir.path(), script);
        until_exists(&dir.path().join("ready")).await;
        let pids = fs::read_to_string(dir.path().join("pids")).unwrap();
        let helpers: Vec<_> =
            pids.lines().map(|pid| display::process::identify(pid.parse().unwrap()).unwrap()).collect();
        assert!(helpers.iter().all(|id| display::process::is_alive(*id)));

        let leader = program.id();
        display::process::end(leader, Kill::Now).unwrap();
        program.ended().await;
        program.bury();
        assert!(helpers.iter().all(|id| !display::process::is_alive(*id)));
        assert!(display::process::identify(leader.pid).map_or(true, |now| now != leader), "a zombie stayed");
    }

    #[tokio::test]
    async fn a_request_to_end_reaches_the_helpers_too() {
        let dir = tempfile::tempdir().unwrap();
        let program = spawn(
            dir.path(),
            "sh -c 'trap \"echo bye > bye; exit\" TERM; echo > ready; while :; do sleep 0.01; done' & wait; wait",
        );
        until_exists(&dir.path().join("ready")).await;
        program.terminate();
        until_exists(&dir.path().join("bye")).await;
        program.ended().await;
        assert_eq!(program.bury(), Exit::Signal(15));
    }

    #[tokio::test]
    async fn an_adopted_program_is_the_same_one_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let program = spawn(dir.path(), "exec sleep 600");
        let id = program.id();
        let adopted = Program::adopt(id, program.mark.clone()).unwrap();
        assert!(
            Program::adopt(ProcessId { start_ticks: id.start_ticks + 1, ..id }, program.mark.clone())
                .is_none()
        );
        adopted.kill();
        adopted.ended().await;
        assert_eq!(adopted.bury(), Exit::Signal(9));
        assert!(Program::adopt(id, program.mark).is_none());
    }

    #[tokio::test]
    async fn a_program_gets_its_plan_and_nothing_that_leads_it_astray() {
        let dir = tempfile::tempdir().unwrap();
        let program = spawn(dir.path(), "env; readlink /proc/self/fd/0; pwd -P");
        program.ended().await;
        program.bury();
        let said = fs::read_to_string(dir.path().join(log::FILE)).unwrap();
        for wanted in ["GREETING=hello", &format!("{MARK}={}", dir.path().display()), "/dev/null"] {
            assert!(said.lines().any(|line| line == wanted), "{wanted} in {said}");
        }
        assert!(!said.contains("WAYLAND_DISPLAY"), "{said}");
        assert_eq!(Path::new(said.lines().last().unwrap()), dir.path().canonicalize().unwrap());
    }

    #[test]
    fn settings_of_the_node_and_of_its_desktop_stay_behind() {
        for (name, stays) in [
            ("OPENSPACE_WEBRTC_CONFIG", true),
            ("WAYLAND_DISPLAY", true),
            ("OPENSPACE_SYNC", false),
            ("HOME", false),
            ("PATH", false),
        ] {
            assert_eq!(stays_behind(&name.into()), stays, "{name}");
        }
    }

    fn spawn(dir: &Path, script: &str) -> Program {
        let plan = LaunchPlan {
            program: "/bin/sh".into(),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: [("GREETING".to_owned(), "hello".to_owned())].into(),
            working_dir: dir.to_owned(),
            ..LaunchPlan::default()
        };
        Program::spawn(&plan, Mark::of(dir), log::begin(dir).unwrap()).unwrap()
    }

    async fn until_exists(path: &Path) {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
