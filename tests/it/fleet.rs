//! Two machines that trust each other, told through their API: one launches on the other, lists, invites and stops; and what is refused.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::{Postgres, TestNode, api::Socket};
use model::{InstanceState, Role, ServerId};
use protocol::{
    admin::{AdminCommand, AdminReply, NodeSnapshot, RegistryState},
    api::{LaunchRequest, Rescue},
    signal::{RefusalReason, ServerMessage},
};
use reqwest::{Method, StatusCode};

struct Fleet {
    postgres: Postgres,
    a: TestNode,
    b: TestNode,
}

async fn machine(postgres: &Postgres, name: &str) -> Result<TestNode> {
    let (name, url) = (format!("server.name={name}"), postgres.url("openspace"));
    let sets =
        ["instances.slots=2", "relay.port=0", "relay.bind=127.0.0.1", "registry.address=127.0.0.1", &name];
    TestNode::start_with(&sets, &[("OPENSPACE_WEBRTC_REGISTRY_URL", &url)]).await
}

async fn join_code(node: &TestNode) -> Result<String> {
    match node.admin()?.command(&AdminCommand::CreateJoinCode).await? {
        AdminReply::JoinCode { code } => Ok(code),
        other => bail!("{other:?}"),
    }
}

impl Fleet {
    async fn start() -> Result<Self> {
        let postgres = Postgres::start()?;
        let (a, b) = tokio::try_join!(machine(&postgres, "Dome"), machine(&postgres, "Foyer"))?;
        let (ann, bob) = (a.admin()?, b.admin()?);
        ann.until_snapshot("the registry", |s| (s.registry.state == RegistryState::NotSetUp).then_some(()))
            .await?;
        ann.command(&AdminCommand::SetUpRegistry).await?;
        let code = join_code(&a).await?;
        bob.command(&AdminCommand::JoinFleet { code }).await?;
        for admin in [&ann, &bob] {
            let both = |s: &NodeSnapshot| {
                (s.fleet.machines.iter().filter(|machine| machine.alive).count() == 2).then_some(())
            };
            admin.until_snapshot("both machines", both).await?;
            admin.until_machines(2).await?;
        }
        Ok(Self { postgres, a, b })
    }
}

async fn id_of(node: &TestNode) -> Result<ServerId> {
    Ok(node.admin()?.snapshot().await?.node.server_id)
}

