//! Opens and closes the one pipeline of an instance as it is wanted. What is wanted is decided by [`Wish`]; pure.

use std::{sync::Arc, time::Instant};

use media::{Pipeline, PipelineSpec};
use model::{DisplayAddress, Running, Size, WindowId};
use tokio::task::JoinHandle;
use tracing::warn;

use super::{Picture, Setup};

/// What is to be captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    display: DisplayAddress,
    window: WindowId,
    /// As large as the display is to be.
    pub size: Size,
}

impl Source {
    pub fn of(running: &Running, size: Size) -> Option<Self> {
        Some(Self { display: running.display.address.clone(), window: running.window?, size })
    }

    /// The same, in whatever size.
    pub fn shows_what(&self, other: &Self) -> bool {
        (&self.display, self.window) == (&other.display, other.window)
    }
}

/// When is there to be a picture: while somebody watches, and a little longer.
#[derive(Debug, Default)]
pub struct Wish {
    pub source: Option<Source>,
    pub watched: bool,
    /// Until when the picture outlives its last viewer.
    linger_until: Option<Instant>,
}

impl Wish {
    pub fn watch(&mut self, watched: bool, now: Instant, linger: std::time::Duration) {
        if self.watched && !watched {
            self.linger_until = Some(now + linger);
        }
        self.watched = watched;
    }

    pub fn wanted(&self, now: Instant) -> Option<&Source> {
        let lingers = self.linger_until.is_some_and(|until| now < until);
        self.source.as_ref().filter(|_| self.watched || lingers)
    }

    pub fn wake_at(&self) -> Option<Instant> {
        self.linger_until.filter(|_| !self.watched)
    }

    pub fn slept(&mut self, now: Instant) {
        if self.linger_until.is_some_and(|until| now >= until) {
            self.linger_until = None;
        }
    }
}

type Opening = JoinHandle<Result<Pipeline, String>>;

#[derive(Debug)]
pub enum Event {
    /// `Err` is a sentence.
    Opened(Result<(), String>),
    Ended(media::End),
}

/// The pipeline that runs, or the one that is being opened.
#[derive(Debug, Default)]
pub struct Projector {
    epoch: u64,
    showing: Option<(Source, Picture)>,
    opening: Option<(Source, Opening)>,
    /// Encoders that broke down while they ran: others are tried first.
    broken: Vec<String>,
}

impl Projector {
    pub fn picture(&self) -> Option<&Picture> {
        self.showing.as_ref().map(|(_, picture)| picture)
    }

    /// Brings what runs nearer to what is wanted. Opening goes on beside; [`Projector::event`] tells when it is done.
    pub fn reconcile(&mut self, wanted: Option<&Source>, setup: &Setup) {
        // In another size it is shown as it was until the new one is there.
        if self
            .showing
            .as_ref()
            .is_some_and(|(shown, _)| !wanted.is_some_and(|wanted| shown.shows_what(wanted)))
        {
            self.showing = None;
        }
        if self.opening.as_ref().is_some_and(|(source, _)| Some(source) != wanted)
            && let Some((_, opening)) = self.opening.take()
        {
            opening.abort();
        }
        if let Some(source) = wanted
            && self.showing.as_ref().is_none_or(|(shown, _)| shown != source)
            && self.opening.is_none()
        {
            let encoders = without_broken(&setup.encoders, &self.broken);
            let opening = tokio::spawn(open(source.clone(), spec(source, setup, encoders)));
            self.opening = Some((source.clone(), opening));
        }
    }

    /// Resolves when an opening is done, or when the pipeline that runs has ended by itself. Safe to drop and to call again.
    pub async fn event(&mut self) -> Event {
        if self.opening.is_some() {
            Event::Opened(self.opened().await)
        } else if let Some((_, picture)) = self.showing.as_ref() {
            let end = picture.pipeline.ended().await;
            if matches!(end, media::End::EncoderFailed(_)) {
                self.broken.push(picture.pipeline.choice().name.clone());
            }
            self.showing = None;
            Event::Ended(end)
        } else {
            std::future::pending().await
        }
    }

