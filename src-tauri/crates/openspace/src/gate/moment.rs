//! Times that a viewer names, read strictly and written anew.

use model::UnixMillis;

/// What the ephemeris of OpenSpace's planets (DE430) covers in whole years. Outside of it nothing has a place.
const YEARS: std::ops::RangeInclusive<i64> = 1550..=2649;

/// `2026-11-23T18:40:00.000`, in UTC: OpenSpace's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment(String);

impl Moment {
    /// Reads `2026-11-23`, `2026-11-23T18:40`, `2026-11-23T18:40:00`, `…00.123`, each with or without `Z`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z').unwrap_or(text);
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00"));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        if !YEARS.contains(&year) || !(1..=12).contains(&month) || !(1..=days(year, month)).contains(&day) {
            return None;
        }
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = match time.len() {
            5 if fraction == "0" => {
                let [hour, minute] = numbers(time, ':', [2, 2])?;
                [hour, minute, 0]
            }
            _ => numbers(time, ':', [2, 2, 2])?,
        };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if !(1..=9).contains(&fraction.len()) {
            return None;
        }
        let fraction = number(fraction)? * 10_i64.pow(9 - u32::try_from(fraction.len()).ok()?) / 1_000_000;
        Some(Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}")))
    }

    /// A moment of the wall clock. Outside of the years that can be shown there is none.
    pub(crate) fn of(now: UnixMillis) -> Option<Self> {
        let (days_since_1970, ms) = (now.0.div_euclid(86_400_000), now.0.rem_euclid(86_400_000));
        let mut left = days_since_1970;
        let mut year = 1970;
        if !(0..=366 * 1000).contains(&left) {
            return None;
        }
        while left >= days_of(year) {
            left -= days_of(year);
            year += 1;
        }
        let mut month = 1;
        while left >= days(year, month) {
            left -= days(year, month);
            month += 1;
        }
        let (seconds, ms) = (ms / 1000, ms % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        Self::parse(&format!(
            "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}",
            left + 1
        ))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// So many numbers with exactly so many digits.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut numbers = [0; N];
    for (into, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *into = number(part)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_strictly_and_written_anew() {
        for (text, written) in [
            ("2026-11-23", "2026-11-23T00:00:00.000"),
            ("2026-11-23T18:40", "2026-11-23T18:40:00.000"),
            ("2026-11-23T18:40Z", "2026-11-23T18:40:00.000"),
            ("2026-11-23T18:40:05Z", "2026-11-23T18:40:05.000"),
            ("2024-02-29T23:59:59.98765", "2024-02-29T23:59:59.987"),
        ] {
            assert_eq!(Moment::parse(text).unwrap().as_str(), written);
        }
        for text in [
            "",
            "now",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "1549-12-31",
            "2650-01-01",
            "12026-01-01",
            "-2026-01-01",
            "2026-11-23T24:00",
            "2026-11-23T18:60",
            "2026-11-23T18:40:61",
            "2026-11-23T18:40.5",
            "2026-11-23T18:40:00.",
            "2026-11-23T18:40:00+01:00",
            "2026-11-23 18:40",
            "2026-11-23T18:40:00ZZ",
            "２026-11-23",
            "2026-11-23T18:40:00.0000000001",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_wall_clock_is_written_as_a_date() {
        for (ms, written) in [
            (0, "1970-01-01T00:00:00.000"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999"),
            (1_795_459_200_001, "2026-11-23T18:40:00.001"),
        ] {
            assert_eq!(Moment::of(UnixMillis(ms)).unwrap().as_str(), written);
        }
        assert_eq!(Moment::of(UnixMillis(i64::MAX)), None);
        assert_eq!(Moment::of(UnixMillis(-1)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_in_one_form(text in "\\PC{0,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,10})?)?)?Z?") {
            if let Some(moment) = Moment::parse(&text) {
                let written = moment.as_str();
                prop_assert_eq!(written.len(), 23);
                prop_assert!(written.bytes().all(|byte| byte.is_ascii_digit() || b"-T:.".contains(&byte)));
                prop_assert_eq!(Moment::parse(written), Some(moment.clone()));
            }
        }
    }
}
