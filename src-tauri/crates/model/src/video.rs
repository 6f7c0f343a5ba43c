//! Words about pictures that are encoded.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

use crate::Size;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    H264,
    Vp8,
}

/// One of the sizes in which a picture is encoded at the same time, largest first.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, TS, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    #[default]
    Source,
    /// Two thirds of each side: a little under half of the pixels.
    Medium,
    /// Half of each side.
    Small,
}

impl Rung {
    pub const ALL: [Self; 3] = [Self::Source, Self::Medium, Self::Small];

    /// The size on this rung of a picture. Widths are whole blocks of the scaler, so that no row needs padding.
    #[must_use]
    pub fn size(self, source: Size) -> Size {
        const BLOCK: u32 = 8;
        let (part, of) = match self {
            Self::Source => return source,
            Self::Medium => (2, 3),
            Self::Small => (1, 2),
        };
        let width = (source.width * part / of).next_multiple_of(BLOCK).min(source.width);
        let height = (source.height * width).div_ceil(source.width.max(1)).next_multiple_of(2);
        Size { width, height: height.min(source.height) }
    }

    /// The next one down.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        match self {
            Self::Source => Some(Self::Medium),
            Self::Medium => Some(Self::Small),
            Self::Small => None,
        }
    }

    #[must_use]
    pub fn above(self) -> Option<Self> {
        match self {
            Self::Source => None,
            Self::Medium => Some(Self::Source),
            Self::Small => Some(Self::Medium),
        }
    }
}

/// What the size of an instance's picture goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum SizeMode {
    #[default]
    Launched,
    /// The window of whoever steers, within the machine's limits.
    Follow,
    Fixed {
        width: u32,
        height: u32,
    },
}

/// How large an instance's picture is, and what that goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSize {
    pub mode: SizeMode,
    pub size: Size,
}

/// One encode of a picture: in which codec, and how large.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct Rendition {
    pub codec: Codec,
    pub rung: Rung,
}

/// Which encoder runs, and why this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct EncoderChoice {
    /// As its makers call it: `nvh264enc`, `x264enc`, `openh264`.
    pub name: String,
    pub codec: Codec,
    pub hardware: bool,
    /// One sentence: "x264enc: a session opened; nvh264enc has no NVIDIA driver".
    pub reason: String,
    /// The candidates that were tried before it, each with the reason why it did not open.
    pub rejected: Vec<Rejected>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, TS, ToSchema)]
pub struct Rejected {
    pub name: String,
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rung_has_the_shape_of_the_source_and_can_be_encoded() {
        for (source, medium, small) in [
            ((1280, 720), (856, 482), (640, 360)),
            ((1920, 1080), (1280, 720), (960, 540)),
            ((3840, 2160), (2560, 1440), (1920, 1080)),
            ((320, 180), (216, 122), (160, 90)),
        ] {
            let size = |(width, height)| Size::new(width, height);
            assert_eq!(Rung::Source.size(size(source)), size(source));
            assert_eq!(Rung::Medium.size(size(source)), size(medium));
            assert_eq!(Rung::Small.size(size(source)), size(small));
        }
    }
}
