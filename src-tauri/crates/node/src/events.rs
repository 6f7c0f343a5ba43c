//! What changed between two looks at the roster, as one caller may see it. Pure.

use std::collections::BTreeMap;

use gateway::Caller;
use model::{InstanceId, ServerId};
use protocol::api::{Event, InstanceView};

use crate::{
    rows::{Row, Rows},
    views,
};

pub type Seen = BTreeMap<InstanceId, InstanceView>;

pub fn may_see(caller: &Caller, row: &Row) -> bool {
    match caller {
        Caller::Admin => true,
        Caller::Session(session) => row.member.session == *session,
    }
}

pub fn seen(rows: &Rows, caller: &Caller, server: ServerId) -> Seen {
    let visible = rows.values().filter(|row| may_see(caller, row));
    visible.map(|row| (row.member.id, views::instance(row, server))).collect()
}

pub fn changes(before: &Seen, after: &Seen) -> Vec<Event> {
    let gone = before.keys().filter(|id| !after.contains_key(id));
    let gone = gone.map(|&instance_id| Event::Removed { instance_id });
    let changed = after.iter().filter(|(id, view)| before.get(id) != Some(view));
    let changed = changed.map(|(_, view)| Event::Instance { instance: view.clone() });
    gone.chain(changed).collect()
}

#[cfg(test)]
mod tests {
    use model::InstanceState;

    use super::*;
    use crate::views::fixture;

    #[test]
    fn only_what_changed_is_told() {
        let view = |state| fixture::view(ServerId::random(), state);
        let (stays, changes_, goes) =
            (view(InstanceState::Ready), view(InstanceState::Starting), view(InstanceState::Ready));
        let key = |view: &InstanceView| (view.instance_id, view.clone());
        let before = Seen::from([key(&stays), key(&changes_), key(&goes)]);
        let changed = InstanceView { state: InstanceState::Ready, ..changes_ };
        let after = Seen::from([key(&stays), key(&changed)]);
        assert_eq!(
            changes(&before, &after),
            [Event::Removed { instance_id: goes.instance_id }, Event::Instance { instance: changed }]
        );
        assert!(changes(&after, &after).is_empty());
    }
}
