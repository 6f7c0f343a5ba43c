//! The headless program: one machine's service without a window.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use node::{
    Node, Options,
    cli::{self, Cli, Command, Flags},
};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    // Wrong usage ends here, with 2.
    let cli = Cli::parse();
    let result = match cli.command {
        None | Some(Command::Run) => run(&cli.flags).await,
        Some(command) => cli::perform(command, &cli.flags).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openspace-webrtc-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<()> {
    let config = flags.load()?;
    cli::log(&config)?;
    let node =
        Node::open(Options { config, data_dir: flags.data_dir()?, allowed_origins: Vec::new() }).await?;
    println!("OpenSpace WebRTC is ready. Open one of these:");
    for url in node.home_urls() {
        println!("  {url}");
    }
    until_told_to_end().await?;
    node.close().await;
    Ok(())
}

async fn until_told_to_end() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
