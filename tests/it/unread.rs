//! Viewers of another machine's instance that read nothing, neither their signaling nor their media: nobody else notices.

use anyhow::Result;
use e2e::{Crowd, TestFleet, TestNode, api::Socket};
use model::{InstanceId, InstanceState};
use protocol::{
    admin::NodeSnapshot,
    signal::{ServerMessage, ViewerMessage},
};

/// Less than what one may say at once.
const SAID: usize = 80;

/// As the panel of the instance's own machine shows it.
async fn until_connected(node: &TestNode, id: InstanceId, count: usize) -> Result<()> {
    let seen = |s: &NodeSnapshot| {
        let row = s.instances.iter().find(|row| row.instance.instance_id == id)?;
        (row.viewers.iter().filter(|viewer| viewer.connected).count() == count).then_some(())
    };
    node.admin()?.until_snapshot(&format!("{count} connections"), seen).await
}

async fn answered(page: &mut Socket) -> Result<()> {
    page.say(&ViewerMessage::Ping).await?;
    page.until("a pong", |message| *message == ServerMessage::Pong).await.map(drop)
}

#[tokio::test]
async fn relayed_viewers_that_read_nothing_cost_the_others_on_their_link_nothing() -> Result<()> {
    let fleet = TestFleet::start(&["Dome", "Foyer"], &["instances.slots=1"]).await?;
    let [here, there] = &fleet.nodes[..] else { unreachable!("there are two") };
    let ann = here.browser().await?;
    let id = ann.launch_once_known("demo", fleet.ids[1]).await?;
    ann.until(id, InstanceState::Ready).await?;

    // Pages, and players whose media goes through the machine that they reach.
    let through = |candidate: &str| candidate.contains("typ relay");
    let (mut reads, mut frozen) = (Crowd::of(here, id, &ann)?, Crowd::of(here, id, &ann)?);
    reads.join_by(through).await?;
    for _ in 0..2 {
        frozen.join_by(through).await?;
    }
    frozen.until_frames(3).await?;
    let (mut page, mut lazy) = (ann.attend(id, None).await?, ann.attend(id, None).await?);
    answered(&mut page).await?;

    frozen.freeze()?;
    for _ in 0..SAID {
        lazy.say(&ViewerMessage::RestartIce).await?;
    }
    answered(&mut page).await?;
    reads.until_frames(5).await?;
    // The machine that sends to them notices by itself.
    until_connected(there, id, 1).await?;
    reads.until_frames(5).await?;
    answered(&mut page).await?;
    // What it was told meanwhile is still there for who reads again.
    answered(&mut lazy).await?;
    Ok(())
}
