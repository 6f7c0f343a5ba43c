//! May one more instance start? Pure.

use model::SecretHash;

/// What counts for the answer.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    pub total: u32,
    pub per_session: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    MachineFull,
    SessionFull,
    Closing,
    Draining,
}

/// Does the machine take anything new?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    Open,
    /// An administrator empties it.
    Draining,
    /// The node ends.
    Closing,
}

/// `live` holds the session of each instance that takes a slot; `by` is `None` for an administrator, who has no limit of his own.
pub fn admit(slots: Slots, live: &[SecretHash], by: Option<SecretHash>, doors: Doors) -> Result<(), Refusal> {
    match doors {
        Doors::Open => {}
        Doors::Draining => return Err(Refusal::Draining),
        Doors::Closing => return Err(Refusal::Closing),
    }
    let mine = by.map_or(0, |session| owned(live, session));
    if by.is_some() && mine >= slots.per_session {
        return Err(Refusal::SessionFull);
    }
    if live.len() as u32 >= slots.total { Err(Refusal::MachineFull) } else { Ok(()) }
}

/// Slots of a machine that was told no number: an instance wants about half a core to encode and draw in software, and 1 GiB.
pub fn slots_of_machine(cores: u32, memory_bytes: u64) -> u32 {
    let by_memory = (memory_bytes / (1 << 30)) as u32;
    (cores * 2).min(by_memory).clamp(1, 32)
}

/// How many of the slots that are taken are this session's.
pub fn owned(live: &[SecretHash], session: SecretHash) -> u32 {
    live.iter().filter(|owner| **owner == session).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_session_is_told_before_a_full_machine() {
        use Doors::{Closing, Draining, Open};
        let [a, b] = [SecretHash([1; 32]), SecretHash([2; 32])];
        let slots = Slots { total: 3, per_session: 2 };
        for (live, by, doors, answer) in [
            (vec![], Some(a), Open, Ok(())),
            (vec![a], Some(a), Open, Ok(())),
            (vec![a, a], Some(a), Open, Err(Refusal::SessionFull)),
            (vec![a, a], Some(b), Open, Ok(())),
            (vec![a, a, b], Some(b), Open, Err(Refusal::MachineFull)),
            (vec![a, a, a], Some(a), Open, Err(Refusal::SessionFull)),
            (vec![a, a], None, Open, Ok(())),
            (vec![], Some(a), Draining, Err(Refusal::Draining)),
            (vec![], None, Draining, Err(Refusal::Draining)),
            (vec![], None, Closing, Err(Refusal::Closing)),
        ] {
            assert_eq!(admit(slots, &live, by, doors), answer, "{live:?} {by:?}");
        }
    }

    #[test]
    fn a_machine_has_at_least_one_slot() {
        assert_eq!(slots_of_machine(2, 24 << 30), 4);
        assert_eq!(slots_of_machine(64, 512 << 30), 32);
        assert_eq!(slots_of_machine(1, 100), 1);
    }
}
