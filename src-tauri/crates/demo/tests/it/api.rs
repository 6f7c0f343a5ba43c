//! The socket API, both generations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{Client, Display, Layout, View};

const RECORDING: &str = include_str!("../../../../../tests/fixtures/openspace/session-0.22-b.jsonl");
const NAVIGATION_STATE: &str = include_str!("../../../../../tests/fixtures/openspace/navigation-state.json");
const ANCHOR: &str = "NavigationHandler.OrbitalNavigator.Anchor";

/// A message without its values: keys and kinds. What is keyed by numbers is a list of however many.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(list) => format!(
            "[{}]",
            list.iter().map(shape).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("|")
        ),
        Value::Object(map) if !map.is_empty() && map.keys().all(|key| key.parse::<u32>().is_ok()) => {
            format!(
                "#{{{}}}",
                map.values().map(shape).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("|")
            )
        }
        Value::Object(map) => {
            let keys: BTreeMap<_, _> = map.iter().map(|(key, value)| (key, shape(value))).collect();
            format!(
                "{{{}}}",
                keys.iter().map(|(key, shape)| format!("{key}:{shape}")).collect::<Vec<_>>().join(",")
            )
        }
    }
}

#[test]
fn a_recorded_session_gets_answers_of_the_recorded_shapes() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    let lines: Vec<Value> = RECORDING.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["dir"] == "<") {
        expected.entry(line["d"]["topic"].as_i64().unwrap()).or_default().insert(shape(&line["d"]));
    }
    let mut client = Client::connect(demo_port(&demo.lines.all()));
    let mut asked = BTreeSet::new();
    for line in lines.iter().filter(|line| line["dir"] == ">") {
        client.send(&line["d"]);
        asked.extend(line["d"]["topic"].as_i64());
    }
    for topic in asked {
        let wanted = expected.remove(&topic).unwrap_or_default();
        if wanted.is_empty() {
            assert_eq!(client.came(topic), Vec::<Value>::new(), "topic {topic} was silent");
            continue;
        }
        let mut seen = BTreeSet::new();
        while !wanted.is_subset(&seen) {
            let got = shape(&client.whole(topic));
            assert!(wanted.contains(&got), "topic {topic} answered {got}, a real OpenSpace {wanted:?}");
            seen.insert(got);
        }
    }
}

/// The port is in the log of no OpenSpace; the test's own configuration says it.
fn demo_port(lines: &[String]) -> u16 {
    let cfg =
        lines.iter().find_map(|line| line.split_once("Configuration Path '")?.1.strip_suffix('\'')).unwrap();
    let text = std::fs::read_to_string(cfg).unwrap();
    let port = text.split_once("i.Type == \"WebSocket\" then i.Port = ").unwrap().1;
    port.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_navigation_state_has_the_recorded_shape_and_is_restored() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    let recorded: Value = serde_json::from_str(NAVIGATION_STATE).unwrap();
    let ask =
        json!({ "function": "openspace.navigation.getNavigationState", "arguments": [], "return": true });
    let before = client.ask("luascript", ask.clone());
    assert_eq!(shape(&before), shape(&recorded["payload"]));
    client.lua("openspace.navigation.jumpTo('Mars'); openspace.navigation.addLocalRoll(200)");
    assert_eq!(client.property(ANCHOR), "Mars");
    let back = json!({ "function": "openspace.navigation.setNavigationState", "arguments": [before["1"]], "return": false });
    client.start("luascript", back);
    let after = client.ask("luascript", ask);
    for key in ["Position", "Up"] {
        for i in 0..3 {
            let (a, b) = (before["1"][key][i].as_f64().unwrap(), after["1"][key][i].as_f64().unwrap());
            assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{key} {before} {after}");
        }
    }
    assert_eq!(after["1"]["Anchor"], before["1"]["Anchor"]);
}

#[test]
fn whoever_does_not_shake_hands_is_dropped() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let demo = view.launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    let mut client = Client::connect(view.port);
    client.start("version", json!({}));
    assert_eq!(client.message(), None);
    demo.lines.wait_for("Unsupported API version");
}

