//! One encoding thread: takes pictures, encodes them, hands the frames out. It does what [`Pace`] says.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::Bitrate;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    EncodedFrame, End,
    adjust::Adjuster,
    branch::{Branch, Plan},
    camera::{Camera, Shutter},
    encode::{Encoder, choose::STREAM_BEGINS},
    mailbox::Taken,
    meter::Meter,
    pace::{Pace, Step},
    picture::Picture,
};

/// Grabs that fail one after the other before the display counts as gone. A mode switch makes one fail, not a row of them.
const FAILED_GRABS_MAX: u32 = 20;

/// The clock of RTP video.
const RTP_HZ: u128 = 90_000;

/// Two frames of one rendition are at least so far apart: a picture may come after the repeat of an older one.
const FRAMES_APART: Duration = Duration::from_millis(1);

pub(crate) struct Worker<C> {
    camera: C,
    encoder: Box<dyn Encoder>,
    branch: Arc<Branch>,
    /// What was taken last; `None` also when it is not what the display shows now.
    last: Option<Arc<Picture>>,
    pace: Pace,
    meter: Meter,
    /// What the encoder may make, and what it is told for that.
    bitrate: Bitrate,
    adjuster: Adjuster,
    began: Instant,
    /// Of the last frame.
    captured: Option<Instant>,
    /// Somebody watches this rendition, not only others that hang on this camera.
    watched: bool,
    /// The next change will be told.
    armed: bool,
    failed_grabs: u32,
}

impl<C: Camera> Worker<C> {
    pub fn new(
        camera: C,
        encoder: Box<dyn Encoder>,
        branch: Arc<Branch>,
        plan: &Plan,
        bitrate: Bitrate,
    ) -> Self {
        Self {
            camera,
            encoder,
            branch,
            last: None,
            pace: Pace::new(plan.fps_max),
            meter: Meter::new(Instant::now()),
            bitrate,
            adjuster: Adjuster::default(),
            began: plan.began,
            captured: None,
            watched: false,
            armed: true,
            failed_grabs: 0,
        }
    }

    /// Until it is told to stop, or until nobody watches any more where that is an end. Why it ended by itself, otherwise.
    pub fn run(mut self) -> Option<End> {
        while !self.branch.wishes.is_stopped() {
            if let Err(end) = self.turn() {
                return Some(end);
            }
            if !self.watched && !self.camera.outlives_viewers() {
                self.last_word();
                return None;
            }
        }
        None
    }

    /// Hears everything that happened, then does one thing.
    fn turn(&mut self) -> Result<(), End> {
        self.hear_wishes()?;
        if self.camera.changes()? {
            self.armed = false;
            self.pace.changed(Instant::now());
        }
        self.report();
        match self.pace.decide(Instant::now()) {
            Step::Grab { keyframe } => self.grab(keyframe),
            Step::Repeat { keyframe } => self.repeat(keyframe),
            Step::Sleep(until) => self.sleep(until),
        }
    }

    fn hear_wishes(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let branch = Arc::clone(&self.branch);
        branch.wishes.heard();
        let watched = branch.wishes.watchers() > 0;
        if let Some(demand) = branch.wishes.take_keyframe() {
            self.pace.want_keyframe(demand, now);
        }
        self.follow(branch.wishes.bitrate())?;
        self.pace.set_watched(watched || self.camera.is_wanted(), now);
        if watched && !self.watched {
            // What was taken for others may be newer.
            self.last = None;
            self.meter.restart(now);
        } else if self.watched && !watched {
            self.pace.forget_keyframe();
            self.last_word();
        }
        self.watched = watched;
        Ok(())
    }

    fn follow(&mut self, bitrate: Bitrate) -> Result<(), End> {
        let news = if bitrate == self.bitrate {
            self.adjuster.news(bitrate)
        } else {
            self.bitrate = bitrate;
            Some(self.adjuster.tell(bitrate))
        };
        let Some(told) = news else { return Ok(()) };
        self.encoder.set_bitrate(told).map_err(|error| End::EncoderFailed(error.to_string()))
    }