async fn welcome(socket: &mut Socket) -> Result<(model::ViewerId, Role)> {
    match socket.until("welcome", |message| matches!(message, ServerMessage::Welcome { .. })).await? {
        ServerMessage::Welcome { viewer_id, role, .. } => Ok((viewer_id, role)),
        other => bail!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_of_one_machine_launches_watches_and_stops_on_another() -> Result<()> {
    let fleet = Fleet::start().await?;
    let there = id_of(&fleet.b).await?;
    let (ann, eve) = (fleet.a.browser().await?, fleet.a.browser().await?);
    let servers = ann.servers().await?;
    assert_eq!(servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["Dome", "Foyer"]);

    let id = ann.launch_on("demo", there).await?;
    let view = ann.until(id, InstanceState::Ready).await?;
    assert_eq!(view.server_id, there);
    assert!(ann.instances().await?.iter().any(|view| view.instance_id == id));
    assert!(eve.instances().await?.is_empty() && eve.instance(id).await.is_err(), "it is nobody else's");
    let (status, text) = eve.call(Method::DELETE, &format!("/api/v1/instances/{id}"), None).await?;
    assert_eq!(status, StatusCode::NOT_FOUND, "{text}");
    let picture = format!("/api/v1/instances/{id}/thumbnail.jpg");
    assert_eq!(ann.call(Method::GET, &picture, None).await?.0, StatusCode::OK);
    assert_eq!(eve.call(Method::GET, &picture, None).await?.0, StatusCode::NOT_FOUND);

    // Watched through A, by whose it is and by who was invited, and by nobody else.
    let mut owner = ann.attend(id, None).await?;
    assert_eq!(welcome(&mut owner).await?.1, Role::Owner);
    owner.until("an offer", |message| matches!(message, ServerMessage::Offer { .. })).await?;
    let invite = ann.invite(id, "watcher").await?.url;
    let secret = invite.split_once("#invite=").context("an invite")?.1.to_owned();
    assert_eq!(welcome(&mut eve.attend(id, Some(&secret)).await?).await?.1, Role::Watcher);
    for (invite, expected) in [(None, RefusalReason::NotFound), (Some("nonsense"), RefusalReason::BadInvite)]
    {
        let mut refused = eve.attend(id, invite).await?;
        let said = refused.until("a refusal", |m| matches!(m, ServerMessage::Refused { .. })).await?;
        assert!(matches!(said, ServerMessage::Refused { reason, .. } if reason == expected), "{said:?}");
    }
    ann.stop(id).await?;
    owner.until("bye", |message| matches!(message, ServerMessage::Bye { .. })).await?;
    ann.until_gone(id).await?;
    for node in [&fleet.a, &fleet.b] {
        let log = node.log();
        assert!(!log.contains(&secret) && !log.contains(ann.bearer().reveal()), "a secret is in no log");
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_machine_s_instances_are_shown_lost_and_come_back_with_it() -> Result<()> {
    let mut fleet = Fleet::start().await?;
    let there = id_of(&fleet.b).await?;
    let ann = fleet.a.browser().await?;
    let id = ann.launch_on("demo", there).await?;
    ann.until(id, InstanceState::Ready).await?;
    let mut viewer = ann.attend(id, None).await?;
    welcome(&mut viewer).await?;

    fleet.b.kill()?;
    let lost = ann.until(id, InstanceState::Lost).await?;
    assert!(lost.message.context("it says why")?.starts_with("The machine Foyer does not answer"));
    let (status, text) = ann.call(Method::DELETE, &format!("/api/v1/instances/{id}"), None).await?;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(text.contains("The machine Foyer does not answer"), "{text}");

    fleet.b.up().await?;
    ann.until(id, InstanceState::Ready).await?;
    let mut back = ann.attend(id, None).await?;
    assert_eq!(welcome(&mut back).await?.1, Role::Owner);
    Ok(())
}

#[tokio::test]
async fn what_is_lost_with_its_machine_goes_on_on_another_and_the_old_one_lets_go() -> Result<()> {
    let mut fleet = Fleet::start().await?;
    let (here, there) = (id_of(&fleet.a).await?, id_of(&fleet.b).await?);
    let (ann, eve) = (fleet.a.browser().await?, fleet.a.browser().await?);
    let id = ann.launch_on("demo", there).await?;
    ann.until(id, InstanceState::Ready).await?;
    let mut viewer = ann.attend(id, None).await?;
    welcome(&mut viewer).await?;
    let saved = "SELECT count(*) FROM machine_instances WHERE scene->>'focus' IS NOT NULL";
    while fleet.postgres.sql("openspace", saved)?.trim() != "1" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let goes_on = LaunchRequest { resume: Some(id), ..LaunchRequest::default() };
    let early = ann.launch(&goes_on).await.unwrap_err().to_string();
    assert!(early.contains("Its machine answers"), "{early}");

    fleet.b.kill()?;
    let lost = ann.until(id, InstanceState::Lost).await?;
    assert_eq!(lost.rescue, Some(Rescue::Resume));
    // Its page is told so, and waits.
    let mut waits = ann.attend(id, None).await?;
    let is_lost = |message: &ServerMessage| match message {
        ServerMessage::Welcome { instance, .. } => instance.state == InstanceState::Lost,
        _ => false,
    };
    waits.until("that its machine is lost", is_lost).await?;
    let foreign = eve.launch(&goes_on).await.unwrap_err().to_string();
    assert!(foreign.contains("not yours"), "{foreign}");

    assert_eq!(ann.launch(&goes_on).await?, id, "it keeps its name, and with it its address");
    let view = ann.until(id, InstanceState::Ready).await?;
    assert_eq!((view.server_id, view.rescue), (here, None));
    let mut back = ann.attend(id, None).await?;
    let restored = |message: &ServerMessage| matches!(message, ServerMessage::Notice { message } if message.contains("is back"));
    back.until("the scene", restored).await?;

    // The old machine finds its program still running, and ends it.
    fleet.b.up().await?;
    let gone = |s: &NodeSnapshot| s.instances.is_empty().then_some(());
    fleet.b.admin()?.until_snapshot("that it has let go", gone).await?;
    let view = ann.instance(id).await?;
    assert_eq!((view.state, view.server_id), (InstanceState::Ready, here));
    Ok(())
}

#[tokio::test]
async fn a_row_that_points_elsewhere_and_a_removed_machine_are_refused_until_it_joins_again() -> Result<()> {
    let mut fleet = Fleet::start().await?;
    let (here, there) = (id_of(&fleet.a).await?, id_of(&fleet.b).await?);
    let ann = fleet.a.browser().await?;
    let sql = |sql: String| fleet.postgres.sql("openspace", &sql);
    let door = fleet.a.ports_now()?.relay.context("it is open")?;

    // A row of nobody, whose door is said to be A's: whoever answers there is not the one.
    let astray = ServerId::random();
    sql(format!("
        INSERT INTO servers (server_id, ip_address, port, ram, storage, created, modified) VALUES ('{astray}', 'nowhere', 1, '', '', now(), now());
        INSERT INTO machines (machine_id, server_id, name, version, ip_address, port, ram, storage, relay, offers)
        SELECT '{astray}', '{astray}', 'Astray', version, 'nowhere', 1, '', '', '127.0.0.1:{door}', offers FROM machines WHERE machine_id = '{there}';
        INSERT INTO heartbeats (machine_id, slots_total, slots_open) VALUES ('{astray}', 1, 1);
        INSERT INTO slots (machine_id, slot) VALUES ('{astray}', 0)"))?;
    while !ann.servers().await?.iter().any(|server| server.name == "Astray") {
        sql(format!("UPDATE heartbeats SET seen = now() WHERE machine_id = '{astray}'"))?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    sql(format!("UPDATE heartbeats SET seen = now() WHERE machine_id = '{astray}'"))?;
    let refused = ann.launch_on("demo", astray).await.unwrap_err().to_string();
    assert!(refused.contains("Astray does not answer") && refused.contains("another machine's"), "{refused}");

    // Somebody edits B's own row: B puts it right.
    sql(format!(
        "UPDATE machines SET name = 'Astray', relay = '127.0.0.1:{door}' WHERE machine_id = '{there}'"
    ))?;
    while sql(format!("SELECT name FROM machines WHERE machine_id = '{there}'"))? != "Foyer" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ann.until_machines(2).await?;
    let id = ann.launch_on("demo", there).await?;
    assert!(fleet.b.log().contains("somebody has edited this machine's row"), "the log says so");
    ann.stop(id).await?;

    let admin = fleet.b.admin()?;
    let not_founder = admin.command(&AdminCommand::RemoveMachine { server_id: here }).await.unwrap_err();
    assert!(not_founder.to_string().contains("founder"), "{not_founder}");
    fleet.a.admin()?.command(&AdminCommand::RemoveMachine { server_id: there }).await?;
    let refused = ann.launch_on("demo", there).await.unwrap_err().to_string();
    // It has shut its own door as soon as it has heard.
    let said = ["The machine Foyer does not answer", "cannot be reached from here"];
    assert!(said.iter().any(|words| refused.contains(words)), "{refused}");

    // It is told so, also after a restart; what it needs is a new code, and nothing else.
    let was_removed =
        |s: &NodeSnapshot| s.fleet.trouble.clone().filter(|words| words.contains("was removed"));
    let words = admin.until_snapshot("that it was removed", was_removed).await?;
    assert!(words.contains("join code of its founder, Dome"), "{words}");
    fleet.b.kill()?;
    fleet.b.up().await?;
    let admin = fleet.b.admin()?;
    admin.until_snapshot("that it was removed, by its own files", was_removed).await?;
    let used = join_code(&fleet.a).await?;
    admin.command(&AdminCommand::JoinFleet { code: used.clone() }).await?;
    let again =
        admin.command(&AdminCommand::JoinFleet { code: used }).await.map(drop).unwrap_err().to_string();
    assert!(again.contains("works once"), "{again}");
    let launched = async {
        loop {
            // Until A has heard of its new door.
            if let Ok(id) = ann.launch_on("demo", there).await {
                return id;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let id = tokio::time::timeout(Duration::from_secs(60), launched).await.context("it is let in again")?;
    assert_eq!(ann.instance(id).await?.server_id, there);
    Ok(())
}

#[tokio::test]
async fn a_machine_joins_from_the_command_line_before_it_has_ever_run() -> Result<()> {
    let founder =
        TestNode::start_with(&["relay.port=0", "relay.bind=127.0.0.1", "registry.address=127.0.0.1"], &[])
            .await?;
    let code = join_code(&founder).await?;
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| {
        std::process::Command::new(e2e::programs::find("openspace-webrtc-node")?)
            .args(args)
            .arg("--data-dir")
            .arg(folder.path())
            .output()
            .context("running the node")
    };
    let joined = run(&["fleet", "join", &code])?;
    assert!(joined.status.success(), "{joined:?}");
    for (args, said) in [
        (&["fleet", "join", &code][..], "works once"),
        (&["fleet", "create"], "belongs to a fleet already, that of machine"),
        (&["fleet", "join", "fleet-AAAA"], "this is no join code"),
        (&["fleet", "code"], "start it first"),
    ] {
        let refused = run(args)?;
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && words.contains(said), "{args:?}: {words}");
    }
    assert!(!founder.log().contains(&code), "a code is in no log");
    for args in [&["fleet", "leave"][..], &["fleet", "create"]] {
        let done = run(args)?;
        assert!(done.status.success(), "{args:?}: {done:?}");
    }
    Ok(())
}
