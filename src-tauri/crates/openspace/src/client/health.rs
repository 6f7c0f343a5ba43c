//! Is OpenSpace well, as far as its API tells? Pure: what was heard, what was not, and the time come in.
//!
//! Whatever it is asked belongs to a [`Step`]. A step that is not answered in time, or with something that cannot be read, ails: it is
//! said to be off, and asked again until it is answered well. Where nothing at all is heard for a while, OpenSpace is asked for its
//! version, which it answers in its next frame; without that answer it is OpenSpace as a whole that ails.

mod words;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use model::{ApiGeneration, ScenePart};

use super::wire::{Question, scene::Stream};

/// How long OpenSpace is waited for, and how often it is asked again.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// An answer takes one or two frames. A software renderer at 4K may need a second for each.
    pub call: Duration,
    /// A topic that a build does not have is not answered at all.
    pub topic: Duration,
    /// So long it may tell nothing while time passes in it.
    pub quiet: Duration,
    /// After so long without a word it is asked for its version.
    pub pulse: Duration,
    /// Between two tries at what ails; it doubles up to [`Self::again_max`], since a large scene takes OpenSpace some frames to tell.
    pub again: Duration,
    pub again_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            topic: Duration::from_secs(3),
            quiet: Duration::from_secs(6),
            pulse: Duration::from_secs(4),
            again: Duration::from_secs(5),
            again_max: Duration::from_secs(30),
        }
    }
}

/// What OpenSpace is asked for, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Anything at all.
    Version,
    Calls,
    Time,
    Focus,
    Contents,
    Actions,
    Missions,
    Functions,
    Mode,
    Recorder,
    Camera,
    Flights,
    Shown,
    Values,
    /// What it says that belongs to nothing it was asked.
    Rest,
}

impl Step {
    pub(super) const fn of(question: &Question) -> Self {
        match question {
            Question::Version => Self::Version,
            Question::Commit
            | Question::ToggleShutdown
            | Question::AddTruckMovement(_)
            | Question::Step(_)
            | Question::Script(_)
            | Question::View => Self::Calls,
            Question::Owners => Self::Contents,
            Question::Actions | Question::Shortcuts => Self::Actions,
            Question::Functions => Self::Functions,
            Question::Missions => Self::Missions,
        }
    }

    pub(super) const fn told_by(stream: Stream) -> Self {
        match stream {
            Stream::Time => Self::Time,
            Stream::Focus => Self::Focus,
            Stream::Mode => Self::Mode,
            Stream::Recorder => Self::Recorder,
            Stream::Path => Self::Flights,
            Stream::Shown => Self::Shown,
            Stream::Values => Self::Values,
            Stream::Camera => Self::Camera,
        }
    }

    const fn off(self) -> Option<ScenePart> {
        match self {
            Self::Version | Self::Calls | Self::Time | Self::Focus => Some(ScenePart::Everything),
            Self::Contents => Some(ScenePart::Contents),
            Self::Actions => Some(ScenePart::Actions),
            Self::Missions => Some(ScenePart::Missions),
            Self::Functions
            | Self::Mode
            | Self::Recorder
            | Self::Camera
            | Self::Flights
            | Self::Shown
            | Self::Values
            | Self::Rest => None,
        }
    }

    /// Silence is an illness: every build of this generation answers. Up to 0.20 some topics were not there yet.
    fn must_answer(self, generation: ApiGeneration) -> bool {
        match self {
            Self::Version
            | Self::Calls
            | Self::Time
            | Self::Focus
            | Self::Contents
            | Self::Actions
            | Self::Functions => true,
            Self::Missions | Self::Mode | Self::Recorder => generation == ApiGeneration::New,
            Self::Camera | Self::Flights | Self::Shown | Self::Values | Self::Rest => false,
        }
    }

    /// How it is asked again.
    fn again(self) -> Vec<Ask> {
        match self {
            Self::Version => vec![Ask::Question(Question::Version)],
            Self::Calls => vec![Ask::Question(Question::View)],
            Self::Contents => vec![Ask::Question(Question::Owners)],
            Self::Actions => vec![Ask::Question(Question::Actions), Ask::Question(Question::Shortcuts)],
            Self::Missions => vec![Ask::Question(Question::Missions)],
            Self::Functions => vec![Ask::Question(Question::Functions)],
            Self::Time => vec![Ask::Stream(Stream::Time)],
            Self::Focus => vec![Ask::Stream(Stream::Focus)],
            Self::Mode => vec![Ask::Stream(Stream::Mode)],
            Self::Recorder => vec![Ask::Stream(Stream::Recorder)],
            Self::Camera => vec![Ask::Stream(Stream::Camera)],
            Self::Flights => vec![Ask::Stream(Stream::Path)],
            Self::Shown => vec![Ask::Stream(Stream::Shown)],
            Self::Values => vec![Ask::Stream(Stream::Values)],
            Self::Rest => Vec::new(),
        }
    }

