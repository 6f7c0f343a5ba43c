//! Reads the scene's nodes and actions out of what OpenSpace tells.

mod properties;

pub(in crate::client) use properties::value as value_of;

use std::collections::BTreeMap;

use model::SceneAction;
use serde_json::Value;

use crate::tree::{DESCRIPTION_CHARS_MAX, Drawn, NAME_CHARS_MAX, Node, Tree};

/// Marks of nodes that whoever made the scene recommends; the second is put on those that the profile names.
const INTERESTING: &[&str] = &["GUI.Interesting", "profile_interesting"];

/// Nodes and actions that are known of a scene; upstream's largest profiles have some 3,000 nodes.
const NODES_MAX: usize = 50_000;
const ACTIONS_MAX: usize = 5_000;

/// Keys that are shown with an action.
const KEYS_MAX: usize = 4;

/// Menus within menus; upstream's go down to 6.
const GROUPS_MAX: usize = 8;

/// `root` answers `get __rootOwner`: the newer generation wraps it in `value`. `actions` is a list of actions and key bindings.
pub(in crate::client) fn tree(root: &Value, actions: &[Value]) -> Tree {
    let root = if root["subowners"].is_array() { root } else { &root["value"] };
    let scene = children(root).iter().find(|owner| owner["identifier"] == "Scene");
    let nodes = scene.map(children).unwrap_or_default().iter().take(NODES_MAX);
    Tree::new(nodes.filter_map(node), self::actions(actions)).with_properties(properties::all(root))
}

fn children(owner: &Value) -> &[Value] {
    owner["subowners"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn node(owner: &Value) -> Option<(String, Node)> {
    let id = owner["identifier"].as_str()?.to_owned();
    let tags = owner["tags"].as_array().or_else(|| owner["tag"].as_array());
    let has_tag = |tag: &Value| tag.as_str().is_some_and(|tag| INTERESTING.contains(&tag));
    let names = [property(owner, "GuiName").and_then(Value::as_str), owner["guiName"].as_str()];
    let name = names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or(&id);
    let node = Node {
        name: shown(name, NAME_CHARS_MAX),
        interesting: tags.is_some_and(|tags| tags.iter().any(has_tag)),
        hidden: property(owner, "GuiHidden") == Some(&Value::Bool(true)),
        drawn: children(owner).iter().find(|child| child["identifier"] == "Renderable").and_then(drawn),
        group: group(property(owner, "GuiPath")),
    };
    Some((id, node))
}

/// One that has faded away is on, and not to be seen.
fn drawn(renderable: &Value) -> Option<Drawn> {
    let enabled = property(renderable, "Enabled")?;
    let fade = property(renderable, "Fade");
    let faded = fade.and_then(Value::as_f64) == Some(0.0);
    Some(Drawn { shown: *enabled == Value::Bool(true) && !faded, fades: fade.is_some() })
}

/// `/Solar System/Planets`, in its parts.
fn group(path: Option<&Value>) -> Vec<String> {
    let parts = path.and_then(Value::as_str).unwrap_or_default().split('/');
    parts
        .map(|part| shown(part.trim(), NAME_CHARS_MAX))
        .filter(|part| !part.is_empty())
        .take(GROUPS_MAX)
        .collect()
}

/// The value of a property of this owner. The older generation writes `Description.Identifier` and `Value`.
fn property<'a>(owner: &'a Value, name: &str) -> Option<&'a Value> {
    let properties = owner["properties"].as_array()?;
    let is_it = |property: &&Value| {
        let uri = property["uri"].as_str().or_else(|| property["Description"]["Identifier"].as_str());
        uri.and_then(|uri| uri.rsplit('.').next()) == Some(name)
    };
    let property = properties.iter().find(is_it)?;
    property.get("value").or_else(|| property.get("Value"))
}

/// Reads the answer to `actionsKeybinds`, or to `shortcuts` up to 0.20, which has all in one list.
pub(in crate::client) fn action_list(payload: &Value) -> Vec<Value> {
    ["actions", "keybinds", "shortcuts"]
        .iter()
        .filter_map(|key| payload[*key].as_array())
        .flatten()
        .take(ACTIONS_MAX * 2)
        .cloned()
        .collect()
}

