//! A sound server of its own for each display: PulseAudio, whose one output is a pipe that the node reads.
//!
//! Nobody's desktop is touched, and no two instances hear each other. A machine without PulseAudio has pictures without sound.
//! The place is found by the X server's identity, so a node that takes a display over finds its sound too. It ends with that X
//! server: here while the node lives, and by the next node that looks for either of them.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use model::{DisplayRecord, ProcessId};
use process_wrap::std::{CommandWrap, ProcessSession};
use tokio::time::timeout;

use crate::process::{self, Kill};

const PROGRAM: &str = "pulseaudio";
const PLACES: &str = "/tmp";
const PREFIX: &str = ".openspace-sound-";

/// Samples per second and channels, 16 bits each: what Opus takes.
const FORMAT: &str = "format=s16le rate=48000 channels=2";

/// For one that was killed; longer only where the system itself stands.
const END: Duration = Duration::from_secs(5);

/// What the program plays on this display: a pipe of 16-bit stereo samples, 48,000 a second. `None` where there is no sound server.
pub fn sound(record: &DisplayRecord) -> Option<PathBuf> {
    found(record, "pcm")
}

/// Where a program on this display is to play.
pub(crate) fn env(record: &DisplayRecord) -> Vec<(String, String)> {
    let socket = found(record, "native");
    socket
        .map(|socket| ("PULSE_SERVER".to_owned(), format!("unix:{}", socket.display())))
        .into_iter()
        .collect()
}

/// Whoever is on this machine can make a folder of that name.
fn found(record: &DisplayRecord, name: &str) -> Option<PathBuf> {
    let place = place(record.server);
    let is_ours = fs::symlink_metadata(&place)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw());
    Some(place.join(name)).filter(|path| is_ours && path.exists())
}

/// Beside the display's start, which waits for its socket, but not for long.
pub(crate) async fn start(record: &DisplayRecord) {
    sweep().await;
    let place = place(record.server);
    match spawn(&place, &record.address.auth_file) {
        Ok(daemon) => {
            // Nobody waits for the handle: both end with the X server.
            drop(tokio::spawn(async move {
                process::exited(daemon).await;
                process::reap(daemon);
            }));
            watch(record.server);
            wait_for(&place.join("native")).await;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::info!("no sound: install PulseAudio with `apt-get install pulseaudio`");
        }
        Err(error) => tracing::warn!(%error, "no sound: PulseAudio could not be started"),
    }
}

/// It ends with the X server, however that ends.
pub(crate) fn watch(server: ProcessId) {
    drop(tokio::spawn(async move {
        process::exited(server).await;
        stop(server).await;
    }));
}

/// Its folder goes last: one that ends still writes in it, and by the folder the next node finds what stayed.
pub(crate) async fn stop(server: ProcessId) {
    let place = place(server);
    for daemon in daemons(&place) {
        // Gone already, where it ended by itself.
        let _ = process::end(daemon, Kill::Now);
        if timeout(END, process::exited(daemon)).await.is_err() {
            return tracing::warn!(pid = daemon.pid, "PulseAudio does not end");
        }
        process::reap(daemon);
    }
    let _ = fs::remove_dir_all(&place);
}

/// A short path: sockets have no long ones. It belongs to one X server that ever was.
fn place(server: ProcessId) -> PathBuf {
    Path::new(PLACES).join(format!("{PREFIX}{}-{}", server.pid, server.start_ticks))
}

fn server_of(place: &str) -> Option<ProcessId> {
    let (pid, start_ticks) = place.strip_prefix(PREFIX)?.split_once('-')?;
    Some(ProcessId { pid: pid.parse().ok()?, start_ticks: start_ticks.parse().ok()? })
}

/// What is left of X servers that ended while no node lived.
async fn sweep() {
    let names = fs::read_dir(PLACES).into_iter().flatten().flatten();
    let servers = names.filter_map(|entry| server_of(entry.file_name().to_str()?));
    for server in servers.filter(|server| !process::is_alive(*server)) {
        stop(server).await;
    }
}

fn daemons(place: &Path) -> impl Iterator<Item = ProcessId> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| process::identify(pid).ok()).filter(move |id| is_ours(*id, place))
}

fn is_ours(daemon: ProcessId, place: &Path) -> bool {
    let line = fs::read(format!("/proc/{}/cmdline", daemon.pid)).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let program = line.split('\0').next().unwrap_or_default();
    program.ends_with(PROGRAM) && line.contains(&*place.to_string_lossy())
}

fn spawn(place: &Path, of_display: &Path) -> io::Result<ProcessId> {
    // Fails where somebody else has made it before: then it is not ours to use.
    fs::DirBuilder::new().mode(0o700).create(place)?;
    let mut command = CommandWrap::with_new(PROGRAM, |command| {
        arrange(command, place);
        // For whoever looks for the processes of an instance by its folder.
        command.env("XAUTHORITY", of_display);
    });
    let child = command.wrap(ProcessSession).spawn().inspect_err(|_| {
        let _ = fs::remove_dir_all(place);
    })?;
    process::identify(child.id())
}

fn arrange(command: &mut Command, place: &Path) {
    let here = place.display();
    let modules = [
        format!("module-native-protocol-unix socket={here}/native auth-anonymous=1"),
        format!(
            "module-pipe-sink file={here}/pcm {FORMAT} sink_name=openspace use_system_clock_for_timing=yes"
        ),
        // While nothing is played, nothing is written and nothing runs.
        "module-suspend-on-idle timeout=1".to_owned(),
    ];
    command
        .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"])
        // First where the machine is busy, as the capture of the picture does, and as far as this program may: what is late once makes
        // all sound late for a while.
        .args(["--realtime=no", "--high-priority=yes", "--log-level=error"])
        .arg(format!("--log-target=file:{here}/log"))
        .args(modules.iter().flat_map(|module| ["-L", module]))
        .env_remove("DISPLAY")
        // Otherwise it sets this itself and executes itself again, and for that moment has no command line to be found by.
        .env("LD_BIND_NOW", "1")
        .env("HOME", place)
        .env("PULSE_RUNTIME_PATH", place)
        .env("PULSE_STATE_PATH", place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
}

/// A program that starts before the server listens would stay silent for good.
async fn wait_for(socket: &Path) {
    const LOOKS: u32 = 100;
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    for _ in 0..LOOKS {
        if socket.exists() {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tracing::warn!("no sound: PulseAudio does not listen");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_socket_is_short_enough_to_be_opened_whatever_the_numbers() {
        let longest = ProcessId { pid: u32::MAX, start_ticks: u64::MAX };
        let place = place(longest);
        assert!(place.join("native").to_string_lossy().len() < 100);
        assert_eq!(place.file_name().and_then(|name| server_of(name.to_str()?)), Some(longest));
    }

    #[tokio::test]
    async fn what_a_node_left_that_ended_before_its_display_is_swept_away() {
        let mut server = Command::new("sleep").arg("600").spawn().unwrap();
        let id = process::identify(server.id()).unwrap();
        let place = place(id);
        let daemon = spawn(&place, Path::new("/nonexistent")).unwrap();
        sweep().await;
        assert!(place.exists() && process::is_alive(daemon), "its display lives");
        server.kill().unwrap();
        server.wait().unwrap();
        sweep().await;
        assert!(!place.exists() && !process::is_alive(daemon));
    }
}
