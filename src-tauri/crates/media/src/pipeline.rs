//! Capture and encoders of one instance: opens them, and is their remote control.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use model::{
    Bitrate,
    video::{Codec, EncoderChoice, Rendition, Rung},
};
use tokio::sync::{oneshot, watch};

use crate::{
    End, Feed, OpenError, PipelineSpec, RenditionStats, Stats,
    branch::Plan,
    camera::Lens,
    capture::{CaptureError, Screen},
    encode::choose::{Chosen, choose},
    ladder::Ladder,
    pace::Demand,
    priority,
    worker::Worker,
};

/// Longer than all trials of all encoders together may take.
const OPEN_DEADLINE: Duration = Duration::from_secs(60);
/// The window of a display that was resized follows within milliseconds; one that keeps its own size never does.
const FILLED_WITHIN: Duration = Duration::from_millis(300);
/// A program that is busy takes a quarter of a second for its first picture in another size; one that rests may have drawn it before.
const DRAWN_WITHIN: Duration = Duration::from_millis(600);

/// Capture and encoders of one instance. Dropping it ends all, within a frame's time and without waiting for it.
#[derive(Debug)]
pub struct Pipeline {
    opened: Opened,
    end: watch::Receiver<Option<End>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug)]
struct Opened {
    choice: EncoderChoice,
    profile_level_id: Option<[u8; 3]>,
    ladder: Arc<Ladder>,
}

impl Pipeline {
    pub async fn open(spec: PipelineSpec) -> Result<Self, OpenError> {
        let (end_in, end) = watch::channel(None);
        let (opened_in, opened) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(format!("media {}", spec.display.name()))
            .spawn(move || run(&spec, &end_in, opened_in))
            .map_err(|error| no_resources(&error))?;
        let opened = tokio::time::timeout(OPEN_DEADLINE, opened).await.map_err(|_| {
            OpenError::Capture(format!(
                "nothing came of it within {} s: the display or a driver hangs",
                OPEN_DEADLINE.as_secs()
            ))
        })?;
        let opened = opened
            .map_err(|_| OpenError::Capture("the capture thread crashed while it started".into()))??;
        Ok(Self { opened, end, thread: Some(thread) })
    }

    /// The rendition that this machine encodes best, in full size. A new subscriber gets a keyframe first.
    pub fn subscribe(&self) -> Feed {
        self.follow(self.choice().codec, watch::Sender::new(Rung::Source).subscribe())
    }

    /// Frames in this codec and of the rung that is wanted at any time. It is changed at a keyframe of the next one, which its
    /// other viewers get too, debounced; those of other renditions get nothing of it.
    pub fn follow(&self, codec: Codec, wanted: watch::Receiver<Rung>) -> Feed {
        Feed::new(Arc::clone(&self.opened.ladder), codec, wanted)
    }

    /// Asks for a keyframe; debounced for all viewers of the rendition. Of one that cannot be had, the source's stands in.
    pub fn want_keyframe(&self, rendition: Rendition) {
        let ladder = &self.opened.ladder;
        let wanted = ladder.branch(rendition).filter(|branch| !branch.is_broken());
        let source = Rendition { rung: Rung::Source, ..rendition };
        if let Some(branch) = wanted.or_else(|| ladder.branch(source)) {
            branch.wishes.want_keyframe(Demand::Viewer);
        }
    }

    /// Holds from the next frame on, in every codec.
    pub fn set_bitrate(&self, rung: Rung, bitrate: Bitrate) {
        for branch in self.opened.ladder.branches().filter(|branch| branch.rendition.rung == rung) {
            branch.wishes.set_bitrate(bitrate);
        }
    }

    /// The encoder of [`Self::subscribe`].
    pub fn choice(&self) -> &EncoderChoice {
        &self.opened.choice
    }

    /// H.264: profile, constraints and level that the stream itself declares, as SDP's `profile-level-id` writes them.
    pub fn profile_level_id(&self) -> Option<[u8; 3]> {
        self.opened.profile_level_id
    }

