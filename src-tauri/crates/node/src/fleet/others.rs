//! Instances of the other machines, as the registry tells them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use cluster::fate::{FORGOTTEN_AFTER, Fate, Rescue, fate, rescue};
use gateway::Caller;
use model::{InstanceId, InstanceState, SecretHash, ServerId};
use protocol::api::InstanceView;
use registry::{HEARTBEAT_EVERY, Machine, SharedInstance};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::Fleet;
use crate::config::GoesOn;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Until its machine has told the registry of it, a launch is known by the machine's own answer.
const EXPECTED_FOR: Duration = Duration::from_secs(10);

const FORGOTTEN_DAYS: u64 = FORGOTTEN_AFTER.as_secs() / 86_400;

#[derive(Clone, Debug, PartialEq)]
struct Other {
    server: ServerId,
    session: SecretHash,
    view: InstanceView,
    /// The registry knows what it showed.
    has_scene: bool,
}

/// An instance that is lost with its machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    pub view: InstanceView,
    /// The registry knows what it showed.
    pub has_scene: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Others {
    all: BTreeMap<InstanceId, Other>,
    expected: BTreeMap<InstanceId, Instant>,
    /// Rows that are not understood, and passed over.
    odd: BTreeSet<InstanceId>,
}

impl PartialEq for Others {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all && self.odd == other.odd
    }
}

impl Others {
    pub fn owner(&self, id: InstanceId) -> Option<ServerId> {
        self.all.get(&id).map(|other| other.server)
    }

    pub fn seen(&self, caller: &Caller) -> Vec<InstanceView> {
        self.all.values().filter(|other| may_see(caller, other)).map(|other| other.view.clone()).collect()
    }

    pub fn one(&self, caller: &Caller, id: InstanceId) -> Option<InstanceView> {
        self.all.get(&id).filter(|other| may_see(caller, other)).map(|other| other.view.clone())
    }

    /// For administrators.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.odd.iter().map(|id| format!("The registry's row machine_instances {id} is not understood, and not listed: another version has written it, or a person. If its machine has this version, delete the row: it is told anew."))
    }

    /// An instance of this caller's that is lost with its machine.
    pub fn lost(&self, caller: &Caller, id: InstanceId) -> Option<Lost> {
        let other = self.all.get(&id).filter(|other| may_see(caller, other))?;
        let Other { view, has_scene, .. } = other.clone();
        (view.state == InstanceState::Lost).then_some(Lost { view, has_scene })
    }

    pub fn all_lost(&self) -> impl Iterator<Item = &InstanceView> {
        self.all.values().map(|other| &other.view).filter(|view| view.state == InstanceState::Lost)
    }

    /// Whoever asks: nothing of it is told but that.
    pub fn is_lost(&self, id: InstanceId) -> bool {
        self.all.get(&id).is_some_and(|other| other.view.state == InstanceState::Lost)
    }

    /// Has just been launched there, or goes on there: then it stays whose it was.
    pub fn expect(&mut self, session: SecretHash, server: ServerId, view: InstanceView) {
        let id = view.instance_id;
        self.expected.insert(id, Instant::now() + EXPECTED_FOR);
        match self.all.get_mut(&id) {
            Some(known) if known.server == server => {}
            Some(known) => (known.server, known.view) = (server, view),
            None => _ = self.all.insert(id, Other { server, session, view, has_scene: false }),
        }
    }

    /// What the registry says now; what it does not know yet stays for a moment.
    fn after(
        &self,
        told: &[SharedInstance],
        me: ServerId,
        machines: &[Machine],
        goes_on: GoesOn,
        now: Instant,
    ) -> Self {
        let (mut all, mut odd) = (BTreeMap::new(), BTreeSet::new());
        for shared in told.iter().filter(|shared| shared.server != me) {
            let Some(view) = understood(shared) else {
                odd.insert(shared.instance);
                continue;
            };
            let machine = machines.iter().find(|machine| machine.server == shared.server);
            let SharedInstance { server, session, has_scene, .. } = *shared;
            // What was taken over is told by its new machine a moment later.
            let view = InstanceView { server_id: server, ..view };
            let view = shown(view, machine, has_scene, goes_on);
            all.insert(shared.instance, Other { server, session, view, has_scene });
        }
        let mut expected = self.expected.clone();
        // The registry may not know yet where it goes on.
        let news = |id, other: &Other| self.owner(id).is_some_and(|server| server != other.server);
        expected.retain(|id, until| *until > now && all.get(id).is_none_or(|told| news(*id, told)));
        for id in expected.keys() {
            if let Some(other) = self.all.get(id) {
                all.insert(*id, other.clone());
            }
        }
        Self { all, expected, odd }
    }
}

/// What is said of one instance may not stand in the row of another one.
fn understood(shared: &SharedInstance) -> Option<InstanceView> {
    let view: InstanceView = serde_json::from_value(shared.view.clone()).ok()?;
    (view.instance_id == shared.instance).then_some(view)
}

