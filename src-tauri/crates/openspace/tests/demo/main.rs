//! The whole room against a running program: the demo renderer, which takes OpenSpace's flags, runs its configuration in a
//! real Lua and speaks both generations of its API.
//!
//! It is another package's binary, which cargo does not build for us: without it, these tests say so and pass, except in CI.
#![allow(clippy::unwrap_used)]

mod apart;
mod faults;
mod flight;
mod hostile;
mod instance;
mod large;

use std::{collections::BTreeMap, path::Path, time::Duration};

use model::{
    ApiGeneration, PropertyKind, PropertyValue, Role, SavedKind, SceneState, UnixMillis,
    scene::{CameraPlace, RecorderState, Wish},
};
use openspace::{
    build,
    client::{Answer, Client},
    gate::{Call, Grounds, judge},
    saved::Saved,
};
use tokio::{sync::watch, time::timeout};

use self::{
    apart::content,
    instance::{Instance, installed, running},
};

/// A loaded machine may be slow; a test that runs into it has failed.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn two_instances_of_one_newer_install_live_side_by_side() {
    two_instances(ApiGeneration::New).await;
}

#[tokio::test]
async fn two_instances_of_one_older_install_live_side_by_side() {
    two_instances(ApiGeneration::Legacy).await;
}

async fn two_instances(api: ApiGeneration) {
    let Some((root, install)) = installed("an install", api).await else { return };
    let seen = build::inspect(&install, &Default::default()).unwrap();
    assert_eq!((seen.api, seen.demo, seen.problems.as_slice()), (api, true, &[][..]));
    let before = content(&install);

    let mut first = Instance::start(&install, &root.path().join("1"), root.path(), api).await;
    let mut second = Instance::start(&install, &root.path().join("2"), root.path(), api).await;
    let (one, two) = (first.client().await, second.client().await);
    assert_eq!(two.version().await.unwrap(), one.version().await.unwrap());

    apart::assert_apart(&first, &second, root.path());
    one.zoom(2.0);
    first.until_script_log_has("addTruckMovement").await;
    one.shut_down().await.unwrap();
    timeout(LONG, one.closed()).await.unwrap();
    assert!(first.exit().await.success());
    two.version().await.unwrap();
    assert!(!second.script_log().contains("addTruckMovement"), "an instance hears only its own viewers");
    two.shut_down().await.unwrap();
    assert!(second.exit().await.success());

    assert_eq!(content(&install), before, "nothing in the install was written");
    apart::assert_nothing_beside(
        root.path(),
        &[&install, &first.dir, &second.dir, &root.path().join("sync")],
    );
}

#[tokio::test]
async fn wishes_come_true_in_a_running_newer_install() {
    steered(ApiGeneration::New).await;
}

#[tokio::test]
async fn wishes_come_true_in_a_running_older_install() {
    steered(ApiGeneration::Legacy).await;
}

async fn steered(api: ApiGeneration) {
    let Some((_root, mut instance, client)) = running(api).await else { return };

    let tree = client.tree().await.unwrap();
    assert!(tree.list("mars").iter().any(|node| node.id == "Mars" && node.interesting));
    assert!(tree.action("os.FlyToMars").is_some_and(|action| action.keys == ["5"]));
    assert_eq!(tree.action("os.ToggleShutdown"), None);

    let mut scene = client.scene();
    until(&mut scene, |scene| scene.focus == "Saturn" && scene.camera.is_some()).await;
    wish(&client, Wish::Pause { paused: true }).await;
    until(&mut scene, |scene| scene.paused).await;
    wish(&client, Wish::SetTime { time: "1997-07-04T16:56Z".to_owned() }).await;
    until(&mut scene, |scene| scene.time.starts_with("1997-07-04T16:56:00")).await;
    wish(&client, Wish::SetRate { seconds_per_second: -3600.0 }).await;
    until(&mut scene, |scene| scene.rate_seconds_per_second == -3600.0).await;
    wish(&client, Wish::FlyTo { node: "Mars".to_owned(), duration_s: Some(0.2) }).await;
    until(&mut scene, |scene| scene.focus == "Mars").await;
    let ares = Wish::FlyToGeo { node: "Mars".to_owned(), latitude: 19.1, longitude: -33.2, altitude_m: 1e6 };
    wish(&client, ares).await;
    let at_ares =
        |camera: CameraPlace| (camera.latitude - 19.1).abs() < 1.0 && (camera.longitude + 33.2).abs() < 1.0;
    until(&mut scene, |scene| scene.camera.is_some_and(at_ares)).await;
    wish(&client, Wish::TriggerAction { action: "os.FlyToEarth".to_owned() }).await;
    until(&mut scene, |scene| scene.focus == "Earth").await;
    wish(&client, Wish::Show { node: "Stars".to_owned(), visible: false }).await;
    wish(&client, Wish::Fade { node: "MilkyWay".to_owned(), visible: false, seconds: 0.5 }).await;
    instance.until_script_log_has("Scene.Stars.Renderable.Enabled").await;
    instance.until_script_log_has("fadeOut").await;
    until_shown(&client, &mut scene, "Stars", false).await;
    until_shown(&client, &mut scene, "MilkyWay", false).await;
    wish(&client, Wish::Show { node: "Stars".to_owned(), visible: true }).await;
    until_shown(&client, &mut scene, "Stars", true).await;
    let Some(Answer::Missions(missions)) = ask(&client, Wish::ListMissions {}).await else { panic!() };
    assert_eq!((missions[0].id.as_str(), missions[0].whole.phases.len()), ("apollo11", 6));

    client.shut_down().await.unwrap();
    timeout(LONG, client.closed()).await.unwrap();
    assert!(scene.changed().await.is_err() || scene.changed().await.is_err(), "nothing is told any more");
    assert!(instance.exit().await.success());
}

