//! How large the picture of an instance is to be: as it was launched, as somebody chose, or as the window of whoever steers. Pure:
//! time is an argument.
//!
//! Sizes are even numbers and nothing coarser: one that is a little smaller than its window would be stretched, and is blurred then.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use model::{
    Size, ViewerId,
    video::{PictureSize, SizeMode},
};
use protocol::signal::SizeNews;

use super::Setup;

/// Between two sizes: each costs a new encoder and a keyframe, and the program draws everything anew.
const APART: Duration = Duration::from_secs(1);

/// What a window may ask of a processor that encodes: that of a notebook has three times as many pixels. Somebody may choose more.
const SOFTWARE_PIXELS: u64 = Size::new(1920, 1080).pixels();

#[derive(Debug)]
pub struct Sizing {
    launched: Size,
    most: Size,
    mode: SizeMode,
    /// What viewers have room for, in their own screens' pixels.
    windows: HashMap<ViewerId, Size>,
    window_pixels: u64,
    size: Size,
    changed: Option<Instant>,
    refused: Option<Refused>,
}

/// A size that could not be had.
#[derive(Debug)]
struct Refused {
    wanted: Size,
    /// A sentence.
    why: String,
}

impl Sizing {
    pub fn of(setup: &Setup) -> Self {
        Self::new(setup.size, setup.size_max, setup.picture)
    }

    fn new(launched: Size, most: Size, picture: Option<PictureSize>) -> Self {
        let launched = launched.clamped();
        Self {
            launched,
            most,
            mode: picture.map(|picture| picture.mode).unwrap_or_default(),
            windows: HashMap::new(),
            window_pixels: SOFTWARE_PIXELS,
            size: picture.map_or(launched, |picture| within(picture.size, most)),
            changed: None,
            refused: None,
        }
    }

    /// As decided by the last [`Self::settle`].
    pub fn size(&self) -> Size {
        self.size
    }

    pub fn launched(&self) -> Size {
        self.launched
    }

    pub fn news(&self) -> SizeNews {
        let Size { width, height } = self.size;
        SizeNews {
            mode: self.mode,
            width,
            height,
            width_max: self.most.width,
            height_max: self.most.height,
            trouble: self.refused.as_ref().map(|refused| refused.why.clone()),
        }
    }

    /// The error is a sentence for whoever chose.
    pub fn choose(&mut self, mode: SizeMode) -> Result<(), String> {
        if let SizeMode::Fixed { width, height } = mode {
            let (least, most) = (Size::MIN, self.most);
            let fits =
                (least.width..=most.width).contains(&width) && (least.height..=most.height).contains(&height);
            if !fits {
                return Err(format!(
                    "A picture of {width} × {height} is not to be had here. Choose one from {} × {} to {} × {}.",
                    least.width, least.height, most.width, most.height
                ));
            }
        }
        self.mode = mode;
        self.refused = None;
        Ok(())
    }

    /// The size that was last decided could not be had; the picture is of this one.
    pub fn refuse(&mut self, size: Size, why: &str) {
        let wanted = std::mem::replace(&mut self.size, size);
        let why = format!(
            "The picture stays {} × {}. This machine could not make it {} × {}: {why}",
            size.width, size.height, wanted.width, wanted.height
        );
        self.refused = Some(Refused { wanted, why });
    }

    /// Another display may take what the last one did not.
    pub fn try_again(&mut self) {
        self.refused = None;
    }

    /// Hardware encodes any size that it takes at all.
    pub fn encoded_by(&mut self, hardware: bool) {
        self.window_pixels = if hardware { u64::MAX } else { SOFTWARE_PIXELS };
    }

    /// A window of no size is a minimised one, and does not count.
    pub fn window(&mut self, viewer: ViewerId, size: Size) {
        if size.width > 0 && size.height > 0 {
            self.windows.insert(viewer, size);
        }
    }

    pub fn leave(&mut self, viewer: ViewerId) {
        self.windows.remove(&viewer);
    }

