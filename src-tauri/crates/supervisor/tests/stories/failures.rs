//! What goes wrong is said in a sentence, and leaves nothing behind.

use std::{fs, path::Path, process::Command, time::Duration};

use model::{BuildKind, InstanceState};

use crate::stage::{CHILD, Stage, WINDOW, runs, stop, until, until_gone, until_report};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_exits_at_once_fails_after_its_tries_and_can_be_started_again() {
    let stage = Stage::new();
    let marker = stage.dir.path().join("well-now");
    let script = format!("test -e {} && {WINDOW}; echo 'no sky today' >&2; exit 3", marker.display());
    let instance = supervisor::start(stage.spec(&script), None);
    let report = until(&instance, InstanceState::Failed).await;
    let message = report.status.message.unwrap();
    for part in ["exit status 3", "“no sky today”", "started 2 times in vain", "start it again"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(instance.log_tail(1), ["no sky today"]);
    let report = until_report(&instance, |report| report.running.is_none()).await;
    assert_eq!(report.status.state, InstanceState::Failed);

    fs::write(marker, "").unwrap();
    instance.start();
    assert_eq!(until(&instance, InstanceState::Ready).await.status.attempt, 1);
    stop(&instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_shows_nothing_is_given_up_and_its_helpers_with_it() {
    let stage = Stage::new();
    let script = "setsid sleep 600 & echo $! >> helpers; exec sleep 600";
    let mut spec = stage.spec(script);
    // Long enough for a busy machine to come to the second word of the script.
    spec.policy.load_timeout = Duration::from_secs(3);
    let dir = spec.dir.clone();
    let instance = supervisor::start(spec, None);
    let message = until(&instance, InstanceState::Failed).await.status.message.unwrap();
    assert!(message.contains("opened no window within 3 s"), "{message}");
    until_report(&instance, |report| report.running.is_none()).await;
    let helpers = fs::read_to_string(dir.join("helpers")).unwrap();
    assert_eq!(helpers.lines().count(), 2, "one for each try");
    for pid in helpers.lines() {
        until_gone(pid, || runs(pid)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_heal_fails_at_once() {
    let stage = Stage::new();
    let install = stage.install("exit 0");
    let mut not_installed = stage.spec(WINDOW);
    not_installed.build.kind =
        BuildKind::Program { command: "no-such-planetarium".into(), working_dir: None };
    let gone = stage.openspace(Path::new("/no/such/openspace"));
    let mut no_profile = stage.openspace(&install);
    no_profile.profile = Some("missions/nowhere".to_owned());
    for (spec, says) in [
        (not_installed, "is not installed on this machine"),
        (gone, "folder of Test is gone"),
        (no_profile, "profile `missions/nowhere` does not exist in Test. Choose another, such as default."),
    ] {
        let instance = supervisor::start(spec, None);
        let status = until(&instance, InstanceState::Failed).await.status;
        let message = status.message.unwrap();
        assert!(message.contains(says), "{message}");
        assert_eq!(status.attempt, 1, "{message}");
        until_report(&instance, |report| report.running.is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_line_of_openspace_is_the_reason_of_its_failure() {
    let stage = Stage::new();
    let install = stage.install(
        "echo \"(F) main                Bind failed (returned '-1') with error: 98\" >&2; sleep 600",
    );
    let instance = supervisor::start(stage.openspace(&install), None);
    let message = until(&instance, InstanceState::Failed).await.status.message.unwrap();
    assert!(message.contains("another program has taken it"), "{message}");
    until_report(&instance, |report| report.running.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_xvfb_it_fails_at_once_and_says_what_to_install() {
    if std::env::var_os(CHILD).is_none() {
        // A child, since this process must not change its own environment.
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failures::without_xvfb_it_fails_at_once_and_says_what_to_install"])
            .env(CHILD, "1")
            .env("PATH", "/nowhere")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let stage = Stage::new();
    let instance = supervisor::start(stage.spec(WINDOW), None);
    let report = until(&instance, InstanceState::Failed).await;
    let message = report.status.message.unwrap();
    assert!(
        message.contains("Xvfb is not installed") && message.contains("apt-get install xvfb"),
        "{message}"
    );
    assert_eq!(report.status.attempt, 1);
}
