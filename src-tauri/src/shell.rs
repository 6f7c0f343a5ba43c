//! Hosts the node inside this program, or attaches to the one that already runs on this machine: never two owners of one data folder.

use anyhow::{Context, Result};
use node::{Config, Node, Options, cli::Flags, local};
use tauri::AppHandle;

use crate::link::Link;

/// Where the window's page comes from, in the words of its own requests: Linux and macOS, then Windows.
const PAGE_ORIGINS: [&str; 2] = ["tauri://localhost", "http://tauri.localhost"];

#[derive(Debug)]
pub enum Shell {
    Hosting(Box<Node>),
    Attached {
        link: Link,
        home_urls: Vec<String>,
    },
    /// A sentence for the window.
    Broken(String),
}

impl Shell {
    pub async fn open(config: Config, flags: &Flags) -> Self {
        match Box::pin(Self::try_open(config, flags)).await {
            Ok(shell) => shell,
            Err(error) => Self::Broken(format!("{error:#}")),
        }
    }

    async fn try_open(config: Config, flags: &Flags) -> Result<Self> {
        let data_dir = flags.data_dir()?;
        if let Some((ports, token)) = local::running(&data_dir) {
            let link = Link::new(ports.http, token);
            if let Ok(snapshot) = link.snapshot().await {
                return Ok(Self::Attached { link, home_urls: snapshot.node.home_urls });
            }
        }
        let allowed_origins = PAGE_ORIGINS.map(str::to_owned).to_vec();
        let node = Node::open(Options { config, data_dir, allowed_origins })
            .await
            .context("the node cannot start")?;
        Ok(Self::Hosting(Box::new(node)))
    }

    /// How the panel and the tray reach the node.
    pub fn link(&self) -> Result<Link, String> {
        match self {
            Self::Hosting(node) => Ok(Link::new(node.ports().http, node.token().clone())),
            Self::Attached { link, .. } => Ok(link.clone()),
            Self::Broken(why) => Err(why.clone()),
        }
    }

    /// Where viewers open the home page.
    pub fn home_urls(&self) -> &[String] {
        match self {
            Self::Hosting(node) => node.home_urls(),
            Self::Attached { home_urls, .. } => home_urls,
            Self::Broken(_) => &[],
        }
    }

    pub async fn close(self) {
        if let Self::Hosting(node) = self {
            node.close().await;
        }
    }
}

/// SIGTERM and SIGINT end the program as its menu does: instances are treated by their policy.
pub fn quit_on_signals(app: AppHandle) {
    #[cfg(unix)]
    tauri::async_runtime::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        app.exit(0);
    });
}
