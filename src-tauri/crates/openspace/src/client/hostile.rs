//! Hostile intents, from their text on the wire to the Lua that OpenSpace makes of them.
//!
//! OpenSpace pastes what it gets between quotes, and not every place escapes it. So each call that is let through is pasted here
//! unescaped, in every kind of Lua's quotes, and run where every global but `openspace` is a trap: what is left must be the one call
//! that was meant. `HOSTILE_INTENTS=1000000 HOSTILE_BYTES=1000000 cargo test -p openspace hostile` is the long run: intents that are made,
//! and bytes that are bent (see `bytes`).

mod bytes;
mod intended;
mod wishes;

use std::{cell::Cell, env};

use mlua::{Lua, MultiValue, Table, Value as LuaValue};
use model::{
    ApiGeneration, Role,
    scene::{RecorderState, Wish},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use self::intended::{Called, Names};
use super::wire::{
    Question,
    functions::{Functions, Step},
    request,
};
use crate::gate::{
    Call, Deed, Denied, Grounds, judge,
    tests::{Place, place},
};

/// Enough that every kind of wish is tried with every kind of text.
const IN_CI: u32 = 50_000;

const RECORDINGS: &str = "/data/instances/1/user/recordings";

/// Writes the arguments as they are between these.
const QUOTES: [(&str, &str); 3] = [("\"", "\""), ("'", "'"), ("[[", "]]")];

#[test]
fn no_hostile_intent_reaches_openspace_as_anything_but_the_call_that_was_meant() {
    let cases = env::var("HOSTILE_INTENTS").ok().map_or(IN_CI, |cases| cases.parse().expect("a number"));
    let mut runner = TestRunner::new(Config { cases, ..Config::with_source_file(file!()) });
    let (place, tools, tried) = (place(), Tools::new(), Tried::default());
    let roles = select(vec![Role::Watcher, Role::Pilot, Role::Presenter, Role::Owner, Role::Admin]);
    let recorders = select(vec![
        None,
        Some(RecorderState::Idle),
        Some(RecorderState::Recording),
        Some(RecorderState::Playing),
        Some(RecorderState::Paused),
    ]);
    let all = (wishes::intent(), roles, recorders, any::<bool>());
    let outcome = runner.run(&all, |(text, role, recorder, raw_lua)| {
        let outcome = through_the_gate(&text, role, recorder, raw_lua, &place, &tools)?;
        tried.read.set(tried.read.get() + u32::from(!matches!(outcome, Outcome::Nonsense)));
        tried.passed.set(tried.passed.get() + u32::from(matches!(outcome, Outcome::Passed(_))));
        Ok(())
    });
    outcome.expect("every call is the one that was meant");
    let (read, passed) = (tried.read.get(), tried.passed.get());
    println!("{cases} intents: {read} were wishes, {passed} were let through");
    assert!(passed > cases / 50 && passed < read, "both sides of the gate were tried: {passed} of {read}");
}

#[derive(Default)]
struct Tried {
    read: Cell<u32>,
    passed: Cell<u32>,
}

/// What became of one message.
enum Outcome {
    /// It is no wish.
    Nonsense,
    Refused(Denied),
    Passed(Deed),
}

impl Outcome {
    /// What it teaches: which wish, or which refusal, without what it was about.
    fn shape(&self) -> String {
        let told = match self {
            Self::Nonsense => return String::new(),
            Self::Refused(why) => why.to_string(),
            Self::Passed(deed) => format!("{deed:?}"),
        };
        told.split(['“', '(', '{', ' ']).next().unwrap_or_default().to_owned()
            + &told.len().ilog2().to_string()
    }
}

/// From the text on the wire to the Lua; what goes out otherwise than it was meant is an error.
fn through_the_gate(
    text: &str,
    role: Role,
    recorder: Option<RecorderState>,
    raw_lua: bool,
    place: &Place,
    tools: &Tools,
) -> Result<Outcome, TestCaseError> {
    let Some(wish) = read(text) else { return Ok(Outcome::Nonsense) };
    match judge(&wish, role, &Grounds { recorder, raw_lua, ..place.grounds() }) {
        Err(denied) => Ok(Outcome::Refused(denied)),
        Ok(Call(deed)) => {
            prop_assert!(role > Role::Watcher || !wish.changes(), "a watcher changes nothing: {wish:?}");
            check(&wish, &deed, role, raw_lua, tools)?;
            Ok(Outcome::Passed(deed))
        }
    }
}

/// As the node reads what a data channel brings.
fn read(text: &str) -> Option<Wish> {
    let mut intent: Value = serde_json::from_str(text).ok()?;
    let (name, args) = (intent.get_mut("name")?.take(), intent.get_mut("args").map(Value::take));
    serde_json::from_value(json!({ "name": name, "args": args.unwrap_or_else(|| json!({})) })).ok()
}

fn check(wish: &Wish, deed: &Deed, role: Role, raw_lua: bool, tools: &Tools) -> Result<(), TestCaseError> {
    if let Deed::Lua(script) = deed {
        let Wish::Lua { script: wished } = wish else { return Err(TestCaseError::fail(format!("{wish:?}"))) };
        prop_assert!(role == Role::Admin && raw_lua && script == wished);
        return Ok(());
    }
    for (functions, names) in &tools.builds {
        let steps = functions.steps(deed).expect("both have all that is called");
        let meant = intended::calls(wish, *names, RECORDINGS, "recording-2.osrec");
        prop_assert_eq!(steps.len(), meant.len(), "{:?} → {:?}", wish, steps);
        for (step, meant) in steps.into_iter().zip(meant) {
            let sent = sent(step);
            prop_assert!(intended::same(&meant, &sent), "{:?} → {:?}", wish, sent);
            for quotes in QUOTES {
                let script = pasted(&sent, quotes);
                let done = tools.trap.run(&script);
                prop_assert!(
                    matches!(done.as_deref(), Ok([only]) if intended::same(&meant, only)),
                    "{:?} → {} → {:?}",
                    wish,
                    script,
                    done
                );
            }
        }
    }
    Ok(())
}

/// What is the same for all intents.
struct Tools {
    trap: Trap,
    /// Of either generation one, and how it is called.
    builds: [(Functions, Names); 2],
}

impl Tools {
    fn new() -> Self {
        let builds = [ApiGeneration::New, ApiGeneration::Legacy].map(|api| {
            let old = api == ApiGeneration::Legacy;
            (functions(api), Names { own_libraries: old, up_to_0_20: old })
        });
        Self { trap: Trap::new(), builds }
    }
}

fn functions(api: ApiGeneration) -> Functions {
    match api {
        ApiGeneration::New => Functions::default(),
        ApiGeneration::Legacy => Functions::read(&json!([
            { "library": "", "functions": names(&["setPropertyValueSingle", "fadeIn", "fadeOut", "takeScreenshot"]) },
            { "library": "time", "functions": names(&["setTime", "setPause", "interpolateDeltaTime",
                "interpolateNextDeltaTimeStep", "interpolatePreviousDeltaTimeStep"]) },
            { "library": "pathnavigation", "functions": names(&["flyTo", "stopPath"]) },
            { "library": "globebrowsing", "functions": names(&["flyToGeo"]) },
            { "library": "navigation", "functions": names(&["retargetAnchor", "targetNextInterestingAnchor",
                "targetPreviousInterestingAnchor"]) },
            { "library": "action", "functions": names(&["triggerAction"]) },
            { "library": "sessionRecording", "functions": names(&["startRecording", "startRecordingAscii",
                "stopRecording", "startPlayback", "setPlaybackPause", "stopPlayback"]) },
        ])),
    }
}

fn names(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "name": name })).collect()
}

