//! Properties, nodes, actions and keys.

use serde_json::{Map, Value, json};

use super::{Args, functions::Function, nothing, one};
use crate::world::{
    World,
    actions::{Action, Stroke},
    bodies::BODIES,
    navigator::known,
    properties::SetError,
    tree,
};

type Outcome = Result<Vec<Value>, String>;
type Arguments = &'static [(&'static str, &'static str, Option<&'static str>)];

const fn top(
    name: &'static str,
    arguments: Arguments,
    returns: &'static str,
    help: &'static str,
    call: fn(&mut World, &Args<'_>) -> Outcome,
) -> Function {
    Function { library: "", name, arguments, returns, help, call }
}

const fn action(
    name: &'static str,
    arguments: Arguments,
    returns: &'static str,
    help: &'static str,
    call: fn(&mut World, &Args<'_>) -> Outcome,
) -> Function {
    Function { library: "action", name, arguments, returns, help, call }
}

const URI: Arguments = &[("uri", "String", None)];
const SET: Arguments = &[
    ("uri", "String", None),
    ("value", "any", None),
    ("duration", "Number", Some("0")),
    ("easing", "String", Some("Linear")),
];
const FADE: Arguments = &[("uri", "String", None), ("fadeTime", "Number", Some("1"))];
const NODE: Arguments = &[("identifier", "String", None)];

pub const FUNCTIONS: &[Function] = &[
    top("setPropertyValueSingle", SET, "", "Sets one property.", |world, args| {
        world.set_property(args.text(0)?, args.get(1).clone(), args.maybe_number(2).unwrap_or(0.0))?;
        nothing()
    }),
    top("setPropertyValue", SET, "", "Sets all properties that a pattern names.", |world, args| {
        let uris = matching(world, args.text(0)?)?;
        for uri in uris {
            world.set_property(&uri, args.get(1).clone(), args.maybe_number(2).unwrap_or(0.0))?;
        }
        nothing()
    }),
    top("propertyValue", URI, "any", "The value of a property.", value),
    Function { help: "The old name of propertyValue.", ..top("getPropertyValue", URI, "any", "", value) },
    top("hasProperty", URI, "Boolean", "Whether there is such a property.", |world, args| {
        one(world.tree.has(args.text(0)?))
    }),
    top(
        "property",
        &[("pattern", "String", None)],
        "String[]",
        "The URIs that a pattern names.",
        |world, args| one(world.tree.matching(args.text(0)?)),
    ),
    top("invertBooleanProperty", URI, "", "Turns on what is off, and off what is on.", |world, args| {
        let uri = args.text(0)?;
        let on = world
            .tree
            .value(uri)
            .and_then(Value::as_bool)
            .ok_or_else(|| format!("'{uri}' is not a property that is on or off"))?;
        world.set_property(uri, json!(!on), 0.0)?;
        nothing()
    }),
    top(
        "addToPropertyValue",
        &[("uri", "String", None), ("value", "Number", None)],
        "",
        "Adds to a number.",
        |world, args| {
            let uri = args.text(0)?;
            let old = world
                .tree
                .value(uri)
                .and_then(Value::as_f64)
                .ok_or_else(|| format!("'{uri}' is not a number"))?;
            world.set_property(uri, json!(old + args.number(1)?), 0.0)?;
            nothing()
        },
    ),
    top("fadeIn", FADE, "", "Lets something appear.", |world, args| fade(world, args, Some(true))),
    top("fadeOut", FADE, "", "Lets something disappear.", |world, args| fade(world, args, Some(false))),
    top("toggleFade", FADE, "", "Lets something appear or disappear.", |world, args| fade(world, args, None)),
    top(
        "markInterestingNodes",
        &[("nodes", "String[]", None)],
        "",
        "Lists nodes first in user interfaces.",
        |world, args| {
            let nodes = args
                .get(0)
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(_, node)| node.as_str().map(str::to_owned));
            let nodes: Vec<String> = nodes.collect();
            world.profile.mark_nodes.extend(nodes);
            nothing()
        },
    ),
    top("sceneGraphNodes", &[], "String[]", "The identifiers of all nodes.", |_, _| {
        one(tree::node_identifiers())
    }),
    top("hasSceneGraphNode", NODE, "Boolean", "Whether there is such a node.", |_, args| {
        let identifier = args.text(0)?;
        one(tree::node_identifiers().iter().any(|node| node == identifier))
    }),
    top("screenSpaceRenderables", &[], "String[]", "The demo has none.", |_, _| one(Vec::<String>::new())),
    top("boundingSphere", NODE, "Number", "The radius of a node, in metres.", |_, args| {
        one(known(args.text(0)?)?.radius_m)
    }),
    top(
        "worldPosition",
        NODE,
        "Number, Number, Number",
        "The demo's nodes are drawn one at a time: each is in the middle.",
        |_, args| {
            known(args.text(0)?)?;
            Ok(vec![json!(0.0), json!(0.0), json!(0.0)])
        },
    ),
    top("guiOrder", &[], "Table", "How user interfaces order the scene.", |_, _| {
        let planets: Vec<&str> = BODIES
            .iter()
            .filter(|body| body.gui_path.ends_with("Planets"))
            .map(|body| body.gui_name)
            .collect();
        one(json!({ "/Solar System/Planets": planets }))
    }),
    top(
        "setCurrentMission",
        &[("identifier", "String", None)],
        "",
        "Names the mission that is told of; here it changes nothing.",
        |world, args| match args.text(0)? {
            known if world.missions.contains_key(known) => nothing(),
            other => Err(format!("there is no mission '{other}'")),
        },
    ),
    top(
        "hasMission",
        &[("identifier", "String", None)],
        "Boolean",
        "Is there such a mission?",
        |world, args| one(world.missions.contains_key(args.text(0)?)),
    ),
    top(
        "bindKey",
        &[("key", "String", None), ("action", "String", None)],
        "",
        "Binds a key to an action.",
        |world, args| {
            let stroke = stroke(args)?;
            let identifier = args.text(1)?;
            known_action(world, identifier)?;
            world.actions.bind(stroke, identifier);
            nothing()
        },
    ),
    top("clearKey", &[("key", "String", None)], "", "Takes a key's action from it.", |world, args| {
        let stroke = stroke(args)?;
        world.actions.unbind(&stroke);
        nothing()
    }),
    action("hasAction", NODE, "Boolean", "Whether there is such an action.", |world, args| {
        one(world.actions.get(args.text(0)?).is_some())
    }),
    action("action", NODE, "Table", "What is known of an action.", |world, args| {
        one(table(known_action(world, args.text(0)?)?))
    }),
    action("actions", &[], "Table[]", "All actions.", |world, _| {
        one(world.actions.all().map(table).collect::<Vec<_>>())
    }),
    action(
        "triggerAction",
        &[("identifier", "String", None), ("args", "Table", Some("{}"))],
        "",
        "Runs an action.",
        |world, args| {
            world.trigger_action(args.text(0)?, args.get(1).clone())?;
            nothing()
        },
    ),
    action("registerAction", &[("action", "Table", None)], "", "Makes an action.", register),
    action("removeAction", NODE, "", "Removes an action.", |world, args| {
        let identifier = args.text(0)?;
        if world.actions.remove(identifier) {
            nothing()
        } else {
            Err(format!("there is no action '{identifier}'"))
        }
    }),
];

fn matching(world: &World, pattern: &str) -> Result<Vec<String>, String> {
    let uris = world.tree.matching(pattern);
    if uris.is_empty() { Err(SetError::Unknown(pattern.to_owned()).to_string()) } else { Ok(uris) }
}

fn value(world: &mut World, args: &Args<'_>) -> Outcome {
    let uri = args.text(0)?;
    world
        .tree
        .value(uri)
        .cloned()
        .map(|value| vec![value])
        .ok_or_else(|| SetError::Unknown(uri.to_owned()).to_string())
}

fn fade(world: &mut World, args: &Args<'_>, to: Option<bool>) -> Outcome {
    let owner = args.text(0)?;
    let seconds = args.maybe_number(1).unwrap_or(1.0);
    for uri in matching(world, &format!("{owner}.Fade"))? {
        let on = to.unwrap_or(world.tree.number(&uri) < 0.5);
        let enabled = uri.replace(".Fade", ".Enabled");
        if on && world.tree.has(&enabled) && !world.tree.is_on(&enabled) {
            world.set_property(&uri, json!(0.0), 0.0)?;
            world.set_property(&enabled, json!(true), 0.0)?;
        }
        world.set_property(&uri, json!(if on { 1.0 } else { 0.0 }), seconds)?;
        world.fading_out.retain(|fading| *fading != uri);
        if !on {
            world.fading_out.push(uri);
        }
    }
    nothing()
}

fn stroke(args: &Args<'_>) -> Result<Stroke, String> {
    let key = args.text(0)?;
    Stroke::parse(key).ok_or_else(|| format!("there is no key '{key}'"))
}

fn known_action<'a>(world: &'a World, identifier: &str) -> Result<&'a Action, String> {
    world.actions.get(identifier).ok_or_else(|| format!("Action '{identifier}' was not found"))
}

fn table(action: &Action) -> Value {
    json!({
        "Identifier": action.identifier,
        "Name": action.name,
        "Documentation": action.documentation,
        "GuiPath": action.gui_path,
        "IsLocal": action.is_local,
        "Command": action.script,
    })
}

fn register(world: &mut World, args: &Args<'_>) -> Outcome {
    let empty = Map::new();
    let fields = args.get(0).as_object().unwrap_or(&empty);
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    let identifier = text("Identifier").ok_or("the action has no Identifier")?;
    let registered = world.actions.register(Action {
        name: text("Name").unwrap_or_else(|| identifier.clone()),
        documentation: text("Documentation").unwrap_or_default(),
        gui_path: text("GuiPath").unwrap_or_else(|| "/".to_owned()),
        is_local: fields.get("IsLocal").and_then(Value::as_bool).unwrap_or(false),
        script: text("Command").ok_or("the action has no Command")?,
        identifier,
    });
    if registered { nothing() } else { Err("there is no room for more actions".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_of_the_scene_is_listed_once() {
        let mut nodes = tree::node_identifiers();
        let all = nodes.len();
        nodes.sort();
        nodes.dedup();
        assert_eq!(nodes.len(), all);
        assert!(known("ISS").is_ok());
    }
}
