//! A tone for whoever wants to know whether the program is heard: a second of it, a second of silence, by the clock of the wall.
//!
//! PulseAudio's `pacat` plays it, so that the demo needs no sound library; where it is missing, the demo stays silent.

use std::{
    f64::consts::TAU,
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const SAMPLES_PER_S: u32 = 48_000;
const PIECE: Duration = Duration::from_millis(10);
const PIECE_SAMPLES: u32 = SAMPLES_PER_S / 100;
/// A page: less is not to be had.
const PIPE_BYTES: usize = 4096;
/// As loud as somebody who speaks.
const LOUDNESS: f64 = 4000.0;

/// Plays until it is dropped.
#[derive(Debug)]
pub struct Tone {
    player: Child,
}

impl Tone {
    pub fn play(hz: f64) -> std::io::Result<Self> {
        let mut player = Command::new("pacat")
            .args(["--raw", "--format=s16le", "--rate=48000", "--channels=2", "--latency-msec=20"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let samples = player.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        // What waits in the pipe is late, and what the player takes long to begin with would wait there for good.
        rustix::pipe::fcntl_setpipe_size(&samples, PIPE_BYTES)?;
        thread::Builder::new().name("tone".to_owned()).spawn(move || feed(samples, hz))?;
        Ok(Self { player })
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.player.kill();
        let _ = self.player.wait();
    }
}

/// As fast as it is heard, and no faster. Ends with the player.
fn feed(mut samples: ChildStdin, hz: f64) {
    let began = Instant::now();
    for piece in 0_u32.. {
        if samples.write_all(&played(hz, piece, is_on(SystemTime::now()))).is_err() {
            return;
        }
        thread::sleep((began + PIECE * piece).saturating_duration_since(Instant::now()));
    }
}

fn is_on(now: SystemTime) -> bool {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().is_multiple_of(2)
}

fn played(hz: f64, piece: u32, on: bool) -> Vec<u8> {
    let loudness = if on { LOUDNESS } else { 0.0 };
    let sample = |n: u32| {
        let turns = f64::from(piece) * f64::from(PIECE_SAMPLES) + f64::from(n);
        (loudness * (turns * hz / f64::from(SAMPLES_PER_S) * TAU).sin()) as i16
    };
    (0..PIECE_SAMPLES).flat_map(|n| [sample(n); 2]).flat_map(i16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sounds_for_a_second_of_every_two() {
        let heard = |ms| is_on(UNIX_EPOCH + Duration::from_millis(ms));
        assert_eq!([0, 999, 1000, 1999, 2000].map(heard), [true, true, false, false, true]);
    }

    #[test]
    fn pieces_join_without_a_click() {
        let last = |bytes: &[u8]| bytes.as_chunks::<2>().0.last().map(|two| i16::from_le_bytes(*two));
        let first = |bytes: &[u8]| bytes.as_chunks::<2>().0.first().map(|two| i16::from_le_bytes(*two));
        let (before, after) = (played(1000.0, 3, true), played(1000.0, 4, true));
        let step = (LOUDNESS * TAU * 1000.0 / f64::from(SAMPLES_PER_S)) as i32 + 1;
        let jump = last(&before).zip(first(&after)).map(|(a, b)| (i32::from(a) - i32::from(b)).abs());
        assert!(jump.is_some_and(|jump| jump <= step), "{jump:?}");
        assert!(played(1000.0, 3, false).iter().all(|byte| *byte == 0));
    }
}
