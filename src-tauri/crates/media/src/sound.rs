//! What a program plays, encoded once for all who listen: from a pipe of samples to packets of Opus.
//!
//! Nothing runs while nobody listens, and nothing is sent while nothing sounds.

mod gate;
mod opus;
mod samples;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::timeout,
};

use self::{gate::Gate, opus::Opus, samples::Samples};

/// Samples per second: what Opus and its clock in RTP count by.
pub const SOUND_HZ: u32 = 48_000;
/// Of one packet. Less delay than any other length that browsers are used to.
const PACKET_MS: u32 = 10;
const CHANNELS: usize = 2;
const PACKET_SAMPLES: usize = (SOUND_HZ * PACKET_MS / 1000) as usize;
const PACKET_BYTES: usize = PACKET_SAMPLES * CHANNELS * size_of::<i16>();
/// A third of a second: a listener that lags more hears a gap instead of the past.
const PACKETS: usize = 32;

/// How long a task that hears nothing may take to notice that nobody listens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ten milliseconds of sound.
#[derive(Clone, Debug)]
pub struct SoundPacket {
    pub data: Bytes,
    /// On the clock of [`SOUND_HZ`]; it goes on in silence, while no packets come.
    pub rtp_time: u32,
    /// The first after a silence.
    pub begins: bool,
    /// When its last sample was there.
    pub captured: Instant,
}

/// The sound of one instance. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sound {
    pipe: PathBuf,
    packets: broadcast::Sender<Arc<SoundPacket>>,
    /// A task encodes. Looked at together with who listens, so that there never are two: each would get half of the samples.
    runs: Arc<Mutex<bool>>,
}

/// What one listener has not heard yet. Dropping it ends the encoding, if it was the last.
#[derive(Debug)]
pub struct SoundFeed(broadcast::Receiver<Arc<SoundPacket>>);

impl SoundFeed {
    /// `None` when there will be no more. Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Arc<SoundPacket>> {
        loop {
            match self.0.recv().await {
                Ok(packet) => return Some(packet),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl Sound {
    /// Of a pipe of 16-bit stereo samples; it is opened when somebody listens.
    pub fn of(pipe: PathBuf) -> Self {
        Self { pipe, packets: broadcast::Sender::new(PACKETS), runs: Arc::default() }
    }

    pub fn pipe(&self) -> &Path {
        &self.pipe
    }

    pub fn listeners(&self) -> usize {
        self.packets.receiver_count()
    }

    /// Two that come at once share one encode. To be called where a runtime is.
    pub fn listen(&self) -> SoundFeed {
        let mut runs = self.runs();
        let feed = SoundFeed(self.packets.subscribe());
        if !std::mem::replace(&mut *runs, true) {
            tokio::spawn(self.clone().run());
        }
        feed
    }

    async fn run(self) {
        if let Err(error) = self.encode().await {
            tracing::warn!(error = format!("{error:#}"), "the program's sound cannot be heard");
            *self.runs() = false;
        }
    }

    async fn encode(&self) -> anyhow::Result<()> {
        // The encoder first: where it is loaded for the first time, what is played meanwhile would be late from then on.
        let mut opus = Opus::open(PACKET_MS)?;
        let mut samples = Samples::open(&self.pipe)?;
        let (mut gate, began) = (Gate::default(), Instant::now());
        // Samples so far, for the clock of RTP.
        let (mut clock, mut sounded) = (0, false);
        while !self.rests() {
            // The program may be silent for hours: then nothing arrives.
            let next = timeout(LOOK_EVERY, samples.next()).await.ok().transpose()?.flatten();
            let Some(piece) = next else {
                sounded = false;
                continue;
            };
            let passes = gate.passes(piece);
            if passes {
                if !sounded {
                    // What was not written was time all the same; within a sound only the samples count.
                    clock = clock.max(samples_since(began));
                }
                let data = opus.encode(piece)?;
                let captured = Instant::now();
                let packet = SoundPacket { data, rtp_time: clock as u32, begins: !sounded, captured };
                // Whoever listened may have left just now.
                let _ = self.packets.send(Arc::new(packet));
            }
            clock += PACKET_SAMPLES as u64;
            sounded = passes;
        }
        Ok(())
    }

    /// True when nobody listens any more; the next one begins anew.
    fn rests(&self) -> bool {
        let mut runs = self.runs();
        *runs = self.packets.receiver_count() > 0;
        !*runs
    }

    fn runs(&self) -> MutexGuard<'_, bool> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn samples_since(began: Instant) -> u64 {
    (began.elapsed().as_secs_f64() * f64::from(SOUND_HZ)) as u64
}

#[cfg(test)]
mod tests;
