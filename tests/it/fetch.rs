//! The data of a scene is downloaded before anybody asks.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use e2e::{Api, Mood, Repository, TestNode, programs};
use model::InstanceState;
use protocol::admin::{AdminCommand, AdminReply, FetchStep, FetchView, NodeSnapshot};

const SETS: [&str; 2] = ["instances.slots=1", "standby.memory_mb=1"];

async fn node(repository: &Repository, sets: &[&str]) -> Result<TestNode> {
    let sets: Vec<_> = SETS.iter().chain(sets).copied().collect();
    let env = [("OPENSPACE_DEMO_REPOSITORY", repository.url())];
    TestNode::start_with(&sets, &env.each_ref().map(|(name, url)| (*name, url.as_str()))).await
}

fn fetch(profile: &str) -> AdminCommand {
    AdminCommand::FetchData { build: "demo".to_owned(), profile: Some(profile.to_owned()) }
}

fn cancel(profile: &str) -> AdminCommand {
    AdminCommand::CancelFetch { build: "demo".to_owned(), profile: Some(profile.to_owned()) }
}

async fn until(admin: &Api, what: &str, profile: &str, is: impl Fn(&FetchView) -> bool) -> Result<FetchView> {
    admin
        .until_snapshot(what, |snapshot| {
            snapshot.fetches.iter().find(|one| one.profile == profile && is(one)).cloned()
        })
        .await
}

async fn until_step(admin: &Api, profile: &str, step: FetchStep) -> Result<FetchView> {
    until(admin, &format!("{step:?}"), profile, |one| one.step == step).await
}