fn actions(list: &[Value]) -> Vec<SceneAction> {
    let mut keys: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for bound in list {
        if let (Some(action), Some(key)) = (bound["action"].as_str(), key(bound)) {
            keys.entry(action).or_default().push(key);
        }
    }
    let action = |action: &Value| {
        let id = action["identifier"].as_str()?;
        let name = action["name"].as_str().filter(|name| !name.trim().is_empty()).unwrap_or(id);
        Some(SceneAction {
            id: id.to_owned(),
            name: shown(name, NAME_CHARS_MAX),
            description: shown(action["documentation"].as_str().unwrap_or_default(), DESCRIPTION_CHARS_MAX),
            group: group(action.get("guiPath").or_else(|| action.get("guipath"))),
            keys: keys.remove(id).unwrap_or_default().into_iter().take(KEYS_MAX).collect(),
        })
    };
    list.iter().filter_map(action).take(ACTIONS_MAX).collect()
}

/// `Ctrl+Shift+T`.
fn key(bound: &Value) -> Option<String> {
    let key = bound["key"].as_str()?;
    let held = [("control", "Ctrl"), ("alt", "Alt"), ("shift", "Shift"), ("super", "Super")]
        .into_iter()
        .filter(|(modifier, _)| bound["modifiers"][*modifier] == true)
        .map(|(_, name)| name);
    Some(held.chain([shown(key, NAME_CHARS_MAX).as_str()]).collect::<Vec<_>>().join("+"))
}

pub(super) fn shown(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_are_read_in_both_forms() {
        let new = json!({ "type": "propertyOwner", "value": { "subowners": [
            { "identifier": "Modules", "subowners": [{ "identifier": "Server" }] },
            { "identifier": "Scene", "subowners": [
                { "identifier": "Mars", "guiName": "Mars", "tags": ["planet", "GUI.Interesting"],
                  "properties": [{ "uri": "Scene.Mars.GuiName", "value": "Mars (red)" },
                                 { "uri": "Scene.Mars.GuiPath", "value": "/Solar System//Planets/" }],
                  "subowners": [{ "identifier": "Renderable", "properties": [{ "uri": "Scene.Mars.Renderable.Enabled", "value": true },
                                                                             { "uri": "Scene.Mars.Renderable.Fade", "value": 0.0 }] }] },
                { "identifier": "Root", "properties": [{ "uri": "Scene.Root.GuiHidden", "value": true }] },
            ] },
        ] } });
        let old = json!({ "subowners": [{ "identifier": "Scene", "subowners": [
            { "identifier": "Mars", "guiName": "", "tag": ["profile_interesting"],
              "properties": [{ "Description": { "Identifier": "Scene.Mars.GuiName" }, "Value": "Mars (red)" },
                             { "Description": { "Identifier": "Scene.Mars.GuiPath" }, "Value": "/Solar System/Planets" }],
              "subowners": [{ "identifier": "Renderable", "properties": [{ "Description": { "Identifier": "Scene.Mars.Renderable.Enabled" }, "Value": false },
                                                                         { "Description": { "Identifier": "Scene.Mars.Renderable.Fade" }, "Value": 1.0 }] }] },
            { "identifier": "Root", "properties": [{ "Description": { "Identifier": "Scene.Root.GuiHidden" }, "Value": true }] },
        ] }] });
        for root in [new, old] {
            let tree = tree(&root, &[]);
            let mars = Node {
                name: "Mars (red)".to_owned(),
                interesting: true,
                hidden: false,
                drawn: Some(Drawn { shown: false, fades: true }),
                group: vec!["Solar System".to_owned(), "Planets".to_owned()],
            };
            assert_eq!(tree.node("Mars"), Some(&mars), "{root}");
            assert!(tree.node("Root").unwrap().hidden && tree.node("Root").unwrap().drawn.is_none());
            assert_eq!(tree.node("Server"), None, "only nodes of the scene");
        }
    }

    #[test]
    fn actions_have_their_keys_in_both_forms() {
        let action = json!({ "identifier": "os.Trails", "name": "Trails", "documentation": "Shows them." });
        let key =
            json!({ "key": "T", "modifiers": { "shift": true, "control": true }, "action": "os.Trails" });
        for payload in [
            json!({ "type": "combined", "actions": [action], "keybinds": [key] }),
            json!({ "shortcuts": [key, action] }),
        ] {
            let tree = tree(&Value::Null, &action_list(&payload));
            let found = tree.action("os.Trails").unwrap();
            assert_eq!(
                (found.name.as_str(), found.keys.as_slice()),
                ("Trails", &["Ctrl+Shift+T".to_owned()][..])
            );
        }
    }

    #[test]
    fn a_scene_that_is_told_as_garbage_holds_nothing() {
        for garbage in
            [json!(null), json!([]), json!({ "value": 3 }), json!({ "subowners": [1, { "identifier": 5 }] })]
        {
            assert_eq!(tree(&garbage, &[json!(1), json!({ "identifier": 2 })]), Tree::default());
        }
    }
}