async fn wish(client: &Client, wish: Wish) {
    assert_eq!(
        client.perform(judged(client, &wish, &Saved::of(Path::new("/nowhere"))).await).await,
        Ok(None)
    );
}

async fn ask(client: &Client, wish: Wish) -> Option<Answer> {
    client.perform(judged(client, &wish, &Saved::of(Path::new("/nowhere"))).await).await.unwrap()
}

/// The list is asked for again only when the state says that it is old.
async fn until_shown(
    client: &Client,
    scene: &mut watch::Receiver<Option<SceneState>>,
    node: &str,
    shown: bool,
) {
    loop {
        let changes = scene.borrow_and_update().as_ref().map(|scene| scene.changes);
        let Some(Answer::Toggles(list)) = ask(client, Wish::ListToggles { search: None }).await else {
            panic!()
        };
        if list.iter().any(|toggle| toggle.id == node && toggle.shown == shown && toggle.fades) {
            return;
        }
        until(scene, |scene| Some(scene.changes) != changes).await;
    }
}

async fn judged(client: &Client, wish: &Wish, saved: &Saved) -> Call {
    let tree = client.tree().await.unwrap();
    let recordings = saved.list(SavedKind::Recordings);
    let grounds = Grounds {
        tree: &tree,
        saved,
        recordings: &recordings,
        recorder: None,
        raw_lua: true,
        now: UnixMillis(0),
    };
    judge(wish, Role::Admin, &grounds).unwrap()
}

#[tokio::test]
async fn a_newer_install_is_recorded_and_played_and_its_properties_change() {
    recorded(ApiGeneration::New).await;
}

#[tokio::test]
async fn an_older_install_is_recorded_and_played_and_its_properties_change() {
    recorded(ApiGeneration::Legacy).await;
}

async fn recorded(api: ApiGeneration) {
    let Some((root, mut instance, client)) = running(api).await else { return };
    let saved = Saved::of(&root.path().join("1"));
    let mut scene = client.scene();
    let wish = async |wish: Wish| {
        let call = judged(&client, &wish, &saved).await;
        client.perform(call).await.unwrap()
    };

    wish(Wish::StartRecording {}).await;
    until(&mut scene, |scene| scene.recorder == RecorderState::Recording).await;
    wish(Wish::StepFocus { forward: true }).await;
    until(&mut scene, |scene| scene.focus != "Saturn").await;
    let before = saved.list(SavedKind::Recordings);
    wish(Wish::StopRecording {}).await;
    until(&mut scene, |scene| scene.recorder == RecorderState::Idle).await;
    let name = saved.fresh(SavedKind::Recordings, &before).unwrap().name;
    assert_eq!(name, "recording-1.osrec");
    wish(Wish::PlayRecording { name, looped: true }).await;
    until(&mut scene, |scene| scene.recorder == RecorderState::Playing).await;
    wish(Wish::PausePlayback { paused: true }).await;
    until(&mut scene, |scene| scene.recorder == RecorderState::Paused).await;
    wish(Wish::StopPlayback {}).await;
    until(&mut scene, |scene| scene.recorder == RecorderState::Idle).await;

    let Some(Answer::Properties(offered)) = wish(Wish::ListProperties { search: None }).await else {
        panic!()
    };
    assert!(offered.iter().any(|one| matches!(one.kind, PropertyKind::Colour { .. })));
    assert!(offered.iter().any(|one| matches!(one.kind, PropertyKind::Choice { .. })));
    assert!(offered.iter().all(|one| !one.uri.starts_with("Modules") && !one.uri.starts_with("Server")));
    for (uri, value, in_lua) in [
        ("Scene.Grid.Renderable.Color", PropertyValue::Numbers(vec![1.0, 0.5, 0.0]), "1,0.5,0"),
        ("Scene.Grid.Renderable.Lines", PropertyValue::Number(2.0), "2"),
        ("RenderEngine.BlackoutFactor", PropertyValue::Number(0.25), "0.25"),
        ("RenderEngine.ShowLabels", PropertyValue::Switch(true), "true"),
    ] {
        wish(Wish::SetProperty { uri: uri.to_owned(), value: value.clone() }).await;
        instance.until_script_log_has(&format!("[\"{uri}\",")).await;
        let Some(Answer::Returned(told)) =
            wish(Wish::Lua { script: format!("return openspace.propertyValue('{uri}')") }).await
        else {
            panic!("a script is answered")
        };
        let told = told["1"].to_string();
        assert_eq!(told.replace(".0", "").trim_matches(['[', ']']), in_lua, "{uri}");
    }
    client.shut_down().await.unwrap();
    assert!(instance.exit().await.success());
}

