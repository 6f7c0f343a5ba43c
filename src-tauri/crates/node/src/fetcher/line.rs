//! Which scene's data is fetched next, and what becomes of it: one after the other, in the order they were asked for. Pure.

use model::{BuildId, InstanceId, InstanceState, UnixMillis};
use serde::{Deserialize, Serialize};
use supervisor::Downloads;

use super::verdict::{self, Verdict};

/// How the last ones ended is told of so many scenes.
const ENDED_TOLD: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    pub build: BuildId,
    pub profile: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub scene: Scene,
    /// When it was asked for, or ended.
    pub since: UnixMillis,
    pub stage: Stage,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// For what, if it is known.
    Waits(Option<&'static str>),
    Runs {
        id: InstanceId,
        detail: Option<String>,
        downloads: Downloads,
    },
    /// Its instance is being ended.
    Ends {
        id: InstanceId,
        then: Then,
    },
    Over(Verdict),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    Over(Verdict),
    /// It made way, and goes on later.
    Wait,
}

/// How the instance that fetches is.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    pub state: InstanceState,
    pub detail: Option<String>,
    pub message: Option<String>,
    pub downloads: Downloads,
}

/// What the machine has left for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Free,
    /// Enough to go on, not to begin.
    Short,
    /// People have all places.
    Taken,
    /// An administrator empties the machine.
    Emptied,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Start(Scene),
    End(InstanceId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    UnderWay,
    NotUnderWay,
}

/// At most one entry a scene.
#[derive(Clone, Debug, Default)]
pub struct Line {
    entries: Vec<Entry>,
}

