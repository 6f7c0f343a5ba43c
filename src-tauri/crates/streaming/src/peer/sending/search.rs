//! Where a stream begins is not where its path ends. Until that was found, what it sends is no estimate. Pure.

use std::time::Duration;

/// Probes that still find more after so long: what they have found will do.
const SEARCH_MAX: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Search {
    /// Nothing has been heard of the path.
    #[default]
    Waits,
    /// Probes still find more.
    Since(Duration),
    Over,
}

impl Search {
    /// The viewer has reported; `found` is the end of the path, or of what is of use.
    pub(crate) fn hear(&mut self, now: Duration, found: bool) {
        *self = match *self {
            Self::Waits => Self::Since(now),
            Self::Since(since) if found || now.saturating_sub(since) >= SEARCH_MAX => Self::Over,
            other => other,
        };
    }

    pub(crate) fn is_over(self) -> bool {
        self == Self::Over
    }
}