fn may_see(caller: &Caller, other: &Other) -> bool {
    match caller {
        Caller::Admin => true,
        Caller::Session(session) => other.session == *session,
    }
}

/// As its machine told it last, or lost with it.
fn shown(view: InstanceView, machine: Option<&Machine>, has_scene: bool, goes_on: GoesOn) -> InstanceView {
    let fate = machine.map_or(Fate::Lost, |machine| fate(machine.age, HEARTBEAT_EVERY));
    let state = cluster::fate::shown(view.state, fate);
    if state == view.state {
        return view;
    }
    let name = machine.map_or("it runs on", |machine| machine.description.name.as_str());
    let rescue = match rescue(state, has_scene) {
        _ if goes_on == GoesOn::Never => None,
        Rescue::Resume => Some(protocol::api::Rescue::Resume),
        Rescue::Anew => Some(protocol::api::Rescue::Anew),
        Rescue::Nothing => None,
    };
    let message = format!(
        "The machine {name} does not answer any more. If it comes back within {FORGOTTEN_DAYS} days, this goes on where it was. {}",
        meanwhile(goes_on, rescue)
    );
    InstanceView {
        state,
        phase: None,
        progress: None,
        detail: None,
        message: Some(message),
        viewers: 0,
        ending: None,
        rescue,
        ..view
    }
}

/// What can be done until then.
fn meanwhile(goes_on: GoesOn, rescue: Option<protocol::api::Rescue>) -> &'static str {
    use protocol::api::Rescue;
    match (goes_on, rescue) {
        (GoesOn::Never, _) => {
            "It cannot be continued on another machine: whoever looks after these machines has switched that off. Wait \
             for it to come back, or launch a new one on the home page."
        }
        (GoesOn::Ask, Some(Rescue::Resume)) => "Or continue it on another machine, as it was last seen.",
        (GoesOn::Auto, Some(Rescue::Resume)) => {
            "Or it goes on on another machine, as it was last seen, as soon as its page is open."
        }
        (GoesOn::Ask, _) => "What it showed is not known, so on another machine it can only begin anew.",
        (GoesOn::Auto, _) => {
            "What it showed is not known, so on another machine it begins anew as soon as its page is open."
        }
    }
}

