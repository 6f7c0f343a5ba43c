//! How long it still takes, by how long instances have lived here. Pure.

use std::time::Duration;

/// So few ended instances say nothing about the next one.
const KNOWN_FROM: usize = 3;
/// What was long ago says little about today's visitors.
const REMEMBERED: usize = 32;

/// The lives of the instances that have ended lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(Vec<Duration>);

impl Lives {
    pub fn ended(&mut self, lived: Duration) {
        self.0.push(lived);
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
    }

    /// With `slots` places each of which falls free once in a life, the one at `position` waits for that many of them. `None` where too
    /// little is known, or nothing will ever fall free.
    pub fn wait(&self, position: u32, slots: u32) -> Option<Duration> {
        if self.0.len() < KNOWN_FROM || slots == 0 {
            return None;
        }
        let mean = self.0.iter().sum::<Duration>() / u32::try_from(self.0.len()).ok()?;
        Some(mean.saturating_mul(position) / slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_said_only_when_it_is_known() {
        let mut lives = Lives::default();
        for minutes in [10, 20] {
            lives.ended(Duration::from_secs(minutes * 60));
            assert_eq!(lives.wait(1, 3), None);
        }
        lives.ended(Duration::from_secs(30 * 60));
        assert_eq!(lives.wait(3, 3), Some(Duration::from_secs(20 * 60)));
        assert_eq!(lives.wait(1, 4), Some(Duration::from_secs(5 * 60)));
        assert_eq!(lives.wait(1, 0), None, "nothing falls free");
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut lives = Lives::default();
        lives.ended(Duration::MAX / 64);
        for _ in 0..REMEMBERED {
            lives.ended(Duration::from_secs(60));
        }
        assert_eq!(lives.wait(1, 1), Some(Duration::from_secs(60)));
    }
}
