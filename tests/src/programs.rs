//! Where the programs under test are: beside the test's own, one folder up from `deps/`.

use std::{env, path::PathBuf};

use anyhow::{Context, Result, ensure};

pub fn find(name: &str) -> Result<PathBuf> {
    let here = env::current_exe().context("finding the test's own program")?;
    let folder = here.ancestors().nth(2).context("a test lies two folders deep")?;
    let program = folder.join(name);
    ensure!(program.is_file(), "{} is not built: run `cargo build --workspace`", program.display());
    Ok(program)
}
