//! The builds as a terminal shows them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use protocol::admin::{AdminBuild, AdminCommand, FetchStep, FetchView, SourceStep};
use serde_json::Value;

use super::door::{Client, Door};

/// One object a build: what viewers read of it (`id`, `name`, `kind`, …), and beside it what administrators do.
pub fn as_json(builds: &[AdminBuild]) -> Result<Vec<Value>> {
    let flat = |build: &AdminBuild| {
        let mut all = serde_json::to_value(build)?;
        if let Some(fields) = all.as_object_mut()
            && let Some(Value::Object(view)) = fields.remove("build")
        {
            fields.extend(view);
        }
        Ok(all)
    };
    builds.iter().map(flat).collect()
}

pub fn print(one: &AdminBuild) {
    let build = &one.build;
    let mark = if build.default { "*" } else { " " };
    println!("{mark} {:<24} {:<10} {:<24} {}", build.id, build.kind, build.name, one.location);
    for problem in one.problems.iter().chain(&one.last_failure) {
        println!("    ✗ {problem}");
    }
    for note in &one.notes {
        println!("    · {note}");
    }
}

/// How often the running node is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Has the node build it, and says how far it is until it is done. Its id.
pub async fn from_source(door: &Door, dir: &Path, options: BTreeMap<String, String>) -> Result<String> {
    let client = running(door, "a build from source")?;
    client.command(AdminCommand::BuildFromSource { dir: dir.display().to_string(), options }).await?;
    let mut told = String::new();
    loop {
        let view = client.snapshot().await?.source_build.context("the node has forgotten the build")?;
        match view.step {
            SourceStep::Done => return view.build.context("the node has not said what it is registered as"),
            SourceStep::Failed | SourceStep::Cancelled => bail!(view.message.unwrap_or_default()),
            step => {
                let share =
                    view.progress.map_or_else(String::new, |share| format!(" {:.0} %", share * 100.0));
                let now = format!("{step:?}{share}");
                if now != told {
                    println!("{now}");
                    told = now;
                }
            }
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Has the node download the data of a scene, and says how far it is until it is done. How it ended, in a sentence.
pub async fn fetch(door: &Door, build: String, profile: Option<String>) -> Result<String> {
    let client = running(door, "downloading")?;
    let before = client.snapshot().await?.fetches;
    client.command(AdminCommand::FetchData { build: build.clone(), profile: profile.clone() }).await?;
    let is_it = |view: &&FetchView| {
        view.build == build
            && profile.as_ref().is_none_or(|profile| view.profile == *profile)
            && !before.contains(view)
    };
    let mut told = String::new();
    loop {
        let views = client.snapshot().await?.fetches;
        let view = views.iter().rfind(is_it).context("the node has forgotten it")?;
        let message = view.message.clone().unwrap_or_default();
        match view.step {
            FetchStep::Done => return Ok(message),
            FetchStep::Failed | FetchStep::Cancelled => bail!(message),
            _ if message != told => {
                println!("{message}");
                told = message;
            }
            _ => {}
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

pub async fn cancel_fetch(door: &Door, build: String, profile: Option<String>) -> Result<()> {
    running(door, "downloading")?.command(AdminCommand::CancelFetch { build, profile }).await.map(drop)
}

fn running<'a>(door: &'a Door, what: &str) -> Result<&'a Client> {
    match door {
        Door::Node(client) => Ok(client),
        Door::Journal(_) => bail!("no node runs on this data folder, and {what} is its work: start it first"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use protocol::api::BuildView;

    use super::*;

    #[test]
    fn the_fields_of_a_build_stand_side_by_side() {
        let view = BuildView {
            id: "os".into(),
            name: "OpenSpace".into(),
            kind: "openspace".into(),
            version: None,
            demo: false,
            default: true,
        };
        let one = AdminBuild {
            build: view,
            location: "/opt/os".into(),
            api: None,
            commit: None,
            confirmed: None,
            changed: None,
            profiles: Vec::new(),
            problems: vec!["It is gone.".into()],
            notes: Vec::new(),
            last_failure: None,
        };
        let json = as_json(&[one]).unwrap().remove(0);
        assert_eq!((&json["id"], &json["default"]), (&"os".into(), &true.into()));
        assert_eq!((&json["location"], &json["problems"][0]), (&"/opt/os".into(), &"It is gone.".into()));
        assert!(json.get("build").is_none());
    }
}
