//! The clients that other people wrote: `openspace-api-js` 0.1.6 for the old generation, `openspace-api` 0.9.1 for the new.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{Display, Layout, View};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/clients")
}

/// Whether the clients are there. Where they must be, their absence is a failure.
fn installed(part: &str) -> bool {
    let there = folder().join(part).exists();
    let wanted = ["CI", "OPENSPACE_WEBRTC_TEST_CLIENTS"];
    let must = wanted
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| matches!(value.as_str(), "1" | "true")));
    assert!(
        there || !must,
        "tests/clients/{part} is missing: run tests/clients/install.sh, then the tests again"
    );
    there
}

fn run(command: &mut Command) {
    let output = command.current_dir(folder()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn openspace_api_js_0_1_6_works_with_the_legacy_generation() {
    if !installed("node_modules/openspace-api-js") {
        return;
    }
    let display = Display::open();
    let view = View::new(Layout::Legacy);
    let demo = view.launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    run(Command::new("node").arg("legacy.js").args([view.tcp_port.to_string(), view.port.to_string()]));
}

#[test]
fn openspace_api_0_9_1_works_with_the_new_generation() {
    if !installed("venv/bin/python") {
        return;
    }
    let display = Display::open();
    let view = View::new(Layout::New);
    let demo = view.launch(&display);
    demo.lines.wait_for("Starting rendering loop");
    run(Command::new("venv/bin/python")
        .arg("new.py")
        .args([view.tcp_port.to_string(), view.port.to_string()]));
}
