//! A machine whose clock is an hour off: the registry's clock judges, and people are told.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use e2e::{Postgres, TestFleet};
use protocol::admin::{AdminCommand, AdminReply, NodeSnapshot, RegistryState};

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
        let amount = ["3599 s", "3600 s", "3601 s"].iter().any(|amount| told.contains(amount));
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