/// Read back from the message, as OpenSpace reads it: a function and arguments, and nothing beside them.
fn sent(step: Step) -> Called {
    let mut message: Value = serde_json::from_str(&request(7, &Question::Step(step))).expect("we write JSON");
    let payload = message["payload"].as_object_mut().expect("an object");
    assert_eq!(payload.keys().collect::<Vec<_>>(), ["arguments", "function", "return"]);
    let name = payload["function"].as_str().expect("a name").to_owned();
    let Value::Array(arguments) = payload["arguments"].take() else { panic!("a list") };
    (name, arguments)
}

fn pasted((name, arguments): &Called, quotes: (&str, &str)) -> String {
    let arguments: Vec<_> = arguments.iter().map(|argument| written(argument, quotes)).collect();
    format!("{name}({})", arguments.join(", "))
}

fn written(argument: &Value, quotes: (&str, &str)) -> String {
    match argument {
        Value::String(text) => format!("{}{text}{}", quotes.0, quotes.1),
        Value::Array(list) => {
            let list: Vec<_> = list.iter().map(|one| written(one, quotes)).collect();
            format!("{{{}}}", list.join(", "))
        }
        other => other.to_string(),
    }
}

/// A Lua in which `openspace` notes what it is called for, and everything else is an error.
struct Trap {
    lua: Lua,
    surroundings: Table,
}

