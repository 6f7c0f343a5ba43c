//! What a running scene holds, as far as viewers may name it. Pure.

pub(crate) mod offered;

use std::collections::BTreeMap;

use model::{SceneAction, SceneNode, SceneProperty, SceneToggle};

use crate::keys::is_binding_allowed;

/// Identifiers that are longer are no one's: the longest of upstream's have some 60 characters.
const IDENTIFIER_CHARS_MAX: usize = 128;

/// Characters of names and descriptions that people are shown.
pub(crate) const NAME_CHARS_MAX: usize = 80;
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// Whoever made the scene recommends it.
    pub interesting: bool,
    /// Whoever made the scene keeps it out of lists.
    pub hidden: bool,
    /// How it is drawn; nothing where it is not, so that it can be neither shown nor hidden.
    pub drawn: Option<Drawn>,
    /// Where OpenSpace's own menus have it, outermost first.
    pub group: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// When the tree was told.
    pub shown: bool,
    pub fades: bool,
}

/// A snapshot of the live scene: a viewer may name what is in it and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    actions: BTreeMap<String, SceneAction>,
    properties: BTreeMap<String, SceneProperty>,
}

impl Tree {
    /// Leaves out what no viewer may name.
    pub fn new(
        nodes: impl IntoIterator<Item = (String, Node)>,
        actions: impl IntoIterator<Item = SceneAction>,
    ) -> Self {
        let actions = actions
            .into_iter()
            .filter(|action| is_identifier(&action.id) && !is_withheld(action))
            .map(|action| SceneAction {
                keys: action.keys.into_iter().filter(|key| is_binding_allowed(key)).collect(),
                ..action
            });
        Self {
            nodes: nodes.into_iter().filter(|(id, _)| is_identifier(id)).collect(),
            actions: actions.map(|action| (action.id.clone(), action)).collect(),
            properties: BTreeMap::new(),
        }
    }

    /// With the properties that [`offered`] lets through.
    #[must_use]
    pub(crate) fn with_properties(self, properties: impl IntoIterator<Item = SceneProperty>) -> Self {
        let properties = properties.into_iter().filter(|property| offered::is_uri(&property.uri));
        Self { properties: properties.map(|property| (property.uri.clone(), property)).collect(), ..self }
    }

    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub fn action(&self, id: &str) -> Option<&SceneAction> {
        self.actions.get(id)
    }

    /// What is meant to be seen, recommended nodes first; with `search`, what has it in its name or identifier.
    pub fn list(&self, search: &str) -> Vec<SceneNode> {
        let search = search.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&search);
        let seen = self.nodes.iter().filter(|(_, node)| node.interesting || !node.hidden);
        let mut list: Vec<_> = seen
            .filter(|(id, node)| has(id) || has(&node.name))
            .map(|(id, node)| SceneNode {
                id: id.clone(),
                name: node.name.clone(),
                interesting: node.interesting,
            })
            .collect();
        list.sort_by_cached_key(|node| (!node.interesting, node.name.to_lowercase()));
        list
    }

    /// What of it can be shown and hidden, by group and name. `newer` is what is known to have changed since the tree was told.
    pub(crate) fn toggles(&self, search: &str, newer: impl Fn(&str) -> Option<bool>) -> Vec<SceneToggle> {
        let search = search.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&search);
        let found = self.nodes.iter().filter(|(id, node)| !node.hidden && (has(id) || has(&node.name)));
        let mut list: Vec<_> = found
            .filter_map(|(id, node)| {
                let drawn = node.drawn?;
                Some(SceneToggle {
                    id: id.clone(),
                    name: node.name.clone(),
                    group: node.group.clone(),
                    shown: newer(id).unwrap_or(drawn.shown),
                    fades: drawn.fades,
                })
            })
            .collect();
        list.sort_by_cached_key(|toggle| (toggle.group.clone(), toggle.name.to_lowercase()));
        list
    }

    pub fn property(&self, uri: &str) -> Option<&SceneProperty> {
        self.properties.get(uri)
    }

    /// By owner and name; with `search`, what has it in one of these or in its URI.
    pub fn properties(&self, search: &str) -> Vec<SceneProperty> {
        let search = search.to_lowercase();
        let has = |text: &String| text.to_lowercase().contains(&search);
        let found = self.properties.values();
        let mut list: Vec<_> =
            found.filter(|one| [&one.name, &one.owner, &one.uri].into_iter().any(has)).cloned().collect();
        list.sort_by_cached_key(|one| (one.owner.to_lowercase(), one.name.to_lowercase()));
        list
    }

    pub fn actions(&self) -> Vec<SceneAction> {
        self.actions.values().cloned().collect()
    }
}

