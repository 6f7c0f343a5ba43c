//! What a start loads and downloads at the moment, as people read it. Pure.

use std::time::{Duration, Instant};

use openspace::readiness::Sign;

/// A start names hundreds of assets; people read a few a second, and each change is told to every viewer.
const TELL_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(crate) struct Loading {
    asset: Option<String>,
    begun: u32,
    done: u32,
    told: Option<(Instant, String)>,
}

impl Loading {
    pub fn hear(&mut self, sign: Sign, now: Instant) {
        match sign {
            Sign::Asset(name) => self.asset = Some(name),
            Sign::DownloadBegun => self.begun += 1,
            Sign::DownloadDone => self.done += 1,
            Sign::Phase(_) | Sign::Rendering | Sign::Fatal(_) => return,
        }
        let due = self.told.as_ref().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= TELL_EVERY);
        if let Some(words) = self.words().filter(|_| due) {
            self.told = Some((now, words));
        }
    }

    pub fn told(&self) -> Option<String> {
        self.told.as_ref().map(|(_, words)| words.clone())
    }

    /// A download is what takes minutes, so it is said before anything else.
    fn words(&self) -> Option<String> {
        if self.done < self.begun {
            return Some(format!("downloading its data: {} of {} files so far", self.done, self.begun));
        }
        self.asset.as_ref().map(|name| format!("loading “{name}”"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_told_before_assets_and_nothing_more_often_than_people_read() {
        let start = Instant::now();
        let mut loading = Loading::default();
        let asset = |name: &str| Sign::Asset(name.to_owned());
        for (after_ms, sign, told) in [
            (0, Sign::Rendering, None),
            (0, asset("sun"), Some("loading “sun”")),
            (10, asset("earth"), Some("loading “sun”")),
            (260, asset("mars"), Some("loading “mars”")),
            (600, Sign::DownloadBegun, Some("downloading its data: 0 of 1 files so far")),
            (900, Sign::DownloadBegun, Some("downloading its data: 0 of 2 files so far")),
            (1200, Sign::DownloadDone, Some("downloading its data: 1 of 2 files so far")),
            (1500, asset("moon"), Some("downloading its data: 1 of 2 files so far")),
            (1800, Sign::DownloadDone, Some("loading “moon”")),
        ] {
            loading.hear(sign, start + Duration::from_millis(after_ms));
            assert_eq!(loading.told().as_deref(), told, "after {after_ms} ms");
        }
    }
}
