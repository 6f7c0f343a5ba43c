//! One rendition of the picture, and what all of them are opened for.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use model::{
    Bitrate, FrameRate, Size,
    video::{EncoderChoice, Rendition, Rung},
};
use tokio::sync::watch;

use crate::{Stats, encode::Settings, hub::Hub, mailbox::Mailbox, picture::Flavour, wishes::Wishes};

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

/// What became of its encoder.
#[derive(Debug)]
pub(crate) enum Encoding {
    Off,
    Opening,
    On(Flavour, Arc<EncoderChoice>),
    /// It does not open here, or broke down; nobody tries again.
    Broken,
}

impl Branch {
    pub fn new(rendition: Rendition, wishes: Wishes) -> Self {
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

    pub fn encoding(&self) -> MutexGuard<'_, Encoding> {
        self.encoding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_broken(&self) -> bool {
        matches!(*self.encoding(), Encoding::Broken)
    }

    /// True if a thread is to be started for it.
    pub fn begins(&self) -> bool {
        let mut encoding = self.encoding();
        let off = matches!(*encoding, Encoding::Off);
        if off {
            *encoding = Encoding::Opening;
        }
        off
    }

    /// True if nobody came while the encoder was being closed: then it is off.
    pub fn ends(&self) -> bool {
        let mut encoding = self.encoding();
        let over = self.wishes.watchers() == 0 || self.wishes.is_stopped();
        *encoding = if over { Encoding::Off } else { Encoding::Opening };
        over
    }
}
