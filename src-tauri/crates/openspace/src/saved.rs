//! What an instance has saved for its viewers, in its own user folder: screenshots and session recordings.
//!
//! A name leads to a file of that folder or nowhere. Recordings hold scripts that OpenSpace runs when it plays them, so only those are
//! named that were recorded here; nothing is ever put into the folder from outside.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use model::{SavedFile, SavedKind, UnixMillis};

/// So many are kept; the oldest go. A screenshot in 4K has some ten megabytes.
const SCREENSHOTS_KEPT: usize = 100;
const RECORDINGS_KEPT: usize = 50;

/// Files of a folder that are looked at.
const LOOKED_AT: usize = 10_000;

const NAME_CHARS_MAX: usize = 100;

/// The user folder of one instance, as [`crate::launch`] lays it out.
#[derive(Clone, Debug)]
pub struct Saved {
    user: PathBuf,
}

impl Saved {
    pub fn of(instance_dir: &Path) -> Self {
        Self { user: instance_dir.join("user") }
    }

    fn folder(&self, kind: SavedKind) -> PathBuf {
        self.user.join(match kind {
            SavedKind::Screenshots => "screenshots",
            SavedKind::Recordings => "recordings",
        })
    }

    /// For OpenSpace, which takes a path as it is: one without a folder is below wherever it was started.
    pub(crate) fn path(&self, kind: SavedKind, name: &str) -> PathBuf {
        self.folder(kind).join(name)
    }

    /// Newest first. A folder that is not there, or cannot be read, holds nothing.
    pub fn list(&self, kind: SavedKind) -> Vec<SavedFile> {
        let entries = fs::read_dir(self.folder(kind)).into_iter().flatten().flatten().take(LOOKED_AT);
        let file = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_name(kind, name))?;
            // Of the entry itself: a link is not followed.
            described(name, &entry.metadata().ok()?)
        };
        let mut files: Vec<_> = entries.filter_map(file).collect();
        files.sort_by(|a, b| (b.saved, b.name.len(), &b.name).cmp(&(a.saved, a.name.len(), &a.name)));
        files
    }

    /// `None` for whatever [`Self::list`] does not have.
    pub fn open(&self, kind: SavedKind, name: &str) -> Option<(SavedFile, File)> {
        let listed = self.list(kind).into_iter().find(|file| file.name == name)?;
        let file = File::open(self.path(kind, &listed.name)).ok()?;
        Some((described(listed.name, &file.metadata().ok()?)?, file))
    }

    /// The file that was not there, or not like this, when `before` was listed; once it is whole.
    ///
    /// OpenSpace numbers its screenshots anew at each start and writes over older ones, so a picture gets a name of its own here.
    pub fn fresh(&self, kind: SavedKind, before: &[SavedFile]) -> Option<SavedFile> {
        let files = self.list(kind);
        let fresh = files.iter().find(|file| !before.contains(file))?;
        let fresh = match kind {
            SavedKind::Recordings => fresh.clone(),
            SavedKind::Screenshots => {
                let path = self.path(kind, &fresh.name);
                if !is_whole_picture(&path).unwrap_or(false) {
                    return None;
                }
                let name = next_name(kind, &files);
                fs::rename(&path, self.path(kind, &name)).ok()?;
                SavedFile { name, ..fresh.clone() }
            }
        };
        self.make_room(kind);
        Some(fresh)
    }

    fn make_room(&self, kind: SavedKind) {
        let kept = match kind {
            SavedKind::Screenshots => SCREENSHOTS_KEPT,
            SavedKind::Recordings => RECORDINGS_KEPT,
        };
        for old in self.list(kind).into_iter().skip(kept) {
            if let Err(error) = fs::remove_file(self.path(kind, &old.name)) {
                tracing::warn!(name = old.name, %error, "an old file of an instance could not be removed");
            }
        }
    }
}

/// `recording-7.osrec` after `recording-6.osrec`.
pub(crate) fn next_name(kind: SavedKind, files: &[SavedFile]) -> String {
    let (stem, ending) = words(kind);
    let number = |file: &SavedFile| file.name.strip_prefix(stem)?.strip_suffix(ending)?.parse::<u32>().ok();
    let last = files.iter().filter_map(number).max().unwrap_or(0);
    format!("{stem}{}{ending}", last.saturating_add(1))
}

const fn words(kind: SavedKind) -> (&'static str, &'static str) {
    match kind {
        SavedKind::Screenshots => ("screenshot-", ".png"),
        SavedKind::Recordings => ("recording-", ".osrec"),
    }
}

