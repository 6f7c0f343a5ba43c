//! What can be launched: any X11 program, and a planetarium that nobody here wrote.

use e2e::TestNode;
use model::InstanceState;
use protocol::admin::{AdminCommand, AdminReply};

#[tokio::test]
async fn a_registered_program_is_launched_like_any_build() {
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    // xlogo-like: the smallest X11 program of the test packages that opens a window.
    let run = ["xev", "-geometry", "200x100"].map(str::to_owned).to_vec();
    let add =
        AdminCommand::AddProgram { name: "X events".into(), run, working_dir: None, env: Default::default() };
    let AdminReply::BuildAdded { build } = admin.command(&add).await.unwrap() else { panic!("added") };
    assert_eq!((build.id.as_str(), build.kind.as_str()), ("x-events", "program"));
    let id = ann.launch_build(&build.id).await.unwrap();
    let view = ann.until(id, InstanceState::Ready).await.unwrap();
    assert!(!view.demo);
    admin.command(&AdminCommand::RemoveBuild { id: build.id.clone() }).await.unwrap_err();
    ann.stop(id).await.unwrap();
    ann.until_gone(id).await.unwrap();
    admin.command(&AdminCommand::RemoveBuild { id: build.id }).await.unwrap();
}

#[tokio::test]
async fn a_missing_program_is_not_registered() {
    let node = TestNode::start().await.unwrap();
    let run = vec!["/no/such/program".to_owned()];
    let add =
        AdminCommand::AddProgram { name: "None".into(), run, working_dir: None, env: Default::default() };
    let error = node.admin().unwrap().command(&add).await.unwrap_err().to_string();
    assert!(error.contains("there is no such file"), "{error}");
}
