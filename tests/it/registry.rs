//! A node with a registry: set up, lost and found again; and the old back end beside it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use e2e::{
    Api, Postgres, TestNode,
    cloud::{Cloud, Kind},
    programs,
};
use futures_util::{SinkExt, StreamExt};
use model::InstanceState;
use protocol::admin::{
    AdminCommand, AdminReply, Password, RegistryAddress, RegistryState, RegistryTables, RegistryTls,
};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

const WITHIN: Duration = Duration::from_secs(60);

const SHARED: &str = "SELECT view->>'state' FROM machine_instances ORDER BY 1";
const TAKEN: &str = "SELECT count(*) FROM slots WHERE expires = 'infinity'";
const ROW: &str = "SELECT status, available_instances, num_instances FROM servers";

#[tokio::test]
async fn a_lost_registry_stops_nothing_and_learns_afterwards_what_has_happened() -> Result<()> {
    let mut postgres = Postgres::start()?;
    let url = postgres.url("openspace");
    let mut node =
        TestNode::start_with(&["instances.slots=3"], &[("OPENSPACE_WEBRTC_REGISTRY_URL", &url)]).await?;
    let admin = node.admin()?;
    let view = admin.until_registry(RegistryState::NotSetUp).await?;
    assert!(view.message.context("it says what to do")?.contains("Set up"));
    let AdminReply::RegistrySetUp { message } = admin.command(&AdminCommand::SetUpRegistry).await? else {
        bail!("not set up")
    };
    assert_eq!(message, "The registry has its tables, and this machine has its row in it.");
    admin.until_registry(RegistryState::Up).await?;
    postgres.until(ROW, "active|3|3").await?;

    let ann = Api::with_new_session(node.ports.http).await?;
    let before = ann.launch_build("demo").await?;
    ann.until(before, InstanceState::Ready).await?;
    postgres.until(SHARED, "ready").await?;
    postgres.until(ROW, "active|2|3").await?;

    // What runs runs on, and what is launched here is launched; the panel says since when.
    postgres.down()?;
    let view = admin.until_registry(RegistryState::Unreachable).await?;
    assert!(view.since.is_some() && view.last_contact.is_some());
    let meanwhile = ann.launch_build("demo").await?;
    ann.until(meanwhile, InstanceState::Ready).await?;
    assert_eq!(ann.instance(before).await?.state, InstanceState::Ready);
    ann.stop(before).await?;
    ann.until_gone(before).await?;

    // Afterwards registry and machine agree.
    postgres.up()?;
    admin.until_registry(RegistryState::Up).await?;
    postgres.until("SELECT instance_id FROM machine_instances", &meanwhile.to_string()).await?;
    postgres.until(TAKEN, "1").await?;
    postgres.until(ROW, "active|2|3").await?;

    node.stop().await?;
    postgres.until(ROW, "inactive|0|3").await?;
    let log = node.log();
    assert!(!log.contains(postgres.password()) && !log.contains("%40"), "a secret in the log");
    Ok(())
}

pub fn place(postgres: &Postgres) -> RegistryAddress {
    RegistryAddress {
        host: "127.0.0.1".to_owned(),
        port: postgres.port,
        database: "openspace".to_owned(),
        user: "postgres".to_owned(),
        tls: RegistryTls::Prefer,
        authorities: None,
    }
}

#[tokio::test]
async fn what_the_panel_says_outlives_the_node_and_what_the_configuration_says_is_not_overruled() -> Result<()>
{
    let postgres = Postgres::start()?;
    let mut node = TestNode::start_with(&["instances.slots=3"], &[]).await?;
    let admin = node.admin()?;
    let (address, password) = (place(&postgres), Some(Password::new(postgres.password())));
    let tried = AdminCommand::TryRegistry { address: address.clone(), password: password.clone() };
    let AdminReply::RegistryTried { found } = admin.command(&tried).await? else { bail!("not tried") };
    assert_eq!((found.tables, found.usable, found.encrypted), (RegistryTables::None, true, false));
    admin
        .command(&AdminCommand::JoinRegistry { address: address.clone(), password: password.clone() })
        .await?;
    let view = admin.until_registry(RegistryState::Up).await?;
    assert_eq!((view.address.as_ref(), view.configured), (Some(&address), false));
    postgres.until(ROW, "active|3|3").await?;

    node.kill()?;
    node.up().await?;
    let admin = node.admin()?;
    admin.until_registry(RegistryState::Up).await?;
    node.stop().await?;

    // A configuration that names one is not overruled; a file that was edited to nonsense leaves the machine alone, and says so.
    let url = postgres.url("openspace");
    let node = TestNode::start_with(&[], &[("OPENSPACE_WEBRTC_REGISTRY_URL", &url)]).await?;
    let admin = node.admin()?;
    let view = admin.until_registry(RegistryState::Up).await?;
    assert!(view.configured);
    for command in [AdminCommand::LeaveRegistry, AdminCommand::JoinRegistry { address, password }] {
        let said = admin.command(&command).await.map(drop).unwrap_err().to_string();
        assert!(said.contains("stands in this machine's configuration"), "{said}");
    }
    drop(node);
    let mut node = TestNode::start().await?;
    std::fs::write(node.data_dir().join("registry.json"), format!("[\"{}\"]", postgres.password()))?;
    node.kill()?;
    node.up().await?;
    let snapshot = node.admin()?.snapshot().await?;
    assert_eq!(snapshot.registry.state, RegistryState::Off);
    assert!(
        snapshot.warnings.iter().any(|warning| warning.contains("registry.json")),
        "{:?}",
        snapshot.warnings
    );
    assert!(
        !node.log().contains(postgres.password()) && !format!("{snapshot:?}").contains(postgres.password())
    );
    Ok(())
}

