//! Time as OpenSpace counts it: seconds of ephemeris time since J2000 (2000-01-01T12:00:00 TDB). Pure.

use jiff::{SignedDuration, civil::DateTime};

/// Ephemeris time is ahead of UTC by 32.184 s and the leap seconds, 37 since 2017 (a real 0.22 answers with this sum in 2026).
/// For earlier dates this is up to half a minute off, which a demo may be.
const AHEAD_OF_UTC_S: f64 = 69.184;
/// From the year 35 to 9922: what a calendar with four digits and no minus can write.
const EARLIEST_S: f64 = -6.2e10;
const LATEST_S: f64 = 2.5e11;

const EPOCH: DateTime = DateTime::constant(2000, 1, 1, 12, 0, 0, 0);

/// Reads ISO dates (`2026-01-01T00:01:00.325`, with or without time, `Z`, or a blank for the `T`) and SPICE's (`2026 JAN 01 00:02:49`).
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    let civil = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| DateTime::strptime("%Y %b %d %H:%M:%S%.f", text).ok())
        .or_else(|| DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", text).ok())?;
    Some(civil.duration_since(EPOCH).as_secs_f64() + AHEAD_OF_UTC_S)
}

/// `2026-01-01T00:01:00.325`, in UTC.
pub fn iso(et: f64) -> String {
    civil(et).strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

/// `2026 JAN 01 00:02:49`, in UTC.
pub fn spice(et: f64) -> String {
    civil(et).strftime("%Y %b %d %H:%M:%S").to_string().to_uppercase()
}

/// Unix time in seconds → ephemeris time.
pub fn from_unix(seconds: f64) -> f64 {
    // J2000's noon, as Unix time, without leap seconds.
    seconds - 946_728_000.0 + AHEAD_OF_UTC_S
}

/// Keeps a time within what can be written down.
pub fn clamp(et: f64) -> f64 {
    if et.is_finite() { et.clamp(EARLIEST_S, LATEST_S) } else { 0.0 }
}

fn civil(et: f64) -> DateTime {
    // Rounded to the millisecond that is shown, so that 0.9999 s does not read 0.999.
    let ms = ((clamp(et) - AHEAD_OF_UTC_S) * 1000.0).round();
    EPOCH.checked_add(SignedDuration::from_millis(ms as i64)).unwrap_or(EPOCH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_recorded_moment_of_a_real_openspace_reads_the_same() {
        // session-0.22-a.jsonl: currentTime() 820497730.89 within the frame that showed 00:01:01.706.
        assert!((parse("2026-01-01T00:01:01.706").unwrap() - 820_497_730.889_994_9).abs() < 0.002);
        assert_eq!(iso(820_497_730.889_994_9), "2026-01-01T00:01:01.706");
    }

    #[test]
    fn all_spellings_mean_the_same_moment() {
        let iso = parse("2026-01-01T00:02:49").unwrap();
        for other in ["2026 JAN 01 00:02:49", "2026-01-01 00:02:49", "2026-01-01T00:02:49.000Z"] {
            assert_eq!(parse(other), Some(iso), "{other}");
        }
        assert_eq!(parse("2026-01-01").map(spice).as_deref(), Some("2026 JAN 01 00:00:00"));
        assert_eq!(parse("tomorrow"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(et in -6.1e10..2.4e11_f64) {
            prop_assert!((parse(&iso(et)).unwrap() - et).abs() < 0.001);
        }

        #[test]
        fn no_number_breaks_the_calendar(et: f64) {
            let _ = (iso(clamp(et)), spice(et));
        }
    }
}
