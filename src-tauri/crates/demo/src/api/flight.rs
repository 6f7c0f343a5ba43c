//! The `flightcontroller` topic: velocities from a client, in both dialects.

use serde_json::{Map, Value, json};

use super::{Context, topics::short};
use crate::{
    dialect::Dialect,
    world::{World, bodies::BODIES, camera::Axes, controllers::Controller, tree},
};

pub fn command(payload: &Value, dialect: Dialect) -> Option<&str> {
    match dialect {
        Dialect::New => payload["event"].as_str(),
        Dialect::Legacy => payload["type"].as_str(),
    }
}

pub fn hear(payload: &Value, controller: Controller, context: &Context<'_>) -> Vec<Value> {
    let mut world = context.world.borrow_mut();
    let replies = match command(payload, context.dialect) {
        Some("connect") => {
            // The newer generation does nothing here.
            if context.dialect == Dialect::Legacy {
                world.navigator.controllers.say(controller, Axes::default());
            }
            vec![json!({ "type": "connect", "connect": focus_nodes(&world) })]
        }
        Some("inputState") => {
            let values = match context.dialect {
                Dialect::New => &payload["inputState"],
                Dialect::Legacy => &payload["inputState"]["values"],
            };
            let (axes, unknown) = Axes::read(values);
            // While it flies by itself, OpenSpace looks at nobody's input: it flies on.
            world.navigator.controllers.say(controller, axes);
            for name in unknown {
                context.log.warning("FlightControllerTopic", format!("No axis named {}", short(&name)));
            }
            Vec::new()
        }
        Some("disconnect") => {
            world.navigator.controllers.leave(context.dialect);
            vec![json!({ "type": "disconnect", "disconnect": { "success": true } })]
        }
        Some("friction") if context.dialect == Dialect::Legacy => friction(&mut world, &payload["friction"]),
        Some("updateView") if context.dialect == Dialect::Legacy => update_view(&mut world, payload, context),
        Some("autopilot") if context.dialect == Dialect::Legacy => {
            let engaged = payload["autopilot"]["engaged"] == true;
            let values = &payload["autopilot"]["autopilotInput"]["values"];
            if engaged {
                world.navigator.controllers.say(controller, Axes::read(values).0);
            }
            let replies =
                friction(&mut world, &json!({ "roll": !engaged, "rotation": !engaged, "zoom": !engaged }));
            replies
                .into_iter()
                .chain([json!({ "type": "autopilot", "autopilot": { "engaged": engaged } })])
                .collect()
        }
        Some("lua") if context.dialect == Dialect::Legacy => {
            if let Some(script) = payload["lua"]["script"].as_str() {
                world.queue_script(script.to_owned(), Value::Null);
            }
            Vec::new()
        }
        _ => {
            context.log.warning("FlightControllerTopic", "Poorly formatted JSON command");
            Vec::new()
        }
    };
    // NEW answers nothing on this topic.
    if context.dialect == Dialect::New { Vec::new() } else { replies }
}

fn focus_nodes(world: &World) -> Value {
    let nodes: Map<String, Value> = BODIES
        .iter()
        .map(|body| {
            let enabled = world.tree.is_on(&format!("Scene.{}.Renderable.Enabled", body.identifier));
            (body.gui_name.to_owned(), json!({ "identifier": body.identifier, "enabled": enabled }))
        })
        .collect();
    json!({ "focusNodes": nodes, "allNodes": nodes, "interestingTimes": {} })
}

fn friction(world: &mut World, wanted: &Value) -> Vec<Value> {
    let of = |key: &str| wanted[key] == true;
    for (uri, on) in [
        (tree::ROTATIONAL_FRICTION, of("rotation")),
        (tree::ZOOM_FRICTION, of("zoom")),
        (tree::ROLL_FRICTION, of("roll")),
    ] {
        // These are there, and are on or off.
        let _ = world.set_property(uri, json!(on), 0.0);
    }
    vec![
        json!({ "type": "friction", "friction": { "roll": of("roll"), "rotation": of("rotation"), "zoom": of("zoom") } }),
    ]
}

fn update_view(world: &mut World, payload: &Value, context: &Context<'_>) -> Vec<Value> {
    let node = |key: &str| payload[key]["identifier"].as_str().or_else(|| payload[key].as_str());
    let focus = node("focus").or_else(|| node("anchor"));
    let wishes = [
        focus.map(|focus| (tree::ANCHOR.to_owned(), json!(focus))),
        node("renderable").map(|name| {
            (format!("Scene.{name}.Renderable.Enabled"), payload["renderable"]["enabled"].clone())
        }),
    ];
    for (uri, value) in wishes.into_iter().flatten() {
        if let Err(why) = world.set_property(&uri, value, 0.0) {
            context.log.warning("FlightControllerTopic", why);
        }
    }
    Vec::new()
}