    /// Until somebody watches again: nothing runs.
    fn last_word(&mut self) {
        let now = Instant::now();
        self.meter.restart(now);
        self.branch.stats.send_replace(self.meter.read(self.bitrate, now));
    }

    fn grab(&mut self, keyframe: bool) -> Result<(), End> {
        let began = Instant::now();
        self.pace.grabbed(began);
        self.armed = true;
        match self.camera.take(self.watched)? {
            Shutter::Taken(Taken { picture, captured }) => {
                self.failed_grabs = 0;
                self.last = Some(Arc::clone(&picture));
                self.encode(&picture, captured, keyframe)?;
            }
            Shutter::Nothing => {
                self.failed_grabs = 0;
                self.last = None;
                self.pace.encoded(began, Instant::now(), None);
            }
            Shutter::Missed(why) if self.failed_grabs < FAILED_GRABS_MAX => {
                self.failed_grabs += 1;
                tracing::debug!(why, "there was no picture to be had");
                self.pace.changed(began);
            }
            Shutter::Missed(why) => {
                tracing::debug!(why, "the display cannot be captured any more");
                return Err(End::WindowGone);
            }
        }
        self.camera.pass_on();
        Ok(())
    }

    fn repeat(&mut self, keyframe: bool) -> Result<(), End> {
        let began = Instant::now();
        match self.last.clone() {
            Some(picture) => {
                self.pace.repeated();
                self.encode(&picture, began, keyframe)
            }
            None if self.watched => self.grab(keyframe),
            None => {
                self.pace.repeated();
                self.pace.encoded(began, began, None);
                Ok(())
            }
        }
    }

    fn encode(&mut self, picture: &Arc<Picture>, captured: Instant, keyframe: bool) -> Result<(), End> {
        let captured = self.captured.map_or(captured, |last| captured.max(last + FRAMES_APART));
        self.captured = Some(captured);
        let time = captured.saturating_duration_since(self.began);
        let frame = self
            .encoder
            .encode(picture, STREAM_BEGINS + time, keyframe)
            .map_err(|error| End::EncoderFailed(error.to_string()))?;
        let now = Instant::now();
        if let Some(frame) = &frame {
            let took = now.saturating_duration_since(captured);
            self.meter.frame(took, frame.data.len(), frame.keyframe);
            self.adjuster.frame(frame.data.len(), self.bitrate, captured);
            self.branch.hub.publish(&Arc::new(EncodedFrame {
                data: frame.data.clone(),
                codec: self.branch.rendition.codec,
                keyframe: frame.keyframe,
                captured,
                // Wraps around after 13 hours, as the field of RTP does.
                rtp_time: (time.as_nanos() * RTP_HZ / 1_000_000_000) as u32,
            }));
        }
        let missed = self.pace.encoded(captured, now, frame.map(|frame| frame.keyframe));
        self.meter.missed(missed);
        Ok(())
    }

    fn report(&mut self) {
        let now = Instant::now();
        if self.watched && self.meter.due() <= now {
            self.branch.stats.send_replace(self.meter.read(self.bitrate, now));
        }
    }

    /// Until then, or until something changes or somebody wishes something.
    fn sleep(&mut self, until: Option<Instant>) -> Result<(), End> {
        if self.pace.is_watched() && !self.armed {
            self.armed = true;
            self.camera.arm()?;
        }
        let until = [until, self.watched.then(|| self.meter.due())].into_iter().flatten().min();
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = timeout
            .map(|wait| Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() });
        let bell = Some(self.branch.wishes.bell().fd());
        let mut fds: Vec<_> = [bell, self.camera.fd()]
            .into_iter()
            .flatten()
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(End::EncoderFailed(format!("an encoding thread cannot wait: {error}"))),
        }
    }
}
