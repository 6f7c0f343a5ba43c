//! `openspace.time`.

use serde_json::Value;

use super::{functions::Function, nothing, one};
use crate::{clock, world::World};

const fn function(
    name: &'static str,
    arguments: &'static [(&'static str, &'static str, Option<&'static str>)],
    returns: &'static str,
    help: &'static str,
    call: fn(&mut World, &super::Args<'_>) -> Result<Vec<Value>, String>,
) -> Function {
    Function { library: "time", name, arguments, returns, help, call }
}

const SPEED: &[(&str, &str, Option<&str>)] =
    &[("deltaTime", "Number", None), ("interpolationDuration", "Number", Some("0"))];
const TIME: &[(&str, &str, Option<&str>)] =
    &[("time", "String | Number", None), ("interpolationDuration", "Number", Some("0"))];
const DURATION: &[(&str, &str, Option<&str>)] = &[("interpolationDuration", "Number", Some("0"))];

pub const FUNCTIONS: &[Function] = &[
    function("currentTime", &[], "Number", "The simulated time, in seconds past J2000.", |world, _| {
        one(world.time.et())
    }),
    function("UTC", &[], "String", "The simulated time as an ISO 8601 date.", |world, _| {
        one(clock::iso(world.time.et()))
    }),
    function("SPICE", &[], "String", "The simulated time as SPICE writes it.", |world, _| {
        one(clock::spice(world.time.et()))
    }),
    function("currentApplicationTime", &[], "Number", "Seconds since the start.", |world, _| {
        one(world.clock_s)
    }),
    function("setTime", &[("time", "String | Number", None)], "", "Jumps to a date.", set_time),
    function("interpolateTime", TIME, "", "Goes to a date.", set_time),
    function(
        "interpolateTimeRelative",
        &[("delta", "Number", None)],
        "",
        "Goes on, or back, by seconds.",
        |world, args| {
            world.time.set_time(world.time.et() + args.number(0)?);
            nothing()
        },
    ),
    function(
        "convertTime",
        &[("time", "String | Number", None)],
        "Number | String",
        "A date as seconds past J2000, or the other way round.",
        |_, args| match args.get(0) {
            Value::String(text) => one(clock::parse(text).ok_or_else(|| format!("'{text}' is not a date"))?),
            _ => one(clock::iso(args.number(0)?)),
        },
    ),
    function("deltaTime", &[], "Number", "Simulated seconds per second.", |world, _| one(world.time.delta())),
    function("setDeltaTime", SPEED, "", "Sets the simulated seconds per second.", set_delta),
    function("interpolateDeltaTime", SPEED, "", "Goes to so many simulated seconds per second.", set_delta),
    function(
        "setDeltaTimeSteps",
        &[("deltaTime", "Number[]", None)],
        "",
        "Sets the steps for faster and slower.",
        |world, args| {
            let steps: Vec<f64> =
                args.get(0).as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
            if steps.is_empty() {
                return Err("argument 1 must be a list of numbers".to_owned());
            }
            world.time.set_steps(&steps);
            nothing()
        },
    ),
    function("setNextDeltaTimeStep", &[], "", "Time runs faster by one step.", next_step),
    function("interpolateNextDeltaTimeStep", DURATION, "", "Time runs faster by one step.", next_step),
    function("setPreviousDeltaTimeStep", &[], "", "Time runs slower by one step.", previous_step),
    function(
        "interpolatePreviousDeltaTimeStep",
        DURATION,
        "",
        "Time runs slower by one step.",
        previous_step,
    ),
    function("isPaused", &[], "Boolean", "Whether time stands still.", |world, _| {
        one(world.time.is_paused())
    }),
    function("setPause", &[("isPaused", "Boolean", None)], "", "Stops time, or lets it go on.", set_pause),
    function(
        "interpolatePause",
        &[("isPaused", "Boolean", None), ("interpolationDuration", "Number", Some("0"))],
        "",
        "Stops time, or lets it go on.",
        set_pause,
    ),
    function("togglePause", &[], "", "Stops time, or lets it go on.", toggle_pause),
    function("interpolateTogglePause", DURATION, "", "Stops time, or lets it go on.", toggle_pause),
    function("pauseToggleViaKeyboard", &[], "", "Stops time, or lets it go on.", toggle_pause),
];

fn set_time(world: &mut World, args: &super::Args<'_>) -> Result<Vec<Value>, String> {
    let et = match args.get(0) {
        Value::String(text) => clock::parse(text).ok_or_else(|| format!("'{text}' is not a date"))?,
        _ => args.number(0)?,
    };
    world.time.set_time(et);
    nothing()
}

fn set_delta(world: &mut World, args: &super::Args<'_>) -> Result<Vec<Value>, String> {
    world.time.set_delta(args.number(0)?);
    nothing()
}

fn next_step(world: &mut World, _: &super::Args<'_>) -> Result<Vec<Value>, String> {
    if let Some(step) = world.time.next_step() {
        world.time.set_delta(step);
    }
    nothing()
}

fn previous_step(world: &mut World, _: &super::Args<'_>) -> Result<Vec<Value>, String> {
    if let Some(step) = world.time.previous_step() {
        world.time.set_delta(step);
    }
    nothing()
}

fn set_pause(world: &mut World, args: &super::Args<'_>) -> Result<Vec<Value>, String> {
    world.time.set_paused(args.flag(0)?);
    nothing()
}

fn toggle_pause(world: &mut World, _: &super::Args<'_>) -> Result<Vec<Value>, String> {
    world.time.set_paused(!world.time.is_paused());
    nothing()
}