    /// Of [`Self::subscribe`]. New each second while somebody watches.
    pub fn stats(&self) -> watch::Receiver<Stats> {
        self.opened.ladder.first.stats.subscribe()
    }

    /// The renditions that are watched now.
    pub fn renditions(&self) -> Vec<RenditionStats> {
        let running = |branch: &crate::branch::Branch| {
            let choice = branch.choice().filter(|_| branch.wishes.watchers() > 0)?;
            Some(RenditionStats {
                rendition: branch.rendition,
                encoder: choice.name.clone(),
                viewers: branch.wishes.watchers(),
                stats: *branch.stats.borrow(),
            })
        };
        self.opened.ladder.branches().filter_map(|branch| running(branch)).collect()
    }

    /// Resolves when the pipeline has ended by itself.
    pub async fn ended(&self) -> End {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(end)) => end.clone(),
            _ => End::EncoderFailed("the capture thread crashed".into()),
        }
    }

    /// Ends capture and encoders, and returns when all are gone.
    pub async fn close(mut self) {
        self.opened.ladder.stop();
        let (thread, ladder) = (self.thread.take(), Arc::clone(&self.opened.ladder));
        let joined = move || {
            thread.map(JoinHandle::join);
            ladder.join();
        };
        let _ = tokio::task::spawn_blocking(joined).await;
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.opened.ladder.stop();
    }
}

/// However the thread ends, also by a panic, nobody waits for frames that cannot come.
struct EndOf(Arc<Ladder>);

impl Drop for EndOf {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn run(
    spec: &PipelineSpec,
    end: &watch::Sender<Option<End>>,
    opened: oneshot::Sender<Result<Opened, OpenError>>,
) {
    priority::go_first();
    match open(spec) {
        Ok((worker, pipeline)) => {
            let _end = EndOf(Arc::clone(&pipeline.ladder));
            // Nobody receives it if the one who opened us has gone away meanwhile.
            if opened.send(Ok(pipeline)).is_ok()
                && let Some(why) = worker.run()
            {
                tracing::info!(end = ?why, "capture ends");
                end.send_replace(Some(why));
            }
        }
        Err(error) => {
            let _ = opened.send(Err(error));
        }
    }
}

fn open(spec: &PipelineSpec) -> Result<(Worker<Lens>, Opened), OpenError> {
    let capture = |error: CaptureError| OpenError::Capture(error.to_string());
    let mut screen = Screen::open(&spec.display).map_err(capture)?;
    if spec.resized {
        screen.wait_until_filled(spec.window, FILLED_WITHIN).map_err(capture)?;
    }
    screen.watch(spec.window).map_err(capture)?;
    if spec.resized {
        screen.forget().map_err(capture)?;
    }
    let plan = Plan {
        size: spec.size.clamped(),
        fps_max: spec.fps_max,
        bitrate: spec.bitrate,
        encoders: spec.encoders.clone(),
        cores: thread::available_parallelism().map_or(1, usize::from),
        began: Instant::now(),
    };
    let settings = plan.settings(Rung::Source, plan.bitrate);
    let Chosen { encoder, format, choice, profile_level_id } =
        choose(&spec.encoders, settings).map_err(OpenError::NoEncoder)?;
    if spec.resized {
        screen.wait_until_drawn(DRAWN_WITHIN).map_err(capture)?;
    }
    tracing::info!(display = %spec.display.name(), encoder = %choice.name, reason = %choice.reason, "capture runs");
    let ladder = Ladder::new(plan.clone(), format.flavour, &choice).map_err(|error| no_resources(&error))?;
    let ladder = Arc::new(ladder);
    let lens = Lens::new(screen, format, ladder.others.clone());
    let worker = Worker::new(lens, encoder, Arc::clone(&ladder.first), &plan, settings.bitrate);
    Ok((worker, Opened { choice, profile_level_id, ladder }))
}

fn no_resources(error: &std::io::Error) -> OpenError {
    OpenError::Capture(format!("this machine has no resources left: {error}"))
}
