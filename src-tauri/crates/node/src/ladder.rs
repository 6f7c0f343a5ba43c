//! Which rendition each viewer gets, and what each encoder may spend. Pure: time is an argument.
//!
//! Every viewer gets the best that its own network carries. Whoever steers feels every delay, so its path decides what the
//! source may spend, as long as it carries the source at all; a slow watcher goes down a rung and costs nobody anything.
//!
//! ```text
//!   estimate under what the rung spends ──► the best rung whose least it carries     at once, or after a moment's doubt
//!   estimate over what a better one spends ──► up to it                             after a while, the more room the sooner
//!   estimate as high as this rung can prove ──► one up, on trial                    after a longer while, doubled by each failure
//! ```

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use model::{Bitrate, FrameRate, Size, ViewerId, video::Rung};
use protocol::signal::QualityMode;

/// Bits that a pixel needs at least, in thousandths: with fewer, a smaller picture looks better.
const LEAST_MILLIBITS: u64 = 40;
/// Bits of a pixel beyond which a rung below the source gains nothing that is seen.
const MOST_MILLIBITS: u64 = 110;
/// Below this no picture is worth sending, however small.
const LEAST_OF_ALL: Bitrate = Bitrate::kbps(200);

/// An estimate of less than this part of what is spent is no doubt any more: the queue grows.
const CLEARLY_LESS: f64 = 0.6;
/// Of what is spent: an estimate below is a doubt.
const LESS: f64 = 0.9;
const DOUBT: Duration = Duration::from_secs(1);

/// How long a path has to look just good enough before its viewer goes up; the more it carries, the sooner.
const RISE_AFTER: Duration = Duration::from_secs(3);
const RISE_AFTER_MIN: Duration = Duration::from_secs(1);
/// An estimate over what is spent by this factor is as much as so little traffic can prove.
const UNPROVED: f64 = 1.25;
/// The first trial of a rung whose rate the path has not proved, and the longest wait after failures.
const TRIAL_AFTER: Duration = Duration::from_secs(8);
const TRIAL_AFTER_MAX: Duration = Duration::from_secs(120);
/// A trial that holds for so long was none.
const TRIAL_HOLDS: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub start: Bitrate,
    pub min: Bitrate,
    pub max: Bitrate,
}

/// What the ladder needs to know once.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub size: Size,
    pub fps: FrameRate,
    pub bitrates: Limits,
}

impl Shape {
    fn bits(&self, rung: Rung, millibits: u64) -> Bitrate {
        let pixels_per_s = rung.size(self.size).pixels() * u64::from(self.fps.0);
        Bitrate::kbps(u32::try_from(pixels_per_s * millibits / 1_000_000).unwrap_or(u32::MAX))
    }

    /// What a viewer's path must carry for this rung.
    fn least(&self, rung: Rung) -> Bitrate {
        self.bits(rung, LEAST_MILLIBITS).clamp(LEAST_OF_ALL.max(self.bitrates.min), self.bitrates.max)
    }

    fn most(&self, rung: Rung) -> Bitrate {
        match rung {
            Rung::Source => self.bitrates.max,
            smaller => self.bits(smaller, MOST_MILLIBITS).clamp(self.least(smaller), self.bitrates.max),
        }
    }
}

#[derive(Debug)]
struct Place {
    rung: Rung,
    estimate: Option<Bitrate>,
    mode: QualityMode,
    /// Since when the path seems to carry less than it has to.
    doubt: Option<Instant>,
    /// Since when it seems to carry more.
    hope: Option<Instant>,
    trial_after: Duration,
    /// When it went up last.
    risen: Option<Instant>,
}

impl Place {
    fn new() -> Self {
        Self {
            rung: Rung::Source,
            estimate: None,
            mode: QualityMode::Auto,
            doubt: None,
            hope: None,
            trial_after: TRIAL_AFTER,
            risen: None,
        }
    }

    /// The highest rung that this viewer wishes for.
    fn highest(&self) -> Rung {
        match self.mode {
            QualityMode::Saver => Rung::Small,
            QualityMode::Auto | QualityMode::Interactive | QualityMode::Smooth => Rung::Source,
        }
    }
}

type Rates = BTreeMap<Rung, Bitrate>;

/// Who is on which rung.
#[derive(Debug)]
pub struct Ladder {
    shape: Shape,
    places: BTreeMap<ViewerId, Place>,
    rates: Rates,
    holder: Option<ViewerId>,
}

impl Ladder {
    pub fn new(shape: Shape) -> Self {
        Self { shape, places: BTreeMap::new(), rates: BTreeMap::new(), holder: None }
    }

