//! Whatever is wrong gets a clear sentence, and nothing is lost.

use std::{net::TcpListener, os::unix::fs::PermissionsExt, path::Path, process::Output};

use e2e::{TestNode, node};
use model::InstanceState;
use protocol::{
    admin::AdminCommand,
    api::LaunchRequest,
    signal::{Hello, RefusalReason, ServerMessage, ViewerMessage},
};
use reqwest::{Method, StatusCode};
use tokio::process::Command;

/// Runs the node's program to its end.
async fn run(data_dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::from(node::command(data_dir, &[]).unwrap());
    let free = ["--set", "http.port=0", "--set", "https.port=0", "--set", "media.port=0"];
    tokio::time::timeout(
        std::time::Duration::from_secs(90),
        command.args(free).args(args).kill_on_drop(true).output(),
    )
    .await
    .unwrap()
    .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let _ = taken;
    let port = holder.local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--set", &format!("http.port={port}")]).await;
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains(&format!("port {port} is taken")) && text.contains("--set http.port="), "{text}");

    let holder = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let output = run(dir.path(), &["--set", &format!("media.port={port}")]).await;
    assert!(said(&output).contains(&format!("media port {port} is taken")), "{}", said(&output));
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = run(&file, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--data-dir"), "{}", said(&output));

    let foreign = tempfile::tempdir().unwrap();
    std::fs::write(
        foreign.path().join("node.sqlite"),
        "this is no database, and long enough to be read as one",
    )
    .unwrap();
    let output = run(foreign.path(), &[]).await;
    assert!(said(&output).contains("is not a database"), "{}", said(&output));
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_left_alone() {
    let mut node = TestNode::start().await.unwrap();
    node.stop().await.unwrap();
    let file = node.data_dir().join("node.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (999, 'future', '2030-01-01T00:00:00Z', '1')",
            [],
        )
        .unwrap();
    drop(database);
    let output = run(node.data_dir(), &[]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("newer") && text.contains("999"), "{text}");
    let database = rusqlite::Connection::open(&file).unwrap();
    let builds: u32 = database.query_row("SELECT count(*) FROM builds", [], |row| row.get(0)).unwrap();
    assert!(builds > 0, "nothing is lost");
}

#[tokio::test]
async fn a_second_node_on_the_same_folder_is_refused_and_commands_reach_the_first() {
    let node = TestNode::start().await.unwrap();
    let output = run(node.data_dir(), &[]).await;
    assert!(said(&output).contains("in use by another"), "{}", said(&output));
    let output = run(node.data_dir(), &["build", "add-program", "Eyes", "--", "sh", "-c", "true"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let output = run(node.data_dir(), &["build", "list"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("eyes") && text.contains("demo"), "{text}");
}

#[tokio::test]
async fn wrong_usage_and_unknown_keys_are_told() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(dir.path(), &["--no-such-flag"]).await.status.code(), Some(2));
    let output = run(dir.path(), &["--set", "htp.port=1"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("Did you mean `http`"), "{}", said(&output));
}

#[tokio::test]
async fn what_cannot_be_launched_is_refused_with_a_reason() {
    let node = TestNode::start_with(&["instances.per_session=1", "instances.slots=2"], &[]).await.unwrap();
    let ann = node.browser().await.unwrap();
    let launch = |build: &str, profile: Option<&str>| LaunchRequest {
        build: Some(build.to_owned()),
        profile: profile.map(str::to_owned),
        ..LaunchRequest::default()
    };
    for (request, says) in [
        (launch("none", None), "no build `none`"),
        (launch("../etc", None), "no build"),
        (launch("demo", Some("nowhere")), "no profile `nowhere`"),
        (launch("demo", Some("../../etc/passwd")), "no profile"),
    ] {
        let error = ann.launch(&request).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    ann.launch_build("demo").await.unwrap();
    let error = ann.launch_build("demo").await.unwrap_err().to_string();
    assert!(error.contains("1 instances already"), "{error}");
    node.browser().await.unwrap().launch_build("demo").await.unwrap();
    let error = node.browser().await.unwrap().launch_build("demo").await.unwrap_err().to_string();
    assert_eq!(error, "queued at 1");
}

#[tokio::test]
async fn programs_that_do_not_come_up_are_told_from_each_other() {
    let node =
        TestNode::start_with(&["instances.load_timeout_s=3", "instances.attempts=2"], &[]).await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    for (name, run, says) in [("Gone", "exit 3", "3"), ("Blind", "sleep 600", "window")] {
        let run = ["sh", "-c", run].map(str::to_owned).to_vec();
        let add =
            AdminCommand::AddProgram { name: name.into(), run, working_dir: None, env: Default::default() };
        admin.command(&add).await.unwrap();
        let id = ann.launch_build(&name.to_lowercase()).await.unwrap();
        let error = ann.until(id, InstanceState::Ready).await.unwrap_err().to_string();
        assert!(error.contains("Failed") && error.contains(says), "{name}: {error}");
        ann.stop(id).await.unwrap();
        ann.until_gone(id).await.unwrap();
    }
    let error = admin
        .command(&AdminCommand::AddBuild { dir: "/usr".into(), env: Default::default(), args: vec![] })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not an OpenSpace folder"), "{error}");
}

#[tokio::test]
async fn without_an_x_server_the_instance_says_what_to_install() {
    // A folder with all that the node needs of PATH, but no Xvfb.
    let path = tempfile::tempdir().unwrap();
    for tool in ["sh", "env"] {
        std::os::unix::fs::symlink(format!("/bin/{tool}"), path.path().join(tool)).unwrap();
    }
    let node = TestNode::start_with(&[], &[("PATH", path.path().to_str().unwrap())]).await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    let error = ann.until(id, InstanceState::Ready).await.unwrap_err().to_string();
    assert!(error.contains("apt-get install xvfb"), "{error}");
}

#[tokio::test]
async fn without_an_encoder_the_viewer_is_told_and_the_instance_lives() {
    let node = TestNode::start_with(&["stream.encoders=[\"nosuchenc\"]"], &[]).await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    let warnings = admin.snapshot().await.unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("No encoder")), "{warnings:?}");
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    let mut viewer = ann.attend(id, None).await.unwrap();
    let told = |message: &ServerMessage| matches!(message, ServerMessage::Instance(news) if news.message.as_ref().is_some_and(|m| m.contains("nosuchenc")));
    viewer.until("the reason", told).await.unwrap();
    assert_eq!(ann.instance(id).await.unwrap().state, InstanceState::Ready);
}

#[tokio::test]
async fn a_stale_session_is_told_to_get_a_new_one() {
    let node = TestNode::start().await.unwrap();
    let stale = e2e::Api::new(node.ports.http, model::Secret::from_random([3; 32]));
    let (status, text) = stale.call(Method::GET, "/api/v1/instances", None).await.unwrap();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(text.contains("session"), "{text}");
    let id = node.browser().await.unwrap().launch_build("demo").await.unwrap();
    let mut socket = stale.attend(id, None).await.unwrap();
    let refused = socket.until("a refusal", |m| matches!(m, ServerMessage::Refused { .. })).await.unwrap();
    assert!(
        matches!(refused, ServerMessage::Refused { reason: RefusalReason::StaleSession, .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn malformed_huge_and_frequent_messages_end_the_socket_and_nothing_else() {
    let node = TestNode::start().await.unwrap();
    let ann = node.browser().await.unwrap();
    let id = ann.launch_build("demo").await.unwrap();
    let hello = serde_json::to_string(&ViewerMessage::Hello(Hello {
        protocol: protocol::PROTOCOL,
        session_id: ann.bearer().reveal().to_owned(),
        invite: None,
        viewer_id: None,
    }))
    .unwrap();
    let huge = format!("{{\"type\":\"answer\",\"sdp\":\"{}\"}}", "x".repeat(70_000));
    for bad in ["not json", "[]", "{\"type\":\"candidate\"}", huge.as_str()] {
        let mut socket = ann.socket(id).await.unwrap();
        socket.say_text(&hello).await.unwrap();
        drop(socket.say_text(bad).await);
        let closed = async {
            loop {
                if let Err(error) = socket.hear().await {
                    return error;
                }
            }
        };
        let closed = tokio::time::timeout(std::time::Duration::from_secs(90), closed).await.unwrap();
        assert!(closed.to_string().contains("closed") || closed.to_string().contains("broken"), "{closed}");
    }
    let mut flood = ann.socket(id).await.unwrap();
    flood.say_text(&hello).await.unwrap();
    for _ in 0..5000 {
        if flood.say_text("{\"type\":\"ping\"}").await.is_err() {
            break;
        }
    }
    let closed = async {
        loop {
            if let Err(error) = flood.hear().await {
                return error;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(90), closed).await.unwrap();

    let (status, text) = ann.call(Method::POST, "/api/v1/instances", Some("{".into())).await.unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
    ann.until(id, InstanceState::Ready).await.unwrap();
}

#[tokio::test]
async fn a_profile_that_vanishes_between_choice_and_start_fails_with_its_name() {
    let node = TestNode::start().await.unwrap();
    let ann = node.browser().await.unwrap();
    let program = node.data_dir().join("demo/bin/OpenSpace");
    assert!(std::fs::metadata(&program).unwrap().permissions().mode() & 0o111 != 0);
    let profile = node.data_dir().join("demo/data/profiles/nightsky.profile");
    let launch =
        LaunchRequest { build: Some("demo".into()), profile: Some("nightsky".into()), ..Default::default() };
    let id = ann.launch(&launch).await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();
    std::fs::remove_file(&profile).unwrap();
    let admin = node.admin().unwrap();
    admin.command(&AdminCommand::Restart { instance_id: id }).await.unwrap();
    let mut told = String::new();
    for _ in 0..1800 {
        let view = ann.instance(id).await.unwrap();
        told = view.message.unwrap_or_default();
        if view.state == InstanceState::Failed {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(told.contains("profile"), "{told}");
}
