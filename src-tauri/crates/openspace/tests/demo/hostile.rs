//! Hostile intents against a running program: its own log says what arrived.

#[path = "../../src/client/hostile/intended.rs"]
mod intended;
#[path = "../../src/client/hostile/wishes.rs"]
mod wishes;

use std::path::Path;

use model::{ApiGeneration, Role, UnixMillis, scene::Wish};
use openspace::{
    client::Client,
    gate::{Grounds, judge},
    saved::Saved,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::Value;
use tokio::time::timeout;

use self::intended::{Called, Names};
use super::{LONG, running};

/// So many that some hundred are let through; each of those takes a frame.
const INTENTS: usize = 700;

/// What the client asks by itself.
const OF_THE_CLIENT: &[&str] =
    &["openspace.navigation.getNavigationState", "openspace.version", "openspace.toggleShutdown"];

#[tokio::test]
async fn a_running_newer_program_gets_only_the_calls_that_were_meant() {
    only_meant(ApiGeneration::New).await;
}

#[tokio::test]
async fn a_running_older_program_gets_only_the_calls_that_were_meant() {
    only_meant(ApiGeneration::Legacy).await;
}

async fn only_meant(api: ApiGeneration) {
    let Some((_root, mut instance, client)) = running(api).await else { return };
    client.tree().await.unwrap();
    let before = instance.script_log().lines().count();

    let mut meant = Vec::new();
    for wish in hostile_wishes() {
        meant.extend(tried(&client, &wish).await);
    }
    assert!(meant.len() > INTENTS / 50, "some were let through: {}", meant.len());
    client.shut_down().await.unwrap();
    timeout(LONG, client.closed()).await.unwrap();
    assert!(instance.exit().await.success());

    let log = instance.script_log();
    let arrived: Vec<_> = log.lines().skip(before).map(call).filter(is_foreign).collect();
    assert_eq!(arrived.len(), meant.len(), "{arrived:#?}");
    for (meant, arrived) in meant.iter().zip(&arrived) {
        assert!(intended::same(meant, arrived), "{meant:?} arrived as {arrived:?}");
    }
}

/// An action runs a script of the scene's own, which is in the log as well: they are left to the test of the gate.
fn hostile_wishes() -> Vec<Wish> {
    let mut runner = TestRunner::deterministic();
    let intents = wishes::intent();
    let texts = (0..INTENTS).map(|_| intents.new_tree(&mut runner).unwrap().current());
    let wishes = texts.filter_map(|text| serde_json::from_str::<Wish>(&text).ok());
    wishes.filter(|wish| !matches!(wish, Wish::TriggerAction { .. })).collect()
}

/// What it means, if it is let through.
async fn tried(client: &Client, wish: &Wish) -> Vec<Called> {
    let tree = client.tree().await.unwrap();
    let saved = Saved::of(Path::new("/nowhere"));
    let grounds = Grounds {
        tree: &tree,
        saved: &saved,
        recordings: &[],
        recorder: None,
        raw_lua: false,
        now: UnixMillis(0),
    };
    let Ok(call) = judge(wish, Role::Admin, &grounds) else { return Vec::new() };
    client.perform(call).await.unwrap();
    let names = Names { own_libraries: false, up_to_0_20: false };
    intended::calls(wish, names, "/nowhere/user/recordings", "recording-1.osrec")
}

/// A line of the log. A script, which nobody may send here, is a call without arguments that nobody meant.
fn call(line: &str) -> Called {
    let parts = line.strip_suffix(')').and_then(|line| line.split_once('('));
    let parts = parts.and_then(|(name, arguments)| Some((name, serde_json::from_str(arguments).ok()?)));
    match parts {
        Some((name, Value::Array(arguments))) => (name.to_owned(), arguments),
        _ => (line.to_owned(), Vec::new()),
    }
}

fn is_foreign((name, _): &Called) -> bool {
    !OF_THE_CLIENT.contains(&name.as_str())
}