#[tokio::test]
async fn a_machine_in_a_cloud_stands_in_the_registry_with_its_region_and_public_address() -> Result<()> {
    let postgres = Postgres::start()?;
    let url = postgres.url("openspace");
    let cloud = Cloud::start(Kind::Amazon).await?;
    let metadata = format!("server.metadata={}", cloud.base);
    let node = TestNode::start_with(&[&metadata], &[("OPENSPACE_WEBRTC_REGISTRY_URL", &url)]).await?;
    let admin = node.admin()?;
    admin.until_registry(RegistryState::NotSetUp).await?;
    admin.command(&AdminCommand::SetUpRegistry).await?;
    postgres.until("SELECT region, ip_address FROM servers", "eu-north-1|203.0.113.7").await?;
    postgres.until("SELECT split_part(url, ':', 2) FROM machines", "//203.0.113.7").await?;
    let words = "SELECT ram ~ '^[0-9]+GB$', storage ~ '^[0-9]+[GT]B' FROM servers";
    postgres.until(words, "t|t").await
}

/// One connection, one request, one answer: as the old back end does it.
pub async fn old(port: u16, request: Value) -> Result<Value> {
    let (mut socket, _) = connect_async(format!("ws://127.0.0.1:{port}")).await?;
    socket.send(Message::text(request.to_string())).await?;
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text)?),
        other => bail!("{other:?}"),
    }
}

pub async fn until_old(port: u16, id: i64, status: &str) -> Result<()> {
    let deadline = Instant::now() + WITHIN;
    loop {
        let answer = old(port, json!({ "command": "STATUS", "id": id })).await?;
        if answer == json!({ "command": "STATUS", "error": "none", "id": id, "status": status }) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{answer}");
        }
        // Slower than the door's limit.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn the_old_back_end_starts_and_stops_by_the_old_protocol() -> Result<()> {
    let mut node = TestNode::start_with(&["instances.slots=2", "instances.on_exit=leave"], &[]).await?;
    let port = node.ports.supervisor.context("the old door is open")?;
    let start = || old(port, json!({ "command": "START" }));
    let (one, other) = tokio::join!(start(), start());
    let mut ids = [one?["id"].clone(), other?["id"].clone()];
    ids.sort_by_key(Value::as_i64);
    assert_eq!(ids, [json!(0), json!(1)], "two at once get two numbers");
    assert_eq!(start().await?, json!({ "command": "START", "error": "no available slots", "id": -1 }));
    until_old(port, 0, "RUNNING").await?;
    until_old(port, 1, "RUNNING").await?;
    let whole = old(port, json!({ "command": "SERVER_STATUS" })).await?;
    assert_eq!((&whole["running"], &whole["total"]), (&json!(2), &json!(2)));

    // A node that is killed and comes back answers for the same instances by the same numbers.
    node.kill()?;
    node.up().await?;
    let port = node.ports.supervisor.context("the old door is open")?;
    until_old(port, 1, "RUNNING").await?;
    let stopped = old(port, json!({ "command": "STOP", "id": 1 })).await?;
    assert_eq!(stopped, json!({ "command": "STOP", "error": "none", "id": 1 }));
    until_old(port, 1, "IDLE").await?;
    let again = old(port, json!({ "command": "STOP", "id": 1 })).await?;
    assert_eq!(again["error"], "not running");
    for id in [json!(2), json!(-1), json!(1e300), json!("0"), Value::Null] {
        let answer = old(port, json!({ "command": "STATUS", "id": id })).await?;
        assert_eq!(answer["error"], "invalid id", "{id}");
    }
    old(port, json!({ "command": "STOP", "id": 0 })).await?;
    until_old(port, 0, "IDLE").await?;
    Ok(())
}

#[tokio::test]
async fn the_registry_is_set_up_from_the_command_line() -> Result<()> {
    let postgres = Postgres::start()?;
    let folder = tempfile::tempdir()?;
    let run = |url: &str| {
        std::process::Command::new(programs::find("openspace-webrtc-node")?)
            .args(["registry", "setup", "--url", url, "--data-dir"])
            .arg(folder.path())
            .output()
            .context("running the node")
    };
    let url = postgres.url("openspace");
    let first = run(&url)?;
    assert!(first.status.success(), "{first:?}");
    let second = run(&url)?;
    let said = String::from_utf8_lossy(&second.stdout).into_owned();
    assert_eq!(said.trim(), "The registry was set up before, and this machine's row is in it.");
    assert_eq!(postgres.sql("openspace", "SELECT ip_address, port FROM servers")?, "localhost|4699");
    let wrong = run(&url.replace("word", "wort"))?;
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said.contains("does not know the password") && !said.contains("wort"), "{said}");
    Ok(())
}
