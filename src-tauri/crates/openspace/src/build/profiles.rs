//! Finds the profiles of an install and reads what they say of themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use model::Profile;
use serde::Deserialize;

use super::read_bounded;
use crate::names::is_profile_name;

/// Shipped profiles lie one folder deep.
const DEPTH_MAX: usize = 8;

/// Far more than anybody has; a folder that holds more is not a profile folder.
const PROFILES_MAX: usize = 2_000;

/// Files and folders that are looked at: a link to the root of a disk must end.
const ENTRIES_MAX: usize = 50_000;

/// Shipped profiles have up to 60 KB. A larger file keeps its place in the list, with the reason why its content is not read.
const PROFILE_BYTES_MAX: u64 = 4 << 20;

/// Characters of a text that a profile says of itself.
const TEXT_CHARS_MAX: usize = 2_000;

#[derive(Deserialize)]
struct File {
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    name: Option<String>,
    description: Option<String>,
    author: Option<String>,
}

/// The profiles below two folders, `default` first, then by id. Of two of the same id the user's counts, as in OpenSpace.
pub(super) fn below(install: &Path, user: &Path) -> Vec<Profile> {
    let mut profiles: Vec<_> = found(install, user).iter().map(|(id, path)| read(id, path)).collect();
    profiles.sort_by(|a, b| (a.id != "default", &a.id).cmp(&(b.id != "default", &b.id)));
    profiles
}

/// Their files, unread.
pub(super) fn files(install: &Path, user: &Path) -> Vec<PathBuf> {
    found(install, user).into_values().collect()
}

fn found(install: &Path, user: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for folder in [install, user] {
        let mut search = Search { folder, seen: BTreeSet::new(), entries: 0, files: Vec::new() };
        search.walk(folder, 0);
        files.extend(search.files);
    }
    files
}

struct Search<'a> {
    folder: &'a Path,
    /// Real places of the folders that were walked: a link back to one of them is not followed.
    seen: BTreeSet<PathBuf>,
    entries: usize,
    files: Vec<(String, PathBuf)>,
}

impl Search<'_> {
    fn walk(&mut self, folder: &Path, depth: usize) {
        let Ok(real) = folder.canonicalize() else { return };
        if depth > DEPTH_MAX || !self.seen.insert(real) {
            return;
        }
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            self.entries += 1;
            if self.entries > ENTRIES_MAX || self.files.len() >= PROFILES_MAX {
                return;
            }
            let path = entry.path();
            match fs::metadata(&path) {
                Ok(kind) if kind.is_dir() => self.walk(&path, depth + 1),
                Ok(kind) if kind.is_file() => self.files.extend(self.named(path)),
                _ => {}
            }
        }
    }

    /// With its id, when it is a profile by its name and one that can be asked for.
    fn named(&self, path: PathBuf) -> Option<(String, PathBuf)> {
        let relative = path.strip_prefix(self.folder).ok()?.to_str()?;
        let id = relative.strip_suffix(".profile")?;
        is_profile_name(id).then(|| (id.to_owned(), path.clone()))
    }
}

fn read(id: &str, path: &Path) -> Profile {
    let file =
        read_bounded(path, PROFILE_BYTES_MAX).map_err(|error| format!("Its file cannot be read: {error}."));
    let file = file.and_then(|text| {
        serde_json::from_str(&text)
            .map_err(|error| format!("Its file is broken, so OpenSpace cannot start with it: {error}."))
    });
    let (meta, problem) = match file {
        Ok(File { meta }) => (meta, None),
        Err(problem) => (None, Some(problem)),
    };
    let (name, description, author) = match meta {
        Some(meta) => (told(meta.name), told(meta.description), told(meta.author)),
        None => (None, None, None),
    };
    Profile { id: id.to_owned(), name: name.unwrap_or_else(|| id.to_owned()), description, author, problem }
}

fn told(text: Option<String>) -> Option<String> {
    let text: String =
        text?.trim().chars().filter(|c| !c.is_control() || *c == '\n').take(TEXT_CHARS_MAX).collect();
    (!text.is_empty()).then_some(text)
}
