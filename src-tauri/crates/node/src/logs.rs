//! What programs leave behind: their own logs, OpenSpace's, and crash dumps. Kept for a while after the instance is gone. Blocks.
//!
//! Whoever asks for a file names one of the listing; a path from outside is never followed.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use model::{InstanceId, UnixMillis};
use protocol::admin::{LogFile, LogsOfInstance};
use serde::{Deserialize, Serialize};

/// Where OpenSpace and its crash handler put what is worth keeping, below an instance's folder.
const PLACES: &[&str] = &["", "logs", "bin"];
const ENDINGS: &[&str] = &["log", "old", "html", "txt", "dmp"];
/// How a report of a bad stream is called, up to its number.
const STREAM_REPORT: &str = "stream-report-";
/// Where what one crash has left is put, up to its time.
const CRASH: &str = "crash-";
/// So many crashes of one instance; what was first tells the most, but the newest is what people ask for.
const CRASHES_MAX: usize = 5;
/// What a crash has left besides its dumps: how far the program had come.
const LAST_WORDS: &[&str] = &["program.log", "logs/log.html"];
/// So many reports of one instance: whoever presses for an hour fills no disk.
const REPORTS_MAX: usize = 10;
/// Of one file: the newest part of a longer one is kept.
const FILE_BYTES_MAX: u64 = 32 << 20;
const FILES_MAX: usize = 40;
/// Of instances that are gone.
const KEPT_MAX: usize = 30;
const KEPT_FOR: Duration = Duration::from_secs(14 * 24 * 3600);
const ABOUT: &str = "about.json";

/// What is known of an instance that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    pub instance: InstanceId,
    pub build_name: String,
    pub profile: Option<String>,
    pub ended: UnixMillis,
    /// Its last message: how it ended.
    pub message: Option<String>,
}

/// The two places: folders of instances that live, and what was kept of those that are gone.
#[derive(Clone, Debug)]
pub struct Logs {
    pub instances: PathBuf,
    pub kept: PathBuf,
}

impl Logs {
    pub fn of_living(&self, id: InstanceId) -> Vec<LogFile> {
        listed(&self.instances.join(id.to_string()))
    }

    /// Of instances that are gone, the newest first.
    pub fn of_gone(&self) -> Vec<LogsOfInstance> {
        let mut all: Vec<_> = self.archives().into_iter().filter_map(|folder| told(&folder)).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.ended));
        all
    }

    /// Keeps what is worth it of an instance whose folder is about to be removed, and drops what has been kept for long enough.
    pub fn keep(&self, about: &About) -> io::Result<()> {
        let from = self.instances.join(about.instance.to_string());
        let files = found(&from);
        if files.is_empty() {
            return Ok(());
        }
        let to = self.kept.join(about.instance.to_string());
        fs::create_dir_all(&to)?;
        for (name, path) in files {
            copy_newest(&path, &to.join(name))?;
        }
        fs::write(to.join(ABOUT), serde_json::to_vec(about)?)?;
        self.sweep(SystemTime::now());
        Ok(())
    }

    /// A file by the name that a listing gave it.
    pub fn read(&self, id: InstanceId, name: &str) -> Option<Vec<u8>> {
        let folders = [&self.instances, &self.kept].map(|root| root.join(id.to_string()));
        let path = folders.iter().flat_map(|folder| found(folder)).find(|(known, _)| known == name)?.1;
        let mut bytes = Vec::new();
        newest(&path).and_then(|mut part| part.read_to_end(&mut bytes)).ok()?;
        Some(bytes)
    }

    /// Keeps a report of a bad stream beside the logs of its instance. The answer is its name.
    pub fn keep_report(&self, id: InstanceId, at: UnixMillis, text: &[u8]) -> io::Result<String> {
        let folder = self.instances.join(id.to_string());
        let names = fs::read_dir(&folder)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut reports: Vec<_> = names.filter(|name| name.starts_with(STREAM_REPORT)).collect();
        reports.sort();
        let surplus = (reports.len() + 1).saturating_sub(REPORTS_MAX);
        reports.iter().take(surplus).try_for_each(|name| fs::remove_file(folder.join(name)))?;
        let name = format!("{STREAM_REPORT}{}.json", at.0);
        fs::write(folder.join(&name), text)?;
        Ok(name)
    }

    /// Puts what a crash has left into a folder of its own, so that the next one is not mixed with it.
    pub fn put_crash_aside(&self, id: InstanceId, at: UnixMillis) -> io::Result<()> {
        let folder = self.instances.join(id.to_string());
        let mut before = crashes(&folder);
        let surplus = (before.len() + 1).saturating_sub(CRASHES_MAX);
        before.drain(..surplus).try_for_each(fs::remove_dir_all)?;
        let aside = folder.join(format!("{CRASH}{}", at.0));
        fs::create_dir_all(&aside)?;
        for (name, path) in found(&folder)
            .into_iter()
            .filter(|(name, path)| is_dump(name) && path.parent().is_none_or(|parent| !is_crash(parent)))
        {
            fs::rename(path, aside.join(name))?;
        }
        for place in LAST_WORDS {
            let from = folder.join(place);
            if let (true, Some(name)) = (from.is_file(), from.file_name()) {
                copy_newest(&from, &aside.join(name))?;
            }
        }
        Ok(())
    }

    fn sweep(&self, now: SystemTime) {
        let age = |folder: &PathBuf| {
            let kept = fs::metadata(folder.join(ABOUT))
                .and_then(|about| about.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH);
            now.duration_since(kept).unwrap_or_default()
        };
        let mut folders: Vec<_> = self.archives().into_iter().map(|folder| (age(&folder), folder)).collect();
        folders.sort();
        for (index, (age, folder)) in folders.iter().enumerate() {
            let is_old = index >= KEPT_MAX || *age > KEPT_FOR;
            if is_old && let Err(error) = fs::remove_dir_all(folder) {
                tracing::warn!(folder = %folder.display(), %error, "old logs could not be removed");
            }
        }
    }

    fn archives(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.kept).into_iter().flatten().flatten();
        let is_ours =
            |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.parse::<InstanceId>().is_ok());
        entries.filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path()).collect()
    }
}