    async fn opened(&mut self) -> Result<(), String> {
        let Some((_, opening)) = self.opening.as_mut() else { return Ok(()) };
        let result = opening.await;
        let Some((source, _)) = self.opening.take() else { return Ok(()) };
        let pipeline = match result {
            Ok(Ok(pipeline)) => pipeline,
            Ok(Err(why)) => return Err(why),
            Err(join) => return Err(format!("opening the capture broke off: {join}")),
        };
        self.epoch += 1;
        let picture = Picture { epoch: self.epoch, size: source.size, pipeline: Arc::new(pipeline) };
        self.showing = Some((source, picture));
        Ok(())
    }
}

/// Makes the display as large as it is to be, then captures it. A display of a size that cannot be captured gets its old one back.
async fn open(source: Source, mut spec: PipelineSpec) -> Result<Pipeline, String> {
    let before = resize(source.display.clone(), source.size).await?;
    spec.resized = before != source.size;
    match Pipeline::open(spec).await {
        Ok(pipeline) => Ok(pipeline),
        Err(error) => {
            if let Err(why) = resize(source.display, before).await {
                warn!(why, "a display did not get its old size back");
            }
            Err(error.to_string())
        }
    }
}

/// Answers with the size that it had.
async fn resize(display: DisplayAddress, size: Size) -> Result<Size, String> {
    let resized = tokio::task::spawn_blocking(move || display::resize(&display, size)).await;
    match resized {
        Ok(before) => before.map_err(|error| format!("{error:#}")),
        Err(join) => Err(format!("resizing the display broke off: {join}")),
    }
}

/// The encoders to try after some have broken down. When none is left all get another chance: a picture may come back with a driver.
fn without_broken(wanted: &[String], broken: &[String]) -> Vec<String> {
    if broken.is_empty() {
        return wanted.to_vec();
    }
    let all = || media::encoder_names().map(str::to_owned).collect();
    let candidates: Vec<String> = if wanted.is_empty() { all() } else { wanted.to_vec() };
    let left: Vec<_> = candidates.iter().filter(|name| !broken.contains(name)).cloned().collect();
    if left.is_empty() { candidates } else { left }
}

fn spec(source: &Source, setup: &Setup, encoders: Vec<String>) -> PipelineSpec {
    PipelineSpec {
        display: source.display.clone(),
        window: source.window,
        size: source.size,
        resized: false,
        fps_max: setup.fps,
        bitrate: setup.bitrates.start,
        encoders,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_picture_outlives_its_last_viewer_by_the_linger() {
        let start = Instant::now();
        let linger = Duration::from_secs(10);
        let display = DisplayAddress { number: 1, auth_file: "/a".into() };
        let source = Source { display, window: WindowId(7), size: Size::HD };
        let mut wish = Wish { source: Some(source), ..Wish::default() };
        assert!(wish.wanted(start).is_none(), "nobody has watched yet");
        wish.watch(true, start, linger);
        assert!(wish.wanted(start).is_some() && wish.wake_at().is_none());
        wish.watch(false, start, linger);
        assert!(wish.wanted(start + linger / 2).is_some());
        assert_eq!(wish.wake_at(), Some(start + linger));
        wish.slept(start + linger);
        assert!(wish.wanted(start + linger).is_none() && wish.wake_at().is_none());
    }

    #[test]
    fn a_broken_encoder_is_passed_over_while_another_is_left() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(without_broken(&[], &[]), names(&[]), "the table's own order");
        let left = without_broken(&[], &names(&["x264enc"]));
        assert!(!left.contains(&"x264enc".to_owned()) && left.contains(&"vp8enc".to_owned()));
        assert_eq!(without_broken(&names(&["a", "b"]), &names(&["a"])), names(&["b"]));
        assert_eq!(without_broken(&names(&["a"]), &names(&["a"])), names(&["a"]));
    }

    #[test]
    fn without_a_window_nothing_is_wanted() {
        let mut wish = Wish::default();
        wish.watch(true, Instant::now(), Duration::ZERO);
        assert!(wish.wanted(Instant::now()).is_none());
    }
}
