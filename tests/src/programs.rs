//! Where the programs under test are: beside the test's own, one folder up from `deps/`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use protocol::admin::{AdminCommand, AdminReply};

use crate::TestNode;

pub fn find(name: &str) -> Result<PathBuf> {
    let here = env::current_exe().context("finding the test's own program")?;
    let folder = here.ancestors().nth(2).context("a test lies two folders deep")?;
    let program = folder.join(name);
    ensure!(program.is_file(), "{} is not built: run `cargo build --workspace`", program.display());
    Ok(program)
}

/// A program that takes a place and nothing else, as a build of the node; every machine calls it the same.
pub async fn sleeper(node: &TestNode) -> Result<String> {
    let run = ["sleep", "600"].map(str::to_owned).to_vec();
    let add =
        AdminCommand::AddProgram { name: "Sleeper".into(), run, working_dir: None, env: Default::default() };
    match node.admin()?.command(&add).await? {
        AdminReply::BuildAdded { build } => Ok(build.id),
        other => bail!("{other:?}"),
    }
}

/// An install as OpenSpace makes it: the demo renderer's, without the mark that says so.
pub fn openspace_folder(dir: &Path) -> Result<PathBuf> {
    let installed = Command::new(find("openspace-webrtc-demo")?).arg("--install").arg(dir).status()?;
    ensure!(installed.success(), "the demo could not be installed: {installed}");
    fs::remove_file(dir.join("DEMO.md"))?;
    Ok(dir.to_owned())
}
