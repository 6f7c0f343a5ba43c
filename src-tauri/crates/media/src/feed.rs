//! The frames of one viewer: of one rendition at a time, changed at a keyframe of the next.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::video::{Codec, Rendition, Rung};
use tokio::{select, sync::watch};

use crate::{EncodedFrame, hub::Tap, ladder::Ladder};

/// The least time between two frames, and that on the clock of RTP.
const TICK: Duration = Duration::from_millis(1);
const TICK_RTP: u32 = 90;

/// One that lags loses frames up to the next keyframe. While another rendition is awaited, the old one goes on.
#[derive(Debug)]
pub struct Feed {
    ladder: Arc<Ladder>,
    codec: Codec,
    wanted: watch::Receiver<Rung>,
    /// Whoever decides on the rendition has not gone away.
    decided: bool,
    now: Option<Tuned>,
    coming: Option<Tuned>,
    shown: watch::Sender<Option<Rendition>>,
    /// When the frame that was read last was grabbed, and that on the clock of RTP.
    read: Option<(Instant, u32)>,
}

#[derive(Debug)]
struct Tuned {
    rendition: Rendition,
    tap: Tap,
}

impl Feed {
    pub(crate) fn new(ladder: Arc<Ladder>, codec: Codec, mut wanted: watch::Receiver<Rung>) -> Self {
        let rung = *wanted.borrow_and_update();
        let mut feed = Self {
            ladder,
            codec,
            wanted,
            decided: true,
            now: None,
            coming: None,
            shown: watch::Sender::default(),
            read: None,
        };
        feed.now = feed.tune(rung).or_else(|| feed.tune(Rung::Source));
        feed
    }

    /// The rendition of the frame that was read last.
    pub fn shown(&self) -> watch::Receiver<Option<Rendition>> {
        self.shown.subscribe()
    }

    /// `None` when the pipeline has ended. Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Arc<EncodedFrame>> {
        loop {
            self.now.as_ref().or(self.coming.as_ref())?;
            select! {
                biased;
                changed = self.wanted.changed(), if self.decided => match changed {
                    Ok(()) => self.follow(),
                    Err(_) => self.decided = false,
                },
                frame = next_of(&mut self.coming) => {
                    let coming = self.coming.take();
                    if let Some(frame) = frame {
                        self.now = coming;
                        return Some(self.pass(frame));
                    }
                }
                frame = next_of(&mut self.now) => match frame {
                    Some(frame) => return Some(self.pass(frame)),
                    None => self.fall_back(),
                },
            }
        }
    }

    fn follow(&mut self) {
        let rung = *self.wanted.borrow_and_update();
        let is_now = self.now.as_ref().is_some_and(|now| now.rendition.rung == rung);
        self.coming = if is_now { None } else { self.tune(rung) };
    }

    /// The encoder of what was shown has ended, and perhaps no other has.
    fn fall_back(&mut self) {
        let ended = self.now.take().map(|now| now.rendition.rung);
        if self.coming.is_none() && ended != Some(Rung::Source) {
            self.now = self.tune(Rung::Source);
        }
    }

    fn tune(&self, rung: Rung) -> Option<Tuned> {
        let rendition = Rendition { codec: self.codec, rung };
        self.ladder.tap(rendition).map(|tap| Tuned { rendition, tap })
    }

    /// Renditions are encoded beside each other, so the next may begin with a picture that is a little older than what was shown.
    /// Time goes on all the same: to a player, two frames of one time are one.
    fn pass(&mut self, frame: Arc<EncodedFrame>) -> Arc<EncodedFrame> {
        self.show();
        let late = self.read.filter(|(captured, _)| frame.captured <= *captured);
        let frame = late.map_or(Arc::clone(&frame), |(captured, rtp_time)| {
            let (captured, rtp_time) = (captured + TICK, rtp_time.wrapping_add(TICK_RTP));
            Arc::new(EncodedFrame { captured, rtp_time, ..EncodedFrame::clone(&frame) })
        });
        self.read = Some((frame.captured, frame.rtp_time));
        frame
    }

    fn show(&self) {
        let rendition = self.now.as_ref().map(|now| now.rendition);
        self.shown.send_if_modified(|shown| std::mem::replace(shown, rendition) != rendition);
    }
}

async fn next_of(tuned: &mut Option<Tuned>) -> Option<Arc<EncodedFrame>> {
    match tuned {
        Some(tuned) => tuned.tap.next().await,
        None => std::future::pending().await,
    }
}