/// The files of the `sync` folder, without their folders; a mark is a file.
fn files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(self::files(&path)),
            path => files.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scene_is_downloaded_for_nobody_and_whoever_launches_it_then_waits_for_nothing() -> Result<()> {
    let repository = Repository::start(Mood::HoldsBack).await?;
    let node = node(&repository, &[]).await?;
    let (ann, admin) = (node.browser().await?, node.admin()?);
    admin.command(&fetch("default")).await?;
    let again = admin.command(&fetch("default")).await.err().context("it is under way")?;
    ensure!(again.to_string().contains("fetched already"), "{again}");

    let runs =
        until(&admin, "its files", "default", |one| one.files_begun > 0 && one.files_done == 0).await?;
    ensure!(
        runs.message.as_deref().is_some_and(|said| said.contains("downloading its data: 0 of")),
        "{runs:?}"
    );
    // It is nobody's: it takes no place, and only an administrator sees it.
    let snapshot = admin.snapshot().await?;
    ensure!((snapshot.node.slots_free, snapshot.instances.len()) == (1, 1), "{:?}", snapshot.node);
    let row = &snapshot.instances[0].instance;
    ensure!(row.fetches && !row.standby && Some(row.instance_id) == runs.instance_id, "{row:?}");
    ensure!(ann.instances().await?.is_empty());

    repository.becomes(Mood::Gives);
    let done = until_step(&admin, "default", FetchStep::Done).await?;
    let said = done.message.context("how it ended")?;
    ensure!(
        said.starts_with("All its data is here; ") && said.ends_with(" files were downloaded."),
        "{said}"
    );
    admin.until_gone(row.instance_id).await?;
    let here = files(&node.data_dir().join("sync"));
    let given = repository.given();
    ensure!(here.iter().filter(|file| file.ends_with(".bin")).count() == given.len(), "{here:?}, {given:?}");
    ensure!(here.iter().any(|file| file.ends_with(".ossync")) && !here.iter().any(|f| f.ends_with(".tmp")));

    // The repository is away, and nobody notices.
    repository.becomes(Mood::Away);
    let id = ann.launch_build("demo").await?;
    let ready = ann.until(id, InstanceState::Ready).await?;
    ensure!(!ready.fetches && repository.given() == given);
    let nothing = admin.command(&cancel("default")).await.err().context("it is over")?;
    ensure!(nothing.to_string().contains("not being fetched"), "{nothing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_downloaded_is_said_and_only_the_rest_is_fetched_the_next_time() -> Result<()> {
    let repository = Repository::start(Mood::LacksSome).await?;
    let node = node(&repository, &[]).await?;
    let admin = node.admin()?;
    admin.command(&fetch("default")).await?;
    let failed = until_step(&admin, "default", FetchStep::Failed).await?.message.context("why")?;
    for words in ["of its data could not be downloaded (", "-b.bin", "Look at the network of this machine."] {
        ensure!(failed.contains(words), "{words}: {failed}");
    }
    let first = repository.given().len();

    repository.becomes(Mood::Away);
    admin.command(&fetch("default")).await?;
    let failed = until_step(&admin, "default", FetchStep::Failed).await?;
    ensure!(failed.message.is_some_and(|said| said.contains("could not be downloaded")));
    ensure!(repository.given().len() == first, "nothing came");

    repository.becomes(Mood::Gives);
    admin.command(&fetch("default")).await?;
    let done = until_step(&admin, "default", FetchStep::Done).await?;
    ensure!(done.message.is_some_and(|said| said.contains("All its data is here")));
    ensure!(repository.given().len() == 2 * first, "{:?}", repository.given());
    ensure!(repository.given_again().is_empty(), "{:?}", repository.given_again());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_makes_way_for_people_is_gone_on_with_by_the_next_node_and_can_be_cancelled() -> Result<()> {
    let repository = Repository::start(Mood::HoldsBack).await?;
    let mut node = node(&repository, &["instances.on_exit=leave"]).await?;
    let (ann, admin) = (node.browser().await?, node.admin()?);
    for profile in ["default", "nightsky"] {
        admin.command(&fetch(profile)).await?;
    }
    until(&admin, "its files", "default", |one| one.files_begun > 0).await?;

    // One place, and somebody wants it, for something else.
    let taken = ann.launch_build(&programs::sleeper(&node).await?).await?;
    let waits = until(&admin, "its place again", "default", |one| {
        one.message.as_deref().is_some_and(|said| said.contains("until a place on this machine is free"))
    });
    ensure!(waits.await?.step == FetchStep::Waiting);
    let one = |all: &NodeSnapshot| (all.instances.len() == 1).then_some(());
    admin.until_snapshot("that only what people launched runs", one).await?;
    ann.stop(taken).await?;
    let before = until(&admin, "its files", "default", |one| one.files_begun > 0).await?;

    // What ran is taken over, and what waited still waits.
    node.kill()?;
    node.up().await?;
    let admin = node.admin()?;
    let after = until(&admin, "it again", "default", |one| one.step == FetchStep::Fetching).await?;
    ensure!(after.instance_id == before.instance_id, "{after:?}");
    until_step(&admin, "nightsky", FetchStep::Waiting).await?;

    admin.command(&cancel("default")).await?;
    let cancelled = until_step(&admin, "default", FetchStep::Cancelled).await?;
    ensure!(cancelled.message.is_some_and(|said| said.contains("what has come by then stays")));
    until(&admin, "the next", "nightsky", |one| one.step == FetchStep::Fetching).await?;
    repository.becomes(Mood::Gives);
    until_step(&admin, "nightsky", FetchStep::Done).await?;
    let none = |all: &NodeSnapshot| all.instances.is_empty().then_some(());
    admin.until_snapshot("that nothing runs", none).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_added_is_fetched_by_itself_where_that_is_wanted_once_and_by_command_again()
-> Result<()> {
    let repository = Repository::start(Mood::Gives).await?;
    let mut node = node(&repository, &["builds.fetch_when_added=true"]).await?;
    let admin = node.admin()?;
    let dir = programs::openspace_folder(&node.data_dir().join("Öppna rymden"))?;
    let add = AdminCommand::AddBuild {
        dir: dir.to_string_lossy().into_owned(),
        env: Default::default(),
        args: Vec::new(),
    };
    let AdminReply::BuildAdded { build } = admin.command(&add).await? else {
        anyhow::bail!("it was not added")
    };
    let done = until_step(&admin, "default", FetchStep::Done).await?;
    ensure!(done.build == build.id, "{done:?}");
    let given = repository.given();
    ensure!(!given.is_empty());

    node.stop().await?;
    node.up().await?;
    ensure!(node.admin()?.snapshot().await?.fetches.is_empty(), "once");
    let run = |args: &[&str]| {
        let program = programs::find("openspace-webrtc-node")?;
        let command = [&["build", "fetch"], args].concat();
        Ok::<_, anyhow::Error>(
            Command::new(program).arg("--data-dir").arg(node.data_dir()).args(command).output()?,
        )
    };
    let fetched = run(&[&build.id, "--profile", "nightsky"])?;
    let said = String::from_utf8_lossy(&fetched.stdout);
    ensure!(fetched.status.success() && said.contains("All its data is here"), "{fetched:?}");
    for (args, why) in [
        (vec!["no-such-build"], "no-such-build"),
        (vec![build.id.as_str(), "--profile", "no/../such"], "no/../such"),
        (vec![build.id.as_str(), "--cancel"], "not being fetched"),
    ] {
        let refused = run(&args)?;
        let said = String::from_utf8_lossy(&refused.stderr);
        ensure!(refused.status.code() == Some(1) && said.contains(why), "{args:?}: {said}");
    }
    Ok(())
}
