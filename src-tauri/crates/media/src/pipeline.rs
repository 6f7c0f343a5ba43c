//! The capture thread of one instance: grab, convert, encode, hand out. All four in one thread, so that a picture waits for
//! nothing between them.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use model::{
    Bitrate,
    video::{Codec, EncoderChoice},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::{oneshot, watch};

use crate::{
    EncodedFrame, End, Feed, OpenError, PipelineSpec, Stats,
    capture::{CaptureError, Screen},
    encode::{
        Encoder, Settings,
        choose::{Chosen, STREAM_BEGINS, choose},
    },
    hub::Hub,
    meter::Meter,
    pace::{Demand, Pace, Step},
    picture::{Picture, Pictures},
    priority,
    wishes::Wishes,
};

/// Longer than all trials of all encoders together may take.
const OPEN_DEADLINE: Duration = Duration::from_secs(60);

/// Grabs that fail one after the other before the display counts as gone. A mode switch makes one fail, not a row of them.
const FAILED_GRABS_MAX: u32 = 20;

/// The clock of RTP video.
const RTP_HZ: u128 = 90_000;

/// Capture and encoder of one instance. Dropping it ends both, within a frame's time and without waiting for it.
#[derive(Debug)]
pub struct Pipeline {
    choice: EncoderChoice,
    profile_level_id: Option<[u8; 3]>,
    wishes: Arc<Wishes>,
    hub: Arc<Hub>,
    stats: watch::Receiver<Stats>,
    end: watch::Receiver<Option<End>>,
    thread: Option<JoinHandle<()>>,
}

impl Pipeline {
    pub async fn open(spec: PipelineSpec) -> Result<Self, OpenError> {
        let failed = |error: std::io::Error| {
            OpenError::Capture(format!("this machine has no resources left: {error}"))
        };
        let wishes = Arc::new(Wishes::new(spec.bitrate).map_err(failed)?);
        let hub = Arc::new(Hub::new(Arc::clone(&wishes)));
        let (stats_in, stats) = watch::channel(Stats::default());
        let (end_in, end) = watch::channel(None);
        let (opened_in, opened) = oneshot::channel();
        let outlets =
            Outlets { wishes: Arc::clone(&wishes), hub: Arc::clone(&hub), stats: stats_in, end: end_in };
        let thread = thread::Builder::new()
            .name(format!("media {}", spec.display.name()))
            .spawn(move || run(&spec, outlets, opened_in))
            .map_err(failed)?;
        let opened = tokio::time::timeout(OPEN_DEADLINE, opened).await.map_err(|_| {
            OpenError::Capture(format!(
                "nothing came of it within {} s: the display or a driver hangs",
                OPEN_DEADLINE.as_secs()
            ))
        })?;
        let (choice, profile_level_id) = opened
            .map_err(|_| OpenError::Capture("the capture thread crashed while it started".into()))??;
        Ok(Self { choice, profile_level_id, wishes, hub, stats, end, thread: Some(thread) })
    }

    /// A new subscriber gets a keyframe first.
    pub fn subscribe(&self) -> Feed {
        self.hub.subscribe()
    }

    /// Asks for a keyframe; debounced for the whole instance.
    pub fn want_keyframe(&self) {
        self.wishes.want_keyframe(Demand::Viewer);
    }

    /// Holds from the next frame on.
    pub fn set_bitrate(&self, bitrate: Bitrate) {
        self.wishes.set_bitrate(bitrate);
    }

    pub fn choice(&self) -> &EncoderChoice {
        &self.choice
    }

    /// H.264: profile, constraints and level that the stream itself declares, as SDP's `profile-level-id` writes them.
    pub fn profile_level_id(&self) -> Option<[u8; 3]> {
        self.profile_level_id
    }

    /// New each second while somebody watches.
    pub fn stats(&self) -> watch::Receiver<Stats> {
        self.stats.clone()
    }

    /// Resolves when the pipeline has ended by itself.
    pub async fn ended(&self) -> End {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(end)) => end.clone(),
            _ => End::EncoderFailed("the capture thread crashed".into()),
        }
    }

    /// Ends capture and encoder, and returns when both are gone.
    pub async fn close(mut self) {
        self.wishes.stop();
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.wishes.stop();
    }
}

/// Where the thread's doings go, and where its orders come from.
struct Outlets {
    wishes: Arc<Wishes>,
    hub: Arc<Hub>,
    stats: watch::Sender<Stats>,
    end: watch::Sender<Option<End>>,
}

/// However the thread ends, also by a panic, nobody waits for frames that cannot come.
impl Drop for Outlets {
    fn drop(&mut self) {
        self.hub.end();
    }
}

type OpenResult = Result<(EncoderChoice, Option<[u8; 3]>), OpenError>;

fn run(spec: &PipelineSpec, outlets: Outlets, opened: oneshot::Sender<OpenResult>) {
    priority::go_first();
    match open(spec, outlets) {
        Ok((worker, choice, profile_level_id)) => {
            // Nobody receives it if the one who opened us has gone away meanwhile.
            if opened.send(Ok((choice, profile_level_id))).is_ok() {
                worker.run();
            }
        }
        Err(error) => {
            let _ = opened.send(Err(error));
        }
    }
}