fn told(folder: &Path) -> Option<LogsOfInstance> {
    let about: About = serde_json::from_slice(&fs::read(folder.join(ABOUT)).ok()?).ok()?;
    Some(LogsOfInstance {
        instance_id: about.instance,
        build_name: about.build_name,
        profile: about.profile,
        ended: Some(about.ended),
        message: about.message,
        files: listed(folder),
    })
}

fn listed(folder: &Path) -> Vec<LogFile> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
    found(folder).into_iter().map(|(name, path)| LogFile { name, bytes: size(&path) }).collect()
}

/// The folders of its crashes, the oldest first.
fn crashes(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<_> =
        entries.filter(is_folder).map(|entry| entry.path()).filter(|path| is_crash(path)).collect();
    folders.sort();
    folders
}

fn is_crash(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix(CRASH).is_some_and(|at| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The files that are worth keeping, by names that are told apart. A link is no file of theirs: it may lead anywhere.
fn found(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    let own = PLACES.iter().map(|place| (String::new(), folder.join(place)));
    let crashed = crashes(folder).into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?;
        Some((format!("{name}-"), path))
    });
    for (prefix, place) in own.chain(crashed) {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            // What is kept of one that is gone has its crash in its name already.
            let plain = name
                .strip_prefix(CRASH)
                .and_then(|rest| rest.split_once('-'))
                .map_or(&*name, |(_, rest)| rest);
            if is_file && is_worth_keeping(plain) && files.len() < FILES_MAX {
                files.push((format!("{prefix}{name}"), entry.path()));
            }
        }
    }
    files.sort();
    files.dedup_by(|a, b| a.0 == b.0);
    files
}

fn is_worth_keeping(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._- ".contains(&byte));
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let is_report = name.starts_with(STREAM_REPORT) && name.ends_with(".json");
    plain && (is_dump(name) || is_report || ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())))
}

fn is_dump(name: &str) -> bool {
    name == "core" || name.starts_with("core.") || name.to_ascii_lowercase().ends_with(".dmp")
}

/// The end of a long file.
fn newest(path: &Path) -> io::Result<impl Read> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(FILE_BYTES_MAX)))?;
    Ok(file.take(FILE_BYTES_MAX))
}

