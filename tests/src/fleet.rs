//! Several real nodes that meet in one Postgres and trust each other.

use anyhow::{Result, bail};
use model::ServerId;
use protocol::admin::{AdminCommand, AdminReply, NodeSnapshot, RegistryState};

use crate::{Postgres, TestNode};

#[derive(Debug)]
pub struct TestFleet {
    pub nodes: Vec<TestNode>,
    pub ids: Vec<ServerId>,
    pub postgres: Postgres,
}

impl TestFleet {
    /// The first founds it, the others join; each knows all.
    pub async fn start(names: &[&str], sets: &[&str]) -> Result<Self> {
        Self::start_with(names, sets, &[]).await
    }

    pub async fn start_with(names: &[&str], sets: &[&str], env: &[(&str, &str)]) -> Result<Self> {
        let postgres = Postgres::start()?;
        let mut nodes = Vec::new();
        for name in names {
            nodes.push(Self::node(&postgres, name, sets, env).await?);
        }
        let founder = nodes[0].admin()?;
        let reached = |s: &NodeSnapshot| (s.registry.state == RegistryState::NotSetUp).then_some(());
        founder.until_snapshot("the registry", reached).await?;
        founder.command(&AdminCommand::SetUpRegistry).await?;
        let mut fleet = Self { nodes, ids: Vec::new(), postgres };
        for at in 1..names.len() {
            fleet.join(at).await?;
        }
        for node in &fleet.nodes {
            let admin = node.admin()?;
            admin.until_machines(names.len()).await?;
            fleet.ids.push(admin.snapshot().await?.node.server_id);
        }
        Ok(fleet)
    }

    pub async fn node(
        postgres: &Postgres,
        name: &str,
        sets: &[&str],
        env: &[(&str, &str)],
    ) -> Result<TestNode> {
        let (name, url) = (format!("server.name={name}"), postgres.url("openspace"));
        let mut all = vec!["relay.port=0", "relay.bind=127.0.0.1", "registry.address=127.0.0.1", &name];
        all.extend(sets);
        let mut with_url = vec![("OPENSPACE_WEBRTC_REGISTRY_URL", url.as_str())];
        with_url.extend(env);
        TestNode::start_with(&all, &with_url).await
    }

    async fn join(&self, at: usize) -> Result<()> {
        let code = match self.nodes[0].admin()?.command(&AdminCommand::CreateJoinCode).await? {
            AdminReply::JoinCode { code } => code,
            other => bail!("{other:?}"),
        };
        self.nodes[at].admin()?.command(&AdminCommand::JoinFleet { code }).await.map(drop)
    }
}
