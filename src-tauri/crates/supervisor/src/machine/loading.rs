//! What a start loads and downloads at the moment, as people read it. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use openspace::readiness::Sign;

use crate::Downloads;

/// A start names hundreds of assets; people read a few a second, and each change is told to every viewer.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Files that could not be fetched, by name; without a network it may be all of them.
const FAILED_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Loading {
    asset: Option<String>,
    begun: u32,
    done: u32,
    /// What has begun and not come yet, by address.
    awaited: BTreeSet<String>,
    /// What could not be fetched, by address where it has one: OpenSpace says an error twice, on both of its outputs.
    failed: BTreeMap<String, String>,
    told: Option<(Instant, String, Downloads)>,
}

impl Loading {
    pub fn hear(&mut self, sign: Sign, now: Instant) {
        match sign {
            Sign::Asset(name) => self.asset = Some(name),
            Sign::DownloadBegun(address) => self.begun += u32::from(self.awaited.insert(address)),
            Sign::DownloadDone(address) => self.done += u32::from(self.awaited.remove(&address)),
            Sign::DownloadFailed { address, what } => self.fail(address, what),
            Sign::Phase(_) | Sign::Rendering | Sign::Fatal(_) => return,
        }
        self.turn(now);
    }

    fn fail(&mut self, address: Option<String>, what: String) {
        if let Some(address) = &address {
            self.awaited.remove(address);
        }
        if self.failed.len() < FAILED_MAX {
            self.failed.insert(address.unwrap_or_else(|| what.clone()), what);
        }
    }

    /// Tells what is new, unless something was told just now; then it is told when [`Self::wake_at`] says.
    pub fn turn(&mut self, now: Instant) {
        let due = self.told.as_ref().is_none_or(|(at, ..)| now.saturating_duration_since(*at) >= TELL_EVERY);
        if let Some(words) = self.words().filter(|_| due) {
            self.told = Some((now, words, self.downloads()));
        }
    }

    pub fn wake_at(&self) -> Option<Instant> {
        let (at, told, _) = self.told.as_ref()?;
        self.words().filter(|words| words != told).map(|_| *at + TELL_EVERY)
    }

    pub fn told(&self) -> Option<String> {
        self.told.as_ref().map(|(_, words, _)| words.clone())
    }

    /// As of when [`Self::told`] was told.
    pub fn told_downloads(&self) -> Downloads {
        self.told.as_ref().map(|(.., downloads)| downloads.clone()).unwrap_or_default()
    }

    pub fn downloads(&self) -> Downloads {
        let failed = self.failed.values().cloned().collect();
        Downloads { begun: self.begun, done: self.done, failed }
    }

    /// While something is still to come: how many files have, and of how many.
    pub fn awaited(&self) -> Option<(u32, u32)> {
        (!self.awaited.is_empty()).then_some((self.done, self.begun))
    }

    /// A download is what takes minutes, so it is said before anything else.
    fn words(&self) -> Option<String> {
        if let Some((done, begun)) = self.awaited() {
            return Some(format!("downloading its data: {done} of {begun} files so far"));
        }
        let all_here = (self.begun > 0).then(|| "its data is here".to_owned());
        self.asset.as_ref().map(|name| format!("loading “{name}”")).or(all_here)
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
        let begun = |file: &str| Sign::DownloadBegun(file.to_owned());
        let done = |file: &str| Sign::DownloadDone(file.to_owned());
        let failed =
            |file: &str| Sign::DownloadFailed { address: Some(file.to_owned()), what: "c.zip".to_owned() };
        for (after_ms, sign, told) in [
            (0, Sign::Rendering, None),
            (0, asset("sun"), Some("loading “sun”")),
            (10, asset("earth"), Some("loading “sun”")),
            (260, asset("mars"), Some("loading “mars”")),
            (600, begun("a"), Some("downloading its data: 0 of 1 files so far")),
            (900, begun("b"), Some("downloading its data: 0 of 2 files so far")),
            (1200, done("a"), Some("downloading its data: 1 of 2 files so far")),
            (1500, asset("moon"), Some("downloading its data: 1 of 2 files so far")),
            (1800, done("b"), Some("loading “moon”")),
            (2100, begun("c"), Some("downloading its data: 2 of 3 files so far")),
            (2400, failed("c"), Some("loading “moon”")),
            (2700, failed("c"), Some("loading “moon”")),
        ] {
            loading.hear(sign, start + Duration::from_millis(after_ms));
            assert_eq!(loading.told().as_deref(), told, "after {after_ms} ms");
        }
        // What nothing follows is told a moment later.
        loading.hear(asset("moon"), start + Duration::from_millis(3000));
        assert_eq!(loading.wake_at(), None);
        loading.hear(asset("ISS"), start + Duration::from_millis(3010));
        let at = start + Duration::from_millis(3250);
        assert_eq!((loading.told().as_deref(), loading.wake_at()), (Some("loading “moon”"), Some(at)));
        loading.turn(at);
        assert_eq!((loading.told().as_deref(), loading.wake_at()), (Some("loading “ISS”"), None));
        assert_eq!(loading.downloads(), Downloads { begun: 3, done: 2, failed: vec!["c.zip".to_owned()] });
    }
}