fn copy_newest(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut newest(from)?, &mut File::create(to)?).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    fn logs() -> (tempfile::TempDir, Logs) {
        let dir = tempfile::tempdir().unwrap();
        let logs = Logs { instances: dir.path().join("instances"), kept: dir.path().join("logs") };
        (dir, logs)
    }

    fn about(instance: InstanceId) -> About {
        About {
            instance,
            build_name: "Sky".into(),
            profile: None,
            ended: UnixMillis(7),
            message: Some("It crashed.".into()),
        }
    }

    fn lived(logs: &Logs, id: InstanceId) -> PathBuf {
        let folder = logs.instances.join(id.to_string());
        for place in ["logs", "bin", "user"] {
            fs::create_dir_all(folder.join(place)).unwrap();
        }
        for (file, text) in [
            ("program.log", "printed"),
            ("logs/log.html", "<p>"),
            ("logs/ScriptLog.txt", "lua"),
            ("bin/OpenSpace_0.22.0.dmp", "dump"),
            ("openspace.cfg", "secret"),
            ("user/private.txt", "mine"),
        ] {
            fs::write(folder.join(file), text).unwrap();
        }
        symlink("/etc/passwd", folder.join("logs/passwd.txt")).unwrap();
        folder
    }

    #[test]
    fn what_is_worth_keeping_outlives_the_instance_and_nothing_else_is_told() {
        let (_dir, logs) = logs();
        let id = InstanceId::random();
        let folder = lived(&logs, id);
        let names = |files: Vec<LogFile>| files.into_iter().map(|file| file.name).collect::<Vec<_>>();
        let expected = ["OpenSpace_0.22.0.dmp", "ScriptLog.txt", "log.html", "program.log"];
        assert_eq!(names(logs.of_living(id)), expected);

        logs.keep(&about(id)).unwrap();
        fs::remove_dir_all(folder).unwrap();
        let gone = logs.of_gone().remove(0);
        assert_eq!((gone.instance_id, gone.message.as_deref()), (id, Some("It crashed.")));
        assert_eq!(names(gone.files), expected);
        assert_eq!(logs.read(id, "ScriptLog.txt").unwrap(), b"lua");
    }

    #[test]
    fn what_each_crash_left_stays_apart() {
        let ((_dir, logs), id) = (logs(), InstanceId::random());
        let folder = lived(&logs, id);
        for at in 1..=CRASHES_MAX as i64 + 2 {
            fs::write(folder.join("bin/core"), format!("dump {at}")).unwrap();
            fs::write(folder.join("program.log"), format!("printed {at}")).unwrap();
            logs.put_crash_aside(id, UnixMillis(1000 + at)).unwrap();
        }
        assert!(!folder.join("bin/core").exists(), "the next crash finds none of this one");
        let read = |name: &str| logs.read(id, name).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(read("crash-1002-core"), None, "the oldest go");
        for at in 3..=CRASHES_MAX + 2 {
            assert_eq!(read(&format!("crash-{}-core", 1000 + at)), Some(format!("dump {at}")));
            assert_eq!(read(&format!("crash-{}-program.log", 1000 + at)), Some(format!("printed {at}")));
        }
        logs.keep(&about(id)).unwrap();
        fs::remove_dir_all(folder).unwrap();
        assert_eq!(read("crash-1004-core"), Some("dump 4".to_owned()), "they outlive it");
    }

    #[test]
    fn a_name_that_no_listing_gave_opens_nothing() {
        let (_dir, logs) = logs();
        let id = InstanceId::random();
        lived(&logs, id);
        for name in [
            "../openspace.cfg",
            "openspace.cfg",
            "logs/log.html",
            "/etc/passwd",
            "passwd.txt",
            "private.txt",
            "",
            "about.json",
        ] {
            assert!(logs.read(id, name).is_none(), "{name}");
        }
        assert!(logs.read(InstanceId::random(), "log.html").is_none());
    }

    #[test]
    fn only_the_newest_are_kept_and_of_a_long_file_its_end() {
        let (dir, logs) = logs();
        for _ in 0..KEPT_MAX + 3 {
            let id = InstanceId::random();
            let folder = logs.instances.join(id.to_string());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("program.log"), "x").unwrap();
            logs.keep(&about(id)).unwrap();
        }
        assert_eq!(logs.of_gone().len(), KEPT_MAX);
        logs.sweep(SystemTime::now() + KEPT_FOR + Duration::from_secs(60));
        assert!(logs.of_gone().is_empty());

        let (from, to) = (dir.path().join("long"), dir.path().join("short"));
        let file = File::create(&from).unwrap();
        file.set_len(FILE_BYTES_MAX + 10).unwrap();
        copy_newest(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().len(), FILE_BYTES_MAX);
    }

    #[test]
    fn the_newest_reports_are_kept() {
        let ((_dir, logs), id) = (logs(), InstanceId::random());
        let folder = logs.instances.join(id.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("program.log"), "x").unwrap();
        for at in 100..130 {
            logs.keep_report(id, UnixMillis(at), b"{}").unwrap();
        }
        let names: Vec<_> = logs.of_living(id).into_iter().map(|file| file.name).collect();
        assert_eq!(names.len(), REPORTS_MAX + 1);
        assert_eq!((names[0].as_str(), names[1].as_str()), ("program.log", "stream-report-120.json"));
    }
}