async fn until(scene: &mut watch::Receiver<Option<SceneState>>, is_so: impl Fn(&SceneState) -> bool) {
    let so = timeout(LONG, scene.wait_for(|scene| scene.as_ref().is_some_and(&is_so))).await;
    let so = so.map(|scene| scene.is_ok());
    assert_eq!(so, Ok(true), "the scene stays {:?}", scene.borrow());
}

#[tokio::test]
async fn a_scene_is_saved_and_comes_back_in_another_program_of_the_newer_kind() {
    comes_back(ApiGeneration::New).await;
}

#[tokio::test]
async fn a_scene_is_saved_and_comes_back_in_another_program_of_the_older_kind() {
    comes_back(ApiGeneration::Legacy).await;
}

async fn comes_back(api: ApiGeneration) {
    let Some((root, install)) = installed("install", api).await else { return };
    let mut first = Instance::start(&install, &root.path().join("1"), root.path(), api).await;
    let one = first.client().await;
    let mut scene = one.scene();
    until(&mut scene, |scene| scene.camera.is_some()).await;
    let baseline = one.baseline().await.unwrap();
    assert_eq!(one.save(&baseline, None, true).await.unwrap().unwrap().properties, BTreeMap::new());

    wish(&one, Wish::Pause { paused: true }).await;
    wish(&one, Wish::SetTime { time: "1997-07-04T16:56Z".to_owned() }).await;
    wish(&one, Wish::SetRate { seconds_per_second: 3600.0 }).await;
    wish(&one, Wish::FlyTo { node: "Mars".to_owned(), duration_s: Some(0.2) }).await;
    wish(&one, Wish::Show { node: "Moon".to_owned(), visible: false }).await;
    let arrived =
        |scene: &SceneState| scene.focus == "Mars" && scene.paused && scene.time.starts_with("1997");
    until(&mut scene, |scene| {
        arrived(scene)
            && scene.mode == model::scene::SceneMode::UserControl
            && scene.rate_seconds_per_second == 3600.0
    })
    .await;
    let saved = one.save(&baseline, None, true).await.unwrap().unwrap();
    let hidden = ("Scene.Moon.Renderable.Enabled".to_owned(), PropertyValue::Switch(false));
    assert!(saved.properties.contains_key(&hidden.0), "{:?}", saved.properties);
    one.shut_down().await.unwrap();
    assert!(first.exit().await.success());

    // As the journal keeps it.
    let kept = serde_json::to_string(&saved).unwrap();
    let kept: model::SavedScene = serde_json::from_str(&kept).unwrap();
    let mut second = Instance::start(&install, &root.path().join("2"), root.path(), api).await;
    let two = second.client().await;
    let mut scene = two.scene();
    let began = two.baseline().await.unwrap();
    assert_eq!(two.restore(&kept).await.unwrap(), Vec::<String>::new());
    until(&mut scene, |scene| arrived(scene) && scene.rate_seconds_per_second == 3600.0).await;
    let again = two.save(&began, Some(&kept), true).await.unwrap().unwrap();
    assert_eq!(again.properties, kept.properties);
    let (before, after) = (kept.view.unwrap(), again.view.unwrap());
    let apart = before.position.iter().zip(after.position).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let far = before.position.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!(apart < far * 1e-3, "{before:?} is not {after:?}");
    two.shut_down().await.unwrap();
}
