//! Quantities that carry their unit.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// Pixels of a picture. Both sides are even, since 4:2:0 video halves them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub const HD: Self = Self { width: 1280, height: 720 };
    /// The smallest picture that is still useful.
    pub const MIN: Self = Self { width: 320, height: 180 };
    /// 4K: the largest that the H.264 levels every browser decodes allow.
    pub const MAX: Self = Self { width: 3840, height: 2160 };

    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// The nearest size that can be shown and encoded: within [`Self::MIN`] and [`Self::MAX`], both sides even.
    #[must_use]
    pub fn clamped(self) -> Self {
        let even = |value: u32| value & !1;
        Self {
            width: even(self.width.clamp(Self::MIN.width, Self::MAX.width)),
            height: even(self.height.clamp(Self::MIN.height, Self::MAX.height)),
        }
    }

    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Thousands of bits per second, as encoders and browsers count them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bitrate {
    pub kbps: u32,
}

impl Bitrate {
    pub const fn kbps(kbps: u32) -> Self {
        Self { kbps }
    }
    pub const fn bps(self) -> u64 {
        self.kbps as u64 * 1000
    }
}

/// Frames per second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FrameRate(pub u32);

/// A moment of the wall clock: milliseconds since 1970-01-01 UTC.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, TS, ToSchema,
)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clamped_size_can_always_be_encoded() {
        for (asked, given) in [
            (Size::new(0, 0), Size::MIN),
            (Size::new(1281, 721), Size::HD),
            (Size::new(u32::MAX, u32::MAX), Size::MAX),
        ] {
            assert_eq!(asked.clamped(), given);
        }
    }
}
