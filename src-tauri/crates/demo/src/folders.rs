//! The files and folders of one running instance: what is made, wiped, locked and remembered.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{config::Config, log::Log};

/// Wipes `${TEMPORARY}` and makes the folders, as OpenSpace does it at every start.
///
/// # Errors
/// A sentence: a folder cannot be made.
pub fn prepare(config: &Config, log: &Log) -> Result<(), String> {
    let made =
        ["USER", "CACHE", "LOGS", "TEMPORARY", "SCREENSHOTS", "RECORDINGS", "USER_PROFILES", "USER_CONFIG"];
    if config.tokens.has("TEMPORARY") {
        wipe(&config.tokens.expand("${TEMPORARY}"), config, log);
    }
    for name in made.into_iter().filter(|name| config.tokens.has(name)) {
        let dir = config.tokens.expand(&format!("${{{name}}}"));
        fs::create_dir_all(&dir)
            .map_err(|error| format!("Could not create the folder '{}': {error}", dir.display()))?;
    }
    Ok(())
}

/// OpenSpace wipes whatever the configuration names. The demo leaves folders alone that hold more than temporary files.
fn wipe(dir: &Path, config: &Config, log: &Log) {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let here = std::env::current_dir().ok();
    let tokens = ["USER", "SYNC", "LOGS"].map(|name| config.tokens.expand(&format!("${{{name}}}")));
    let precious =
        [Some(config.home.clone()), Some(config.bin.clone()), Some(std::env::temp_dir()), home, here];
    let holds_more = precious.into_iter().flatten().chain(tokens).any(|path| path.starts_with(dir));
    if holds_more {
        log.warning(
            "OpenSpaceEngine",
            format!("Left '{}' as it is: it holds more than temporary files", dir.display()),
        );
    } else if let Err(error) = fs::remove_dir_all(dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        log.warning("OpenSpaceEngine", format!("Could not remove '{}': {error}", dir.display()));
    }
}

/// The browser cache that OpenSpace keeps beside its program: one process at a time may have it.
#[derive(Debug)]
pub struct CefCache {
    _lock: Option<File>,
}

impl CefCache {
    /// # Errors
    /// Another instance was started by the same path.
    pub fn take(bin: &Path, log: &Log) -> Result<Self, String> {
        let dir = bin.join("cefcache");
        let opened = fs::create_dir_all(&dir).and_then(|()| File::create(dir.join("SingletonLock")));
        let lock = opened.map_err(TryLockError::Error).and_then(|file| file.try_lock().map(|()| file));
        match lock {
            Ok(file) => Ok(Self { _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(format!(
                "Failed initializing CEF Browser: another instance uses '{}'. Start each instance by a path of its own",
                dir.display()
            )),
            Err(TryLockError::Error(error)) => {
                log.warning("CefHost", format!("'{}' cannot be locked: {error}", dir.display()));
                Ok(Self { _lock: None })
            }
        }
    }
}

/// `settings.json`, next to the configuration found from the program.
#[derive(Debug)]
pub struct Settings {
    file: PathBuf,
    values: Value,
}

impl Settings {
    /// # Errors
    /// The file is there and is not JSON: OpenSpace does not start then either.
    pub fn load(home: &Path) -> Result<Self, String> {
        let file = home.join("settings.json");
        let values = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                format!(
                    "Error reading settings '{}': {error}. Remove the file to start with new settings",
                    file.display()
                )
            })?,
            Err(_) => json!({}),
        };
        Ok(Self { file, values })
    }

    /// Writes in one step, so that nobody reads half a file.
    pub fn save(&mut self, profile: &str, log: &Log) {
        self.values["started-before"] = json!(true);
        self.values["profile"] = json!(profile);
        let draft = self.file.with_extension(format!("json.{}", std::process::id()));
        let saved =
            fs::write(&draft, format!("{:#}\n", self.values)).and_then(|()| fs::rename(&draft, &self.file));
        if let Err(error) = saved {
            log.warning("Settings", format!("Could not write '{}': {error}", self.file.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_process_at_a_time_has_the_cache() {
        let bin = tempfile::tempdir().unwrap();
        let log = Log::silent();
        let first = CefCache::take(bin.path(), &log).unwrap();
        assert!(CefCache::take(bin.path(), &log).unwrap_err().contains("Failed initializing CEF Browser"));
        drop(first);
        CefCache::take(bin.path(), &log).unwrap();
    }

    #[test]
    fn half_written_settings_are_refused_and_whole_ones_are_kept() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("settings.json"), r#"{"mine": 1}"#).unwrap();
        Settings::load(home.path()).unwrap().save("default", &Log::silent());
        assert_eq!(Settings::load(home.path()).unwrap().values["mine"], 1);
        fs::write(home.path().join("settings.json"), r#"{"mine": "#).unwrap();
        assert!(Settings::load(home.path()).unwrap_err().contains("settings.json"));
    }
}
