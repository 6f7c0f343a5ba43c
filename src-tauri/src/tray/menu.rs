//! What the tray's menu holds for a machine like this. Pure.

use model::{InstanceId, InstanceState};
use protocol::admin::{AdminInstance, NodeSnapshot};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Line,
    Label(String),
    Entry { text: String, action: Action },
    Group { text: String, items: Vec<Item> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    ShowPanel,
    OpenHome,
    Launch(String),
    Open(InstanceId),
    Stop(InstanceId),
    Quit,
}

impl Action {
    pub fn to_id(&self) -> String {
        match self {
            Self::ShowPanel => "show".to_owned(),
            Self::OpenHome => "home".to_owned(),
            Self::Launch(build) => format!("launch:{build}"),
            Self::Open(instance) => format!("open:{instance}"),
            Self::Stop(instance) => format!("stop:{instance}"),
            Self::Quit => "quit".to_owned(),
        }
    }

    pub fn from_id(id: &str) -> Option<Self> {
        Some(match id.split_once(':') {
            Some(("launch", build)) => Self::Launch(build.to_owned()),
            Some(("open", instance)) => Self::Open(instance.parse().ok()?),
            Some(("stop", instance)) => Self::Stop(instance.parse().ok()?),
            None if id == "show" => Self::ShowPanel,
            None if id == "home" => Self::OpenHome,
            None if id == "quit" => Self::Quit,
            _ => return None,
        })
    }
}

/// `None` while the node has not told anything yet.
pub fn items(snapshot: Option<&NodeSnapshot>) -> Vec<Item> {
    let mut items =
        vec![entry("Control panel", Action::ShowPanel), entry("Home page", Action::OpenHome), Item::Line];
    let live = snapshot.map(|snapshot| live(snapshot)).unwrap_or_default();
    if let Some(snapshot) = snapshot {
        items.extend(launches(snapshot));
        items.push(Item::Line);
        items.extend(live.iter().map(|instance| running(instance)));
        if live.is_empty() {
            items.push(Item::Label("Nothing is running".to_owned()));
        }
        items.push(Item::Line);
    }
    items.push(entry(quit_text(live.len()), Action::Quit));
    items
}

fn live(snapshot: &NodeSnapshot) -> Vec<&AdminInstance> {
    snapshot.instances.iter().filter(|instance| instance.instance.state.is_live()).collect()
}

fn launches(snapshot: &NodeSnapshot) -> Vec<Item> {
    if snapshot.node.slots_free == 0 {
        return vec![Item::Label(format!("All {} slots are taken", snapshot.node.slots_total))];
    }
    let usable = snapshot.builds.iter().filter(|build| build.problems.is_empty());
    usable
        .map(|build| entry(format!("Launch {}", build.build.name), Action::Launch(build.build.id.clone())))
        .collect()
}

fn running(instance: &AdminInstance) -> Item {
    let view = &instance.instance;
    let viewers = match view.viewers {
        0 => String::new(),
        1 => ", 1 viewer".to_owned(),
        many => format!(", {many} viewers"),
    };
    Item::Group {
        text: format!("{} ({}{viewers})", view.build_name, word(view.state)),
        items: vec![
            entry("Open", Action::Open(view.instance_id)),
            entry("Stop", Action::Stop(view.instance_id)),
        ],
    }
}

const fn word(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Queued => "queued",
        InstanceState::Starting => "starting",
        InstanceState::Ready => "running",
        InstanceState::Restarting => "restarting",
        InstanceState::Stopping => "stopping",
        InstanceState::Stopped => "stopped",
        InstanceState::Failed => "failed",
        InstanceState::Lost => "lost",
    }
}

fn quit_text(live: usize) -> String {
    match live {
        0 => "Quit".to_owned(),
        1 => "Quit and end 1 instance".to_owned(),
        many => format!("Quit and end {many} instances"),
    }
}

fn entry(text: impl Into<String>, action: Action) -> Item {
    Item::Entry { text: text.into(), action }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_survives_its_id() {
        let instance = InstanceId::random();
        for action in [
            Action::ShowPanel,
            Action::OpenHome,
            Action::Launch("demo".to_owned()),
            Action::Open(instance),
            Action::Stop(instance),
            Action::Quit,
        ] {
            assert_eq!(Action::from_id(&action.to_id()), Some(action));
        }
        for foreign in ["", "launch", "open:x", "format:c"] {
            assert_eq!(Action::from_id(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn before_the_node_has_spoken_one_can_look_and_quit() {
        let items = items(None);
        assert!(items.contains(&entry("Control panel", Action::ShowPanel)));
        assert!(items.contains(&entry("Quit", Action::Quit)));
    }
}
