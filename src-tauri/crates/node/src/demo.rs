//! The demo renderer as a build like any other: its folder is written at each start and registered, so that the product works with
//! no OpenSpace installed.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::builds::Builds;

const PROGRAM: &str = if cfg!(windows) { "openspace-webrtc-demo.exe" } else { "openspace-webrtc-demo" };

/// Writes the demo's build folder below `data_dir` and registers it.
pub async fn install(builds: &Builds, data_dir: &Path) -> Result<()> {
    let program = find()?;
    let dir = data_dir.join("demo");
    let done = Command::new(&program)
        .arg("--install")
        .arg(&dir)
        .output()
        .await
        .with_context(|| format!("starting {}", program.display()))?;
    if !done.status.success() {
        bail!(
            "{} could not write its folder: {}",
            program.display(),
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    builds
        .add_openspace(&dir, Default::default(), Vec::new())
        .await
        .context("registering the demo renderer")?;
    Ok(())
}

/// Beside the program that runs, or one folder up: a test's program lies in `deps/`.
fn find() -> Result<PathBuf> {
    let here = env::current_exe().context("finding out where this program lies")?;
    let folders = here.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(PROGRAM)).find(|file| file.is_file());
    found.with_context(|| format!("{PROGRAM} is missing beside {}: install it again", here.display()))
}