    /// Decides anew; true when it is another size now.
    pub fn settle(&mut self, holder: Option<ViewerId>, now: Instant) -> bool {
        let wanted = self.wanted(holder);
        if self.refused.as_ref().is_some_and(|refused| refused.wanted == wanted) {
            return false;
        }
        self.refused = None;
        if wanted == self.size || self.changed.is_some_and(|at| now < at + APART) {
            return false;
        }
        self.size = wanted;
        self.changed = Some(now);
        true
    }

    /// When [`Self::settle`] is due, if nothing happens before.
    pub fn wake_at(&self, holder: Option<ViewerId>) -> Option<Instant> {
        let due = self.refused.is_none() && self.wanted(holder) != self.size;
        self.changed.filter(|_| due).map(|at| at + APART)
    }

    /// While nobody steers, it stays as large as it is.
    fn wanted(&self, holder: Option<ViewerId>) -> Size {
        match self.mode {
            SizeMode::Launched => self.launched,
            SizeMode::Fixed { width, height } => within(Size::new(width, height), self.most),
            SizeMode::Follow => {
                let window = holder.and_then(|holder| self.windows.get(&holder));
                window.map_or(self.size, |window| within(of_pixels(*window, self.window_pixels), self.most))
            }
        }
    }
}

/// As many pixels as may be, in the same shape.
fn of_pixels(size: Size, most: u64) -> Size {
    let (width, height) = (u64::from(size.width.max(1)), u64::from(size.height.max(1)));
    if width * height <= most {
        return size;
    }
    let narrower = (most * width / height).isqrt();
    let side = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
    Size::new(side(narrower), side(narrower * height / width))
}

