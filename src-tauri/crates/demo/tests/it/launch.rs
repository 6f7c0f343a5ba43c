//! Starting and ending.

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use serde_json::json;

use crate::harness::{Client, Display, Layout, View, program, read_for};

const MARKERS: [&str; 11] = [
    "(I) main                 Configuration Path '",
    "(I) main                 SGCT Configuration file: ",
    "(I) SGCT                 Number of nodes: 1",
    "(I) SGCT                 Calling initialization callback",
    "(I) OpenSpace Version    0.22.0",
    "(I) Commit               demo@0.22.0",
    "(I) Demo                 This is the demo renderer",
    "(I) OpenSpaceEngine      Loading profile '",
    "(I) OpenSpaceEngine      Finished initializing OpenGL",
    "(I) main                 Starting rendering loop",
    "(I) OpenSpaceEngine      Running Global initialization scripts",
];

fn files(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => BTreeSet::from([entry.path().display().to_string()]),
        })
        .collect()
}

#[test]
fn a_view_prints_openspace_s_lines_in_order_and_leaves_the_install_alone() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let install = view.dir.path().join("install");
    let before = files(&install);
    std::fs::create_dir_all(view.instance().join("temp/old")).unwrap();
    let demo = view.launch(&display);
    demo.lines.wait_for(MARKERS[10]);
    let lines = demo.lines.all();
    let places: Vec<_> = MARKERS
        .iter()
        .map(|marker| lines.iter().position(|line| line.starts_with(marker)).expect(marker))
        .collect();
    assert!(places.is_sorted(), "{places:?}\n{}", lines.join("\n"));
    assert_eq!(files(&install), before);
    let instance = view.instance();
    for written in ["settings.json", "logs/log.html", "logs/ScriptLog.txt", "bin/cefcache/SingletonLock"] {
        assert!(instance.join(written).is_file(), "{written}");
    }
    assert!(!instance.join("temp/old").exists() && instance.join("temp").is_dir());
}

#[test]
fn it_takes_connections_while_it_loads_and_answers_only_afterwards() {
    let display = Display::open();
    let view = View::new(Layout::New).with("OPENSPACE_DEMO_LOAD_SECONDS", "2");
    let demo = view.launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    let mut stream = TcpStream::connect(("127.0.0.1", view.port)).unwrap();
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let loaded = "Running Global initialization scripts";
    let early = read_for(&mut stream, Duration::from_millis(300));
    if !demo.lines.all().iter().any(|line| line.contains(loaded)) {
        assert!(early.is_empty(), "it answered while it loaded");
    }
    let answer = if early.is_empty() { read_for(&mut stream, crate::harness::PATIENCE) } else { early };
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 101"));
    demo.lines.wait_for(loaded);
}

#[test]
fn a_profile_that_is_not_there_is_told_and_ends_with_1() {
    let display = Display::open();
    let mut demo = View::new(Layout::New).profile("no/such").launch(&display);
    assert_eq!(demo.exit_code(), Some(1));
    demo.lines.wait_for("(F) main                 Could not load profile 'no/such'");
}

#[test]
fn a_port_that_is_taken_is_told_as_openspace_tells_it() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let _taken = TcpListener::bind(("127.0.0.1", view.port)).unwrap();
    let mut demo = view.launch(&display);
    assert_eq!(demo.exit_code(), Some(1));
    demo.lines.wait_for("(F) main                 Bind failed (returned '-1') with error: 98");
}

#[test]
fn two_instances_by_the_same_path_exclude_each_other() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let first = view.launch(&display);
    first.lines.wait_for("Starting rendering loop");
    // Other ports, but the same program folder.
    let cfg = view.instance().join("openspace.cfg");
    let text = std::fs::read_to_string(&cfg).unwrap().replace("i.Enabled = true", "i.Enabled = false");
    std::fs::write(&cfg, text).unwrap();
    let mut second = view.launch(&display);
    assert_eq!(second.exit_code(), Some(1));
    second.lines.wait_for("Failed initializing CEF Browser");
}