#[test]
fn every_question_that_the_web_gui_asks_at_its_start_is_answered() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    let actions = client.ask("actionsKeybinds", json!({ "event": "get_all" }));
    assert_eq!(actions["type"], "combined");
    let bound = actions["keybinds"].as_array().unwrap().iter().find(|bind| bind["key"] == "SPACE").unwrap();
    assert!(
        actions["actions"].as_array().unwrap().iter().any(|action| action["identifier"] == bound["action"])
    );
    assert!(client.ask("documentation", json!({ "type": "meta" })).is_array());
    let quiet = [
        client.start("downloadEvent", json!({ "event": "start_subscription" })),
        client.start("event", json!({ "event": "start_subscription", "eventType": "*" })),
        client.start("flightcontroller", json!({ "event": "connect" })),
        client.start("propertyTree", json!({ "event": "start_subscription" })),
        client.start("errorLog", json!({ "event": "start_subscription", "settings": { "logLevel": "Warning", "categoryStamping": true, "logLevelStamping": true } })),
    ];
    let missions = client.ask("missions", json!({}));
    assert_eq!(missions["missions"]["apollo11"]["mission"]["name"], "Apollo 11");
    let profile = client.ask("profile", json!({}));
    assert!(
        profile["uiPanelVisibility"].is_object()
            && profile["markNodes"].is_array()
            && profile["addons"].is_array()
    );
    assert_eq!(
        client.ask("version", json!({}))["openSpaceVersion"],
        json!({ "major": 0, "minor": 22, "patch": 0 })
    );
    let root = client.ask("get", json!({ "property": "__rootOwner" }));
    assert_eq!(root["type"], "propertyOwner");
    let owners: Vec<_> = root["value"]["subowners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|owner| owner["identifier"].as_str().unwrap())
        .collect();
    for needed in [
        "Scene",
        "NavigationHandler",
        "RenderEngine",
        "OpenSpaceEngine",
        "Modules",
        "Dashboard",
        "LuaConsole",
        "ScreenSpace",
        "Server",
    ] {
        assert!(owners.contains(&needed), "{needed} of {owners:?}");
    }
    let libraries = client.ask("documentation", json!({ "type": "lua" }));
    let time = libraries.as_array().unwrap().iter().find(|library| library["name"] == "time").unwrap();
    assert!(time["functions"].as_array().unwrap().iter().any(|function| function["name"] == "setPause"));
    let order = json!({ "function": "openspace.guiOrder", "arguments": [], "return": true });
    assert!(client.ask("luascript", order)["1"].is_object());
    for kind in ["time", "engineMode", "camera"] {
        assert!(client.ask(kind, json!({ "event": "start_subscription" })).is_object(), "{kind}");
    }
    let recording = client
        .ask("sessionRecording", json!({ "event": "start_subscription", "properties": ["state", "files"] }));
    assert_eq!(recording, json!({ "state": "idle", "files": [] }));
    for topic in quiet {
        assert_eq!(client.came(topic), Vec::<Value>::new());
    }
}

