//! One queue over three real machines with one Postgres.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, bail, ensure};
use e2e::{Api, TestFleet, TestNode};
use protocol::{
    admin::RegistryState,
    api::{Launched, TicketStage},
};
use uuid::Uuid;

/// Whoever waits, at which machine.
struct Waiting {
    at: usize,
    browser: Api,
    ticket: Uuid,
}

/// The nth browser, at an address of its own.
async fn browser(node: &TestNode, nth: usize) -> Result<Api> {
    Api::from_address(node.ports.http, IpAddr::V4(Ipv4Addr::new(127, 0, 2, u8::try_from(nth)?))).await
}

async fn stand_at(waiting: &[&Waiting]) -> Result<()> {
    for (nth, one) in waiting.iter().enumerate() {
        let view = one.browser.ticket(one.ticket).await?;
        ensure!(
            (view.state, view.position as usize) == (TicketStage::Waiting, nth + 1),
            "the one at machine {} is to be at {}: {view:?}",
            one.at,
            nth + 1
        );
    }
    Ok(())
}

const TAKEN: &str = "
    SELECT count(*), count(DISTINCT instance_id), count(DISTINCT machine_id) FROM slots WHERE expires > now()";

#[tokio::test(flavor = "multi_thread")]
async fn three_machines_have_one_queue_and_a_slot_is_the_first_one_s_wherever_it_falls_free() -> Result<()> {
    let mut fleet =
        TestFleet::start(&["Dome", "Foyer", "Lab"], &["instances.slots=1", "instances.on_exit=leave"])
            .await?;
    let mut builds = Vec::new();
    for node in &fleet.nodes {
        builds.push(e2e::programs::sleeper(node).await?);
    }
    ensure!(builds.iter().all(|build| *build == builds[0]), "{builds:?}");
    // Each machine knows what the others have.
    let offers = "SELECT count(*) FROM machines WHERE offers::text LIKE '%Sleeper%'";
    fleet.postgres.until(offers, "3").await?;

    let (mut running, mut waiting) = (Vec::new(), Vec::new());
    for nth in 1..=12 {
        let at = nth % 3;
        let browser = browser(&fleet.nodes[at], nth).await?;
        match browser.launch_or_wait(&builds[0]).await? {
            Launched::Instance { instance_id, .. } => running.push((browser, instance_id)),
            Launched::Queued { ticket_id, position, .. } => {
                ensure!(position as usize == waiting.len() + 1, "{nth} is at {position}");
                waiting.push(Waiting { at, browser, ticket: ticket_id });
            }
        }
    }
    ensure!((running.len(), waiting.len()) == (3, 9), "{} run, {} wait", running.len(), waiting.len());
    fleet.postgres.until(TAKEN, "3|3|3").await?;
    stand_at(&waiting.iter().collect::<Vec<_>>()).await?;
    // Who came before its machine knew what the others have, waits for these too by now.
    fleet.postgres.until("SELECT count(*) FROM queue WHERE cardinality(accepts) = 3", "9").await?;

    // Each time that one ends, wherever it ran, the first of all comes, at whatever machine it waits.
    for nth in 0..3 {
        let (owner, gone) = running.remove(0);
        let where_it_ran = owner.instance(gone).await?.server_id;
        owner.stop(gone).await?;
        let first = waiting.remove(0);
        first.browser.until_turn(first.ticket).await.with_context(|| format!("the {nth}th"))?;
        let Launched::Instance { instance_id, .. } = first.browser.claim(first.ticket).await? else {
            bail!("it was held")
        };
        ensure!(first.browser.instance(instance_id).await?.server_id == where_it_ran);
        stand_at(&waiting.iter().collect::<Vec<_>>()).await?;
        fleet.postgres.until(TAKEN, "3|3|3").await?;
        running.push((first.browser, instance_id));
    }

    // A machine falls, and the pages of those who wait there with it: they keep their places for two minutes, no longer.
    let fallen = waiting[0].at;
    fleet.nodes[fallen].kill()?;
    let (there, here): (Vec<_>, Vec<_>) = waiting.iter().partition(|one| one.at == fallen);
    ensure!((there.len(), here.len()) == (2, 4));
    let before = here[0].browser.ticket(here[0].ticket).await?.position;
    ensure!(before == 2, "it is still behind the first: {before}");
    let theirs: Vec<_> = there.iter().map(|one| format!("'{}'", one.ticket)).collect();
    let later = "UPDATE queue SET seen = seen - interval '121 s' WHERE ticket_id IN";
    fleet.postgres.sql("openspace", &format!("{later} ({})", theirs.join(",")))?;
    stand_at(&here).await?;
    let at = |server| fleet.ids.iter().position(|id| *id == server);
    let mut on_living = None;
    for (nth, (owner, id)) in running.iter().enumerate() {
        // Whose page was the fallen machine's cannot say so.
        if let Ok(view) = owner.instance(*id).await
            && at(view.server_id) != Some(fallen)
        {
            on_living = Some(nth);
        }
    }
    let (owner, gone) = running.remove(on_living.context("one runs elsewhere")?);
    owner.stop(gone).await?;
    here[0].browser.until_turn(here[0].ticket).await?;
    here[0].browser.claim(here[0].ticket).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_killed_comes_back_to_the_same_queue_and_gives_no_place_twice() -> Result<()> {
    let mut fleet =
        TestFleet::start(&["Dome", "Foyer"], &["instances.slots=1", "instances.on_exit=leave"]).await?;
    let mut build = String::new();
    for node in &fleet.nodes {
        build = e2e::programs::sleeper(node).await?;
    }
    fleet.postgres.until("SELECT count(*) FROM machines WHERE offers::text LIKE '%Sleeper%'", "2").await?;
    // All pages are the Dome's: the Foyer is to fall.
    let first = browser(&fleet.nodes[0], 1).await?;
    let there = first.launch_once_known(&build, fleet.ids[1]).await?;
    let (mut running, mut waiting) = (vec![(first, there)], Vec::new());
    for nth in 2..=5 {
        let browser = browser(&fleet.nodes[0], nth).await?;
        match browser.launch_or_wait(&build).await? {
            Launched::Instance { instance_id, .. } => running.push((browser, instance_id)),
            Launched::Queued { ticket_id, .. } => waiting.push(Waiting { at: 0, browser, ticket: ticket_id }),
        }
    }
    let [carl, dora, eve] = &waiting[..] else { bail!("{} wait", waiting.len()) };
    let foyer = fleet.ids[1];
    let slot = format!("SELECT token FROM slots WHERE machine_id = '{foyer}'");

    // A slot of it is held for the first when it falls: he comes in vain, and is the first again.
    for (owner, id) in &running {
        if owner.instance(*id).await?.server_id == foyer {
            owner.stop(*id).await?;
        }
    }
    carl.browser.until_turn(carl.ticket).await?;
    let before: i64 = fleet.postgres.sql("openspace", &slot)?.parse()?;
    fleet.nodes[1].kill()?;
    let said = carl.browser.claim(carl.ticket).await.map(drop).unwrap_err().to_string();
    ensure!(said.contains("The machine Foyer does not answer"), "{said}");
    stand_at(&[carl, dora, eve]).await?;

    // Back, it holds the slot for him again, by a newer token.
    fleet.nodes[1].up().await?;
    fleet.nodes[1].admin()?.until_registry(RegistryState::Up).await?;
    carl.browser.until_turn(carl.ticket).await?;
    let Launched::Instance { instance_id, .. } = carl.browser.claim(carl.ticket).await? else {
        bail!("it was held")
    };
    ensure!(carl.browser.instance(instance_id).await?.server_id == foyer);
    let after: i64 = fleet.postgres.sql("openspace", &slot)?.parse()?;
    ensure!(after > before, "token {before}, then {after}");
    fleet.postgres.until(TAKEN, "2|2|2").await?;
    stand_at(&[dora, eve]).await?;

    // It falls and comes back with what runs there: the place is taken still, and nobody is let in.
    let rows = "SELECT slot, instance_id FROM slots WHERE expires = 'infinity' ORDER BY machine_id";
    let taken = fleet.postgres.sql("openspace", rows)?;
    let known = fleet
        .postgres
        .sql("openspace", &format!("SELECT generation FROM heartbeats WHERE machine_id = '{foyer}'"))?;
    fleet.nodes[1].kill()?;
    fleet.nodes[1].up().await?;
    fleet.nodes[1].admin()?.until_registry(RegistryState::Up).await?;
    let joined = format!("SELECT generation > {known} FROM heartbeats WHERE machine_id = '{foyer}'");
    fleet.postgres.until(&joined, "t").await?;
    fleet.postgres.until(rows, &taken).await?;
    stand_at(&[dora, eve]).await?;
    carl.browser.stop(instance_id).await?;
    dora.browser.until_turn(dora.ticket).await?;
    stand_at(&[eve]).await
}