    /// It tells nothing while all is well, so that only its next word could say that it is.
    const fn is_quiet(self) -> bool {
        matches!(self, Self::Camera | Self::Flights | Self::Shown | Self::Values | Self::Rest)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ask {
    Question(Question),
    /// From the beginning.
    Stream(Stream),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Silent,
    Unreadable,
}

#[derive(Clone, Copy, Debug)]
struct Ailment {
    wrong: Wrong,
    since: Instant,
    ask_at: Instant,
    pause: Duration,
}

/// What is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Illness {
    pub message: String,
    pub since: Instant,
    pub off: Vec<ScenePart>,
}

#[derive(Debug)]
pub(super) struct Health {
    generation: ApiGeneration,
    patience: Patience,
    /// When something was understood; absent until OpenSpace has answered once.
    heard_at: Option<Instant>,
    /// A version that was asked for to hear whether it answers.
    pulse: bool,
    /// When something came that cannot be read: first, and last.
    unread: Option<(Instant, Instant)>,
    ailing: BTreeMap<Step, Ailment>,
    /// What is to be told, since when it is waited for, and by when.
    expected: BTreeMap<Step, (Instant, Instant)>,
}

impl Health {
    pub(super) fn new(generation: ApiGeneration, patience: Patience) -> Self {
        Self {
            generation,
            patience,
            heard_at: None,
            pulse: false,
            unread: None,
            ailing: BTreeMap::new(),
            expected: BTreeMap::new(),
        }
    }

    /// A message that is one, whatever is in it.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = Some(now);
        self.ailing.remove(&Step::Version);
    }

    /// Something that is no message.
    pub(super) fn unread(&mut self, now: Instant) {
        let first = self.unread.filter(|(_, last)| now < *last + self.patience.call).map(|(first, _)| first);
        self.unread = Some((first.unwrap_or(now), now));
    }

    /// A step was answered, well or with something else than it should be.
    pub(super) fn answered(&mut self, step: Step, well: bool, now: Instant) {
        self.pulse &= step != Step::Version;
        self.expected.remove(&step);
        if well {
            self.ailing.remove(&step);
        } else {
            self.ail(step, Wrong::Unreadable, now);
        }
    }

    /// A question was not answered in its time.
    pub(super) fn late(&mut self, step: Step, asked_at: Instant, now: Instant) {
        self.pulse &= step != Step::Version;
        // Who has not answered once is still being connected.
        let Some(heard_at) = self.heard_at else { return };
        let wrong = match self.unread {
            Some((_, last)) if last >= asked_at => Wrong::Unreadable,
            _ => Wrong::Silent,
        };
        if heard_at <= asked_at {
            self.ail(Step::Version, wrong, now);
        } else if wrong == Wrong::Unreadable || step.must_answer(self.generation) {
            self.ail(step, wrong, now);
        }
    }

    /// Something that tells by itself has been asked to.
    pub(super) fn began(&mut self, step: Step, now: Instant) {
        if !step.is_quiet() {
            self.expected.insert(step, (now, now + self.patience.topic));
        }
    }

    /// What is to be told by itself, and has not been.
    pub(super) fn first_expected(&self) -> Option<Step> {
        self.expected.keys().next().copied()
    }

    /// Something that tells by itself is not wanted any more.
    pub(super) fn ended(&mut self, step: Step) {
        self.expected.remove(&step);
        self.ailing.remove(&step);
    }

    /// The time has been told: while it passes, it is told again and again.
    pub(super) fn time_told(&mut self, passes: bool, now: Instant) {
        if passes {
            self.expected.insert(Step::Time, (now, now + self.patience.quiet));
        }
    }