/// The same start in the older dialect: no handshake, no downloads, no stream of the tree; names and wrappings of its own.
#[test]
fn every_question_that_the_web_gui_asks_at_its_start_is_answered_in_the_legacy_generation() {
    let display = Display::open();
    let demo = View::new(Layout::Legacy).launch(&display).legacy();
    let mut client = demo.client();
    let actions = client.ask("actionsKeybinds", json!({ "event": "get_all" }));
    let (named, bound) = (actions["actions"].as_array().unwrap(), actions["keybinds"].as_array().unwrap());
    assert!(bound.iter().all(|bind| named.iter().any(|action| action["identifier"] == bind["action"])));
    assert!(client.ask("documentation", json!({ "type": "meta" })).is_array());
    let quiet = [
        client.start("event", json!({ "event": "*", "status": "start_subscription" })),
        client.start("errorLog", json!({ "event": "start_subscription", "settings": { "logLevel": "Warning", "categoryStamping": true, "logLevelStamping": true } })),
        client.start("cameraPath", json!({ "event": "start_subscription" })),
    ];
    let flight = client.ask("flightcontroller", json!({ "type": "connect" }));
    assert_eq!(flight["type"], "connect", "the older one greets");
    let missions = client.ask("missions", json!({}));
    assert!(missions["missions"].as_object().is_some_and(|missions| missions.contains_key("apollo11")));
    let profile = client.ask("profile", json!({}));
    assert!(profile["uiPanelVisibility"].is_object() && profile["markNodes"].is_array());
    assert_eq!(client.ask("version", json!({}))["openSpaceVersion"]["minor"], 21);

    let root = client.ask("get", json!({ "property": "__rootOwner" }));
    assert!(root["type"].is_null(), "nothing is wrapped");
    let owners: Vec<_> = root["subowners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|owner| owner["identifier"].as_str().unwrap())
        .collect();
    for needed in ["Scene", "NavigationHandler", "RenderEngine", "OpenSpaceEngine", "Modules"] {
        assert!(owners.contains(&needed), "{needed} of {owners:?}");
    }
    // The front end of 0.20 asks for all of these by themselves.
    for list in ["__allProperties", "__allNodes", "__screenSpaceRenderables"] {
        assert!(client.ask("get", json!({ "property": list }))["value"].is_array(), "{list}");
    }
    let libraries = client.ask("documentation", json!({ "type": "lua" }));
    let time = libraries.as_array().unwrap().iter().find(|library| library["library"] == "time").unwrap();
    assert!(time["functions"].as_array().unwrap().iter().any(|function| function["name"] == "setPause"));
    let order = json!({ "function": "openspace.guiOrder", "arguments": [], "return": true });
    assert!(client.ask("luascript", order).is_object());
    for uri in [ANCHOR, "NavigationHandler.OrbitalNavigator.Aim", "OpenSpaceEngine.PropertyVisibility"] {
        let topic = client.start("subscribe", json!({ "event": "start_subscription", "property": uri }));
        assert!(!client.next(topic)["value"].is_null(), "the value comes first: {uri}");
        assert!(client.next(topic)["metaData"].is_object(), "{uri}");
    }
    for kind in ["time", "engineMode", "camera"] {
        assert!(client.ask(kind, json!({ "event": "start_subscription" })).is_object(), "{kind}");
    }
    let recording = client
        .ask("sessionRecording", json!({ "event": "start_subscription", "properties": ["state", "files"] }));
    assert_eq!(recording, json!({ "state": "idle", "files": [] }));
    for topic in quiet {
        assert_eq!(client.came(topic), Vec::<Value>::new());
    }
}

#[test]
fn subscribers_hear_of_changes() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    let anchor = client.start("subscribe", json!({ "event": "start_subscription", "uri": ANCHOR }));
    assert_eq!(client.next(anchor)["type"], "metaData");
    assert_eq!(client.next(anchor), json!({ "type": "value", "value": "Saturn" }));
    let events =
        client.start("event", json!({ "event": "start_subscription", "eventType": ["FocusNodeChanged"] }));
    let tree = client.start("propertyTree", json!({ "event": "start_subscription" }));
    client.start("set", json!({ "property": ANCHOR, "value": "Moon" }));
    assert_eq!(client.next(anchor), json!({ "type": "value", "value": "Moon" }));
    assert_eq!(
        client.next(events),
        json!({ "event": "FocusNodeChanged", "OldNode": "Saturn", "NewNode": "Moon" })
    );
    assert_eq!(client.next(tree), json!({ "type": "value", "uri": ANCHOR, "value": "Moon" }));
    client.talk(anchor, json!({ "event": "stop_subscription" }));
    client.start("set", json!({ "property": ANCHOR, "value": "Earth" }));
    assert_eq!(client.next(events)["NewNode"], "Earth");
    assert_eq!(client.came(anchor), Vec::<Value>::new());
}

#[test]
fn errors_are_logged_and_never_answered() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    let log = client.start("errorLog", json!({ "event": "start_subscription", "settings": { "logLevel": "Error", "logLevelStamping": true, "categoryStamping": true } }));
    assert_eq!(
        client.ask("luascript", json!({ "script": "return this is not lua", "return": true })),
        json!({})
    );
    let told = client.next(log);
    assert_eq!((told["level"].as_str(), told["category"].as_str()), (Some("Error"), Some("Lua")));
    assert!(told["message"].as_str().unwrap().contains("<eof> expected near 'is'"), "{told}");
    assert_eq!(
        client.ask("luascript", json!({ "script": "openspace.navigation.flyTo('Nowhere')", "return": true })),
        json!({})
    );
    assert!(client.next(log)["message"].as_str().unwrap().contains("Nowhere"));
    client.send(&json!({ "topic": "seven", "type": "version" }));
    let silent = client.start("set", json!({ "property": "RenderEngine.ShowVersion", "value": "perhaps" }));
    assert_eq!(client.came(silent), Vec::<Value>::new());
    assert_eq!(client.property("RenderEngine.ShowVersion"), true);
}

