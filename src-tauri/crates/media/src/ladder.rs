//! The renditions of one picture, and who encodes which.
//!
//! The rendition that this machine encodes best, at full size, is made in the thread that grabs: nothing waits between the
//! two. Each other one is a branch with a thread of its own, which runs while somebody watches it and takes over the newest
//! grabbed picture after the first has been encoded.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Instant,
};

use model::{
    Bitrate, FrameRate, Size,
    video::{Codec, EncoderChoice, Rendition, Rung},
};
use tokio::sync::watch;

use crate::{
    End, OpenError, Stats,
    camera::{Copyist, Mailbox},
    encode::{
        Settings,
        choose::{Chosen, choose, names_of},
    },
    hub::{Hub, Tap},
    picture::Flavour,
    wishes::Wishes,
    worker::Worker,
};

/// What all encoders of one instance are opened for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub size: Size,
    pub fps_max: FrameRate,
    pub bitrate: Bitrate,
    pub encoders: Vec<String>,
    pub cores: usize,
    /// Where the clock of the stream begins, for all renditions.
    pub began: Instant,
}

impl Plan {
    pub fn settings(&self, rung: Rung, bitrate: Bitrate) -> Settings {
        Settings { size: rung.size(self.size), fps_max: self.fps_max, bitrate, cores: self.cores }
    }
}

/// One rendition: what is wanted of it, and where its frames go.
#[derive(Debug)]
pub(crate) struct Branch {
    pub rendition: Rendition,
    pub wishes: Arc<Wishes>,
    pub hub: Arc<Hub>,
    pub mailbox: Mailbox,
    pub stats: watch::Sender<Stats>,
    encoding: Mutex<Encoding>,
}

#[derive(Debug)]
enum Encoding {
    Off,
    Opening,
    On(Flavour, Arc<EncoderChoice>),
    /// It does not open here, or broke down; nobody tries again.
    Broken,
}

impl Branch {
    fn new(rendition: Rendition, wishes: Wishes) -> Self {
        let wishes = Arc::new(wishes);
        let hub = Arc::new(Hub::new(Arc::clone(&wishes)));
        let (stats, mailbox) = (watch::Sender::default(), Mailbox::default());
        Self { rendition, wishes, hub, mailbox, stats, encoding: Mutex::new(Encoding::Off) }
    }

    /// The kind of picture that is to be put into the mailbox now.
    pub fn wants(&self) -> Option<Flavour> {
        match *self.encoding() {
            Encoding::On(flavour, _) if self.wishes.watchers() > 0 => Some(flavour),
            _ => None,
        }
    }

    /// The encoder, while it runs.
    pub fn choice(&self) -> Option<Arc<EncoderChoice>> {
        match &*self.encoding() {
            Encoding::On(_, choice) => Some(Arc::clone(choice)),
            _ => None,
        }
    }

    fn encoding(&self) -> MutexGuard<'_, Encoding> {
        self.encoding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if a thread is to be started for it.
    fn begins(&self) -> bool {
        let mut encoding = self.encoding();
        let off = matches!(*encoding, Encoding::Off);
        if off {
            *encoding = Encoding::Opening;
        }
        off
    }

    /// True if nobody came while the encoder was being closed: then it is off.
    fn ends(&self) -> bool {
        let mut encoding = self.encoding();
        let over = self.wishes.watchers() == 0 || self.wishes.is_stopped();
        *encoding = if over { Encoding::Off } else { Encoding::Opening };
        over
    }
}

/// All renditions of one instance.
#[derive(Debug)]
pub(crate) struct Ladder {
    plan: Plan,
    /// Encoded by the thread that grabs.
    pub first: Arc<Branch>,
    pub others: Vec<Arc<Branch>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Ladder {
    pub fn new(plan: Plan, flavour: Flavour, choice: &EncoderChoice) -> io::Result<Self> {
        let rendition = Rendition { codec: choice.codec, rung: Rung::Source };
        let first = Branch::new(rendition, Wishes::new(plan.bitrate, None)?);
        *first.encoding() = Encoding::On(flavour, Arc::new(choice.clone()));
        let others = [Codec::H264, Codec::Vp8]
            .into_iter()
            .flat_map(|codec| Rung::ALL.map(|rung| Rendition { codec, rung }))
            .filter(|other| *other != rendition)
            .map(|other| {
                let supplier = Arc::clone(first.wishes.bell());
                Ok(Arc::new(Branch::new(other, Wishes::new(plan.bitrate, Some(supplier))?)))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { plan, first: Arc::new(first), others, threads: Mutex::default() })
    }

    pub fn branches(&self) -> impl Iterator<Item = &Arc<Branch>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub fn branch(&self, rendition: Rendition) -> Option<&Arc<Branch>> {
        self.branches().find(|branch| branch.rendition == rendition)
    }

    /// Frames of one rendition; its encoder starts if it does not run. `None` when it cannot be had.
    pub fn tap(self: &Arc<Self>, rendition: Rendition) -> Option<Tap> {
        let branch = self.branch(rendition)?;
        if branch.wishes.is_stopped() || matches!(*branch.encoding(), Encoding::Broken) {
            return None;
        }
        let tap = branch.hub.subscribe();
        if branch.begins() {
            let (ladder, own) = (Arc::clone(self), Arc::clone(branch));
            let name = format!("media {:?}", rendition.rung).to_lowercase();
            match thread::Builder::new().name(name).spawn(move || ladder.run(&own)) {
                Ok(thread) => self.keep(thread),
                Err(error) => self.give_up(branch, &format!("no thread could be started: {error}")),
            }
        }
        Some(tap)
    }

    fn keep(&self, thread: JoinHandle<()>) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }

    /// The thread of a branch.
    fn run(&self, branch: &Arc<Branch>) {
        loop {
            if let Err(why) = self.encode(branch) {
                return self.give_up(branch, &why);
            }
            if branch.ends() {
                return;
            }
        }
    }

    fn encode(&self, branch: &Arc<Branch>) -> Result<(), String> {
        let Rendition { codec, rung } = branch.rendition;
        let preferred = self.first.choice().map(|choice| choice.name.clone());
        let names = names_of(codec, preferred.as_deref(), &self.plan.encoders);
        let settings = self.plan.settings(rung, branch.wishes.bitrate());
        let Chosen { encoder, format, choice, .. } =
            choose(&names, settings).map_err(|rejected| OpenError::NoEncoder(rejected).to_string())?;
        tracing::info!(?rung, ?codec, encoder = %choice.name, size = %format.size, "a rendition runs");
        *branch.encoding() = Encoding::On(format.flavour, Arc::new(choice));
        branch.mailbox.hunger();
        self.first.wishes.bell().ring();
        let camera = Copyist::new(Arc::clone(branch), format);
        let worker = Worker::new(camera, encoder, Arc::clone(branch), &self.plan, settings.bitrate);
        let ended = worker.run();
        tracing::info!(?rung, ?codec, "a rendition rests");
        match ended {
            Some(End::EncoderFailed(why)) => Err(why),
            Some(End::WindowGone) | None => Ok(()),
        }
    }

    fn give_up(&self, branch: &Branch, why: &str) {
        tracing::warn!(rendition = ?branch.rendition, why, "a rendition cannot be had; its viewers get the source");
        *branch.encoding() = Encoding::Broken;
        branch.hub.end();
    }

    pub fn stop(&self) {
        self.branches().for_each(|branch| branch.wishes.stop());
    }

    /// Nobody waits for frames that cannot come.
    pub fn end(&self) {
        self.stop();
        self.branches().for_each(|branch| branch.hub.end());
    }

    /// Returns when every thread is gone.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}
