//! When every place is taken: who comes first is served first, on one machine and over several.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, bail, ensure};
use e2e::{Api, TestNode};
use protocol::{
    admin::AdminCommand,
    api::{Launched, TicketStage},
};
use uuid::Uuid;

/// The nth browser, at an address of its own.
async fn browser(node: &TestNode, nth: u8) -> Result<Api> {
    Api::from_address(node.ports.http, IpAddr::V4(Ipv4Addr::new(127, 0, 1, nth))).await
}

async fn waits(browser: &Api, build: &str) -> Result<(Uuid, u32)> {
    match browser.launch_or_wait(build).await? {
        Launched::Queued { ticket_id, position, .. } => Ok((ticket_id, position)),
        Launched::Instance { .. } => bail!("nothing was free"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_launches_on_three_slots_three_run_and_the_others_come_in_their_order() -> Result<()> {
    let mut node = TestNode::start_with(&["instances.slots=3", "instances.on_exit=leave"], &[]).await?;
    let build = e2e::programs::sleeper(&node).await?;
    let (mut running, mut waiting) = (Vec::new(), Vec::new());
    for nth in 1..=100 {
        let browser = browser(&node, nth).await?;
        match browser.launch_or_wait(&build).await? {
            Launched::Instance { instance_id, .. } => running.push((browser, instance_id)),
            Launched::Queued { ticket_id, position, eta_s } => {
                ensure!(position as usize == waiting.len() + 1, "{nth} is at {position}");
                ensure!(eta_s.is_none(), "nobody has left yet: how long it takes is not known");
                waiting.push((browser, ticket_id));
            }
        }
    }
    ensure!((running.len(), waiting.len()) == (3, 97), "{} run, {} wait", running.len(), waiting.len());
    let again = waiting[0].0.launch_or_wait(&build).await.unwrap_err().to_string();
    ensure!(again.contains("place in the queue already"), "{again}");
    let refused =
        node.admin()?.command(&AdminCommand::Launch { build: Some(build.clone()), profile: None }).await;
    ensure!(refused.unwrap_err().to_string().contains("Others wait"), "the panel overtakes nobody");

    // A node that is killed keeps everybody's place.
    node.kill()?;
    node.up().await?;
    for at in [0, 48, 96] {
        let (browser, ticket) = &waiting[at];
        ensure!(browser.ticket(*ticket).await?.position as usize == at + 1, "place {at}");
    }

    // A slot that falls free is the first one's, whose page is told so; nobody else gets it.
    let (first, ticket) = waiting.remove(0);
    let told = tokio::spawn({
        let first = first.clone();
        async move { first.until_event("\"state\":\"held\"").await }
    });
    let (ann, gone) = running.remove(0);
    ann.stop(gone).await?;
    ensure!(first.until_turn(ticket).await?.held_s.context("how long is said")? <= 60);
    told.await??;
    let next = &waiting[0];
    let early = next.0.claim(next.1).await.unwrap_err().to_string();
    ensure!(early.contains("not its turn yet"), "{early}");
    ensure!(next.0.claim(ticket).await.unwrap_err().to_string().contains("no such place"), "somebody else's");
    ensure!(waits(&browser(&node, 101).await?, &build).await?.1 == 97, "who comes now is last");
    let Launched::Instance { instance_id, .. } = first.claim(ticket).await? else { bail!("it was held") };
    ensure!(first.instances().await?.iter().any(|one| one.instance_id == instance_id));
    ensure!(first.ticket(ticket).await.is_err(), "a place is used once");

    // Who leaves makes room, and the order stays.
    let (leaver, left) = waiting.remove(0);
    leaver.leave_queue(left).await?;
    ensure!(leaver.ticket(left).await.unwrap_err().to_string().contains("no such place"));
    for at in [0, 94] {
        let (browser, ticket) = &waiting[at];
        let view = browser.ticket(*ticket).await?;
        ensure!((view.state, view.position as usize) == (TicketStage::Waiting, at + 1), "{view:?}");
    }
    Ok(())
}
