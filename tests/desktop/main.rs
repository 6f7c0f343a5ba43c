//! The real desktop window, driven by WebDriver under Xvfb, and its tray, asked over D-Bus.
#![allow(clippy::unwrap_used)]

mod desk;
mod screen;
mod tray;

use std::time::Duration;

use desk::Desk;
use e2e::NvmlStub;
use fantoccini::Locator;
use protocol::admin::NodeSnapshot;

/// What the window manager calls the window.
const TITLE: &str = "OpenSpace WebRTC";

async fn text(desk: &Desk) -> String {
    // A page that is being replaced has no words yet.
    let words = async { desk.web.find(Locator::Css("body")).await?.text().await };
    words.await.unwrap_or_default()
}

/// Waits for a state. In vain: tells what the window showed, and leaves a picture of it beside the test programs.
async fn until<T>(desk: &Desk, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(seen) = look().await {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let picture = desk.picture().await;
    panic!("waited in vain for {what}. The window, also in {picture:?}:\n{}", text(desk).await);
}

async fn ready(desk: &Desk) -> Option<NodeSnapshot> {
    let snapshot = desk.admin().ok()?.snapshot().await.ok()?;
    let ready = snapshot.instances.iter().any(|row| row.instance.state == model::InstanceState::Ready);
    ready.then_some(snapshot)
}

#[tokio::test]
async fn the_window_shows_the_machine_and_launches_and_the_tray_does_too() {
    let mut desk = Desk::open(&[]).await.unwrap();
    let shown = until(&desk, "the figures", async || {
        let shown = text(&desk).await;
        (shown.contains("NVIDIA") && shown.contains("CPU") && shown.contains("%")).then_some(shown)
    })
    .await;
    assert!(shown.to_lowercase().contains("no nvidia driver"), "an absent driver is told calmly: {shown}");

    let launch = Locator::XPath("//button[starts-with(normalize-space(.), 'Launch') and not(@disabled)]");
    until(&desk, "a launch", async || desk.web.find(launch).await.ok()?.click().await.ok()).await;
    let snapshot = until(&desk, "the instance", async || ready(&desk).await).await;
    until(&desk, "it in the window", async || text(&desk).await.contains("Demo sky").then_some(())).await;

    for wanted in ["Control panel", "Home page", "Launch Demo sky", "Quit"] {
        until(&desk, wanted, async || {
            let labels = desk.tray().await.ok()?.labels().await.ok()?;
            labels.iter().any(|label| label.starts_with(wanted)).then_some(())
        })
        .await;
    }
    desk.tray().await.unwrap().click("Launch Demo sky").await.unwrap();
    let before = snapshot.instances.len();
    until(&desk, "a second instance", async || {
        let now = desk.admin().ok()?.snapshot().await.ok()?.instances.len();
        (now > before).then_some(())
    })
    .await;

    assert!(desk.screen.shows(TITLE).unwrap());
    desk.screen.close(TITLE).unwrap();
    until(&desk, "the window to go", async || (!desk.screen.shows(TITLE).unwrap()).then_some(())).await;
    desk.admin().unwrap().snapshot().await.expect("the node lives on in the tray");
    desk.tray().await.unwrap().click("Control panel").await.unwrap();
    until(&desk, "the window to come back", async || desk.screen.shows(TITLE).unwrap().then_some(())).await;
    until(&desk, "what quitting means", async || {
        let labels = desk.tray().await.ok()?.labels().await.ok()?;
        labels.iter().any(|label| label == "Quit and end 2 instances").then_some(())
    })
    .await;
    desk.tray().await.unwrap().click("Quit and end 2 instances").await.unwrap();
    assert!(desk.exited().await.unwrap().success());
}

#[tokio::test]
async fn a_gpu_is_shown_where_the_driver_answers() {
    let library = NvmlStub::build().unwrap();
    let desk = Desk::open(&[&format!("telemetry.nvml_library={}", library.path.display())]).await.unwrap();
    until(&desk, "the GPU", async || text(&desk).await.contains("Tesla T4").then_some(())).await;
}

#[tokio::test]
async fn the_panel_is_not_blank_under_c_utf_8() {
    let desk = Desk::open_in_language("C.UTF-8").await.unwrap();
    until(&desk, "the figures", async || text(&desk).await.contains("CPU").then_some(())).await;
}
