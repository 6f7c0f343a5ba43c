//! What the camera is to do, and when OpenSpace is told. Pure.
//!
//! OpenSpace keeps the velocities that it was told last for ever: when their client is gone, too. So what is set is set
//! back to rest as soon as nobody has spoken of it for a while, whatever has become of who set it.

use std::time::{Duration, Instant};

use model::input::Velocities;

/// Without a word for so long, the camera is stopped. Whoever flies says so at least every 100 ms.
const SILENCE: Duration = Duration::from_millis(250);

/// OpenSpace looks at its messages once a frame: more of them change nothing, and only the newest counts.
const PACE: Duration = Duration::from_millis(15);

#[derive(Debug)]
pub(super) struct Flight {
    wanted: Velocities,
    heard_at: Option<Instant>,
    /// Absent before the first word: what an earlier connection said may still move the camera.
    told: Option<(Velocities, Instant)>,
}

impl Default for Flight {
    fn default() -> Self {
        Self { wanted: Velocities::REST, heard_at: None, told: None }
    }
}

impl Flight {
    /// What is out of range is no word at all.
    pub(super) fn set(&mut self, velocities: Velocities, now: Instant) {
        if velocities.are_in_range() {
            (self.wanted, self.heard_at) = (velocities, Some(now));
        }
    }

    /// What OpenSpace is to be told now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Velocities> {
        if self.silent_at().is_some_and(|at| at <= now) {
            self.wanted = Velocities::REST;
        }
        if self.tell_at().is_none_or(|at| at > now) {
            return None;
        }
        self.told = Some((self.wanted, now));
        Some(self.wanted)
    }

    /// Nothing is due before.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.tell_at().into_iter().chain(self.silent_at()).min()
    }

    fn silent_at(&self) -> Option<Instant> {
        self.heard_at.filter(|_| self.wanted != Velocities::REST).map(|at| at + SILENCE)
    }

    fn tell_at(&self) -> Option<Instant> {
        let heard_at = self.heard_at?;
        match self.told {
            Some((told, _)) if told == self.wanted => None,
            // A stop waits for nothing.
            Some((_, at)) if self.wanted != Velocities::REST => Some(at + PACE),
            Some((_, at)) => Some(at),
            None => Some(heard_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn closer(zoom: f32) -> Velocities {
        Velocities { zoom, ..Velocities::REST }
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_quarter_of_a_second_of_silence_stops_the_camera_once() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        assert_eq!((flight.due(now), flight.wake_at()), (None, None), "nobody has spoken");
        flight.set(closer(0.5), now);
        assert_eq!(flight.due(now), Some(closer(0.5)));
        flight.set(closer(0.5), now + 200 * MS);
        assert_eq!(flight.due(now + 200 * MS), None, "it knows already");
        assert_eq!(flight.due(now + 449 * MS), None);
        assert_eq!(flight.wake_at(), Some(now + 450 * MS));
        assert_eq!(flight.due(now + 450 * MS), Some(Velocities::REST));
        assert_eq!((flight.due(now + 900 * MS), flight.wake_at()), (None, None));
    }

    #[test]
    fn of_a_flood_the_newest_counts_and_a_stop_waits_for_nothing() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        flight.set(closer(0.1), now);
        assert_eq!(flight.due(now), Some(closer(0.1)));
        for (ms, zoom) in [(1, 0.2), (5, 0.3), (9, 0.4)] {
            flight.set(closer(zoom), now + ms * MS);
            assert_eq!(flight.due(now + ms * MS), None);
        }
        assert_eq!(flight.wake_at(), Some(now + PACE));
        assert_eq!(flight.due(now + PACE), Some(closer(0.4)));
        flight.set(Velocities::REST, now + PACE);
        assert_eq!(flight.due(now + PACE), Some(Velocities::REST));
    }

    #[test]
    fn the_first_rest_is_told_because_an_earlier_connection_may_have_left_it_moving() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        flight.set(Velocities::REST, now);
        assert_eq!(flight.due(now), Some(Velocities::REST));
        flight.set(Velocities::REST, now + MS);
        assert_eq!(flight.due(now + MS), None);
    }

    #[test]
    fn what_is_out_of_range_is_no_word() {
        let (mut flight, now) = (Flight::default(), Instant::now());
        for bad in [f32::NAN, f32::INFINITY, -1.01, 1e30] {
            flight.set(closer(bad), now);
            flight.set(Velocities { pan: [0.0, bad], ..Velocities::REST }, now);
            assert_eq!(flight.due(now), None);
        }
        flight.set(closer(1.0), now);
        assert!(flight.due(now).is_some());
        flight.set(closer(f32::NAN), now + 200 * MS);
        assert_eq!(flight.due(now + SILENCE), Some(Velocities::REST), "it keeps nothing alive");
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_camera_rests_when_nobody_speaks(
            words in prop::collection::vec((0_u32..400, -1.5_f32..1.5), 0..60),
        ) {
            let (mut flight, mut now) = (Flight::default(), Instant::now());
            let (mut moving, mut said_at) = (Velocities::REST, now);
            for (ms, zoom) in words {
                let next = now + ms * MS;
                while let Some(at) = flight.wake_at().filter(|at| *at <= next) {
                    prop_assert!(at >= now);
                    now = at;
                    if let Some(told) = flight.due(now) { moving = told; }
                    prop_assert!(moving == Velocities::REST || now < said_at + SILENCE);
                    prop_assert!(flight.wake_at().is_none_or(|at| at > now), "it does not spin");
                }
                now = next;
                prop_assert!(moving == Velocities::REST || now < said_at + SILENCE);
                if closer(zoom).are_in_range() { said_at = now; }
                flight.set(closer(zoom), now);
                if let Some(told) = flight.due(now) { moving = told; }
                prop_assert!(moving.are_in_range());
            }
            while let Some(at) = flight.wake_at() {
                now = at;
                if let Some(told) = flight.due(now) { moving = told; }
            }
            prop_assert_eq!(moving, Velocities::REST);
        }
    }
}
