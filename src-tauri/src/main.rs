//! The desktop shell: a window and a tray around this machine's node, and nothing else.

mod commands;
mod environment;
mod link;
mod shell;
mod tray;
mod window;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use node::cli::{self, Cli, Command, Flags};
use tauri::{RunEvent, WindowEvent};
use tracing::error;

use crate::shell::Shell;

fn main() -> ExitCode {
    environment::prepare();
    // Wrong usage ends here, with 2.
    let cli = Cli::parse();
    let result = match cli.command {
        None | Some(Command::Run) => run(cli.flags),
        Some(command) => perform(command, &cli.flags),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openspace-webrtc: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command, flags: &Flags) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    runtime.block_on(cli::perform(command, flags))
}

fn run(flags: Flags) -> Result<()> {
    let config = flags.load()?;
    cli::log(&config)?;
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    tauri::async_runtime::set(runtime.handle().clone());
    // A node that cannot start is shown in the window: that is where an administrator looks.
    let shell = runtime.block_on(Shell::open(config, &flags));
    if let Shell::Broken(why) = &shell {
        error!("{why}");
    }
    let hosts = matches!(shell, Shell::Hosting(_));
    let app = tauri::Builder::default()
        .manage(commands::Desk::new(&shell))
        .invoke_handler(tauri::generate_handler![commands::connection, commands::open_url, commands::quit])
        .setup(move |app| {
            window::open(app.handle())?;
            if hosts && let Err(error) = tray::open(app.handle()) {
                // Closing the window then hides it; starting the program again opens another.
                error!(%error, "there is no tray");
            }
            shell::quit_on_signals(app.handle().clone());
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("opening the desktop")?;
    let code = app.run_return(move |handle, event| match event {
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } if hosts => {
            api.prevent_close();
            window::hide(handle);
        }
        _ => {}
    });
    runtime.block_on(shell.close());
    if code == 0 { Ok(()) } else { anyhow::bail!("the desktop ended with {code}") }
}
