//! A machine whose clock is an hour off: the registry's clock judges, and people are told.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{Postgres, TestFleet, node};
use protocol::admin::{AdminCommand, AdminReply, NodeSnapshot, RegistryState};
use serde_json::Value;

/// Debian's folders are named by the processor.
fn faketime() -> Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")?.flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    found.find(|file| file.is_file()).context("there is no libfaketime: install faketime")
}

#[tokio::test]
async fn a_machine_whose_clock_is_an_hour_off_takes_part_and_says_so() -> Result<()> {
    let postgres = Postgres::start()?;
    let library = faketime()?.display().to_string();
    let sets = ["instances.slots=1"];
    let right = TestFleet::node(&postgres, "Dome", &sets, &[]).await?;
    let not_set_up = |s: &NodeSnapshot| (s.registry.state == RegistryState::NotSetUp).then_some(());
    right.admin()?.until_snapshot("the registry", not_set_up).await?;
    right.admin()?.command(&AdminCommand::SetUpRegistry).await?;
    for (offset, way) in [("+3600", "ahead of"), ("-3600", "behind")] {
        let env =
            [("LD_PRELOAD", library.as_str()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let wrong = TestFleet::node(&postgres, "Foyer", &sets, &env).await?;
        let admin = wrong.admin()?;
        let told = admin
            .until_snapshot("that its clock is wrong", |s| {
                s.registry.message.clone().filter(|message| message.contains("clock is"))
            })
            .await?;
        // An answer of the registry may be on its way for seconds on a busy machine.
        let amounts = told.split_whitespace().filter_map(|word| word.parse::<i64>().ok());
        let amount = amounts.into_iter().any(|seconds| (3590..=3610).contains(&seconds));
        assert!(amount && told.contains(way) && told.contains("set the clock"), "{told}");

        // It takes part as any other: alive in the eyes of the other, and what it runs has its slot.
        let run = ["sleep", "600"].map(str::to_owned).to_vec();
        let add = AdminCommand::AddProgram {
            name: "Sleeper".into(),
            run,
            working_dir: None,
            env: Default::default(),
        };
        let AdminReply::BuildAdded { build } = admin.command(&add).await? else { bail!("not added") };
        wrong.browser().await?.launch_build(&build.id).await?;
        let both = |s: &NodeSnapshot| (s.registry.machines_alive == 2).then_some(());
        right.admin()?.until_snapshot("both machines", both).await?;
        while postgres.sql("openspace", "SELECT count(*) FROM slots WHERE expires = 'infinity'")? != "1" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // It is stopped without a word, and is found out by the registry's clock.
        let mut wrong = wrong;
        wrong.kill()?;
        let one = |s: &NodeSnapshot| (s.registry.machines_alive == 1).then_some(());
        right.admin()?.until_snapshot("that one is lost", one).await?;
        postgres.sql(
            "openspace",
            "DELETE FROM servers WHERE server_id IN (SELECT server_id FROM machines WHERE name = 'Foyer')",
        )?;
    }
    Ok(())
}

/// What `doctor` finds, by what it looks at.
fn doctor(folder: &Path, env: &[(&str, &str)]) -> Result<Vec<(String, String, String)>> {
    let env: Vec<_> = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let output = node::command(folder, &env)?.args(["doctor", "--json"]).output()?;
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    Ok(found.iter().map(|one| (word(one, "what"), word(one, "verdict"), word(one, "says"))).collect())
}

#[test]
fn doctor_says_how_the_registry_stands_and_how_far_the_clock_is_from_its() -> Result<()> {
    let mut postgres = Postgres::start()?;
    let (folder, library) = (tempfile::tempdir()?, faketime()?.display().to_string());
    let url = postgres.url("openspace");
    let registry = ("OPENSPACE_WEBRTC_REGISTRY_URL", url.as_str());
    let wrong = [registry, ("LD_PRELOAD", library.as_str()), ("FAKETIME", "-3600")];
    let of = |env: &[(&str, &str)], what: &str| -> Result<(String, String)> {
        let found = doctor(folder.path(), env)?.into_iter().find(|(known, ..)| known == what);
        let (_, verdict, says) = found.with_context(|| format!("nothing is said of {what}"))?;
        ensure!(!says.contains(postgres.password()) && !says.contains("%40"), "a secret: {says}");
        Ok((verdict, says))
    };
    let (verdict, says) = of(&[registry], "Registry")?;
    ensure!(verdict == "fair" && says.contains("has not been set up yet"), "{verdict} {says}");
    let made = node::command(folder.path(), &[])?.args(["registry", "setup", "--url", &url]).output()?;
    ensure!(made.status.success(), "{made:?}");
    let (verdict, says) = of(&[registry], "Registry")?;
    ensure!(verdict == "good" && says.contains("with 1 machine in it"), "{verdict} {says}");
    ensure!(of(&[registry], "Clock")?.0 == "good");
    let (verdict, says) = of(&wrong, "Clock")?;
    ensure!(verdict == "fair" && says.contains("behind the registry's"), "{verdict} {says}");
    ensure!(says.contains("go by the registry's clock") && says.contains("set the clock"), "{says}");
    ensure!(doctor(folder.path(), &[])?.iter().all(|(what, ..)| what != "Clock"), "it stands alone");
    postgres.down()?;
    let found = doctor(folder.path(), &[registry])?;
    let said = found.iter().any(|(what, _, says)| what == "Registry" && says.contains("cannot be reached"));
    ensure!(said, "{found:?}");
    Ok(())
}