/// `^[A-Za-z0-9_\-. ]+$`: some of OpenSpace's functions paste identifiers into Lua again, so nothing else is ever passed on.
pub(crate) fn is_identifier(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
    (1..=IDENTIFIER_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// Parts of the identifiers of actions that end the program, or open a console or a GUI, which is as good as Lua.
const WITHHELD_WORDS: &[&str] = &["shutdown", "console", "gui", "nativeui", "mainui"];

/// The keys of the console and the GUIs; whatever else an action is called, it is not offered when one of them triggers it.
const WITHHELD_KEYS: &[&str] = &["F1", "F2", "F5", "GRAVE_ACCENT", "Ctrl+Q", "ESCAPE"];

fn is_withheld(action: &SceneAction) -> bool {
    let word: String =
        action.id.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WITHHELD_WORDS.iter().any(|part| word.contains(part))
        || action.keys.iter().any(|key| WITHHELD_KEYS.iter().any(|held| key.eq_ignore_ascii_case(held)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn node(name: &str, interesting: bool, hidden: bool) -> Node {
        let drawn = Some(Drawn { shown: true, fades: false });
        Node { name: name.to_owned(), interesting, hidden, drawn, group: Vec::new() }
    }

    fn action(id: &str, keys: &[&str]) -> SceneAction {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let (id, name) = (id.to_owned(), id.to_owned());
        SceneAction { id, name, description: String::new(), group: Vec::new(), keys }
    }

    #[test]
    fn lists_begin_with_what_is_recommended_and_leave_out_what_is_hidden() {
        let tree = Tree::new(
            [
                ("EarthTrail".to_owned(), node("Earth Trail", false, false)),
                ("Mars".to_owned(), node("Mars", true, false)),
                ("Earth".to_owned(), node("earth", true, true)),
                ("EarthBarycenter".to_owned(), node("Earth Barycenter", false, true)),
                ("Bad'Id".to_owned(), node("Bad", true, false)),
            ],
            [],
        );
        let ids = |search: &str| tree.list(search).into_iter().map(|node| node.id).collect::<Vec<_>>();
        assert_eq!(ids(""), ["Earth", "Mars", "EarthTrail"]);
        assert_eq!(ids("EARTH t"), ["EarthTrail"]);
        assert_eq!(ids("nothing"), [""; 0]);
    }

    #[test]
    fn what_is_drawn_can_be_switched_and_is_told_as_it_is_now() {
        let planet = |name| Node { group: vec!["Planets".to_owned()], ..node(name, false, false) };
        let tree = Tree::new(
            [
                ("Mars".to_owned(), planet("Mars")),
                ("Earth".to_owned(), planet("Earth")),
                ("Grid".to_owned(), node("Grid", false, false)),
                ("Anchor".to_owned(), Node { drawn: None, ..planet("Anchor") }),
                ("Secret".to_owned(), node("Secret", true, true)),
            ],
            [],
        );
        let newer = |id: &str| (id == "Mars").then_some(false);
        let told = |search: &str| {
            tree.toggles(search, newer).into_iter().map(|one| (one.id, one.shown)).collect::<Vec<_>>()
        };
        let one = |id: &str, shown| (id.to_owned(), shown);
        assert_eq!(told(""), [one("Grid", true), one("Earth", true), one("Mars", false)]);
        assert_eq!(told("MAR"), [one("Mars", false)]);
    }

    #[test]
    fn actions_that_end_the_program_or_open_its_guis_are_not_offered() {
        let tree = Tree::new(
            [],
            [
                action("os.ToggleShutdown", &[]),
                action("os.toggle_shutdown", &[]),
                action("os.ToggleNativeUi", &[]),
                action("os.ToggleMainGui", &[]),
                action("custom.Thing", &["F1"]),
                action("custom.Quit", &["ctrl+q"]),
                action("quote'", &[]),
                action("os.ToggleTrails", &["T", "Shift+F1"]),
            ],
        );
        assert_eq!(tree.actions().len(), 1);
        let trails = tree.action("os.ToggleTrails").unwrap();
        assert_eq!(trails.keys, ["T"], "F1 is not pressed, whatever is held with it");
    }
}
