//! What to start ahead of people, and what to give up for them. Pure.

use model::{BuildId, InstanceId, InstanceState, Size};
use serde::{Deserialize, Serialize};

/// So many instances of this scene are to stand ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub build: BuildId,
    /// As launches resolve it; none for a program that is not OpenSpace.
    pub profile: Option<String>,
    pub count: u32,
}

/// One that stands ready, or is on its way there.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub id: InstanceId,
    pub build: BuildId,
    pub profile: Option<String>,
    pub size: Size,
    pub state: InstanceState,
}

/// What the machine has left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Slots that no instance of anybody takes.
    pub slots: u32,
    /// Some instance is on its way: a second start would slow down both.
    pub starting: bool,
    pub memory: u64,
    /// Of the GPU that has most; `None` where no GPU tells.
    pub gpu_memory: Option<u64>,
    pub idle_cores: f32,
}

/// What one more instance is expected to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    pub memory: u64,
    pub gpu_memory: u64,
    pub cores: f32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Start(Wanted),
    End(InstanceId),
}

/// One is begun only where two would fit, and given up where not even half of one more would: what ending it frees must not look like room
/// for it.
const BEGIN_FACTOR: u64 = 2;
const END_DIVISOR: u64 = 2;

/// The next single step, if any: the world is looked at anew after each. `needs` says what one more of a build would take.
pub fn next(
    wanted: &[Wanted],
    kept: &[Kept],
    size: Size,
    room: Room,
    needs: impl Fn(&BuildId) -> Needs,
) -> Option<Deed> {
    // One slot stays free, so that a launch of anything else finds room at once.
    let most = room.slots.saturating_sub(1) as usize;
    let mut chosen: Vec<InstanceId> = Vec::new();
    let mut missing = None;
    for want in wanted {
        let fits = |one: &&Kept| is_of(one, want, size) && one.state.is_live();
        let places = (want.count as usize).min(most.saturating_sub(chosen.len()));
        let have = kept.iter().filter(fits).take(places);
        let before = chosen.len();
        chosen.extend(have.map(|one| one.id));
        // One that failed holds the place of its successor until somebody has looked at it: starting it for ever helps nobody.
        let failed = kept.iter().filter(|one| is_of(one, want, size) && one.state == InstanceState::Failed);
        if chosen.len() - before + failed.count() < places && missing.is_none() {
            missing = Some(want);
        }
    }
    let ending = |one: &&Kept| matches!(one.state, InstanceState::Stopping | InstanceState::Failed);
    if let Some(surplus) = kept.iter().filter(|one| !ending(one)).find(|one| !chosen.contains(&one.id)) {
        return Some(Deed::End(surplus.id));
    }
    if let Some(last) = kept.iter().rfind(|one| !ending(one))
        && is_short(room, needs(&last.build))
    {
        return Some(Deed::End(last.id));
    }
    let want = missing.filter(|want| !room.starting && room.is_ample(needs(&want.build)))?;
    Some(Deed::Start(want.clone()))
}

fn is_of(one: &Kept, want: &Wanted, size: Size) -> bool {
    one.build == want.build && one.profile == want.profile && one.size == size
}

impl Room {
    /// One more may be begun.
    pub fn is_ample(self, needs: Needs) -> bool {
        self.memory >= needs.memory * BEGIN_FACTOR
            && self.gpu_memory.is_none_or(|free| free >= needs.gpu_memory * BEGIN_FACTOR)
            && self.idle_cores >= needs.cores
    }
}

