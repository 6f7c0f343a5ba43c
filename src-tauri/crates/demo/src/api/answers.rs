//! Questions that are answered once: the topic is over with the answer.

use serde_json::{Value, json};

use super::{
    Context, replies,
    topics::{Opened, attempt, malformed, reply, short, silence},
};
use crate::{
    dialect::Dialect,
    lua,
    world::{World, tree},
};

pub fn version(dialect: Dialect) -> Value {
    let [major, minor, patch] = dialect.version();
    json!({
        "openSpaceVersion": { "major": major, "minor": minor, "patch": patch },
        "socketApiVersion": { "major": 0, "minor": 1, "patch": 0 },
    })
}

pub fn get(payload: &Value, context: &Context<'_>) -> Opened {
    let uri = payload["property"].as_str().unwrap_or_default();
    context.log.debug("GetPropertyTopic", format!("Getting property '{}'...", short(uri)));
    let world = context.world.borrow();
    let legacy = context.dialect == Dialect::Legacy;
    match uri {
        "__rootOwner" => {
            reply(replies::owner(world.tree.owner_json("").unwrap_or_default(), context.dialect))
        }
        "__allProperties" if legacy => reply(json!({ "value": world.tree.all_json() })),
        "__allNodes" if legacy => {
            let nodes = tree::node_identifiers();
            reply(
                json!({ "value": nodes.iter().filter_map(|node| world.tree.owner_json(&format!("Scene.{node}"))).collect::<Vec<_>>() }),
            )
        }
        "__screenSpaceRenderables" if legacy => reply(json!({ "value": [] })),
        uri => match world.tree.property_json(uri) {
            Some(property) => reply(replies::property(property, context.dialect)),
            None => {
                let message = format!("Property '{}' not found", short(uri));
                if legacy {
                    return Opened { error: Some(message), ..Opened::default() };
                }
                context.log.error("ServerModule: Connection", format!("Unexpected error {message}"));
                silence()
            }
        },
    }
}

pub fn set(payload: &Value, context: &Context<'_>) {
    let uri = payload["property"].as_str().unwrap_or_default();
    // OpenSpace writes numbers with six decimals on their way through Lua.
    let value = match payload["value"].as_f64() {
        Some(number) if payload["value"].is_f64() => json!((number * 1e6).round() / 1e6),
        _ => payload["value"].clone(),
    };
    if uri == "__time" && context.dialect == Dialect::Legacy {
        let et = value.as_str().and_then(crate::clock::parse).or(value.as_f64());
        attempt(context, "SetPropertyTopic", |world| {
            world.time.set_time(et.ok_or("The time is not understood")?);
            Ok(())
        });
        return;
    }
    attempt(context, "SetPropertyTopic", |world| {
        let uris = world.tree.matching(uri);
        if uris.is_empty() {
            return Err(format!("Property with URI '{}' was not found", short(uri)));
        }
        uris.iter().try_for_each(|uri| world.set_property(uri, value.clone(), 0.0))
    });
}

pub fn lua_script(payload: &Value, context: &Context<'_>) -> Opened {
    let answered = match (payload["script"].as_str(), payload["function"].as_str()) {
        (Some(script), _) => context.scripts.run(script),
        (None, Some(function)) => {
            let arguments = payload["arguments"].as_array().cloned().unwrap_or_default();
            context.scripts.call(function, &arguments)
        }
        (None, None) => return malformed("luascript", context),
    };
    if payload["return"] == true { reply(Value::Object(answered)) } else { silence() }
}

pub fn actions(payload: &Value, context: &Context<'_>) -> Opened {
    let world = context.world.borrow();
    match payload["event"].as_str() {
        Some("get_all") => reply(world.actions.all_json()),
        Some("get_action") => {
            let identifier = payload["identifier"].as_str().unwrap_or_default();
            match world.actions.get(identifier) {
                Some(action) => reply(json!({ "type": "action", "action": action.json() })),
                None => {
                    context
                        .log
                        .error("ActionKeybindTopic", format!("Action '{}' was not found", short(identifier)));
                    silence()
                }
            }
        }
        _ => malformed("actionsKeybinds", context),
    }
}

pub fn documentation(payload: &Value, context: &Context<'_>) -> Opened {
    match payload["type"].as_str() {
        Some("lua") => reply(lua::documentation(context.dialect)),
        Some("keyboard") => reply(context.world.borrow().actions.all_json()["keybinds"].clone()),
        Some("meta") => reply(json!([{
            "name": "Demo renderer",
            "version": "1.0",
            "description": "The demo renderer of OpenSpace WebRTC; not OpenSpace.",
            "author": "OpenSpace WebRTC",
            "url": "https://www.openspaceproject.com",
            "license": "MIT",
        }])),
        Some("factories" | "asset") => reply(json!([])),
        _ => malformed("documentation", context),
    }
}

pub fn profile(world: &World) -> Value {
    let meta = &world.profile.meta;
    let mut payload = json!({
        "uiPanelVisibility": world.profile.panel_visibility,
        "markNodes": world.profile.mark_nodes,
        "filePath": world.profile_file.display().to_string(),
        "addons": world.addons,
        "hasStartedBefore": true,
    });
    for (key, value) in [
        ("name", &meta.name),
        ("author", &meta.author),
        ("description", &meta.description),
        ("license", &meta.license),
        ("url", &meta.url),
        ("version", &meta.version),
    ] {
        if let Some(value) = value {
            payload[key] = json!(value);
        }
    }
    payload
}
