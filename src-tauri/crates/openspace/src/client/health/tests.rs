//! What is noticed, told and asked again, step by step and at random.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const S: Duration = Duration::from_secs(1);

fn healthy(generation: ApiGeneration) -> (Health, Instant) {
    let now = Instant::now();
    let mut health = Health::new(generation, Patience::default());
    assert_eq!((health.wake_at(), health.due(now + 60 * S)), (None, vec![]), "it waits for the first answer");
    health.heard(now);
    (health, now)
}

fn message(health: &Health) -> String {
    health.illness().map(|illness| illness.message).unwrap_or_default()
}

#[test]
fn one_that_falls_silent_is_asked_whether_it_lives_and_then_said_to_be_silent_until_it_speaks() {
    let (mut health, now) = healthy(ApiGeneration::New);
    health.time_told(true, now);
    assert_eq!(health.wake_at(), Some(now + 4 * S));
    assert_eq!(health.due(now + 4 * S), [Ask::Question(Question::Version)]);
    assert_eq!((health.due(now + 7 * S), health.illness()), (vec![], None), "one question is enough");
    health.late(Step::Version, now + 4 * S, now + 14 * S);
    let illness = health.illness().unwrap();
    assert_eq!(
        illness.message,
        "The picture is live, but OpenSpace does not answer: its controls are off. It is asked again every few seconds."
    );
    assert_eq!((illness.since, illness.off), (now + 14 * S, vec![ScenePart::Everything]));
    assert!(
        health.refuses(&Question::Owners).is_some() && health.refuses(&Question::ToggleShutdown).is_none()
    );

    assert_eq!(health.due(now + 14 * S), [Ask::Question(Question::Version)]);
    health.late(Step::Version, now + 14 * S, now + 24 * S);
    assert_eq!(health.illness().unwrap().since, now + 14 * S, "it is the same silence");
    health.heard(now + 25 * S);
    assert_eq!((health.illness(), health.refuses(&Question::Owners)), (None, None));
}

#[test]
fn a_step_that_is_not_answered_is_off_alone_and_asked_again_until_it_is() {
    let (mut health, now) = healthy(ApiGeneration::New);
    health.heard(now + 2 * S);
    health.late(Step::Contents, now, now + 10 * S);
    let illness = health.illness().unwrap();
    assert!(
        illness.message.contains("does not answer when it is asked what is in the scene"),
        "{}",
        illness.message
    );
    assert_eq!(illness.off, [ScenePart::Contents]);
    assert_eq!(
        (health.refuses(&Question::Owners), health.refuses(&Question::View)),
        (Some("what is in the scene"), None)
    );
    assert!(health.due(now + 10 * S).contains(&Ask::Question(Question::Owners)), "at once");
    assert_eq!(health.due(now + 11 * S), []);
    assert!(health.due(now + 15 * S).contains(&Ask::Question(Question::Owners)));
    health.answered(Step::Contents, true, now + 16 * S);
    assert_eq!(health.illness(), None);
}

#[test]
fn what_cannot_be_read_belongs_to_what_was_asked_before_it() {
    let (mut health, now) = healthy(ApiGeneration::New);
    health.heard(now + S);
    health.unread(now + 2 * S);
    health.late(Step::Functions, now, now + 10 * S);
    assert!(
        message(&health).contains("cannot be read when it is asked which functions it has"),
        "{}",
        message(&health)
    );
    assert_eq!(health.illness().unwrap().off, [], "newer names are tried meanwhile");
    health.answered(Step::Functions, true, now + 11 * S);
    health.answered(Step::Time, false, now + 12 * S);
    assert!(message(&health).contains("cannot be read when it is asked for the time: its controls are off"));
}

