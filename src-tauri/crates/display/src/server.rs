//! Starts and ends Xvfb: a number that it finds free itself, its own cookie, its own session, no TCP.

use std::{
    ffi::OsStr,
    fs, io,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use model::{DisplayAddress, DisplayRecord, ProcessId, Size};
use process_wrap::std::{CommandWrap, ProcessSession};
use tokio::{io::AsyncReadExt, net::unix::pipe, time::timeout};

use crate::{
    OpenError, Spec,
    process::{self, Kill},
    sound,
    wire::socket_path,
};

/// Xvfb says its number within half a second; a machine that is loading a scene from a slow disk is given far more.
const START: Duration = Duration::from_secs(30);
/// Xvfb ends within milliseconds of SIGTERM, unless it is stopped or stuck.
const STOP_GRACE: Duration = Duration::from_secs(3);
/// A display number and its line end.
const NUMBER_BYTES_MAX: usize = 16;
const LOG: &str = "xvfb.log";
const AUTH: &str = "Xauthority";

/// Starts the server and waits until it takes connections. It is killed again when this future is dropped, or what it gives, until
/// that is [kept](Started::keep).
pub(crate) async fn start(program: &OsStr, spec: &Spec) -> Result<Started, OpenError> {
    let auth_file = spec.dir.join(AUTH);
    let log_file = spec.dir.join(LOG);
    let in_dir = |error| OpenError::Failed(format!("writing to {}: {error}", spec.dir.display()));
    fs::create_dir_all(&spec.dir).map_err(in_dir)?;
    crate::cookie::create(&auth_file).map_err(in_dir)?;
    let log = fs::File::create(&log_file).map_err(in_dir)?;

    let mut command = CommandWrap::with_new(program, |command| arrange(command, &auth_file, log));
    let mut child = command.wrap(ProcessSession).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => OpenError::NoXvfb,
        _ => OpenError::Failed(format!("starting {}: {error}", program.display())),
    })?;
    let server =
        process::identify(child.id()).map_err(|error| OpenError::Failed(format!("its process: {error}")))?;
    let unfinished = Unfinished { server, kept: false };
    // Detached, since the server outlives the handle: it ends with the server.
    drop(tokio::spawn(reap_when_ended(server)));

    let stdout = child.stdout().take().expect("standard output is a pipe");
    let number = timeout(START, read_number(stdout.into()))
        .await
        .map_err(|_| OpenError::Failed(format!("Xvfb did not say its display number within {START:?}")))?
        .map_err(|error| OpenError::Failed(format!("{error}{}", last_words(&log_file))))?;
    tracing::debug!(display = number, pid = server.pid, size = %spec.size, "X server started");
    let record = DisplayRecord { address: DisplayAddress { number, auth_file }, server, size: spec.size };
    Ok(Started { record, unfinished })
}

/// Ends the server, by force if it must be, and removes what it leaves behind.
pub(crate) async fn stop(record: &DisplayRecord) {
    for how in [Kill::Gently, Kill::Now] {
        if let Err(error) = process::end(record.server, how)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(display = record.address.number, %error, ?how, "ending the X server");
        }
        if timeout(STOP_GRACE, process::exited(record.server)).await.is_ok() {
            break;
        }
    }
    process::reap(record.server);
    sound::stop(record.server).await;
    clean_up(record);
}

/// Removes the cookie, and the lock and socket that a killed server leaves. Those are touched only when the lock names this server.
fn clean_up(record: &DisplayRecord) {
    let number = record.address.number;
    let lock = format!("/tmp/.X{number}-lock");
    let owner = fs::read_to_string(&lock).ok().and_then(|text| text.trim().parse::<u32>().ok());
    if owner == Some(record.server.pid) && !process::is_alive(record.server) {
        let _ = fs::remove_file(socket_path(number));
        let _ = fs::remove_file(&lock);
    }
    // Gone already where the instance's folder was removed first.
    let _ = fs::remove_file(&record.address.auth_file);
}

fn arrange(command: &mut Command, auth_file: &Path, log: fs::File) {
    command
        // It can become smaller than it began, and never larger.
        .args(["-screen", "0", &format!("{}x24", Size::MAX), "-displayfd", "1", "-auth"])
        .arg(auth_file)
        // Without the last client the server would start over and forget the window; without input for minutes it would blank.
        .args(["-nolisten", "tcp", "-noreset", "-s", "0", "-dpms", "-dpi", "96", "-br"])
        .args(
            ["GLX", "RANDR", "DAMAGE", "XTEST", "MIT-SHM", "Composite", "RENDER"]
                .iter()
                .flat_map(|name| ["+extension", name]),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
}

/// Reads what `-displayfd` writes once the server takes connections.
async fn read_number(stdout: std::os::fd::OwnedFd) -> io::Result<u32> {
    let mut stdout = pipe::Receiver::from_owned_fd(stdout)?;
    let mut text = Vec::new();
    while !text.ends_with(b"\n") && text.len() < NUMBER_BYTES_MAX {
        if stdout.read_buf(&mut text).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "Xvfb ended at once"));
        }
    }
    str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "Xvfb said no display number"))
}

/// The end of the server's log, as an addition to a sentence.
fn last_words(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(2048)..]).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => String::new(),
        lines => format!("; it said: {}", lines[lines.len().saturating_sub(3)..].join(" ")),
    }
}

async fn reap_when_ended(server: ProcessId) {
    process::exited(server).await;
    process::reap(server);
}

/// A server that takes connections and has no owner yet.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) record: DisplayRecord,
    unfinished: Unfinished,
}

impl Started {
    /// From here on only [`stop`] ends it.
    pub(crate) fn keep(mut self) -> DisplayRecord {
        self.unfinished.kept = true;
        self.record
    }
}

/// Kills the server when the start is given up.
#[derive(Debug)]
struct Unfinished {
    server: ProcessId,
    kept: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            // It may have ended by itself.
            let _ = process::end(self.server, Kill::Now);
            // Without a runtime the node itself ends, and the next one sweeps.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                drop(runtime.spawn(sound::stop(self.server)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_machine_without_xvfb_is_told_how_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = start("no-such-x-server".as_ref(), &spec(dir.path())).await.unwrap_err();
        assert!(matches!(error, OpenError::NoXvfb), "{error}");
        assert!(error.to_string().contains("apt-get install xvfb"));
    }

    #[tokio::test]
    async fn the_last_words_of_a_server_that_ends_at_once_are_passed_on() {
        let dir = tempfile::tempdir().unwrap();
        let program = script(dir.path(), "echo 'Fatal server error: no room' >&2; exit 1");
        let error = start(program.as_ref(), &spec(dir.path())).await.unwrap_err();
        assert!(error.to_string().contains("ended at once; it said: Fatal server error: no room"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_says_nonsense_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let program =
            script(dir.path(), &format!("echo $$ > {}; echo nonsense; exec sleep 600", pid_file.display()));
        let error = start(program.as_ref(), &spec(dir.path())).await.unwrap_err();
        assert!(error.to_string().contains("no display number"), "{error}");
        let pid = fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
        if let Ok(id) = process::identify(pid) {
            process::exited(id).await;
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = start("Xvfb".as_ref(), &spec(&file.join("sub"))).await.unwrap_err();
        assert!(error.to_string().contains("file/sub"), "{error}");
    }

    fn spec(dir: &Path) -> Spec {
        Spec { size: Size::new(320, 240), dir: dir.to_owned() }
    }

    /// Started by `sh` itself rather than by its own name: a file that was just written may still be busy when others fork.
    fn script(dir: &Path, body: &str) -> std::path::PathBuf {
        let path = dir.join("server.sh");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}
