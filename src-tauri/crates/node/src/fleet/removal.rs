//! The founder tells every machine who was removed from the fleet, until each has heard it: also those that it concerns, so that they
//! know why nobody speaks with them.

use std::{collections::BTreeMap, time::Duration};

use model::ServerId;
use registry::Machine;
use relay::{Removed, Standing};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    ANSWER_WITHIN, Fleet,
    words::{Ask, Asker, Question},
};

/// A machine that was away hears it this soon after it is back.
const AGAIN_EVERY: Duration = Duration::from_secs(10);

/// Ends with the node.
pub async fn tell(fleet: Fleet) {
    let mut removed = fleet.relay.removed();
    let mut told: BTreeMap<ServerId, Removed> = BTreeMap::new();
    let mut ticks = interval(AGAIN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = removed.changed() => {}
        }
        let list = removed.borrow_and_update().clone();
        if list == Removed::default() || !is_founder(&fleet) {
            continue;
        }
        let machines = fleet.machines.borrow().clone();
        // One that has been away may have lost what it had heard.
        told.retain(|server, _| machines.iter().any(|machine| machine.server == *server && machine.alive));
        let there = machines.iter().filter(|machine| machine.alive && machine.server != fleet.me);
        for machine in there.filter(|machine| machine.description.relay.is_some()) {
            if told.get(&machine.server) != Some(&list) && hears(&fleet, machine, &list).await {
                told.insert(machine.server, list.clone());
            }
        }
    }
}

async fn hears(fleet: &Fleet, machine: &Machine, list: &Removed) -> bool {
    let (by, question) = (Asker::Machine, Question::Removed { list: list.clone() });
    // It may have joined again since.
    match (list.names(machine.server), &machine.description.relay) {
        (true, Some(place)) => {
            let asked = Ask { by, question }.encode();
            fleet.relay.question_removed(machine.server, place, asked, ANSWER_WITHIN).await.is_ok()
        }
        _ => fleet.ask(machine.server, by, question).await.is_ok(),
    }
}

fn is_founder(fleet: &Fleet) -> bool {
    matches!(*fleet.relay.standing().borrow(), Standing::Member { founder, .. } if founder == fleet.me)
}
