//! Instances that are ready before anybody asks.

use anyhow::{Context, Result, ensure};
use e2e::TestNode;
use model::{InstanceId, InstanceState};
use protocol::{
    admin::{AdminCommand, StandbyView},
    api::{InstanceView, LaunchRequest},
};

fn keep(count: u32) -> AdminCommand {
    AdminCommand::SetStandby { build: "demo".to_owned(), profile: None, count }
}

/// Waits until one stands ready other than `known`.
async fn another(node: &TestNode, known: &[InstanceId]) -> Result<InstanceView> {
    let admin = node.admin()?;
    let what = "one that stands ready";
    admin
        .until_snapshot(what, |snapshot| {
            let views = snapshot.instances.iter().map(|one| &one.instance);
            let ready = |view: &&InstanceView| {
                view.standby && view.state == InstanceState::Ready && !known.contains(&view.instance_id)
            };
            views.clone().find(ready).cloned()
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_gets_the_one_that_stood_ready_and_its_place_is_filled_again() -> Result<()> {
    let mut node =
        TestNode::start_with(&["instances.slots=3", "standby.memory_mb=1", "standby.idle_cores=0.0"], &[])
            .await?;
    let admin = node.admin()?;
    let too_many = admin.command(&keep(3)).await.err().context("one place stays free")?;
    ensure!(too_many.to_string().contains("At most 2"), "{too_many}");
    admin.command(&keep(1)).await?;
    let first = another(&node, &[]).await?;

    let ann = node.browser().await?;
    ensure!(ann.instances().await?.is_empty(), "nobody's is nobody's to see");
    let snapshot = admin.snapshot().await?;
    ensure!(snapshot.node.slots_free == 3, "it takes no place from anybody");
    let shown =
        StandbyView { build: "demo".to_owned(), profile: Some("default".to_owned()), wanted: 1, ready: 1 };
    ensure!(snapshot.standby == [shown], "{:?}", snapshot.standby);

    let launched = ann.launch_build("demo").await?;
    ensure!(launched == first.instance_id, "she gets the one that stood ready");
    let hers = ann.instance(launched).await?;
    ensure!(hers.state == InstanceState::Ready && !hers.standby, "{hers:?}");
    let second = another(&node, &[launched]).await?;

    // Another profile is another scene.
    let bob = node.browser().await?;
    let request = LaunchRequest { profile: Some("nightsky".to_owned()), ..LaunchRequest::default() };
    let other = bob.launch(&request).await?;
    ensure!(other != second.instance_id, "another scene is started anew");
    // Two places are taken now, and the third stays free: what stood ready makes way.
    admin.until_gone(second.instance_id).await?;
    bob.stop(other).await?;
    let third = another(&node, &[]).await?;

    // What is wanted outlives the node, and so does what stands ready.
    node.kill()?;
    node.up().await?;
    let admin = node.admin()?;
    ensure!(another(&node, &[]).await?.instance_id == third.instance_id, "it was taken over");
    ensure!(ann.instance(launched).await?.state != InstanceState::Failed, "hers is still hers");
    admin.command(&keep(0)).await?;
    admin.until_gone(third.instance_id).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn first_starts_of_one_build_take_turns() -> Result<()> {
    let env = [("OPENSPACE_DEMO_LOAD_SECONDS", "6")];
    let node = TestNode::start_with(&["instances.slots=3"], &env).await?;
    let ann = node.browser().await?;
    let (one, two) = (ann.launch_build("demo").await?, ann.launch_build("demo").await?);
    let waiting = ann.until_view(two, "waiting", |view| view.detail.is_some()).await?;
    ensure!(waiting.detail.as_deref().is_some_and(|detail| detail.contains("waiting until")), "{waiting:?}");
    ensure!(ann.instance(one).await?.state != InstanceState::Ready, "the first is still on its way");
    ann.until(one, InstanceState::Ready).await?;
    ann.until(two, InstanceState::Ready).await?;
    // From now on nobody waits for anybody.
    ann.stop(one).await?;
    ann.stop(two).await?;
    ann.until_gone(one).await?;
    ann.until_gone(two).await?;
    let again = [ann.launch_build("demo").await?, ann.launch_build("demo").await?];
    for id in again {
        let view = ann.until_view(id, "phase", |view| view.phase.is_some()).await?;
        ensure!(!view.detail.unwrap_or_default().contains("waiting until"), "{id}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_its_turn_can_be_stopped() -> Result<()> {
    let env = [("OPENSPACE_DEMO_LOAD_SECONDS", "30")];
    let node = TestNode::start_with(&["instances.slots=3"], &env).await?;
    let ann = node.browser().await?;
    let (_one, two) = (ann.launch_build("demo").await?, ann.launch_build("demo").await?);
    ann.until_view(two, "waiting", |view| view.detail.is_some()).await?;
    ann.stop(two).await?;
    ann.until_gone(two).await?;
    Ok(())
}
