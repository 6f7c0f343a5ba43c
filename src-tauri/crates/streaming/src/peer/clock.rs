//! The wall clock as NTP counts it, which RTP speaks of.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_UNIX_OFFSET_S: u64 = 2_208_988_800;

/// The wall clock at one instant; the machine's clock may be set while a stream runs, this one stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    at: Instant,
    /// Seconds since 1900 in 32.32 fixed point.
    ntp: u64,
}

impl Clock {
    pub(crate) fn set(at: Instant) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        Self { at, ntp: ((since.as_secs() + NTP_UNIX_OFFSET_S) << 32) | fraction }
    }

    pub(crate) fn ntp_of(self, moment: Instant) -> u64 {
        let fixed = |s: f64| (s * 4_294_967_296.0) as u64;
        match moment.checked_duration_since(self.at) {
            Some(after) => self.ntp.wrapping_add(fixed(after.as_secs_f64())),
            None => self.ntp.wrapping_sub(fixed(self.at.duration_since(moment).as_secs_f64())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_before_and_after_are_on_the_clock_of_ntp() {
        let at = Instant::now();
        let clock = Clock { at, ntp: 1 << 40 };
        assert_eq!(clock.ntp_of(at + Duration::from_secs(2)), (1 << 40) + (2 << 32));
        assert_eq!(clock.ntp_of(at + Duration::from_millis(500)), (1 << 40) + (1 << 31));
        let later = Clock { at: at + Duration::from_secs(2), ntp: 1 << 40 };
        assert_eq!(later.ntp_of(at), (1 << 40) - (2 << 32));
    }
}
