//! Simulated time: where it is and how fast it runs. Pure.

use serde_json::{Value, json};

use crate::clock;

/// Faster than this, years pass in a frame.
const DELTA_LIMIT_S: f64 = 3.2e9;
/// The steps of a profile that brings none, mirrored to the past, as a real OpenSpace lists them.
const DEFAULT_STEPS: [f64; 9] = [1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 43_200.0, 86_400.0];

#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Ephemeris time.
    et: f64,
    /// Simulated seconds per second.
    delta: f64,
    paused: bool,
    steps: Vec<f64>,
    /// Set by every jump, so that clients are told the whole state again.
    jumps: u64,
}

impl Timeline {
    pub fn new(et: f64) -> Self {
        Self { et: clock::clamp(et), delta: 1.0, paused: false, steps: mirrored(&DEFAULT_STEPS), jumps: 0 }
    }

    pub fn et(&self) -> f64 {
        self.et
    }
    pub fn delta(&self) -> f64 {
        self.delta
    }
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    pub fn update(&mut self, elapsed_s: f64) {
        if !self.paused {
            self.et = clock::clamp(self.et + elapsed_s * self.delta);
        }
    }

    pub fn set_time(&mut self, et: f64) {
        self.et = clock::clamp(et);
        self.jumps += 1;
    }
    pub fn set_delta(&mut self, delta: f64) {
        if delta.is_finite() {
            self.delta = delta.clamp(-DELTA_LIMIT_S, DELTA_LIMIT_S);
        }
    }
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Takes the steps of a profile; only positive ones are listed there.
    pub fn set_steps(&mut self, steps: &[f64]) {
        let positive: Vec<f64> =
            steps.iter().copied().filter(|step| step.is_finite() && *step > 0.0).collect();
        if !positive.is_empty() {
            self.steps = mirrored(&positive);
        }
    }

    pub fn next_step(&self) -> Option<f64> {
        self.steps.iter().copied().find(|step| *step > self.delta)
    }
    pub fn previous_step(&self) -> Option<f64> {
        self.steps.iter().rev().copied().find(|step| *step < self.delta)
    }

    /// How fast things move in the picture: real speeds would be invisible at 1 and a blur at a day a second.
    pub fn visible_rate(&self) -> f64 {
        if self.paused { 0.0 } else { self.delta.signum() * (1.0 + self.delta.abs().max(1.0).log10()) }
    }

    /// Everything but the time itself; another value here is news for clients.
    pub fn signature(&self) -> (u64, u64, bool, usize) {
        (self.jumps, self.delta.to_bits(), self.paused, self.steps.len())
    }

    /// The first message of the `time` topic, and the one after each change.
    pub fn state_json(&self) -> Value {
        let mut state = json!({
            "time": clock::iso(self.et),
            "deltaTime": self.delta,
            "targetDeltaTime": self.delta,
            "isPaused": self.paused,
        });
        self.add_neighbours(&mut state);
        state
    }

    pub fn steps_json(&self) -> Value {
        let mut state = json!({ "deltaTimeSteps": self.steps });
        self.add_neighbours(&mut state);
        state
    }

    fn add_neighbours(&self, state: &mut Value) {
        let (next, previous) = (self.next_step(), self.previous_step());
        state["hasNextStep"] = json!(next.is_some());
        state["hasPrevStep"] = json!(previous.is_some());
        if let Some(next) = next {
            state["nextStep"] = json!(next);
        }
        if let Some(previous) = previous {
            state["prevStep"] = json!(previous);
        }
    }
}

fn mirrored(positive: &[f64]) -> Vec<f64> {
    let mut steps: Vec<f64> = positive.iter().flat_map(|step| [-step, *step]).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_up_and_down_and_end() {
        let mut time = Timeline::new(0.0);
        assert_eq!((time.next_step(), time.previous_step()), (Some(5.0), Some(-1.0)));
        time.set_delta(86_400.0);
        assert_eq!((time.next_step(), time.previous_step()), (None, Some(43_200.0)));
    }

    #[test]
    fn paused_time_stands_still() {
        let mut time = Timeline::new(100.0);
        time.set_paused(true);
        time.update(5.0);
        assert!((time.et() - 100.0).abs() < 1e-9);
        time.set_paused(false);
        time.set_delta(60.0);
        time.update(2.0);
        assert!((time.et() - 220.0).abs() < 1e-9);
    }

    #[test]
    fn nonsense_does_not_stick() {
        let mut time = Timeline::new(f64::NAN);
        time.set_delta(f64::INFINITY);
        time.set_time(1e300);
        time.update(1.0);
        assert!(time.et().is_finite() && (time.delta() - 1.0).abs() < 1e-9);
    }
}
