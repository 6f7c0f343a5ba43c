//! Who is lost, and what becomes of what ran there. Pure.
//!
//! The registry's clock judges: what comes in is how long ago a machine was heard of, never a moment of its own.

use std::time::Duration;

use model::InstanceState;

/// A machine that was not heard of for so long does not come back: it is forgotten, and with it what was lost with it. A holiday is
/// shorter; if it comes back all the same, it joins as a new one.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(14 * 24 * 3600);

/// How a machine stands in the eyes of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Lives,
    /// It has missed three heartbeats.
    Lost,
}

pub fn fate(silent: Duration, heartbeat: Duration) -> Fate {
    if silent < heartbeat * 3 { Fate::Lives } else { Fate::Lost }
}

/// What is shown of an instance whose machine stands so. What had ended anyway has ended.
pub fn shown(told: InstanceState, machine: Fate) -> InstanceState {
    match machine {
        Fate::Lives => told,
        Fate::Lost if told.is_live() => InstanceState::Lost,
        Fate::Lost => told,
    }
}

/// What whose it was can do about a lost instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rescue {
    /// It goes on in a new instance elsewhere, as it was last seen.
    Resume,
    /// It can only be launched anew: nothing is known of its scene.
    Anew,
    /// It runs, or has ended by itself.
    Nothing,
}

pub fn rescue(shown: InstanceState, scene_is_known: bool) -> Rescue {
    match (shown, scene_is_known) {
        (InstanceState::Lost, true) => Rescue::Resume,
        (InstanceState::Lost, false) => Rescue::Anew,
        _ => Rescue::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_secs(2);

    #[test]
    fn a_machine_is_lost_after_three_missing_heartbeats() {
        for (silent_ms, expected) in
            [(0, Fate::Lives), (5_999, Fate::Lives), (6_000, Fate::Lost), (u64::MAX, Fate::Lost)]
        {
            assert_eq!(fate(Duration::from_millis(silent_ms), BEAT), expected, "{silent_ms} ms");
        }
    }

    #[test]
    fn what_ran_on_a_lost_machine_is_lost_and_may_go_on_elsewhere() {
        use InstanceState::*;
        for (told, machine, scene, state, then) in [
            (Ready, Fate::Lives, true, Ready, Rescue::Nothing),
            (Ready, Fate::Lost, true, Lost, Rescue::Resume),
            (Starting, Fate::Lost, false, Lost, Rescue::Anew),
            (Failed, Fate::Lost, true, Failed, Rescue::Nothing),
            (Stopped, Fate::Lost, true, Stopped, Rescue::Nothing),
        ] {
            assert_eq!(shown(told, machine), state, "{told:?} {machine:?}");
            assert_eq!(rescue(state, scene), then, "{told:?} {machine:?}");
        }
    }
}