#[test]
fn scripts_reach_neither_files_nor_programs() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    for name in ["io", "os", "package", "require", "dofile", "loadfile", "load", "debug", "string.dump"] {
        assert_eq!(client.lua(&format!("return {name} == nil")), true, "{name}");
    }
    client.lua("kept = 41");
    assert_eq!(client.lua("return kept + 1"), 42);
}

/// A camera that the API moves, and one who looks whether it does.
fn is_moving(client: &mut Client) -> bool {
    let yaw = "local p = openspace.navigation.getNavigationState().Position; return math.atan(p[2], p[1])";
    let clock = "return openspace.time.currentApplicationTime()";
    let before = client.lua(yaw).as_f64().unwrap();
    let start = client.lua(clock).as_f64().unwrap();
    client.until(clock, |now| now.as_f64().unwrap() > start + 0.2);
    (client.lua(yaw).as_f64().unwrap() - before).abs() > 0.02
}

#[test]
fn velocities_last_until_they_are_zeroed_even_when_their_client_is_gone() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    let orbit = json!({ "event": "inputState", "inputState": { "orbitX": 0.5 } });
    let mut pilot = demo.client();
    let flight = pilot.start("flightcontroller", json!({ "event": "connect" }));
    pilot.talk(flight, orbit.clone());
    pilot.ask("version", json!({}));
    assert!(is_moving(&mut client));
    pilot.talk(flight, json!({ "event": "inputState", "inputState": {} }));
    pilot.ask("version", json!({}));
    assert!(!is_moving(&mut client));
    pilot.talk(flight, orbit.clone());
    pilot.talk(flight, json!({ "event": "disconnect" }));
    pilot.ask("version", json!({}));
    assert!(is_moving(&mut client), "what it said last goes on");
    let flight = pilot.start("flightcontroller", json!({ "event": "connect" }));
    pilot.ask("version", json!({}));
    assert!(!is_moving(&mut client), "a new one is at rest, and all share one place");
    pilot.talk(flight, orbit);
    pilot.ask("version", json!({}));
    drop(pilot);
    demo.lines.wait_for("onClose: WebSocket closing");
    assert!(is_moving(&mut client));
}

#[test]
fn in_the_legacy_generation_one_controller_that_ends_makes_all_deaf() {
    let display = Display::open();
    let demo = View::new(Layout::Legacy).launch(&display).legacy();
    let mut client = demo.client();
    let orbit = json!({ "type": "inputState", "inputState": { "values": { "orbitX": 0.5 } } });
    let other = client.start("flightcontroller", json!({ "type": "connect" }));
    let flight = client.start("flightcontroller", json!({ "type": "connect" }));
    client.talk(flight, orbit.clone());
    client.talk(other, json!({ "type": "disconnect" }));
    client.talk(flight, orbit.clone());
    assert!(!is_moving(&mut client));
    let again = client.start("flightcontroller", json!({ "type": "connect" }));
    client.talk(again, orbit);
    assert!(is_moving(&mut client));
}

#[test]
fn a_flight_is_not_ended_by_velocities() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    client.lua("openspace.navigation.flyTo('Mars', 60)");
    let flight = client.start("flightcontroller", json!({ "event": "connect" }));
    client.talk(flight, json!({ "event": "inputState", "inputState": { "orbitX": 1 } }));
    assert_eq!(client.lua("return openspace.navigation.isFlying()"), true);
    client.lua("openspace.pathnavigation.stopPath()");
    client.until("return openspace.navigation.isFlying()", |flying| flying == false);
    assert!(is_moving(&mut client));
}

#[test]
fn flights_are_told_while_they_last() {
    let display = Display::open();
    let demo = View::new(Layout::New).launch(&display);
    let mut client = demo.client();
    let mode = client.start("engineMode", json!({ "event": "start_subscription" }));
    assert_eq!(client.next(mode), json!({ "mode": "user_control" }));
    let path = client.start("cameraPath", json!({ "event": "start_subscription" }));
    client.lua("openspace.navigation.flyTo('Mars', 1)");
    assert_eq!(client.next(mode), json!({ "mode": "camera_path" }));
    assert_eq!(client.next(path)["target"], "Mars");
    assert_eq!(client.next(mode), json!({ "mode": "user_control" }));
    assert_eq!(client.property(ANCHOR), "Mars");
}

