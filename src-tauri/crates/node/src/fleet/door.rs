//! Where this machine's door for the others is, for whoever on this machine wants to know.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use model::{Secret, ServerId};
use protocol::admin::NodeView;
use relay::Standing;
use tokio::sync::watch;
use tracing::warn;

use crate::{clock, config::Config, local};

pub fn config(config: &Config, data_dir: &Path, server: ServerId) -> relay::Config {
    relay::Config {
        dir: dir(data_dir),
        listen: SocketAddr::new(config.relay.bind, config.relay.port),
        me: me(config, server),
        now: clock::now,
    }
}

/// Certificates and keys.
pub fn dir(data_dir: &Path) -> PathBuf {
    data_dir.join("fleet")
}

/// Who this machine is to the others.
pub fn me(config: &Config, server: ServerId) -> relay::Me {
    relay::Me { server, name: config.server.name(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// The door opens when this machine founds or joins a fleet, which may be long after the start.
pub async fn announce(
    mut standing: watch::Receiver<Standing>,
    node: watch::Sender<NodeView>,
    data_dir: PathBuf,
    token: Secret,
) {
    while standing.changed().await.is_ok() {
        let relay = standing.borrow_and_update().port();
        node.send_modify(|view| view.ports.relay = relay);
        let ports = node.borrow().ports;
        if let Err(error) = local::announce(&data_dir, ports, &token) {
            warn!(error = format!("{error:#}"), "programs of this machine are not told the relay's port");
        }
    }
}
