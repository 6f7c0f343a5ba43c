//! How far this machine's clock is from the registry's, and what that means. Pure.

use model::UnixMillis;

/// From here on people should know.
const TOLD_FROM_MS: i64 = 2_000;

/// Positive: this machine's is ahead. The answer was made at some moment between `asked` and `answered`, which one is not known: a slow
/// answer is no wrong clock, so what is said is the least that it can be.
pub fn ahead_ms(asked: UnixMillis, answered: UnixMillis, database: UnixMillis) -> i64 {
    let (most, least) = (answered.0 - database.0, asked.0 - database.0);
    if least > 0 { least } else { most.min(0) }
}

/// `None` while it is no matter.
pub fn about(ahead_ms: i64) -> Option<String> {
    if ahead_ms.abs() < TOLD_FROM_MS {
        return None;
    }
    let (amount, way) = (ahead_ms.abs() / 1000, if ahead_ms > 0 { "ahead of" } else { "behind" });
    Some(format!(
        "this machine's clock is {amount} s {way} the registry's. Places, the queue and who counts as lost go by the registry's clock, and streams by none, so all of that is right; but the times in this machine's lists, logs and audit are wrong, and certificates may be taken for expired: set the clock (`timedatectl set-ntp true`)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_from_two_seconds_on_and_a_slow_answer_is_none() {
        for (asked, answered, database, ahead) in [
            (10_000, 10_010, 10_005, 0),
            (10_000, 15_000, 10_000, 0),
            (10_000, 15_000, 15_000, 0),
            (13_600, 13_610, 10_000, 3_600),
            (10_000, 10_010, 13_610, -3_600),
            (10_000, 14_000, 16_000, -2_000),
            (10_000, 14_000, 9_000, 1_000),
        ] {
            let found = ahead_ms(UnixMillis(asked), UnixMillis(answered), UnixMillis(database));
            assert_eq!(found, ahead, "{asked} {answered} {database}");
        }
        assert_eq!((about(0), about(1_999), about(-1_999)), (None, None, None));
        let said = |ms| about(ms).unwrap_or_default();
        assert!(said(2_000).contains("2 s ahead of") && said(-3_600_000).contains("3600 s behind"));
    }
}