#[test]
fn recordings_and_screenshots_are_written_into_the_user_s_folder() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let demo = view.launch(&display);
    let mut client = demo.client();
    let recording = client.start(
        "sessionRecording",
        json!({ "event": "start_subscription", "properties": ["state", "files"] }),
    );
    client.next(recording);
    client.lua("openspace.sessionRecording.startRecording()");
    assert_eq!(client.next(recording)["state"], "recording");
    client.lua("openspace.sessionRecording.stopRecording('tour', 'Ascii', true)");
    assert_eq!(client.next(recording), json!({ "state": "idle", "files": ["tour.osrectxt"] }));
    assert_eq!(client.lua("return openspace.takeScreenshot()"), 0);
    let picture = view.instance().join("user/screenshots/OpenSpace_000000.png");
    let whole = |bytes: &[u8]| bytes.starts_with(b"\x89PNG") && bytes.ends_with(b"IEND\xaeB`\x82");
    client.until("return 1", |_| std::fs::read(&picture).is_ok_and(|bytes| whole(&bytes)));
}

#[test]
fn the_legacy_generation_needs_no_handshake_and_answers_in_its_own_shapes() {
    let display = Display::open();
    let demo = View::new(Layout::Legacy).launch(&display).legacy();
    demo.lines.wait_for("(I) OpenSpace Version    0.21.4");
    let mut client = demo.client();
    client.send(&json!({ "type": "apiHandshake", "apiVersion": { "major": 1, "minor": 0, "patch": 0 } }));
    assert_eq!(client.ask("version", json!({}))["openSpaceVersion"]["minor"], 21);
    demo.lines.wait_for("Topic must be an integer");
    assert_eq!(client.ask("bounce", json!({ "ping": 7 })), json!({ "ping": 7 }));
    assert_eq!(client.ask("authorize", json!({ "key": "x" })), json!(["status", "authorized"]));
    assert_eq!(client.ask("get", json!({ "property": "RenderEngine.ShowVersion" }))["value"], true);
    let unknown = client.start("get", json!({ "property": "No.Such" }));
    let error = client.whole(unknown);
    assert_eq!((error["status"].as_str(), error["code"].as_i64()), (Some("error"), Some(404)));
    let anchor = client.start("subscribe", json!({ "event": "start_subscription", "property": ANCHOR }));
    assert_eq!(client.next(anchor), json!({ "value": "Saturn" }));
    assert!(client.next(anchor)["metaData"].is_object());
    let flight = client.start("flightcontroller", json!({ "type": "connect" }));
    assert_eq!(client.next(flight)["connect"]["focusNodes"]["Earth"]["identifier"], "Earth");
    client.talk(
        flight,
        json!({ "type": "friction", "friction": { "roll": true, "rotation": false, "zoom": true } }),
    );
    assert_eq!(client.next(flight)["friction"]["rotation"], false);
    client.talk(flight, json!({ "type": "disconnect" }));
    assert_eq!(client.next(flight), json!({ "type": "disconnect", "disconnect": { "success": true } }));
    let libraries = client.ask("documentation", json!({ "type": "lua" }));
    assert!(libraries.as_array().unwrap().iter().any(|library| library["library"] == "pathnavigation"));
    let events =
        client.start("event", json!({ "event": "FocusNodeChanged", "status": "start_subscription" }));
    client.lua("openspace.navigation.setFocus('Mars')");
    assert_eq!(
        client.next(events),
        json!({ "Event": "FocusNodeChanged", "OldNode": "Saturn", "NewNode": "Mars" })
    );
    let missing = client.start("propertyTree", json!({ "event": "start_subscription" }));
    assert_eq!(client.came(missing), Vec::<Value>::new());
}

#[test]
fn a_switch_overrides_the_generation() {
    let display = Display::open();
    let demo = View::new(Layout::New).with("OPENSPACE_DEMO_API", "legacy").launch(&display).legacy();
    assert_eq!(demo.client().ask("version", json!({}))["openSpaceVersion"]["minor"], 21);
}