fn open(
    spec: &PipelineSpec,
    outlets: Outlets,
) -> Result<(Worker, EncoderChoice, Option<[u8; 3]>), OpenError> {
    let capture = |error: CaptureError| OpenError::Capture(error.to_string());
    let mut screen = Screen::open(&spec.display).map_err(capture)?;
    screen.watch(spec.window).map_err(capture)?;
    let settings = Settings {
        size: spec.size.clamped(),
        fps_max: spec.fps_max,
        bitrate: outlets.wishes.bitrate(),
        cores: thread::available_parallelism().map_or(1, usize::from),
    };
    let Chosen { encoder, format, choice, profile_level_id } =
        choose(&spec.encoders, settings).map_err(OpenError::NoEncoder)?;
    tracing::info!(display = %spec.display.name(), encoder = %choice.name, reason = %choice.reason, "capture runs");
    let now = Instant::now();
    let worker = Worker {
        screen,
        encoder,
        codec: choice.codec,
        pictures: Pictures::new(format),
        last: None,
        pace: Pace::new(spec.fps_max),
        meter: Meter::new(now),
        bitrate: settings.bitrate,
        began: now,
        armed: true,
        failed_grabs: 0,
        outlets,
    };
    Ok((worker, choice, profile_level_id))
}

/// Does what [`Pace`] says.
struct Worker {
    screen: Screen,
    encoder: Box<dyn Encoder>,
    codec: Codec,
    pictures: Pictures,
    /// What the display showed when it was last grabbed.
    last: Option<Arc<Picture>>,
    pace: Pace,
    meter: Meter,
    /// What the encoder was last told.
    bitrate: Bitrate,
    began: Instant,
    /// Whether the server will tell of the next change.
    armed: bool,
    failed_grabs: u32,
    outlets: Outlets,
}

impl Worker {
    fn run(mut self) {
        while !self.outlets.wishes.is_stopped() {
            if let Err(end) = self.turn() {
                tracing::info!(?end, "capture ends");
                self.outlets.end.send_replace(Some(end));
                return;
            }
        }
    }

    /// Hears everything that happened, then does one thing.
    fn turn(&mut self) -> Result<(), End> {
        self.hear_wishes()?;
        if self.screen.changes().map_err(gone)? {
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
        let (now, wishes) = (Instant::now(), &self.outlets.wishes);
        wishes.heard();
        let (watched, was_watched) = (wishes.watchers() > 0, self.pace.is_watched());
        if let Some(demand) = wishes.take_keyframe() {
            self.pace.want_keyframe(demand, now);
        }
        let bitrate = wishes.bitrate();
        if bitrate != self.bitrate {
            self.bitrate = bitrate;
            self.encoder.set_bitrate(bitrate).map_err(|error| End::EncoderFailed(error.to_string()))?;
        }
        self.pace.set_watched(watched, now);
        if watched && !was_watched {
            self.meter.restart(now);
        } else if was_watched && !watched {
            // The last word until somebody watches again: nothing runs.
            self.meter.restart(now);
            self.outlets.stats.send_replace(self.meter.read(self.bitrate, now));
        }
        Ok(())
    }

    fn grab(&mut self, keyframe: bool) -> Result<(), End> {
        let began = Instant::now();
        self.pace.grabbed(began);
        self.armed = true;
        match self.screen.grab(self.pictures.size()) {
            Ok(shot) => {
                self.failed_grabs = 0;
                let picture = self.pictures.picture(shot).map_err(|error| {
                    End::EncoderFailed(format!("the picture cannot be converted: {error}"))
                })?;
                self.last = Some(Arc::clone(&picture));
                self.encode(&picture, began, keyframe)
            }
            Err(CaptureError::Refused(why)) if self.failed_grabs < FAILED_GRABS_MAX => {
                self.failed_grabs += 1;
                tracing::debug!(why, "the display could not be grabbed");
                self.pace.changed(began);
                Ok(())
            }
            Err(error) => Err(gone(error)),
        }
    }

    fn repeat(&mut self, keyframe: bool) -> Result<(), End> {
        let began = Instant::now();
        self.pace.repeated();
        match self.last.clone() {
            Some(picture) => self.encode(&picture, began, keyframe),
            None => self.grab(keyframe),
        }
    }

    fn encode(&mut self, picture: &Arc<Picture>, captured: Instant, keyframe: bool) -> Result<(), End> {
        let time = captured.saturating_duration_since(self.began);
        let frame = self
            .encoder
            .encode(picture, STREAM_BEGINS + time, keyframe)
            .map_err(|error| End::EncoderFailed(error.to_string()))?;
        let now = Instant::now();
        if let Some(frame) = &frame {
            self.meter.frame(now - captured, frame.data.len(), frame.keyframe);
            self.outlets.hub.publish(&Arc::new(EncodedFrame {
                data: frame.data.clone(),
                codec: self.codec,
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
        if self.pace.is_watched() && self.meter.due() <= now {
            self.outlets.stats.send_replace(self.meter.read(self.bitrate, now));
        }
    }

    /// Until then, or until the display changes or somebody wishes something.
    fn sleep(&mut self, until: Option<Instant>) -> Result<(), End> {
        let watched = self.pace.is_watched();
        if watched && !self.armed {
            self.armed = true;
            self.screen.arm().map_err(gone)?;
        }
        let until = [until, watched.then(|| self.meter.due())].into_iter().flatten().min();
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = timeout
            .map(|wait| Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() });
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = [readable(self.screen.fd()), readable(self.outlets.wishes.bell())];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(End::EncoderFailed(format!("the capture thread cannot wait: {error}"))),
        }
    }
}

fn gone(error: CaptureError) -> End {
    tracing::debug!(%error, "the display cannot be captured any more");
    End::WindowGone
}