#[test]
fn broken_files_are_told_with_their_name() {
    let display = Display::open();
    for (file, text, sentence) in [
        ("openspace.cfg", "Server = {", "openspace.cfg"),
        ("window.json", "{}", "Error in window configuration"),
        ("settings.json", "{\"half\":", "Error reading settings"),
    ] {
        let view = View::new(Layout::New);
        std::fs::write(view.instance().join(file), text).unwrap();
        let mut demo = view.launch(&display);
        assert_eq!(demo.exit_code(), Some(1), "{file}");
        demo.lines.wait_for(sentence);
    }
}

#[test]
fn toggle_shutdown_counts_down_and_ends_well_and_twice_is_never() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let mut demo = view.launch(&display);
    let mut client = demo.client();
    let events =
        client.start("event", json!({ "event": "start_subscription", "eventType": "ApplicationShutdown" }));
    client.lua("openspace.toggleShutdown(); openspace.toggleShutdown()");
    assert_eq!(client.next(events), json!({ "event": "ApplicationShutdown", "State": "Started" }));
    assert_eq!(client.next(events), json!({ "event": "ApplicationShutdown", "State": "Aborted" }));
    assert!(demo.is_running());
    client.start(
        "luascript",
        json!({ "function": "openspace.toggleShutdown", "arguments": [], "return": false }),
    );
    assert_eq!(demo.exit_code(), Some(0));
    demo.lines.wait_for("Ending rendering loop");
}

#[test]
fn sigterm_ends_it_at_once() {
    let display = Display::open();
    let mut demo = View::new(Layout::New).launch(&display);
    demo.client().lua("return 1");
    assert!(Command::new("kill").arg(demo.pid().to_string()).status().unwrap().success());
    assert_eq!(demo.death_signal(), Some(15));
}

#[test]
fn whoever_read_its_output_may_leave() {
    let display = Display::open();
    let view = View::new(Layout::New);
    let instance = view.instance();
    let mut child = Command::new(instance.join("bin/OpenSpace"))
        .args(["-c".as_ref(), instance.join("window.json").as_os_str(), "-p".as_ref(), "default".as_ref()])
        .current_dir(instance.join("bin"))
        .env("DISPLAY", &display.name)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let mut client = Client::connect(view.port);
    client.send(&json!({ "type": "apiHandshake", "apiVersion": { "major": 1, "minor": 0, "patch": 0 } }));
    client.lua("this is an error that is logged");
    assert_eq!(client.lua("return 2 + 2"), 4);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_switches_for_tests_do_what_they_say() {
    let display = Display::open();
    let with = |name, value| View::new(Layout::New).with(name, value);
    assert_eq!(with("OPENSPACE_DEMO_EXIT_AT_ONCE", "7").launch(&display).exit_code(), Some(7));
    assert_eq!(with("OPENSPACE_DEMO_CRASH_AFTER_SECONDS", "0.2").launch(&display).death_signal(), Some(6));

    let mut windowless = with("OPENSPACE_DEMO_NO_WINDOW", "1").launch(&display);
    assert_eq!(windowless.client().lua("return 1"), 1);
    assert!(windowless.is_running());

    let hanging = with("OPENSPACE_DEMO_HANG", "1");
    let demo = hanging.launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    let mut stream = TcpStream::connect(("127.0.0.1", hanging.tcp_port)).unwrap();
    stream
        .write_all(b"{\"type\":\"apiHandshake\"}\n{\"topic\":1,\"type\":\"version\",\"payload\":{}}\n")
        .unwrap();
    assert!(read_for(&mut stream, Duration::from_millis(400)).is_empty());
    assert!(!demo.lines.all().iter().any(|line| line.contains("Running Global initialization scripts")));
}

#[test]
fn without_a_display_it_says_so() {
    let view = View::new(Layout::New);
    let display = Display::open();
    let mut demo = view.with("DISPLAY", ":59000").launch(&display);
    assert_eq!(demo.exit_code(), Some(1));
    demo.lines.wait_for("no X display can be reached");
}

#[test]
fn help_is_printed_and_wrong_usage_ends_with_2() {
    let help = Command::new(program()).arg("--help").output().unwrap();
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--bypassLauncher"));
    assert_eq!(Command::new(program()).arg("--profile").status().unwrap().code(), Some(2));
}
