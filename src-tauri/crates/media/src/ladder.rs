//! The renditions of one picture, and who encodes which.
//!
//! The rendition that this machine encodes best, at full size, is made in the thread that grabs: nothing waits between the
//! two. Each other one is a branch with a thread of its own, which runs while somebody watches it and takes over the newest
//! grabbed picture after the first has been encoded.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use model::video::{Codec, EncoderChoice, Rendition, Rung};

use crate::{
    End, OpenError,
    branch::{Branch, Encoding, Plan},
    camera::Copyist,
    encode::choose::{Chosen, choose, names_of},
    hub::Tap,
    picture::Flavour,
    wishes::Wishes,
    worker::Worker,
};

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
        if branch.wishes.is_stopped() || branch.is_broken() {
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