    /// Why a question is not worth asking now.
    pub(super) fn refuses(&self, question: &Question) -> Option<&'static str> {
        let step = Step::of(question);
        let exempt = matches!(question, Question::Version | Question::ToggleShutdown);
        let ails = |step| self.ailing.contains_key(&step);
        (!exempt && (ails(Step::Version) || ails(step))).then(|| match ails(Step::Version) {
            true => Step::Version.asked(),
            false => step.asked(),
        })
    }

    /// What is to be asked now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Ask> {
        let late: Vec<_> =
            self.expected.iter().filter(|(_, (_, by))| *by <= now).map(|(s, e)| (*s, e.0)).collect();
        // While it is not known whether it lives, nothing single is missing.
        let doubtful = self.pulse || self.ailing.contains_key(&Step::Version);
        for (step, since) in late {
            if doubtful {
                self.expected.insert(step, (since, now + self.patience.topic));
            } else {
                self.expected.remove(&step);
                self.late(step, since, now);
            }
        }
        let mut asks = Vec::new();
        if self.pulse_at().is_some_and(|at| at <= now) {
            self.pulse = true;
            asks.push(Ask::Question(Question::Version));
        }
        let due: Vec<_> =
            self.told().filter(|(_, ailment)| ailment.ask_at <= now).map(|(step, _)| step).collect();
        for step in due {
            asks.extend(step.again());
            if step.is_quiet() {
                self.ailing.remove(&step);
            } else if let Some(ailment) = self.ailing.get_mut(&step) {
                ailment.ask_at = now + ailment.pause;
                ailment.pause = (ailment.pause * 2).min(self.patience.again_max);
            }
        }
        self.notice_rest(now);
        asks
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.heard_at?;
        let told = self.expected.values().map(|(_, by)| *by);
        let again = self.told().map(|(_, ailment)| ailment.ask_at);
        told.chain(again).chain(self.pulse_at()).chain(self.rest_at()).min()
    }

    pub(super) fn illness(&self) -> Option<Illness> {
        let of = |wrong| self.told().filter(move |(_, ailment)| ailment.wrong == wrong).map(|(step, _)| step);
        let since = self.told().map(|(_, ailment)| ailment.since).min()?;
        let mut off: Vec<_> = self.told().filter_map(|(step, _)| step.off()).collect();
        off.sort_unstable();
        off.dedup();
        if off.first() == Some(&ScenePart::Everything) {
            off.truncate(1);
        }
        let message = words::sentence(
            &of(Wrong::Silent).collect::<Vec<_>>(),
            &of(Wrong::Unreadable).collect::<Vec<_>>(),
            &off,
        );
        Some(Illness { message, since, off })
    }

    /// What is told, and asked again: where nothing is answered, that says it all.
    fn told(&self) -> impl Iterator<Item = (Step, Ailment)> {
        let whole = self.ailing.contains_key(&Step::Version);
        self.ailing
            .iter()
            .filter(move |(step, _)| !whole || **step == Step::Version)
            .map(|(step, one)| (*step, *one))
    }

    fn pulse_at(&self) -> Option<Instant> {
        let quiet = !self.pulse && !self.ailing.contains_key(&Step::Version);
        self.heard_at.filter(|_| quiet).map(|at| at + self.patience.pulse)
    }

    /// When what cannot be read is said to belong to nothing: what it could belong to has had its time.
    fn rest_at(&self) -> Option<Instant> {
        let (first, last) = self.unread?;
        let at = first + self.patience.call;
        let lasts = at < last + self.patience.call;
        let known = self.ailing.values().any(|ailment| ailment.wrong == Wrong::Unreadable);
        (lasts && !known).then_some(at)
    }

    fn notice_rest(&mut self, now: Instant) {
        if self.rest_at().is_some_and(|at| at <= now) {
            let lasts = self.unread.is_some_and(|(first, last)| last >= first + self.patience.call / 2);
            self.unread = self.unread.map(|(_, last)| (last.max(now), last));
            if lasts {
                self.ail(Step::Rest, Wrong::Unreadable, now);
            }
        }
    }

    fn ail(&mut self, step: Step, wrong: Wrong, now: Instant) {
        let pause = self.patience.again;
        // The first try comes at once: one slow answer must not turn anything off for long.
        let ask_at = if step.is_quiet() { now + pause * 2 } else { now };
        let ailment = self.ailing.entry(step).or_insert(Ailment { wrong, since: now, ask_at, pause });
        ailment.wrong = wrong;
        if step.is_quiet() {
            ailment.ask_at = now + pause * 2;
        }
    }
}

#[cfg(test)]
mod tests;