/// As large as may be, in the same shape.
fn within(size: Size, most: Size) -> Size {
    let (width, height) = (u64::from(size.width.max(1)), u64::from(size.height.max(1)));
    let (most_width, most_height) = (u64::from(most.width), u64::from(most.height));
    if width <= most_width && height <= most_height {
        return size.clamped();
    }
    let fit = |side: u64, of: u64, by: u64| u32::try_from(side * by / of).unwrap_or(u32::MAX);
    let by_width = width * most_height > height * most_width;
    let (of, by) = if by_width { (width, most_width) } else { (height, most_height) };
    Size::new(fit(width, of, by), fit(height, of, by)).clamped()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HD: Size = Size::HD;
    const FOUR_K: Size = Size::MAX;

    #[test]
    fn it_follows_the_window_of_whoever_steers_and_nobody_elses() {
        let (now, ann, ben) = (Instant::now(), ViewerId::random(), ViewerId::random());
        let mut sizing = Sizing::new(HD, FOUR_K, None);
        sizing.window(ann, Size::new(1601, 899));
        sizing.window(ben, Size::new(800, 600));
        assert!(!sizing.settle(Some(ann), now), "as launched, until somebody chooses");
        sizing.choose(SizeMode::Follow).unwrap();
        assert!(sizing.settle(Some(ann), now));
        assert_eq!(sizing.size(), Size::new(1600, 898), "even numbers");
        assert!(sizing.settle(Some(ben), now + APART));
        assert_eq!(sizing.size(), Size::new(800, 600));
        sizing.leave(ben);
        assert!(!sizing.settle(None, now + APART * 2), "nobody steers: it stays");
    }

    #[test]
    fn changes_keep_their_distance_and_the_last_one_counts() {
        let (now, ann) = (Instant::now(), ViewerId::random());
        let mut sizing = Sizing::new(HD, FOUR_K, None);
        sizing.choose(SizeMode::Follow).unwrap();
        sizing.window(ann, Size::new(1000, 600));
        assert!(sizing.settle(Some(ann), now));
        for (width, after_ms) in [(1100, 100), (1200, 200), (1300, 300)] {
            sizing.window(ann, Size::new(width, 600));
            assert!(!sizing.settle(Some(ann), now + Duration::from_millis(after_ms)));
        }
        assert_eq!(sizing.wake_at(Some(ann)), Some(now + APART));
        assert!(sizing.settle(Some(ann), now + APART));
        assert_eq!((sizing.size(), sizing.wake_at(Some(ann))), (Size::new(1300, 600), None));
    }

    #[test]
    fn no_size_goes_beyond_the_limits_and_the_shape_is_kept() {
        let of = |width, height, most| within(Size::new(width, height), most);
        assert_eq!(of(7680, 4320, FOUR_K), FOUR_K);
        assert_eq!(of(2160, 3840, FOUR_K), Size::new(1214, 2160));
        assert_eq!(of(5120, 1440, FOUR_K), Size::new(3840, 1080));
        assert_eq!(of(2560, 1440, HD), HD);
        assert_eq!(of(0, 0, FOUR_K), Size::MIN);
        assert_eq!(of(u32::MAX, 1, FOUR_K), Size::new(3840, 180));
    }

    #[test]
    fn a_chosen_size_stays_whatever_the_windows_do() {
        let (now, ann) = (Instant::now(), ViewerId::random());
        let mut sizing = Sizing::new(HD, FOUR_K, None);
        sizing.choose(SizeMode::Fixed { width: 1920, height: 1080 }).unwrap();
        assert!(sizing.settle(None, now));
        sizing.window(ann, Size::new(640, 360));
        assert!(!sizing.settle(Some(ann), now + APART));
        sizing.choose(SizeMode::Launched).unwrap();
        assert!(sizing.settle(Some(ann), now + APART));
        assert_eq!(sizing.size(), HD);
    }

    #[test]
    fn a_size_that_is_none_is_refused_with_a_sentence() {
        let mut sizing = Sizing::new(HD, Size::new(1920, 1080), None);
        for (width, height) in [(0, 0), (319, 180), (1920, 1081), (3840, 2160), (u32::MAX, u32::MAX)] {
            let why = sizing.choose(SizeMode::Fixed { width, height }).unwrap_err();
            assert!(why.contains("from 320 × 180 to 1920 × 1080"), "{why}");
            assert_eq!(sizing.news().mode, SizeMode::Launched);
        }
        sizing.window(ViewerId::random(), Size::new(0, 0));
        assert!(sizing.windows.is_empty());
    }

    #[test]
    fn what_could_not_be_had_is_said_and_not_tried_again_until_something_else_was() {
        let (now, ann) = (Instant::now(), ViewerId::random());
        let mut sizing = Sizing::new(HD, FOUR_K, None);
        sizing.choose(SizeMode::Fixed { width: 3840, height: 2160 }).unwrap();
        assert!(sizing.settle(Some(ann), now));
        sizing.refuse(HD, "no memory is left");
        assert!(!sizing.settle(Some(ann), now + APART));
        assert_eq!(sizing.wake_at(Some(ann)), None);
        let trouble = sizing.news().trouble.unwrap();
        assert!(trouble.contains("stays 1280 × 720") && trouble.ends_with("no memory is left"), "{trouble}");
        sizing.choose(SizeMode::Fixed { width: 1920, height: 1080 }).unwrap();
        assert!(sizing.settle(Some(ann), now + APART));
        assert_eq!(sizing.news().trouble, None);
    }

    #[test]
    fn a_window_asks_no_more_of_a_processor_than_it_can_encode() {
        let (now, ann) = (Instant::now(), ViewerId::random());
        let mut sizing = Sizing::new(HD, FOUR_K, None);
        sizing.choose(SizeMode::Follow).unwrap();
        sizing.window(ann, Size::new(2880, 1800));
        assert!(sizing.settle(Some(ann), now));
        assert_eq!(sizing.size(), Size::new(1820, 1138), "as many pixels as 1080p has");
        sizing.encoded_by(true);
        assert!(sizing.settle(Some(ann), now + APART));
        assert_eq!(sizing.size(), Size::new(2880, 1800));
    }

    #[test]
    fn a_node_that_begins_again_goes_on_with_the_size_and_with_what_it_goes_by() {
        let (now, ann) = (Instant::now(), ViewerId::random());
        let saved = PictureSize { mode: SizeMode::Follow, size: Size::new(1000, 562) };
        let mut sizing = Sizing::new(HD, FOUR_K, Some(saved));
        assert!(!sizing.settle(None, now), "nobody steers yet");
        assert_eq!((sizing.size(), sizing.news().mode), (saved.size, SizeMode::Follow));
        sizing.window(ann, Size::new(800, 600));
        assert!(sizing.settle(Some(ann), now));
    }
}
