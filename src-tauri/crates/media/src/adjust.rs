//! What an encoder is told, so that it makes what it may. Pure: time is an argument.
//!
//! An encoder whose buffer holds little more than a frame stays below its bitrate: x264 makes 62 % of it with a buffer of 1.2 frames,
//! 73 % with 1.5 and 83 % with 3 (720p, 1 to 6 Mbit/s, the demo's scene). One that is made for more frames a second than the program
//! paints stays below it too. So it is told more, by what it made lately; a larger buffer would make frames that differ more in size.

use std::time::{Duration, Instant};

use model::Bitrate;

/// Of what it may make, an encoder is led to this: above it lies what frames differ by.
const GOAL: f64 = 0.85;
/// It is told no more than this many times what it may: a picture that is suddenly difficult costs that much for a moment.
const FACTOR_MAX: f64 = 1.6;
/// What was made counts less, the longer ago; after so long, 1/e of it.
const MEMORY: Duration = Duration::from_millis(400);
/// So much has to be known.
const KNOWN: Duration = Duration::from_millis(200);
/// Between frames that are farther apart, the picture rested: nothing is learned across that.
const RESTED: Duration = Duration::from_millis(150);
/// A picture that takes less than this share is easy, whatever is told.
const EASY: f64 = 0.4;
/// Change of the factor in a second, for each 100 % that it makes too little or too much.
const UP: f64 = 1.0;
const DOWN: f64 = 4.0;
/// A smaller change is not worth the telling.
const WORTH: f64 = 0.03;

#[derive(Debug)]
pub(crate) struct Adjuster {
    factor: f64,
    /// The factor that the encoder knows.
    told: f64,
    last: Option<Instant>,
    /// Time that was looked at, and time that its bits would have taken at the bitrate: both in seconds, both fading.
    elapsed: f64,
    made: f64,
}

impl Default for Adjuster {
    fn default() -> Self {
        Self { factor: 1.0, told: 1.0, last: None, elapsed: 0.0, made: 0.0 }
    }
}

impl Adjuster {
    /// One frame was made while this bitrate held.
    pub fn frame(&mut self, bytes: usize, bitrate: Bitrate, now: Instant) {
        let since = self.last.replace(now).map(|last| now.saturating_duration_since(last));
        let Some(since) = since.filter(|since| *since < RESTED) else {
            (self.elapsed, self.made) = (0.0, 0.0);
            return;
        };
        let seconds = since.as_secs_f64();
        let kept = (-seconds / MEMORY.as_secs_f64()).exp();
        self.elapsed = self.elapsed * kept + seconds;
        self.made = self.made * kept + bytes as f64 * 8.0 / (bitrate.bps() as f64).max(1.0);
        if self.elapsed >= KNOWN.as_secs_f64() {
            self.learn(self.made / self.elapsed, seconds);
        }
    }

    fn learn(&mut self, share: f64, seconds: f64) {
        let rate = if share > GOAL { DOWN } else { UP };
        if share > EASY {
            self.factor = (self.factor * (rate * (GOAL - share) * seconds).exp()).clamp(1.0, FACTOR_MAX);
        }
    }

    /// What to tell the encoder for this bitrate, if it differs enough from what it knows.
    pub fn news(&mut self, bitrate: Bitrate) -> Option<Bitrate> {
        let worth = (self.factor - self.told).abs() > WORTH * self.told;
        worth.then(|| self.tell(bitrate))
    }

    /// What to tell the encoder for this bitrate.
    pub fn tell(&mut self, bitrate: Bitrate) -> Bitrate {
        self.told = self.factor;
        Bitrate::kbps((f64::from(bitrate.kbps) * self.factor) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAY: Bitrate = Bitrate { kbps: 3000 };
    const EVERY: Duration = Duration::from_millis(33);

    /// An encoder that makes a share of what it is told; the answer is what it made of what it may, over the last second.
    fn made(adjuster: &mut Adjuster, from: Instant, seconds: u32, of: impl Fn(Bitrate) -> f64) -> f64 {
        let mut told = adjuster.tell(MAY);
        let frames = seconds * 30;
        let mut last = Vec::new();
        for n in 0..frames {
            let now = from + EVERY * n;
            let bits = of(told) * EVERY.as_secs_f64();
            adjuster.frame((bits / 8.0) as usize, MAY, now);
            told = adjuster.news(MAY).unwrap_or(told);
            if n + 30 >= frames {
                last.push(bits);
            }
        }
        last.iter().sum::<f64>() / (MAY.bps() as f64 * EVERY.as_secs_f64() * last.len() as f64)
    }

    fn share(share: f64) -> impl Fn(Bitrate) -> f64 {
        move |told| told.bps() as f64 * share
    }

    #[test]
    fn an_encoder_that_stays_below_is_led_to_what_it_may() {
        for below in [0.6, 0.7, 0.83] {
            let made = made(&mut Adjuster::default(), Instant::now(), 6, share(below));
            assert!((0.8..0.9).contains(&made), "{below}: {made}");
        }
    }

    #[test]
    fn one_that_makes_what_it_is_told_is_told_no_more() {
        let mut adjuster = Adjuster::default();
        made(&mut adjuster, Instant::now(), 6, share(1.0));
        assert_eq!(adjuster.tell(MAY), MAY);
    }

    #[test]
    fn what_a_difficult_picture_costs_too_much_is_taken_back_within_moments() {
        let now = Instant::now();
        let mut adjuster = Adjuster::default();
        made(&mut adjuster, now, 6, share(0.6));
        let made = made(&mut adjuster, now + EVERY * 180, 2, share(1.0));
        assert!(made < 1.05, "{made}");
    }

    #[test]
    fn an_easy_picture_teaches_nothing_and_a_pause_neither() {
        let mut adjuster = Adjuster::default();
        made(&mut adjuster, Instant::now(), 6, |_| MAY.bps() as f64 * 0.3);
        assert_eq!(adjuster.tell(MAY), MAY);
        let now = Instant::now();
        for n in 0..60 {
            adjuster.frame(5_000, MAY, now + RESTED * n);
        }
        assert_eq!(adjuster.tell(MAY), MAY);
    }

    #[test]
    fn it_never_asks_for_less_than_it_may_nor_for_much_more() {
        for of in [0.41, 3.0] {
            let mut adjuster = Adjuster::default();
            made(&mut adjuster, Instant::now(), 60, move |_| MAY.bps() as f64 * of);
            let told = adjuster.tell(MAY).bps() as f64 / MAY.bps() as f64;
            assert!((1.0..=FACTOR_MAX).contains(&told), "{of}: {told}");
        }
    }
}