    /// The picture has another size now.
    pub fn reshape(&mut self, size: Size) {
        self.shape.size = size;
    }

    pub fn join(&mut self, viewer: ViewerId) {
        self.places.entry(viewer).or_insert_with(Place::new);
    }

    pub fn leave(&mut self, viewer: ViewerId) {
        self.places.remove(&viewer);
    }

    pub fn hear(&mut self, viewer: ViewerId, estimate: Bitrate) {
        if let Some(place) = self.places.get_mut(&viewer) {
            place.estimate = Some(estimate);
        }
    }

    /// It is away: what its path carries counts for nothing, and its place is kept.
    pub fn rest(&mut self, viewer: ViewerId) {
        if let Some(place) = self.places.get_mut(&viewer) {
            place.estimate = None;
        }
    }

    pub fn wish(&mut self, viewer: ViewerId, mode: QualityMode) {
        if let Some(place) = self.places.get_mut(&viewer) {
            place.mode = mode;
        }
    }

    pub fn steered_by(&mut self, holder: Option<ViewerId>) {
        self.holder = holder;
    }

    pub fn rung(&self, viewer: ViewerId) -> Rung {
        self.places.get(&viewer).map_or(Rung::Source, |place| place.rung)
    }

    /// What the encoder of each rung may spend.
    pub fn rate(&self, rung: Rung) -> Bitrate {
        self.rates.get(&rung).copied().unwrap_or_else(|| self.fresh_rate(rung))
    }

    /// Decides anew. To be called after news, and now and then while anybody watches.
    pub fn settle(&mut self, now: Instant) {
        self.rates = Rung::ALL.map(|rung| (rung, self.spend(rung))).into();
        let (shape, rates, holder) = (self.shape, self.rates.clone(), self.holder);
        let (watching, steering) = (self.needs(false), self.needs(true));
        for (viewer, place) in &mut self.places {
            let needs = if Some(*viewer) == holder { &steering } else { &watching };
            place.settle(&shape, &rates, needs, now);
        }
        // Whoever has just gone down no longer counts where it was.
        self.rates = Rung::ALL.map(|rung| (rung, self.spend(rung))).into();
    }

    /// What a path must carry to come to each rung: what is spent there for others. Where nobody is, or where whoever comes decides,
    /// its own estimate is what will be spent.
    fn needs(&self, steers: bool) -> Rates {
        let is_taken = |rung: Rung| self.places.values().any(|place| place.rung == rung);
        let need = |rung: Rung| {
            let decides = (steers && rung == Rung::Source) || !is_taken(rung);
            let spent = if decides { Bitrate::kbps(0) } else { self.rate(rung) };
            // As much as raises no doubt once it is up there.
            Bitrate::kbps((f64::from(spent.kbps) * LESS) as u32).max(self.shape.least(rung))
        };
        Rung::ALL.map(|rung| (rung, need(rung))).into()
    }

    /// As if nobody had shown yet what the paths carry.
    fn fresh_rate(&self, rung: Rung) -> Bitrate {
        let limits = self.shape.bitrates;
        limits.start.clamp(limits.min, limits.max).min(self.shape.most(rung))
    }

    fn spend(&self, rung: Rung) -> Bitrate {
        let on_it = |place: &&Place| place.rung == rung;
        // From the lowest rung nobody goes further down.
        let least = if rung.below().is_some() { self.shape.least(rung) } else { Bitrate::kbps(0) };
        let carried = |place: &Place| place.estimate.filter(|estimate| *estimate >= least);
        let mut estimates = self.places.values().filter(on_it).filter_map(carried).peekable();
        if estimates.peek().is_none() {
            // Nobody here, or nobody whose path is known to carry it: those who are, will go.
            let kept = self.rates.get(&rung).copied();
            return kept.unwrap_or_else(|| self.fresh_rate(rung));
        }
        let steering =
            self.holder.and_then(|holder| self.places.get(&holder)).filter(on_it).and_then(carried);
        let decides = match (rung, steering) {
            (Rung::Source, Some(steering)) => Some(steering),
            // Nobody steers: the others lose frames, or go down.
            (Rung::Source, None) => estimates.max(),
            // Everybody here is here because its path is narrow: nobody's queue is to grow.
            (Rung::Medium | Rung::Small, _) => estimates.min(),
        };
        let most = self.shape.most(rung);
        decides.unwrap_or(most).clamp(self.shape.least(rung).min(most), most)
    }
}

