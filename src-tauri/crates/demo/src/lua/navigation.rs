//! `openspace.navigation` and `openspace.pathnavigation`, with the names that the streaming fork used for the same.

use serde_json::Value;

use super::{Args, functions::Function, nothing, one};
use crate::{
    dialect::Dialect,
    world::{
        World,
        camera::{Camera, Step},
        navigator::{known, vector},
        tree,
    },
};

type Outcome = Result<Vec<Value>, String>;
type Arguments = &'static [(&'static str, &'static str, Option<&'static str>)];

const fn nav(
    name: &'static str,
    arguments: Arguments,
    help: &'static str,
    call: fn(&mut World, &Args<'_>) -> Outcome,
) -> Function {
    Function { library: "navigation", name, arguments, returns: "", help, call }
}

const fn path(
    name: &'static str,
    arguments: Arguments,
    help: &'static str,
    call: fn(&mut World, &Args<'_>) -> Outcome,
) -> Function {
    Function { library: "pathnavigation", name, arguments, returns: "", help, call }
}

const NODE: Arguments = &[
    ("nodeIdentifier", "String", None),
    ("useUpFromTargetOrDuration", "Boolean | Number", Some("nil")),
    ("duration", "Number", Some("nil")),
];
const HEIGHT: Arguments =
    &[("nodeIdentifier", "String", None), ("height", "Number", None), ("duration", "Number", Some("nil"))];
const GEO: Arguments = &[
    ("node", "String", None),
    ("latitude", "Number", None),
    ("longitude", "Number", None),
    ("altitude", "Number", Some("nil")),
    ("duration", "Number", Some("nil")),
];
const STATE: Arguments = &[("navigationState", "Table", None), ("useTimeStamp", "Boolean", Some("false"))];
const DURATION: Arguments = &[("duration", "Number", Some("nil"))];
const DISTANCE: Arguments = &[("distance", "Number", None), ("duration", "Number", Some("nil"))];
const XY: Arguments = &[("xValue", "Number", None), ("yValue", "Number", None)];
const VALUE: Arguments = &[("value", "Number", None)];

/// Radians, or e-folds of distance, per unit of the impulses: a real client sends about −250 to 250 to be seen.
const PER_IMPULSE: f64 = 0.002;

pub const FUNCTIONS: &[Function] = &[
    nav("flyTo", NODE, "Flies to a node.", fly_to),
    nav("flyToHeight", HEIGHT, "Flies to a height over a node.", fly_to_height),
    nav("flyToGeo", GEO, "Flies to a place on a globe.", fly_to_geo),
    nav("flyToGeo2", GEO, "Flies to a place on a globe.", |world, args| {
        let (identifier, camera) = place(world, args, None)?;
        let distance = world.navigator.camera.distance;
        let camera = if args.get(3).as_bool() == Some(true) { camera.at_distance(distance) } else { camera };
        world.fly(identifier, camera, args.duration(4));
        nothing()
    }),
    nav(
        "flyToNavigationState",
        &[("navigationState", "Table", None), ("duration", "Number", Some("nil"))],
        "Flies to a navigation state.",
        fly_to_state,
    ),
    nav("jumpTo", NODE, "Goes to a node at once.", jump_to),
    nav("jumpToGeo", GEO, "Goes to a place on a globe at once.", jump_to_geo),
    nav("jumpToNavigationState", STATE, "Goes to a navigation state at once.", set_state),
    nav("setNavigationState", STATE, "Goes to a navigation state at once.", set_state),
    Function {
        returns: "Table",
        ..nav(
            "getNavigationState",
            &[("frame", "String", Some("nil"))],
            "The present navigation state.",
            |world, _| one(world.navigation_state()),
        )
    },
    nav(
        "setFocus",
        &[("identifier", "String", None), ("shouldRetarget", "Boolean", Some("true"))],
        "Makes a node the anchor.",
        |world, args| {
            world.stop_flight();
            world.set_property(tree::ANCHOR, args.text(0)?.into(), 0.0)?;
            if args.get(1).as_bool() != Some(false) {
                world.set_property(tree::RETARGET_ANCHOR, Value::Null, 0.0)?;
            }
            nothing()
        },
    ),
    nav("retargetAnchor", &[], "Turns back to the anchor.", |world, _| {
        world.set_property(tree::RETARGET_ANCHOR, Value::Null, 0.0)?;
        nothing()
    }),
    nav("retargetAim", &[], "Turns back to the aim.", |world, _| {
        world.set_property(tree::RETARGET_ANCHOR, Value::Null, 0.0)?;
        nothing()
    }),
    nav("targetNextInterestingAnchor", &[], "Flies to the next node.", |world, _| {
        world.fly_to_neighbour(1);
        nothing()
    }),
    nav("targetPreviousInterestingAnchor", &[], "Flies to the node before.", |world, _| {
        world.fly_to_neighbour(-1);
        nothing()
    }),
    nav("zoomToFocus", DURATION, "Flies to where the anchor is seen whole.", |world, args| {
        let anchor = world.anchor().identifier;
        let camera = world.navigator.camera.at_distance(Camera::default().distance);
        world.fly(anchor, camera, args.duration(0));
        nothing()
    }),
    nav(
        "zoomToDistance",
        DISTANCE,
        "Flies to a distance from the anchor's surface, in metres.",
        |world, args| {
            let body = world.anchor();
            let camera = world.navigator.camera.at_distance(1.0 + args.number(0)? / body.radius_m);
            world.fly(body.identifier, camera, args.maybe_number(1));
            nothing()
        },
    ),
    nav(
        "zoomToDistanceRelative",
        DISTANCE,
        "Flies to a distance from the anchor's surface, in its radii.",
        |world, args| {
            let camera = world.navigator.camera.at_distance(1.0 + args.number(0)?);
            world.fly(world.anchor().identifier, camera, args.maybe_number(1));
            nothing()
        },
    ),
    nav("addGlobalRotation", XY, "Pushes the camera around its anchor.", |world, args| {
        push(
            world,
            Step {
                yaw: args.number(0)? * PER_IMPULSE,
                pitch: args.number(1)? * PER_IMPULSE,
                ..Step::default()
            },
        )
    }),
    nav("addLocalRotation", XY, "Turns the camera's head.", |world, args| {
        push(
            world,
            Step { pan: [args.number(0)? * PER_IMPULSE, args.number(1)? * PER_IMPULSE], ..Step::default() },
        )
    }),
    nav(
        "addTruckMovement",
        VALUE,
        "Pushes the camera towards its anchor; a negative value pulls it away.",
        |world, args| push(world, Step { zoom: args.number(0)? * PER_IMPULSE, ..Step::default() }),
    ),
    nav("addLocalRoll", VALUE, "Rolls the camera.", roll),
    nav("addGlobalRoll", VALUE, "Rolls the camera.", roll),
    nav(
        "triggerIdleMotion",
        &[("choice", "String", Some("nil"))],
        "Lets the camera orbit by itself, or stop.",
        idle,
    ),
    nav(
        "triggerIdleBehavior",
        &[("choice", "String", Some("nil"))],
        "The old name of triggerIdleMotion.",
        idle,
    ),
    Function { returns: "Boolean", ..nav("isFlying", &[], "Whether the camera flies.", is_flying) },
    Function {
        returns: "Number",
        ..nav("distanceToFocus", &[], "Metres to the middle of the anchor.", |world, _| {
            one(world.distance_m())
        })
    },
    Function {
        returns: "Number",
        ..nav("distanceToFocusBoundingSphere", &[], "Metres to the surface of the anchor.", |world, _| {
            one(world.distance_m() - world.anchor().radius_m)
        })
    },
    path("flyTo", NODE, "Flies to a node.", fly_to),
    path("flyToHeight", HEIGHT, "Flies to a height over a node.", fly_to_height),
    path("flyToNavigationState", STATE, "Flies to a navigation state.", fly_to_state),
    path("jumpTo", NODE, "Goes to a node at once.", jump_to),
    path("jumpToNavigationState", STATE, "Goes to a navigation state at once.", set_state),
    Function { returns: "Boolean", ..path("isFlying", &[], "Whether the camera flies.", is_flying) },
    path("continuePath", &[], "Lets a paused flight go on.", |world, _| pause(world, false)),
    path("pausePath", &[], "Pauses the flight.", |world, _| pause(world, true)),
    path("stopPath", &[], "Ends the flight where it is.", |world, _| {
        world.stop_flight();
        nothing()
    }),
    path("skipToEnd", &[], "Goes to the end of the flight at once.", |world, _| {
        if let Some(flight) = &mut world.navigator.flight {
            flight.skip_to_end();
        }
        nothing()
    }),
    Function { library: "globebrowsing", ..nav("flyToGeo", GEO, "Flies to a place on a globe.", fly_to_geo) },
    Function {
        library: "globebrowsing",
        ..nav("jumpToGeo", GEO, "Goes to a place on a globe at once.", jump_to_geo)
    },
];

fn fly_to(world: &mut World, args: &Args<'_>) -> Outcome {
    world.fly_to(args.text(0)?, None, args.duration(1))?;
    nothing()
}

fn fly_to_height(world: &mut World, args: &Args<'_>) -> Outcome {
    let body = known(args.text(0)?)?;
    let distance = 1.0 + args.number(1)? / body.radius_m;
    world.fly_to(body.identifier, Some(distance), args.duration(2))?;
    nothing()
}

fn fly_to_geo(world: &mut World, args: &Args<'_>) -> Outcome {
    let (identifier, camera) = place(world, args, args.maybe_number(3))?;
    world.fly(identifier, camera, args.maybe_number(4));
    nothing()
}

fn jump_to(world: &mut World, args: &Args<'_>) -> Outcome {
    world.jump_to(args.text(0)?, Camera::default())?;
    nothing()
}

fn jump_to_geo(world: &mut World, args: &Args<'_>) -> Outcome {
    let (identifier, camera) = place(world, args, args.maybe_number(3))?;
    world.jump_to(identifier, camera)?;
    nothing()
}

fn place(world: &World, args: &Args<'_>, altitude: Option<f64>) -> Result<(&'static str, Camera), String> {
    let node = args.text(0)?;
    let body = if node.is_empty() { world.anchor() } else { known(node)? };
    Ok((body.identifier, world.above(body, args.number(1)?, args.number(2)?, altitude)))
}

fn fly_to_state(world: &mut World, args: &Args<'_>) -> Outcome {
    let (anchor, camera) = world.read_navigation_state(args.get(0))?;
    world.fly(anchor, camera, args.duration(1));
    nothing()
}

fn set_state(world: &mut World, args: &Args<'_>) -> Outcome {
    if vector(&args.get(0)["Position"]).is_none() {
        return Err("argument 1 must be a navigation state".to_owned());
    }
    world.set_navigation_state(args.get(0), args.get(1).as_bool() == Some(true))?;
    nothing()
}

fn roll(world: &mut World, args: &Args<'_>) -> Outcome {
    push(world, Step { roll: args.number(0)? * PER_IMPULSE, ..Step::default() })
}

fn push(world: &mut World, step: Step) -> Outcome {
    world.navigator.camera.go(step);
    nothing()
}

fn idle(world: &mut World, _: &Args<'_>) -> Outcome {
    let uri = "NavigationHandler.OrbitalNavigator.IdleMotion.ApplyIdleMotion";
    let on = world.tree.is_on(uri);
    world.set_property(uri, (!on).into(), 0.0)?;
    nothing()
}

fn is_flying(world: &mut World, _: &Args<'_>) -> Outcome {
    one(world.navigator.flight.is_some())
}

fn pause(world: &mut World, paused: bool) -> Outcome {
    match &mut world.navigator.flight {
        Some(flight) => {
            flight.paused = paused;
            nothing()
        }
        None => Err("the camera does not fly".to_owned()),
    }
}

/// The functions of a library that only one generation has are the other's too, except these: a client that tells versions apart
/// by what is listed must not be fooled.
pub fn belongs_to(function: &Function, dialect: Dialect) -> bool {
    match (function.library, function.name) {
        ("globebrowsing", "flyToGeo" | "jumpToGeo") | ("navigation", "triggerIdleBehavior") => {
            dialect == Dialect::Legacy
        }
        ("navigation", "triggerIdleMotion") => dialect == Dialect::New,
        ("pathnavigation", name) => {
            dialect == Dialect::Legacy
                || matches!(name, "continuePath" | "pausePath" | "stopPath" | "skipToEnd")
        }
        _ => true,
    }
}