const SURROUNDINGS: &str = r#"
    local calls = {}
    local function noted(name)
        return setmetatable({}, {
            __index = function(_, key) return noted(name .. '.' .. tostring(key)) end,
            __newindex = function() error('TRAP: ' .. name .. ' is written') end,
            __call = function(_, ...) calls[#calls + 1] = { name, table.pack(...) } end,
        })
    end
    local function trap(_, key) error('TRAP: ' .. tostring(key)) end
    local surroundings = setmetatable({ openspace = noted('openspace') }, { __index = trap, __newindex = trap })
    return surroundings, function() local made = calls; calls = {}; return table.unpack(made) end
"#;

impl Trap {
    fn new() -> Self {
        let lua = Lua::new();
        let (surroundings, take): (Table, mlua::Function) =
            lua.load(SURROUNDINGS).eval().expect("our own script runs");
        lua.set_named_registry_value("take", take).expect("there is room");
        Self { lua, surroundings }
    }

    fn run(&self, script: &str) -> Result<Vec<Called>, String> {
        let ran = self.lua.load(script).set_environment(self.surroundings.clone()).exec();
        let take: mlua::Function = self.lua.named_registry_value("take").expect("it was set");
        let calls: MultiValue = take.call(()).expect("our own script runs");
        ran.map_err(|error| error.to_string())?;
        calls.into_iter().map(|call| called(&call).ok_or_else(|| format!("{call:?}"))).collect()
    }
}

fn called(call: &LuaValue) -> Option<Called> {
    let call = call.as_table()?;
    let arguments: Table = call.get(2).ok()?;
    let count: i64 = arguments.get("n").ok()?;
    let arguments: Option<Vec<_>> = (1..=count).map(|i| json(&arguments.get(i).ok()?)).collect();
    Some((call.get(1).ok()?, arguments?))
}

fn json(value: &LuaValue) -> Option<Value> {
    match value {
        LuaValue::Boolean(on) => Some(json!(on)),
        LuaValue::Integer(whole) => Some(json!(whole)),
        LuaValue::Number(number) => Some(json!(number)),
        LuaValue::String(text) => Some(json!(text.to_str().ok()?.to_string())),
        LuaValue::Table(list) => {
            list.sequence_values().map(|one| json(&one.ok()?)).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        _ => None,
    }
}

#[test]
fn the_trap_catches_what_would_get_through() {
    let trap = Trap::new();
    let focus = |node: &str| ("openspace.navigation.setFocus".to_owned(), vec![json!(node)]);
    assert_eq!(trap.run(&pasted(&focus("Mars"), QUOTES[0])), Ok(vec![focus("Mars")]));
    for (node, quotes) in [
        ("Mars\"); os.exit() --", QUOTES[0]),
        ("Mars\"); openspace.toggleShutdown() --", QUOTES[0]),
        ("'..tostring(1)..'", QUOTES[1]),
        ("]]); x = 1 --", QUOTES[2]),
        ("Mars\\", QUOTES[0]),
    ] {
        let done = trap.run(&pasted(&focus(node), quotes));
        assert!(!matches!(done.as_deref(), Ok([only]) if *only == focus(node)), "{node} → {done:?}");
    }
}