impl Line {
    /// What an earlier node has not done.
    pub fn of(scenes: Vec<Scene>) -> Self {
        let entry = |scene| Entry { scene, since: UnixMillis(0), stage: Stage::Waits(None) };
        Self { entries: scenes.into_iter().map(entry).collect() }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the next node is to go on with.
    pub fn undone(&self) -> Vec<Scene> {
        let is_undone =
            |entry: &&Entry| !matches!(entry.stage, Stage::Over(_) | Stage::Ends { then: Then::Over(_), .. });
        self.entries.iter().filter(is_undone).map(|entry| entry.scene.clone()).collect()
    }

    /// Something is waited for that changes without a word.
    pub fn is_busy(&self) -> bool {
        self.entries.iter().any(|entry| !matches!(entry.stage, Stage::Over(_)))
    }

    pub fn order(&mut self, scene: Scene, now: UnixMillis) -> Result<(), Refused> {
        let known = self.entries.iter().position(|entry| entry.scene == scene);
        if let Some(at) = known {
            if !matches!(self.entries[at].stage, Stage::Over(_)) {
                return Err(Refused::UnderWay);
            }
            self.entries.remove(at);
        }
        self.entries.push(Entry { scene, since: now, stage: Stage::Waits(None) });
        Ok(())
    }

    /// The instance to end, if it runs already.
    pub fn cancel(&mut self, scene: &Scene, now: UnixMillis) -> Result<Option<Deed>, Refused> {
        let known = self.entries.iter_mut().find(|entry| entry.scene == *scene);
        let entry = known.ok_or(Refused::NotUnderWay)?;
        match &entry.stage {
            Stage::Waits(_) => {
                entry.over(Verdict::Cancelled, now);
                Ok(None)
            }
            Stage::Runs { id, .. } | Stage::Ends { id, then: Then::Wait } => {
                let id = *id;
                entry.stage = Stage::Ends { id, then: Then::Over(Verdict::Cancelled) };
                Ok(Some(Deed::End(id)))
            }
            Stage::Ends { .. } | Stage::Over(_) => Err(Refused::NotUnderWay),
        }
    }

    /// An instance that an earlier node has begun it with. False: nobody knows what for.
    pub fn adopt(&mut self, scene: &Scene, id: InstanceId) -> bool {
        let waits = |entry: &&mut Entry| entry.scene == *scene && matches!(entry.stage, Stage::Waits(_));
        let found = self.entries.iter_mut().find(waits);
        found.map(|entry| entry.runs(id)).is_some()
    }

    /// What came of [`Deed::Start`].
    pub fn started(&mut self, scene: &Scene, outcome: Result<InstanceId, String>, now: UnixMillis) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.scene == *scene) else { return };
        match outcome {
            Ok(id) => entry.runs(id),
            Err(why) => entry.over(Verdict::Failed(why), now),
        }
    }

    /// The next step, if any. `sight` is absent for an instance that is gone; `room` is what one of this build would find.
    pub fn step(
        &mut self,
        sight: impl Fn(InstanceId) -> Option<Sight>,
        room: impl Fn(&BuildId) -> Room,
        disk_free: impl Fn(&BuildId) -> Option<u64>,
        now: UnixMillis,
    ) -> Option<Deed> {
        for entry in &mut self.entries {
            let deed = entry.look(&sight, &room, &disk_free, now);
            if deed.is_some() {
                return deed;
            }
        }
        self.forget_old();
        let runs = |entry: &Entry| matches!(entry.stage, Stage::Runs { .. } | Stage::Ends { .. });
        if self.entries.iter().any(runs) {
            return None;
        }
        let first = self.entries.iter_mut().find(|entry| matches!(entry.stage, Stage::Waits(_)))?;
        let why = match room(&first.scene.build) {
            Room::Free => return Some(Deed::Start(first.scene.clone())),
            Room::Short => "waiting until this machine has more memory to spare",
            Room::Taken => "waiting until a place on this machine is free",
            Room::Emptied => "waiting until this machine takes launches again",
        };
        first.stage = Stage::Waits(Some(why));
        None
    }

    fn forget_old(&mut self) {
        let is_over = |entry: &Entry| matches!(entry.stage, Stage::Over(_));
        let mut surplus =
            self.entries.iter().filter(|entry| is_over(entry)).count().saturating_sub(ENDED_TOLD);
        self.entries.retain(|entry| {
            let goes = surplus > 0 && is_over(entry);
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Entry {
    fn runs(&mut self, id: InstanceId) {
        self.stage = Stage::Runs { id, detail: None, downloads: Downloads::default() };
    }

    fn over(&mut self, verdict: Verdict, now: UnixMillis) {
        (self.since, self.stage) = (now, Stage::Over(verdict));
    }

    fn look(
        &mut self,
        sight: &impl Fn(InstanceId) -> Option<Sight>,
        room: &impl Fn(&BuildId) -> Room,
        disk_free: &impl Fn(&BuildId) -> Option<u64>,
        now: UnixMillis,
    ) -> Option<Deed> {
        match &self.stage {
            Stage::Ends { id, then } => {
                if sight(*id).is_none() {
                    match then.clone() {
                        Then::Over(verdict) => self.over(verdict, now),
                        Then::Wait => self.stage = Stage::Waits(None),
                    }
                }
                None
            }
            Stage::Runs { id, .. } => {
                let id = *id;
                let Some(Sight { state, detail, message, downloads }) = sight(id) else {
                    self.over(Verdict::Cancelled, now);
                    return None;
                };
                let free = || disk_free(&self.scene.build);
                let then = match state {
                    InstanceState::Ready => Then::Over(verdict::of_downloads(&downloads, free())),
                    InstanceState::Failed => {
                        Then::Over(verdict::of_failure(message.as_deref().unwrap_or_default(), free()))
                    }
                    InstanceState::Stopping | InstanceState::Stopped => {
                        self.stage = Stage::Ends { id, then: Then::Over(Verdict::Cancelled) };
                        return None;
                    }
                    _ if matches!(room(&self.scene.build), Room::Taken | Room::Emptied) => Then::Wait,
                    // Why it had to be started again is more than what it loads.
                    _ => {
                        self.stage = Stage::Runs { id, detail: message.or(detail), downloads };
                        return None;
                    }
                };
                self.stage = Stage::Ends { id, then };
                Some(Deed::End(id))
            }
            Stage::Waits(_) | Stage::Over(_) => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    const GIB: u64 = 1 << 30;

    fn scene(profile: &str) -> Scene {
        Scene { build: "os".parse().unwrap(), profile: profile.to_owned() }
    }

    /// A machine with one instance at most, and a hand that does as it is told.
    struct World {
        line: Line,
        instance: RefCell<Option<(InstanceId, Sight)>>,
        room: Cell<Room>,
        starts: Vec<String>,
    }

    impl World {
        fn new(scenes: &[&str]) -> Self {
            let mut line = Line::default();
            for name in scenes {
                line.order(scene(name), UnixMillis(1)).unwrap();
            }
            let (instance, room) = (RefCell::new(None), Cell::new(Room::Free));
            Self { line, instance, room, starts: Vec::new() }
        }

        fn settle(&mut self) {
            for step in 0.. {
                assert!(step < 20, "it goes round and round");
                let instance = self.instance.borrow().clone();
                let sight =
                    |id| instance.as_ref().filter(|(known, _)| *known == id).map(|(_, sight)| sight.clone());
                let deed = self.line.step(sight, |_| self.room.get(), |_| Some(9 * GIB), UnixMillis(2));
                match deed {
                    None if self.instance.borrow().is_none() && instance.is_some() => {}
                    None => return,
                    Some(Deed::Start(scene)) => {
                        let id = InstanceId::random();
                        self.starts.push(scene.profile.clone());
                        self.instance.replace(Some((id, starting())));
                        self.line.started(&scene, Ok(id), UnixMillis(2));
                    }
                    Some(Deed::End(id)) => {
                        assert_eq!(self.instance.borrow().as_ref().map(|(known, _)| *known), Some(id));
                        self.instance.replace(None);
                    }
                }
            }
        }

        fn becomes(&mut self, state: InstanceState) {
            if let Some((_, sight)) = self.instance.borrow_mut().as_mut() {
                sight.state = state;
            }
            self.settle();
        }

        fn stage(&self, name: &str) -> &Stage {
            &self.line.entries().iter().find(|entry| entry.scene == scene(name)).unwrap().stage
        }
    }

    fn starting() -> Sight {
        Sight { state: InstanceState::Starting, detail: None, message: None, downloads: Downloads::default() }
    }

    #[test]
    fn one_after_the_other_until_all_is_done() {
        let mut world = World::new(&["a", "b"]);
        world.settle();
        assert_eq!(world.starts, ["a"]);
        assert_eq!(world.line.order(scene("a"), UnixMillis(3)), Err(Refused::UnderWay));
        world.becomes(InstanceState::Ready);
        assert!(matches!(world.stage("a"), Stage::Over(Verdict::Done(_))), "{:?}", world.stage("a"));
        assert_eq!(world.starts, ["a", "b"]);
        assert_eq!(world.line.undone(), [scene("b")]);
        world.becomes(InstanceState::Ready);
        assert!(!world.line.is_busy() && world.line.undone().is_empty());
        world.line.order(scene("a"), UnixMillis(3)).unwrap();
        world.settle();
        assert_eq!(world.starts, ["a", "b", "a"]);
    }

    #[test]
    fn it_makes_way_for_people_and_goes_on_when_they_have_gone() {
        let mut world = World::new(&["a"]);
        world.settle();
        world.room.set(Room::Short);
        world.settle();
        assert!(matches!(world.stage("a"), Stage::Runs { .. }), "what runs needs no more");
        for room in [Room::Taken, Room::Emptied] {
            world.room.set(room);
            world.settle();
            assert!(world.instance.borrow().is_none());
            assert!(matches!(world.stage("a"), Stage::Waits(Some(_))), "{:?}", world.stage("a"));
            world.room.set(Room::Short);
            world.settle();
            assert!(matches!(world.stage("a"), Stage::Waits(Some(why)) if why.contains("memory")));
            world.room.set(Room::Free);
            world.settle();
        }
        assert_eq!(world.starts, ["a", "a", "a"]);
    }

    #[test]
    fn it_can_be_cancelled_whenever_it_is_under_way_and_nothing_else_can() {
        let mut world = World::new(&["a", "b"]);
        world.settle();
        assert_eq!(world.line.cancel(&scene("b"), UnixMillis(3)), Ok(None));
        let running = world.instance.borrow().as_ref().unwrap().0;
        assert_eq!(world.line.cancel(&scene("a"), UnixMillis(3)), Ok(Some(Deed::End(running))));
        assert_eq!(world.line.cancel(&scene("a"), UnixMillis(3)), Err(Refused::NotUnderWay));
        assert_eq!(world.line.order(scene("a"), UnixMillis(3)), Err(Refused::UnderWay), "it ends still");
        world.instance.replace(None);
        world.settle();
        for name in ["a", "b"] {
            assert_eq!(world.stage(name), &Stage::Over(Verdict::Cancelled));
        }
        assert_eq!(world.line.cancel(&scene("c"), UnixMillis(3)), Err(Refused::NotUnderWay));
        assert_eq!(world.starts, ["a"]);
    }

    #[test]
    fn what_fails_is_over_and_the_next_comes() {
        let mut world = World::new(&["a", "b", "c"]);
        world.settle();
        world.becomes(InstanceState::Failed);
        assert!(matches!(world.stage("a"), Stage::Over(Verdict::Failed(_))));
        // Somebody stops it by hand.
        world.instance.replace(None);
        world.settle();
        assert_eq!(world.stage("b"), &Stage::Over(Verdict::Cancelled));
        let refused = Err("No such profile.".to_owned());
        world.instance.replace(None);
        world.settle();
        world.line.order(scene("d"), UnixMillis(3)).unwrap();
        world.line.started(&scene("d"), refused, UnixMillis(3));
        assert_eq!(world.stage("d"), &Stage::Over(Verdict::Failed("No such profile.".to_owned())));
    }

    #[test]
    fn an_earlier_node_s_instance_is_gone_on_with_where_its_scene_is_known() {
        let mut line = Line::of(vec![scene("a")]);
        let id = InstanceId::random();
        assert!(line.adopt(&scene("a"), id));
        assert!(!line.adopt(&scene("a"), InstanceId::random()) && !line.adopt(&scene("b"), id));
        assert!(matches!(line.entries()[0].stage, Stage::Runs { id: known, .. } if known == id));
    }

    #[test]
    fn of_what_ended_long_ago_nothing_is_told() {
        let mut line = Line::default();
        for n in 0..30 {
            line.order(scene(&n.to_string()), UnixMillis(1)).unwrap();
            line.cancel(&scene(&n.to_string()), UnixMillis(1)).unwrap();
        }
        assert_eq!(line.step(|_| None, |_| Room::Free, |_| None, UnixMillis(2)), None);
        assert_eq!((line.entries().len(), &line.entries()[0].scene), (ENDED_TOLD, &scene("10")));
    }
}
