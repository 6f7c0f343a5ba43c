//! What somebody might send to get Lua through: text as it comes over the wire, from nearly right to nonsense.

use proptest::prelude::*;
use serde_json::{Value, json};

/// One intent, as text: numbers such as `1e999` and depths that no [`Value`] holds are part of it.
pub fn intent() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => fitting().prop_map(|(name, args)| json!({ "name": name, "args": args }).to_string()),
        2 => (fitting(), hostile()).prop_map(|((name, mut args), more)| {
            args["script"] = json!(more);
            json!({ "name": name, "args": args }).to_string()
        }),
        2 => (hostile(), hostile()).prop_map(|(name, node)| json!({ "name": name, "args": { "node": node } }).to_string()),
        1 => (fitting(), nonsense()).prop_map(|((name, _), args)| format!(r#"{{"name":"{name}","args":{args}}}"#)),
        1 => (any_name(), nonsense()).prop_map(|(name, value)| {
            format!(r#"{{"name":"{name}","args":{{"node":{value},"uri":{value},"time":{value}}}}}"#)
        }),
        1 => nonsense(),
    ]
}

/// A known name with arguments of the right kinds.
fn fitting() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        hostile().prop_map(|time| ("set_time", json!({ "time": time }))),
        any::<bool>().prop_map(|paused| ("pause", json!({ "paused": paused }))),
        number().prop_map(|rate| ("set_rate", json!({ "seconds_per_second": rate }))),
        any::<bool>().prop_map(|forward| ("step_rate", json!({ "forward": forward }))),
        Just(("now", json!({}))),
        Just(("stop_flight", json!({}))),
        hostile().prop_map(|node| ("focus", json!({ "node": node }))),
        (hostile(), prop::option::of(number())).prop_map(|(node, seconds)| {
            let seconds = seconds.map(|seconds| json!({ "node": node, "duration_s": seconds }));
            ("fly_to", seconds.unwrap_or_else(|| json!({ "node": node })))
        }),
        (hostile(), number(), number(), number()).prop_map(|(node, latitude, longitude, altitude_m)| {
            let place = json!({
                "node": node, "latitude": latitude, "longitude": longitude, "altitude_m": altitude_m,
            });
            ("fly_to_geo", place)
        }),
        (hostile(), any::<bool>())
            .prop_map(|(node, visible)| ("show", json!({ "node": node, "visible": visible }))),
        (hostile(), any::<bool>(), number()).prop_map(|(node, visible, seconds)| {
            ("fade", json!({ "node": node, "visible": visible, "seconds": seconds }))
        }),
        hostile().prop_map(|action| ("trigger_action", json!({ "action": action }))),
        any::<bool>().prop_map(|forward| ("step_focus", json!({ "forward": forward }))),
        hostile().prop_map(|search| ("list_nodes", json!({ "search": search }))),
        hostile().prop_map(|search| ("list_properties", json!({ "search": search }))),
        hostile().prop_map(|search| ("list_toggles", json!({ "search": search }))),
        Just(("list_missions", json!({}))),
        Just(("list_actions", json!({}))),
        (hostile(), value()).prop_map(|(uri, value)| ("set_property", json!({ "uri": uri, "value": value }))),
        Just(("screenshot", json!({}))),
        Just(("list_screenshots", json!({}))),
        Just(("start_recording", json!({}))),
        Just(("stop_recording", json!({}))),
        Just(("list_recordings", json!({}))),
        (hostile(), any::<bool>())
            .prop_map(|(name, looped)| ("play_recording", json!({ "name": name, "looped": looped }))),
        any::<bool>().prop_map(|paused| ("pause_playback", json!({ "paused": paused }))),
        Just(("stop_playback", json!({}))),
        Just(("restart", json!({}))),
        hostile().prop_map(|script| ("lua", json!({ "script": script }))),
    ]
}

fn any_name() -> impl Strategy<Value = &'static str> {
    fitting().prop_map(|(name, _)| name)
}

/// Quotes, ends of strings and comments, look-alikes, paths; and, so that a good part is let through, what is right.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "Mars",
            "Earth-Moon L2",
            "os.ToggleTrails",
            "2026-11-23T18:40:00Z",
            "1969-07-20",
            "Scene.Mars.Renderable.ShowAtmosphere",
            "Scene.Mars.Renderable.Opacity",
            "Scene.Mars.Renderable.Segments",
            "Scene.Mars.Renderable.Blending",
            "Scene.Mars.Renderable.Colour",
            "Scene.Mars.Renderable.Offset",
            "recording-1.osrec",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "Root",
            "SolarSystemBarycenter",
            "Мars",
            "Mаrs",
            "Ｍars",
            "Mars\u{200b}",
            "\u{202e}sraM",
            "Mars＇",
            "Mars\u{2028}os.exit()",
            "Mars\"); os.exit() --",
            "Mars'); os.exit() --",
            "Mars]]); os.exit() --[[",
            "Mars\\",
            "Mars\\\"); os.exit() --",
            "Mars\0",
            "\"..os.execute('id')..\"",
            "Modules.WebGui.ServerProcessEntryPoint",
            "Server.Interfaces.0.Password",
            "Scene.*.Renderable.Enabled",
            "{tag}.Renderable.Enabled",
            "../../recording-1.osrec",
            "/data/instances/1/user/recordings/recording-1.osrec",
            "recording-1.osrec\0.png",
            "2026-11-23T18:40:00Z\"); os.exit() --",
            "-2026-11-23",
            "99999-01-01",
        ]).prop_map(str::to_owned),
        1 => "(\\.\\./){0,3}recording-[0-9]{1,3}\\.osrec[\u{0}/]?",
        1 => "Scene\\.Mars\\.Renderable\\.[A-Z][a-z]{0,9}['\"\\\\\\]*. ]{0,3}",
        1 => "(Mars|2026-11-23|os\\.)?['\"\\\\\\]\\[\n\r;\u{0}(){}$*%. -]{1,8}(os\\.exit\\(\\)|--)?",
        1 => "\\PC{0,40}",
        1 => "[A-Za-z.]{0,200}",
    ]
}

/// Not finite ones become `null` on this way; as text they come by [`nonsense`].
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -200.0..200.0,
        prop::sample::select(vec![0.0, -0.0, 1.0, 1e6, 1e300, -1e300, f64::MIN_POSITIVE, f64::NAN]),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(|on| json!(on)),
        number().prop_map(|number| json!(number)),
        (0..10).prop_map(|whole| json!(whole)),
        prop::collection::vec(number(), 0..6).prop_map(|numbers| json!(numbers)),
        prop::collection::vec(0.0..1.0, 3).prop_map(|numbers| json!(numbers)),
        hostile().prop_map(|text| json!(text)),
    ]
}

/// JSON and what only looks like it.
fn nonsense() -> impl Strategy<Value = String> {
    prop_oneof![
        (1_usize..300).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
        (1_usize..300).prop_map(|depth| format!("{}1{}", r#"{"node":"#.repeat(depth), "}".repeat(depth))),
        prop::sample::select(vec![
            "1e999",
            "-1e999",
            "NaN",
            "Infinity",
            "null",
            "0x10",
            "18446744073709551616"
        ])
        .prop_map(str::to_owned),
        hostile().prop_map(|text| json!(text).to_string()),
        Just(
            r#"{"name":"focus","name":"lua","args":{"node":"Mars","node":"x","script":"os.exit()"}}"#
                .to_owned()
        ),
        Just(r#"{"name":"focus","args":{"node":"Mars","node":"Earth"}}"#.to_owned()),
        Just("\u{feff}{}".to_owned()),
        "\\PC{0,60}",
    ]
}