/// Cores are no reason to give one up: what people watch is served first by the system's scheduler.
fn is_short(room: Room, needs: Needs) -> bool {
    room.memory < needs.memory / END_DIVISOR
        || room.gpu_memory.is_some_and(|free| free < needs.gpu_memory / END_DIVISOR)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use InstanceState::{Failed, Ready, Starting, Stopping};
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { width: 1280, height: 720 };
    const GIB: u64 = 1 << 30;

    fn want(build: &str, count: u32) -> Wanted {
        Wanted { build: build.parse().unwrap(), profile: Some("default".into()), count }
    }

    fn kept(build: &str, state: InstanceState) -> Kept {
        Kept {
            id: InstanceId::random(),
            build: build.parse().unwrap(),
            profile: Some("default".into()),
            size: SIZE,
            state,
        }
    }

    fn room(slots: u32) -> Room {
        Room { slots, starting: false, memory: 64 * GIB, gpu_memory: Some(16 * GIB), idle_cores: 8.0 }
    }

    fn needs(_: &BuildId) -> Needs {
        Needs { memory: 4 * GIB, gpu_memory: 2 * GIB, cores: 0.5 }
    }

    /// `start`, `end N` (the place in `kept`) or nothing.
    fn told(wanted: &[Wanted], kept: &[Kept], room: Room) -> String {
        match next(wanted, kept, SIZE, room, needs) {
            None => "nothing".into(),
            Some(Deed::Start(want)) => format!("start {}", want.build),
            Some(Deed::End(id)) => format!("end {}", kept.iter().position(|one| one.id == id).unwrap()),
        }
    }

    #[test]
    fn one_step_at_a_time_towards_what_is_wanted() {
        let two = [want("a", 1), want("b", 2)];
        let starting = Room { starting: true, ..room(8) };
        let odd = Kept { size: Size { width: 64, height: 64 }, ..kept("a", Ready) };
        for (what, wanted, kept, room, then) in [
            ("nothing is wanted", &two[..0], vec![], room(8), "nothing"),
            ("the first comes first", &two[..], vec![], room(8), "start a"),
            ("then the next", &two[..], vec![kept("a", Ready)], room(8), "start b"),
            ("one start at a time", &two[..], vec![kept("a", Starting)], starting, "nothing"),
            ("enough", &two[..1], vec![kept("a", Ready)], room(8), "nothing"),
            ("too many", &two[..1], vec![kept("a", Ready), kept("a", Ready)], room(8), "end 1"),
            ("not wanted any more", &two[..1], vec![kept("c", Ready)], room(8), "end 0"),
            ("of another size", &two[..1], vec![odd], room(8), "end 0"),
            ("one slot stays free", &two[..], vec![kept("a", Ready)], room(2), "nothing"),
            ("people come first", &two[..1], vec![kept("a", Ready)], room(1), "end 0"),
            (
                "what ends already is not ended again",
                &two[..0],
                vec![kept("a", Stopping)],
                room(8),
                "nothing",
            ),
            (
                "one that failed is left for people to see",
                &two[..1],
                vec![kept("a", Failed)],
                room(8),
                "nothing",
            ),
        ] {
            assert_eq!(told(wanted, &kept, room), then, "{what}");
        }
    }

    #[test]
    fn scarcity_keeps_from_starting_before_it_makes_anything_end() {
        let wanted = [want("a", 2)];
        let one = [kept("a", Ready)];
        for (room, then) in [
            (Room { memory: 8 * GIB, ..room(8) }, "start a"),
            (Room { memory: 7 * GIB, ..room(8) }, "nothing"),
            (Room { memory: 2 * GIB, ..room(8) }, "nothing"),
            (Room { memory: GIB, ..room(8) }, "end 0"),
            (Room { gpu_memory: Some(3 * GIB), ..room(8) }, "nothing"),
            (Room { gpu_memory: Some(GIB / 2), ..room(8) }, "end 0"),
            (Room { gpu_memory: None, ..room(8) }, "start a"),
            (Room { idle_cores: 0.2, ..room(8) }, "nothing"),
        ] {
            assert_eq!(told(&wanted, &one, room), then, "{room:?}");
        }
    }

    proptest! {
        /// Whatever is wanted, it comes to rest, with what was wanted or as much of it as there is room for.
        #[test]
        fn it_comes_to_rest(counts in proptest::collection::vec(0u32..4, 1..4), slots in 0u32..10, memory in 0u64..80) {
            let wanted: Vec<_> =
                counts.iter().enumerate().map(|(i, count)| want(&format!("b{i}"), *count)).collect();
            let mut world: Vec<Kept> = vec![kept("b0", Ready), kept("other", Ready)];
            for step in 0.. {
                let used = 4 * GIB * world.len() as u64;
                let room = Room { memory: (memory * GIB).saturating_sub(used), ..room(slots) };
                match next(&wanted, &world, SIZE, room, needs) {
                    None => break,
                    Some(Deed::Start(want)) => world.push(kept(want.build.as_str(), Ready)),
                    Some(Deed::End(id)) => world.retain(|one| one.id != id),
                }
                prop_assert!(step < 50, "it goes round and round: {world:?}");
            }
            prop_assert!(world.len() as u32 <= slots.saturating_sub(1));
        }
    }
}
