//! The data of a scene, fetched into `${SYNC}` as OpenSpace's HttpSynchronization does it: each asset of the profile is a resource, the
//! repository lists its files, a URL a line, each is fetched beside its place and renamed, and `<version>.ossync` says what is there.
//!
//! Left out: the four further tries that OpenSpace gives a file, a second after the other, without a word in its log.

mod http;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, TryRecvError, channel},
    thread,
};

use crate::log::Log;

/// The version of all that the demo asks for.
const VERSION: u32 = 1;
const WHOLE: &str = "Synchronized";
const IN_PART: &str = "Partial Synchronized";

/// What the log is told; the log itself lives on the render thread.
enum News {
    Begun(String),
    Done(String),
    Failed(String),
}

/// What is being fetched while the scene loads. One that nobody looks at any more goes on until its file is whole.
pub struct Sync {
    news: Receiver<News>,
}

impl Sync {
    /// Of these assets, from this repository.
    pub fn begin(repository: String, assets: &[String], folder: PathBuf) -> Self {
        let (tell, news) = channel();
        let resources: Vec<String> = assets.iter().map(|asset| asset.replace('/', "_")).collect();
        thread::spawn(move || {
            for resource in resources {
                let place = Place { folder: folder.join("http").join(&resource) };
                place.synchronize(&repository, &resource, &tell);
            }
        });
        Self { news }
    }

    /// Writes down what has come since; true once nothing more will come.
    pub fn tell(&self, log: &Log) -> bool {
        loop {
            match self.news.try_recv() {
                Ok(News::Begun(url)) => log.debug("HttpRequest", format!("Started downloading '{url}'")),
                Ok(News::Done(url)) => log.debug("HttpRequest", format!("Finished downloading '{url}'")),
                Ok(News::Failed(why)) => log.error("HttpSynchronization", why),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
    }
}

/// Where one resource lies.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn synchronize(&self, repository: &str, resource: &str, tell: &Sender<News>) {
        let Some(there) = self.there() else { return };
        let list = format!("{repository}?identifier={resource}&file_version={VERSION}&application_version=1");
        let mut text = Vec::new();
        let listed = http::get(&list, &mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        if listed.is_err() {
            // What has come of the list, which without a network is nothing, is all that OpenSpace says of it.
            let _ = tell.send(News::Failed(text));
            return;
        }
        let urls = text.split_whitespace().filter(|url| !url.starts_with('#')).map(str::to_owned);
        let missing: Vec<String> = urls.filter(|url| !there.contains(url)).collect();
        for url in &missing {
            let _ = tell.send(News::Begun(url.clone()));
        }
        let mut got = there;
        let mut whole = true;
        for url in missing {
            let news = match self.fetch(&url) {
                Ok(()) => {
                    got.push(url.clone());
                    News::Done(url)
                }
                Err(_) => {
                    whole = false;
                    News::Failed(format!("Error downloading file from URL '{url}'"))
                }
            };
            let _ = tell.send(news);
        }
        // Without its mark a resource is fetched again by the next start; OpenSpace says nothing of it.
        let _ = self.mark(whole, &got);
    }

    fn marker(&self) -> PathBuf {
        self.folder.join(format!("{VERSION}.ossync"))
    }

    /// The files that are there already; `None` when all are.
    fn there(&self) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.marker()).unwrap_or_default();
        let mut lines = text.lines().skip(1);
        match lines.next() {
            Some(WHOLE) => None,
            Some(IN_PART) => Some(lines.map(str::to_owned).collect()),
            _ => Some(Vec::new()),
        }
    }

    fn fetch(&self, url: &str) -> io::Result<()> {
        let folder = self.folder.join(VERSION.to_string());
        fs::create_dir_all(&folder)?;
        let name = Path::new(url).file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let (file, draft) = (folder.join(name), folder.join(format!("{}.tmp", name.to_string_lossy())));
        let mut into = fs::File::create(&draft)?;
        http::get(url, &mut into)?;
        fs::rename(draft, file)
    }

    fn mark(&self, whole: bool, got: &[String]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = fs::File::create(self.marker())?;
        writeln!(file, "1.0\n{}", if whole { WHOLE } else { IN_PART })?;
        for url in got.iter().filter(|_| !whole) {
            writeln!(file, "{url}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(folder: &Path) -> Place {
        Place { folder: folder.join("http/stars") }
    }

    #[test]
    fn what_is_there_is_known_by_its_mark() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        assert_eq!(place.there(), Some(Vec::new()));
        place.mark(false, &["http://x/a".to_owned()]).unwrap();
        assert_eq!(place.there(), Some(vec!["http://x/a".to_owned()]));
        place.mark(true, &["http://x/a".to_owned()]).unwrap();
        assert_eq!(place.there(), None);
    }

    #[test]
    fn where_nobody_answers_the_list_fails_and_nothing_is_marked() {
        let dir = tempfile::tempdir().unwrap();
        let (tell, news) = channel();
        place(dir.path()).synchronize("http://127.0.0.1:1/request", "stars", &tell);
        assert!(matches!(news.try_recv(), Ok(News::Failed(_))));
        assert!(!place(dir.path()).marker().exists());
    }
}