impl Place {
    fn settle(&mut self, shape: &Shape, rates: &Rates, needs: &Rates, now: Instant) {
        if self.rung < self.highest() {
            self.change(self.highest());
        }
        let Some(estimate) = self.estimate else { return };
        let held = self.risen.is_some_and(|risen| now.saturating_duration_since(risen) >= TRIAL_HOLDS);
        if held {
            self.trial_after = TRIAL_AFTER;
        }

        let share = part_of(estimate, rate_of(rates, self.rung));
        if share < LESS && self.rung.below().is_some() {
            self.hope = None;
            let since = *self.doubt.get_or_insert(now);
            if share < CLEARLY_LESS || now.saturating_duration_since(since) >= DOUBT {
                self.fall(estimate, shape, now);
            }
            return;
        }
        self.doubt = None;

        let Some((above, wait)) = self.better(estimate, needs, share) else {
            self.hope = None;
            return;
        };
        if now.saturating_duration_since(*self.hope.get_or_insert(now)) >= wait {
            self.risen = Some(now);
            self.change(above);
        }
    }

    /// Where it would go up to, and how long that has to look good first. Not by the rungs in between: each change is a keyframe.
    fn better(&self, estimate: Bitrate, needs: &Rates, share: f64) -> Option<(Rung, Duration)> {
        let room = |rung: Rung| part_of(estimate, rate_of(needs, rung));
        let better = |rung: &Rung| (self.highest()..self.rung).contains(rung);
        if let Some(above) = Rung::ALL.into_iter().filter(better).find(|rung| room(*rung) >= 1.0) {
            let wait = RISE_AFTER.div_f64(room(above)).max(RISE_AFTER_MIN);
            return Some((above, if self.failed() { self.trial_after } else { wait }));
        }
        let above = self.rung.above().filter(better)?;
        (share >= UNPROVED).then_some((above, self.trial_after))
    }

    fn failed(&self) -> bool {
        self.trial_after > TRIAL_AFTER
    }

    fn fall(&mut self, estimate: Bitrate, shape: &Shape, now: Instant) {
        let soon = self.risen.is_some_and(|risen| now.saturating_duration_since(risen) < TRIAL_HOLDS);
        if soon {
            self.trial_after = (self.trial_after * 2).min(TRIAL_AFTER_MAX);
        }
        let fits = |rung: &Rung| *rung > self.rung && estimate >= shape.least(*rung);
        let rung = Rung::ALL.into_iter().find(fits).unwrap_or(Rung::Small);
        self.change(rung);
    }

    fn change(&mut self, rung: Rung) {
        self.rung = rung;
        self.doubt = None;
        self.hope = None;
    }
}

fn rate_of(rates: &Rates, rung: Rung) -> Bitrate {
    rates.get(&rung).copied().unwrap_or(Bitrate::kbps(0))
}

