//! The project's own chores, one file per verb: `cargo run -p xtask -- tidy`.

mod bindings;
mod tidy;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Checks the house rules: who imports whom, which room knows which library, what pure files contain.
    Tidy,
    /// Writes the TypeScript of the wire types; with --check only compares.
    Bindings {
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match perform() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform() -> Result<()> {
    let root = root()?;
    match Cli::parse().verb {
        Verb::Tidy => tidy::run(&root),
        Verb::Bindings { check } => bindings::run(&root, check),
    }
}

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.ancestors().nth(2).context("xtask lies two folders below the root")?.to_owned())
}
