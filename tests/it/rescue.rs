//! What ran on a machine that is lost goes on on another one: by itself, by its owner's word, by an administrator's, or not at all.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Api, TestFleet, api::Socket, programs};
use model::{InstanceId, InstanceState, Role, ServerId};
use protocol::{
    admin::{AdminCommand, AdminReply},
    api::{LaunchRequest, Rescue},
    signal::{InstanceNews, RefusalReason, ServerMessage},
};

const NAMES: [&str; 2] = ["Dome", "Foyer"];

async fn launch_on(api: &Api, server: ServerId) -> Result<InstanceId> {
    let id = api.launch_on("demo", server).await?;
    api.until(id, InstanceState::Ready).await?;
    Ok(id)
}

/// Comes again and again as a page does, until a welcome says what is looked for.
async fn until_welcomed(
    api: &Api,
    id: InstanceId,
    invite: Option<&str>,
    wanted: impl Fn(&InstanceNews) -> bool,
) -> Result<(Socket, Role, InstanceNews)> {
    let mut last = String::new();
    for _ in 0..60 {
        let mut socket = api.attend(id, invite).await?;
        match socket.hear().await {
            Ok(ServerMessage::Welcome { role, instance, .. }) if wanted(&instance) => {
                return Ok((socket, role, instance));
            }
            other => last = format!("{other:?}"),
        }
        // No oftener than a page may.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bail!("never welcomed as looked for; last: {last}")
}

fn runs(news: &InstanceNews) -> bool {
    news.state != InstanceState::Lost
}

fn secret_of(url: &str) -> Result<String> {
    Ok(url.split_once("#invite=").context("an invitation")?.1.to_owned())
}

/// A sentence that passes, with these words.
async fn until_noticed(socket: &mut Socket, words: &str) -> Result<()> {
    let says = |m: &ServerMessage| matches!(m, ServerMessage::Notice { message } if message.contains(words));
    socket.until(words, says).await.map(drop)
}

#[tokio::test]
async fn what_is_to_go_on_by_itself_while_all_other_machines_are_full_waits_in_the_queue_and_goes_on()
-> Result<()> {
    let sets = ["instances.slots=1", "relay.continue=auto", "instances.on_exit=leave"];
    let mut fleet = TestFleet::start(&NAMES, &sets).await?;
    let (ann, bob) = (fleet.nodes[0].browser().await?, fleet.nodes[0].browser().await?);
    let taken = bob.launch_build(&programs::sleeper(&fleet.nodes[0]).await?).await?;
    let id = launch_on(&ann, fleet.ids[1]).await?;
    let _viewer = ann.attend(id, None).await?;
    let shown = "SELECT count(*) FROM machine_instances WHERE scene->>'focus' IS NOT NULL";
    fleet.postgres.until(shown, "1").await?;

    fleet.nodes[1].kill()?;
    let (mut page, _, lost) =
        until_welcomed(&ann, id, None, |news| news.state == InstanceState::Lost).await?;
    let said = lost.message.context("it says why")?;
    ensure!(said.contains("All other machines are full: it goes on when its turn comes."), "{said}");
    assert_eq!(lost.rescue, None, "there is nothing to press: it has its place already");
    let told_its_place = |m: &ServerMessage| match m {
        ServerMessage::Instance(news) => {
            news.message.as_ref().is_some_and(|said| said.contains("is number 1 in the queue"))
        }
        _ => false,
    };
    page.until("its place", told_its_place).await?;
    fleet.postgres.until("SELECT count(*) FROM queue", "1").await?;

    // Whoever goes away gives the place up, and has it again on coming back.
    drop(page);
    fleet.postgres.until("SELECT count(*) FROM queue", "0").await?;
    let (mut page, ..) = until_welcomed(&ann, id, None, |news| news.state == InstanceState::Lost).await?;
    page.until("its place again", told_its_place).await?;

    bob.stop(taken).await?;
    let (mut page, role, _) = until_welcomed(&ann, id, None, runs).await?;
    assert_eq!(role, Role::Owner);
    until_noticed(&mut page, "The scene is back as it was left.").await?;
    assert_eq!(ann.instance(id).await?.server_id, fleet.ids[0]);
    fleet.postgres.until("SELECT count(*) FROM queue", "0").await?;
    Ok(())
}

#[tokio::test]
async fn where_nothing_goes_on_elsewhere_the_page_says_so_and_what_to_do() -> Result<()> {
    let mut fleet = TestFleet::start(&NAMES, &["instances.slots=2", "relay.continue=never"]).await?;
    let (ann, eve) = (fleet.nodes[0].browser().await?, fleet.nodes[0].browser().await?);
    let id = launch_on(&ann, fleet.ids[1]).await?;
    let _viewer = ann.attend(id, None).await?;
    fleet
        .postgres
        .until("SELECT count(*) FROM machine_instances WHERE scene->>'focus' IS NOT NULL", "1")
        .await?;
    let invite = secret_of(&ann.invite(id, "watcher").await?.url)?;

    fleet.nodes[1].kill()?;
    let (_, _, lost) = until_welcomed(&ann, id, None, |news| news.state == InstanceState::Lost).await?;
    let said = lost.message.clone().context("it says why")?;
    for words in ["The machine Foyer does not answer", "cannot be continued on another machine", "home page"]
    {
        ensure!(said.contains(words), "{words}: {said}");
    }
    assert_eq!((lost.rescue, lost.has_scene), (None, true));
    let goes_on = LaunchRequest { resume: Some(id), ..LaunchRequest::default() };
    for api in [&ann, &fleet.nodes[0].admin()?] {
        let refused = api.launch(&goes_on).await.unwrap_err().to_string();
        ensure!(refused.contains("no such scene"), "{refused}");
    }
    let mut watcher = eve.attend(id, Some(&invite)).await?;
    let refused = watcher.until("a refusal", |m| matches!(m, ServerMessage::Refused { .. })).await?;
    let ServerMessage::Refused { reason, message, retry_after_s } = refused else { bail!("{refused:?}") };
    assert_eq!((reason, retry_after_s), (RefusalReason::Unavailable, Some(5)));
    ensure!(
        message.contains("goes on as soon as it is back") && !message.contains("another machine"),
        "{message}"
    );

    fleet.nodes[1].up().await?;
    let (_, role, _) = until_welcomed(&ann, id, None, runs).await?;
    assert_eq!(role, Role::Owner);
    Ok(())
}

#[tokio::test]
async fn an_administrator_has_it_go_on_for_its_owner_and_whoever_was_invited_gets_in_as_before() -> Result<()>
{
    let mut fleet = TestFleet::start(&NAMES, &["instances.slots=2"]).await?;
    let (here, there) = (fleet.ids[0], fleet.ids[1]);
    let (ann, eve) = (fleet.nodes[0].browser().await?, fleet.nodes[0].browser().await?);
    let id = launch_on(&ann, there).await?;
    let links = [("watcher", Role::Watcher), ("presenter", Role::Presenter)];
    let mut secrets = Vec::new();
    for (name, role) in links {
        secrets.push((secret_of(&ann.invite(id, name).await?.url)?, role));
    }
    fleet
        .postgres
        .until("SELECT count(*) FROM machine_instances WHERE jsonb_array_length(invites) = 2", "1")
        .await?;

    fleet.nodes[1].kill()?;
    let lost = ann.until(id, InstanceState::Lost).await?;
    assert_eq!(lost.rescue, Some(Rescue::Anew), "nobody has looked at it, so what it showed is not known");
    ensure!(lost.message.as_ref().is_some_and(|said| said.contains("can only begin anew")), "{lost:?}");
    let (_, _, news) = until_welcomed(&ann, id, None, |news| news.state == InstanceState::Lost).await?;
    assert!(!news.has_scene);
    let mut waits = eve.attend(id, Some(&secrets[0].0)).await?;
    let refused = waits.until("a refusal", |m| matches!(m, ServerMessage::Refused { .. })).await?;
    let ServerMessage::Refused { message, .. } = refused else { bail!("{refused:?}") };
    ensure!(message.contains("whose it is continues it on another machine"), "{message}");

    let admin = fleet.nodes[0].admin()?;
    let shown = admin.until_snapshot("what is lost", |snapshot| snapshot.fleet.lost.first().cloned()).await?;
    assert_eq!((shown.instance_id, shown.machine.as_str(), shown.rescue), (id, "Foyer", Some(Rescue::Anew)));
    let begun = admin.command(&AdminCommand::Continue { instance_id: id }).await?;
    assert!(matches!(begun, AdminReply::Launched { instance_id, .. } if instance_id == id), "{begun:?}");
    let view = ann.until(id, InstanceState::Ready).await?;
    assert_eq!(view.server_id, here, "and it is still its owner's");
    let (_, role, _) = until_welcomed(&ann, id, None, runs).await?;
    assert_eq!(role, Role::Owner);
    for (secret, role) in &secrets {
        let (_, as_what, _) = until_welcomed(&eve, id, Some(secret), runs).await?;
        assert_eq!(as_what, *role);
    }
    let mut foreign = eve.attend(id, Some("nonsense")).await?;
    let refused = foreign.until("a refusal", |m| matches!(m, ServerMessage::Refused { .. })).await?;
    assert!(
        matches!(refused, ServerMessage::Refused { reason: RefusalReason::BadInvite, .. }),
        "{refused:?}"
    );
    let dump = fleet.postgres.sql("openspace", "SELECT invites FROM machine_instances")?;
    assert!(secrets.iter().all(|(secret, _)| !dump.contains(secret)), "the registry has hashes only");

    // The old machine lets go, and its links with it; here they hold over a restart.
    fleet.nodes[1].up().await?;
    fleet.nodes[0].kill()?;
    fleet.nodes[0].up().await?;
    let (_, role, _) = until_welcomed(&eve, id, Some(&secrets[1].0), runs).await?;
    assert_eq!(role, Role::Presenter);
    Ok(())
}