/// Ends with the node. What was known last stays known while the registry is away.
pub async fn follow(fleet: Fleet) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shared = fleet.membership.shared();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = shared.changed() => {}
        }
        if fleet.registry().is_none() {
            continue;
        }
        let (machines, told) = (fleet.machines.borrow().clone(), shared.borrow_and_update().clone());
        fleet.others.send_if_modified(|others| {
            let after = others.after(&told, fleet.me, &machines, fleet.goes_on, Instant::now());
            for id in after.odd.difference(&others.odd) {
                warn!(instance_id = %id, "a row of `machine_instances` is not understood, and passed over; delete it, and its machine tells it anew");
            }
            let changed = **others != after;
            *others = Arc::new(after);
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use registry::{Description, Generation, Load};

    use super::*;
    use crate::views::fixture::view;

    fn machine(server: ServerId, alive: bool) -> Machine {
        Machine {
            server,
            generation: Generation(1),
            description: Description { name: "Dome".into(), ..Description::default() },
            age: if alive { Duration::ZERO } else { HEARTBEAT_EVERY * 3 },
            alive,
            draining: false,
            slots_total: 1,
            slots_free: 0,
            load: Load::default(),
        }
    }

    fn shared(server: ServerId, session: SecretHash, view: &InstanceView) -> SharedInstance {
        let live = view.state.is_live();
        let json = serde_json::to_value(view).unwrap();
        SharedInstance { instance: view.instance_id, server, session, live, view: json, has_scene: false }
    }

    const ANN: SecretHash = SecretHash([1; 32]);

    #[test]
    fn one_sees_ones_own_of_the_other_machines_and_those_of_a_dead_one_are_lost() {
        let (me, dome) = (ServerId::random(), ServerId::random());
        let (ready, failed) = (view(dome, InstanceState::Ready), view(dome, InstanceState::Failed));
        let mine = view(me, InstanceState::Ready);
        let told = vec![shared(dome, ANN, &ready), shared(dome, ANN, &failed), shared(me, ANN, &mine)];
        let at = |alive| {
            let machines = [machine(dome, alive)];
            Others::default().after(&told, me, &machines, GoesOn::Ask, Instant::now())
        };
        let seen = at(true).seen(&Caller::Session(ANN));
        assert_eq!(seen.len(), 2, "this machine's own are told by itself");
        assert!(at(true).seen(&Caller::Session(SecretHash([2; 32]))).is_empty());
        assert_eq!(at(true).owner(ready.instance_id), Some(dome));
        let lost = at(false).one(&Caller::Admin, ready.instance_id).unwrap();
        assert_eq!((lost.state, lost.viewers), (InstanceState::Lost, 0));
        assert_eq!(lost.rescue, Some(protocol::api::Rescue::Anew), "nothing is known of what it showed");
        assert!(lost.message.unwrap().starts_with("The machine Dome does not answer"));
        let failed = at(false).one(&Caller::Admin, failed.instance_id).unwrap();
        assert_eq!(failed.state, InstanceState::Failed, "what has ended is not lost");
    }

    #[test]
    fn what_is_lost_is_said_with_what_can_be_done_as_far_as_it_can() {
        let (me, dome) = (ServerId::random(), ServerId::random());
        let ready = view(dome, InstanceState::Ready);
        for (goes_on, has_scene, rescue, words) in [
            (GoesOn::Ask, true, Some(protocol::api::Rescue::Resume), "Or continue it on another machine"),
            (GoesOn::Ask, false, Some(protocol::api::Rescue::Anew), "can only begin anew"),
            (GoesOn::Auto, true, Some(protocol::api::Rescue::Resume), "as soon as its page is open"),
            (GoesOn::Auto, false, Some(protocol::api::Rescue::Anew), "begins anew as soon as"),
            (GoesOn::Never, true, None, "cannot be continued on another machine"),
            (GoesOn::Never, false, None, "launch a new one on the home page"),
        ] {
            let told = SharedInstance { has_scene, ..shared(dome, ANN, &ready) };
            let machines = [machine(dome, false)];
            let others = Others::default().after(&[told], me, &machines, goes_on, Instant::now());
            let lost = others.lost(&Caller::Session(ANN), ready.instance_id).unwrap();
            assert_eq!((lost.has_scene, lost.view.rescue), (has_scene, rescue), "{goes_on:?}");
            let said = lost.view.message.unwrap();
            assert!(said.contains(words), "{goes_on:?} {has_scene}: {said}");
            assert_eq!(others.lost(&Caller::Session(SecretHash([2; 32])), ready.instance_id), None);
        }
    }

    #[test]
    fn what_goes_on_on_another_machine_is_known_there_at_once_and_stays_whose_it_was() {
        let (me, dome, attic) = (ServerId::random(), ServerId::random(), ServerId::random());
        let ready = view(dome, InstanceState::Ready);
        let machines = [machine(dome, false)];
        let told = vec![shared(dome, ANN, &ready)];
        let mut others = Others::default().after(&told, me, &machines, GoesOn::Ask, Instant::now());
        let begun = InstanceView { state: InstanceState::Starting, server_id: attic, ..ready.clone() };
        others.expect(SecretHash([0; 32]), attic, begun.clone());
        assert_eq!(others.owner(ready.instance_id), Some(attic));
        assert_eq!(others.seen(&Caller::Session(ANN)), [begun]);
        assert!(!others.is_lost(ready.instance_id));
        let (now, old) = (Instant::now(), [shared(dome, ANN, &ready)]);
        let after = others.after(&old, me, &machines, GoesOn::Ask, now);
        assert_eq!(after.owner(ready.instance_id), Some(attic), "the registry tells it a moment later");
        let never = after.after(&old, me, &machines, GoesOn::Ask, now + EXPECTED_FOR * 2);
        assert_eq!(never.owner(ready.instance_id), Some(dome));
    }

    #[test]
    fn what_was_just_launched_there_is_known_until_the_registry_tells_it() {
        let (me, dome) = (ServerId::random(), ServerId::random());
        let new = view(dome, InstanceState::Starting);
        let mut others = Others::default();
        others.expect(ANN, dome, new.clone());
        let now = Instant::now();
        let machines = [machine(dome, true)];
        let after = others.after(&[], me, &machines, GoesOn::Ask, now);
        assert_eq!(after.owner(new.instance_id), Some(dome));
        let told = others.after(&[shared(dome, ANN, &new)], me, &machines, GoesOn::Ask, now);
        assert_eq!(told.after(&[], me, &machines, GoesOn::Ask, now).owner(new.instance_id), None);
        let never = after.after(&[], me, &machines, GoesOn::Ask, now + EXPECTED_FOR * 2);
        assert_eq!(never.owner(new.instance_id), None, "it has ended before it was told");
    }

    #[test]
    fn a_row_edited_to_nonsense_is_passed_over() {
        let (me, dome) = (ServerId::random(), ServerId::random());
        let good = view(dome, InstanceState::Ready);
        let mut bad = shared(dome, ANN, &view(dome, InstanceState::Ready));
        bad.view = serde_json::json!({ "state": "dancing" });
        // What belongs to another row.
        let astray = SharedInstance { instance: InstanceId::random(), ..shared(dome, ANN, &good) };
        let others = Others::default().after(
            &[bad.clone(), astray.clone(), shared(dome, ANN, &good)],
            me,
            &[machine(dome, true)],
            GoesOn::Ask,
            Instant::now(),
        );
        assert_eq!(others.seen(&Caller::Admin), [good]);
        let said: Vec<_> = others.warnings().collect();
        assert_eq!(said.len(), 2);
        for row in [bad.instance, astray.instance] {
            assert!(
                said.iter().any(|said| said.contains(&row.to_string()) && said.contains("delete the row"))
            );
        }
    }
}