/// Pictures are named by OpenSpace or here, recordings only here.
fn is_name(kind: SavedKind, name: &str) -> bool {
    let (stem, ending) = words(kind);
    let Some(rest) = name.strip_suffix(ending).filter(|_| name.len() <= NAME_CHARS_MAX) else { return false };
    match kind {
        SavedKind::Screenshots => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            rest.bytes().all(plain) && rest.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        }
        SavedKind::Recordings => rest
            .strip_prefix(stem)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

fn described(name: String, metadata: &fs::Metadata) -> Option<SavedFile> {
    let since_1970 = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let saved = UnixMillis(i64::try_from(since_1970.as_millis()).ok()?);
    metadata.is_file().then_some(SavedFile { name, bytes: metadata.len(), saved })
}

/// A picture that is still being written lacks its last chunk.
fn is_whole_picture(path: &Path) -> io::Result<bool> {
    const FIRST: &[u8] = b"\x89PNG\r\n\x1a\n";
    const LAST: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";
    let mut file = File::open(path)?;
    let (mut head, mut end) = ([0; FIRST.len()], [0; LAST.len()]);
    file.read_exact(&mut head)?;
    file.seek(SeekFrom::End(-(LAST.len() as i64)))?;
    file.read_exact(&mut end)?;
    Ok(head == FIRST && end == LAST)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n...\0\0\0\0IEND\xaeB`\x82";

    fn saved() -> (tempfile::TempDir, Saved) {
        let dir = tempfile::tempdir().unwrap();
        let saved = Saved::of(dir.path());
        for kind in [SavedKind::Screenshots, SavedKind::Recordings] {
            fs::create_dir_all(saved.folder(kind)).unwrap();
        }
        (dir, saved)
    }

    fn names(files: &[SavedFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn only_what_was_saved_here_is_listed_and_opened() {
        let (dir, saved) = saved();
        let secret = dir.path().join("secret.png");
        fs::write(&secret, "secret").unwrap();
        let recordings = saved.folder(SavedKind::Recordings);
        for name in
            ["recording-1.osrec", "uploaded.osrec", "recording-.osrec", "recording-2.osrectxt", ".osrec"]
        {
            fs::write(recordings.join(name), "x").unwrap();
        }
        symlink(&secret, recordings.join("recording-9.osrec")).unwrap();
        fs::create_dir(recordings.join("recording-8.osrec")).unwrap();
        assert_eq!(names(&saved.list(SavedKind::Recordings)), ["recording-1.osrec"]);

        let screenshots = saved.folder(SavedKind::Screenshots);
        fs::write(screenshots.join("OpenSpace_000001.png"), PICTURE).unwrap();
        fs::write(screenshots.join(".hidden.png"), PICTURE).unwrap();
        symlink(&secret, screenshots.join("link.png")).unwrap();
        assert_eq!(names(&saved.list(SavedKind::Screenshots)), ["OpenSpace_000001.png"]);

        assert!(saved.open(SavedKind::Screenshots, "OpenSpace_000001.png").is_some());
        for name in [
            "link.png",
            ".hidden.png",
            "../secret.png",
            "../../secret.png",
            "/etc/passwd",
            "",
            ".",
            "x\0.png",
        ] {
            assert!(saved.open(SavedKind::Screenshots, name).is_none(), "{name}");
        }
        assert!(saved.open(SavedKind::Recordings, "recording-9.osrec").is_none());
    }

    #[test]
    fn a_picture_is_fresh_when_it_is_whole_and_is_never_written_over() {
        let (_dir, saved) = saved();
        let theirs = saved.path(SavedKind::Screenshots, "OpenSpace_000000.png");
        for number in 1..=2 {
            let before = saved.list(SavedKind::Screenshots);
            fs::write(&theirs, &PICTURE[..PICTURE.len() - 1]).unwrap();
            assert_eq!(saved.fresh(SavedKind::Screenshots, &before), None, "half of it is there");
            fs::write(&theirs, PICTURE).unwrap();
            let fresh = saved.fresh(SavedKind::Screenshots, &before).unwrap();
            assert_eq!(fresh.name, format!("screenshot-{number}.png"));
        }
        assert_eq!(saved.list(SavedKind::Screenshots).len(), 2);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_and_numbers_are_not_used_again() {
        let (_dir, saved) = saved();
        for number in 1..=RECORDINGS_KEPT + 3 {
            let name = next_name(SavedKind::Recordings, &saved.list(SavedKind::Recordings));
            assert_eq!(name, format!("recording-{number}.osrec"));
            let before = saved.list(SavedKind::Recordings);
            fs::write(saved.path(SavedKind::Recordings, &name), "x").unwrap();
            assert_eq!(saved.fresh(SavedKind::Recordings, &before).unwrap().name, name);
        }
        let left = saved.list(SavedKind::Recordings);
        assert_eq!((left.len(), left[0].name.as_str()), (RECORDINGS_KEPT, "recording-53.osrec"));
    }
}