fn part_of(estimate: Bitrate, rate: Bitrate) -> f64 {
    f64::from(estimate.kbps) / f64::from(rate.kbps.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const SHAPE: Shape = Shape {
        size: Size::HD,
        fps: FrameRate(30),
        bitrates: Limits { start: Bitrate::kbps(6000), min: Bitrate::kbps(300), max: Bitrate::kbps(12_000) },
    };

    fn viewer(n: u8) -> ViewerId {
        ViewerId(Uuid::from_u128(u128::from(n)))
    }

    /// Viewers whose paths carry so much; an estimate leads what is sent by half at most, as without probing.
    struct Room {
        ladder: Ladder,
        paths: Vec<u32>,
        now: Instant,
        changes: Vec<u32>,
    }

    impl Room {
        fn of(paths: &[u32]) -> Self {
            let mut ladder = Ladder::new(SHAPE);
            (0..paths.len()).for_each(|n| ladder.join(viewer(n as u8)));
            ladder.steered_by(Some(viewer(0)));
            Self { ladder, paths: paths.to_vec(), now: Instant::now(), changes: vec![0; paths.len()] }
        }

        fn run(&mut self, seconds: u32) -> &mut Self {
            for _ in 0..seconds * 4 {
                self.now += Duration::from_millis(250);
                let before: Vec<_> = (0..self.paths.len()).map(|n| self.rung(n)).collect();
                for (n, path) in self.paths.iter().enumerate() {
                    let sent = self.ladder.rate(before[n]).kbps;
                    self.ladder.hear(viewer(n as u8), Bitrate::kbps((*path).min(sent * 3 / 2)));
                }
                self.ladder.settle(self.now);
                for (n, before) in before.into_iter().enumerate() {
                    self.changes[n] += u32::from(before != self.rung(n));
                }
            }
            self
        }

        fn rung(&self, n: usize) -> Rung {
            self.ladder.rung(viewer(n as u8))
        }
    }

    #[test]
    fn each_path_gets_the_best_rung_that_it_carries() {
        for (paths, rungs) in [
            (&[6000, 20_000][..], &[Rung::Source, Rung::Source][..]),
            (&[6000, 1500], &[Rung::Source, Rung::Medium]),
            (&[6000, 450], &[Rung::Source, Rung::Small]),
            (&[6000, 450, 1500, 9000], &[Rung::Source, Rung::Small, Rung::Medium, Rung::Source]),
            // One that steers over a narrow path goes down too, and the others keep what they had.
            (&[450, 9000], &[Rung::Small, Rung::Source]),
        ] {
            let mut room = Room::of(paths);
            room.run(6);
            assert_eq!((0..paths.len()).map(|n| room.rung(n)).collect::<Vec<_>>(), rungs, "{paths:?}");
        }
    }

    #[test]
    fn who_steers_decides_the_source_and_a_slow_watcher_lowers_nothing() {
        let mut alone = Room::of(&[5000]);
        let mut joined = Room::of(&[5000, 400, 700]);
        for room in [&mut alone, &mut joined] {
            room.run(10);
        }
        assert_eq!(joined.ladder.rate(Rung::Source), Bitrate::kbps(5000));
        assert_eq!(joined.ladder.rate(Rung::Source), alone.ladder.rate(Rung::Source));
        assert!(joined.ladder.rate(Rung::Small) <= Bitrate::kbps(700));
    }

    #[test]
    fn nobody_steering_the_best_path_decides() {
        let mut room = Room::of(&[3000, 8000]);
        room.ladder.steered_by(None);
        room.run(10);
        assert_eq!((room.rung(0), room.rung(1)), (Rung::Medium, Rung::Source));
        assert!(room.ladder.rate(Rung::Source) >= Bitrate::kbps(7900));
    }

    #[test]
    fn a_path_that_widens_takes_its_viewer_up_again() {
        let mut room = Room::of(&[6000, 450]);
        room.run(10);
        assert_eq!(room.rung(1), Rung::Small);
        room.paths[1] = 20_000;
        room.run(120);
        assert_eq!(room.rung(1), Rung::Source);
    }

    #[test]
    fn a_path_that_is_wide_again_takes_its_viewer_up_at_once_and_not_by_the_rungs_between() {
        let mut room = Room::of(&[5000]);
        room.run(10);
        room.paths[0] = 450;
        room.run(10);
        assert_eq!(room.rung(0), Rung::Small);
        room.changes[0] = 0;
        room.ladder.hear(viewer(0), Bitrate::kbps(4500));
        for _ in 0..5 {
            room.now += Duration::from_millis(250);
            room.ladder.settle(room.now);
        }
        assert_eq!(room.rung(0), Rung::Source);
    }

    #[test]
    fn a_path_that_stays_narrow_is_tried_ever_more_rarely() {
        let mut room = Room::of(&[6000, 1000]);
        room.run(60);
        room.changes[1] = 0;
        room.run(600);
        assert!(room.changes[1] <= 14, "{} changes in ten minutes", room.changes[1]);
        assert_eq!(room.changes[0], 0);
    }

    #[test]
    fn saving_keeps_a_viewer_at_the_smallest_picture() {
        let mut room = Room::of(&[6000, 20_000]);
        room.ladder.wish(viewer(1), QualityMode::Saver);
        room.run(300);
        assert_eq!(room.rung(1), Rung::Small);
        assert!(room.ladder.rate(Rung::Small) <= Bitrate::kbps(800), "{:?}", room.ladder.rate(Rung::Small));
        room.ladder.wish(viewer(1), QualityMode::Interactive);
        room.run(60);
        assert_eq!(room.rung(1), Rung::Source);
    }

    proptest! {
        #[test]
        fn no_news_breaks_the_limits(news in prop::collection::vec((0u8..5, 0u32..100_000, 0u8..6), 0..200)) {
            let mut ladder = Ladder::new(SHAPE);
            let mut now = Instant::now();
            for (who, kbps, what) in news {
                match what {
                    0 => ladder.join(viewer(who)),
                    1 => ladder.leave(viewer(who)),
                    2 => ladder.wish(viewer(who), QualityMode::Saver),
                    3 => ladder.steered_by(Some(viewer(who))),
                    4 => ladder.rest(viewer(who)),
                    _ => ladder.hear(viewer(who), Bitrate::kbps(kbps)),
                }
                now += Duration::from_millis(u64::from(kbps) % 3000);
                ladder.settle(now);
                for rung in Rung::ALL {
                    let rate = ladder.rate(rung);
                    prop_assert!(rate >= SHAPE.bitrates.min && rate <= SHAPE.most(rung), "{rung:?} {rate:?}");
                }
            }
        }
    }
}
