//! A scene of 50,000 properties: what it costs to know it, and that a change in it is told without asking for it all again.

use std::{fs, time::Instant};

use model::{ApiGeneration, PropertyValue, scene::Wish};
use openspace::client::Answer;
use tokio::time::timeout;

use super::{
    LONG, ask,
    instance::{Instance, installed},
    wish,
};

const PROPERTIES: &str = "50000";

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_scene_of_50_000_properties_is_known_searched_and_adjusted() {
    large(ApiGeneration::New).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_scene_of_50_000_properties_is_known_searched_and_adjusted() {
    large(ApiGeneration::Legacy).await;
}

async fn large(api: ApiGeneration) {
    let Some((root, install)) = installed("install", api).await else { return };
    let switches = [("OPENSPACE_DEMO_PROPERTIES", PROPERTIES)];
    let mut instance =
        Instance::start_with(&install, &root.path().join("1"), root.path(), api, &switches).await;
    let client = instance.client().await;
    let mut scene = client.scene();
    timeout(LONG, scene.wait_for(Option::is_some)).await.unwrap().unwrap();

    let (began, memory) = (Instant::now(), resident_kib());
    let tree = client.tree().await.unwrap();
    let (took, took_kib) = (began.elapsed(), resident_kib().saturating_sub(memory));
    eprintln!(
        "{api:?}: {} settings known after {took:?}, with {} MiB more",
        tree.properties("").len(),
        took_kib >> 10
    );
    assert!(tree.properties("").len() > 20_000, "all that may be adjusted is known");
    assert!(tree.list("").len() > 4_000);
    assert_eq!(tree.list("body 04321").len(), 1);

    let uri = "Scene.Catalogue04321.Renderable.Opacity";
    for value in [0.25, 0.75] {
        wish(&client, Wish::SetProperty { uri: uri.to_owned(), value: PropertyValue::Number(value) }).await;
        let told = async {
            loop {
                let search = Some("Catalogue04321".to_owned());
                let Some(Answer::Properties(list)) = ask(&client, Wish::ListProperties { search }).await
                else {
                    panic!()
                };
                let opacity = list.iter().find(|one| one.uri == uri).unwrap();
                if opacity.value == PropertyValue::Number(value) {
                    return;
                }
                timeout(LONG, scene.changed()).await.unwrap().unwrap();
            }
        };
        timeout(LONG, told).await.unwrap();
    }
    assert_eq!(*client.trouble().borrow(), None, "large is not ill");
    client.shut_down().await.unwrap();
    assert!(instance.exit().await.success());
}

/// Of this process, as the system counts it.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or_default()
}