#[test]
fn what_an_older_build_does_not_have_is_no_illness() {
    for (generation, ails) in [(ApiGeneration::New, true), (ApiGeneration::Legacy, false)] {
        for step in [Step::Missions, Step::Mode, Step::Recorder] {
            let (mut health, now) = healthy(generation);
            health.heard(now + S);
            health.late(step, now, now + 10 * S);
            assert_eq!(health.illness().is_some(), ails, "{generation:?} {step:?}");
        }
    }
}

#[test]
fn a_clock_that_stops_being_told_while_time_passes_is_noticed() {
    let (mut health, now) = healthy(ApiGeneration::Legacy);
    health.began(Step::Time, now);
    health.answered(Step::Time, true, now);
    health.time_told(false, now);
    health.heard(now + 20 * S);
    health.due(now + 20 * S);
    assert_eq!(health.illness(), None, "time stands");
    health.time_told(true, now + 20 * S);
    health.heard(now + 24 * S);
    assert_eq!(health.due(now + 26 * S), [Ask::Stream(Stream::Time)]);
    assert!(message(&health).contains("when it is asked for the time"));
}

#[test]
fn babble_that_belongs_to_nothing_is_told_while_it_lasts() {
    let (mut health, now) = healthy(ApiGeneration::New);
    for ms in (0..15_000).step_by(500) {
        let now = now + Duration::from_millis(ms);
        health.heard(now);
        health.unread(now);
        health.due(now);
    }
    let then = now + 15 * S;
    assert!(
        message(&health).contains("OpenSpace tells things by itself that cannot be read."),
        "{}",
        message(&health)
    );
    health.heard(then + 12 * S);
    health.due(then + 12 * S);
    assert_eq!(health.illness(), None);
}

#[derive(Clone, Debug)]
enum Deed {
    Heard,
    Unread,
    Answered(usize, bool),
    Late(usize, u64),
    Began(usize),
    Told(bool),
    Wait(u64),
}

const STEPS: [Step; 14] = [
    Step::Version,
    Step::Calls,
    Step::Time,
    Step::Focus,
    Step::Contents,
    Step::Actions,
    Step::Missions,
    Step::Functions,
    Step::Mode,
    Step::Recorder,
    Step::Camera,
    Step::Flights,
    Step::Shown,
    Step::Values,
];

fn deed() -> impl Strategy<Value = Deed> {
    let step = || 0..STEPS.len();
    prop_oneof![
        Just(Deed::Heard),
        Just(Deed::Unread),
        (step(), any::<bool>()).prop_map(|(step, well)| Deed::Answered(step, well)),
        (step(), 0..20_000_u64).prop_map(|(step, ms)| Deed::Late(step, ms)),
        step().prop_map(Deed::Began),
        any::<bool>().prop_map(Deed::Told),
        (0..20_000_u64).prop_map(Deed::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_went_wrong_it_is_well_once_all_is_answered_and_never_spins(deeds in prop::collection::vec(deed(), 0..80)) {
        let (mut health, began) = healthy(ApiGeneration::New);
        let mut now = began;
        for deed in deeds {
            match deed {
                Deed::Heard => health.heard(now),
                Deed::Unread => health.unread(now),
                Deed::Answered(step, well) => health.answered(STEPS[step], well, now),
                Deed::Late(step, ms) => health.late(STEPS[step], now.checked_sub(Duration::from_millis(ms)).unwrap_or(began), now),
                Deed::Began(step) => health.began(STEPS[step], now),
                Deed::Told(passes) => health.time_told(passes, now),
                Deed::Wait(ms) => now += Duration::from_millis(ms),
            }
            health.due(now);
            prop_assert!(health.wake_at().is_none_or(|at| at > now), "{:?} {health:?}", health.wake_at().map(|at| now - at));
            prop_assert_eq!(health.illness().is_some(), !health.ailing.is_empty());
        }
        for _ in 0..60 {
            now += S;
            health.heard(now);
            for step in STEPS {
                health.answered(step, true, now);
            }
            health.due(now);
        }
        prop_assert_eq!(health.illness(), None);
    }
}
