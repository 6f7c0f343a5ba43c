//! The way of a command to the data folder: straight into the journal, or, while a node has it open, through that node's own API on
//! loopback.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use model::{InstanceId, Role, Secret};
use protocol::{
    admin::{AdminBuild, AdminCommand, AdminInstance, AdminReply, NodeSnapshot},
    api::{InviteCreated, InviteRequest, Problem},
};
use registry::{Address, ServerRow};
use serde::{Serialize, de::DeserializeOwned};
use store::{OpenError, Store};

use crate::{
    assemble,
    builds::Builds,
    clock,
    cloud::Here,
    config::Config,
    life::Drain,
    local,
    membership::{Site, describe},
    views,
};

#[derive(Debug)]
pub enum Door {
    Journal(Store),
    Node(Client),
}

impl Door {
    pub fn open(data_dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("the data folder {} cannot be made", data_dir.display()))?;
        match Store::open(&data_dir.join("node.sqlite")) {
            Ok(store) => Ok(Self::Journal(store)),
            Err(OpenError::InUse { path }) => {
                let (ports, token) = local::running(data_dir).with_context(|| {
                    format!("{} is in use by a program that is still starting: try again", path.display())
                })?;
                Ok(Self::Node(Client { base: format!("http://127.0.0.1:{}/api/v1", ports.http), token }))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub async fn builds(&self) -> Result<Vec<AdminBuild>> {
        match self {
            Self::Journal(store) => Ok(Builds::open(store.clone()).await?.catalog().admin_views()),
            Self::Node(client) => Ok(client.snapshot().await?.builds),
        }
    }

    pub async fn add_openspace(
        &self,
        dir: &Path,
        env: BTreeMap<String, String>,
        args: Vec<String>,
    ) -> Result<String> {
        match self {
            Self::Journal(store) => {
                Ok(Builds::open(store.clone()).await?.add_openspace(dir, env, args).await?.id.to_string())
            }
            Self::Node(client) => {
                client.add(AdminCommand::AddBuild { dir: dir.display().to_string(), env, args }).await
            }
        }
    }

    pub async fn add_program(
        &self,
        name: &str,
        run: Vec<String>,
        working_dir: Option<PathBuf>,
        env: BTreeMap<String, String>,
    ) -> Result<String> {
        match self {
            Self::Journal(store) => Ok(Builds::open(store.clone())
                .await?
                .add_program(name, run, working_dir, env)
                .await?
                .id
                .to_string()),
            Self::Node(client) => {
                let working_dir = working_dir.map(|dir| dir.display().to_string());
                client.add(AdminCommand::AddProgram { name: name.to_owned(), run, working_dir, env }).await
            }
        }
    }

    pub async fn remove_build(&self, id: &str) -> Result<()> {
        match self {
            Self::Journal(store) => {
                let known = match id.parse() {
                    Ok(id) => Builds::open(store.clone()).await?.remove(&id).await?,
                    Err(_) => false,
                };
                if known { Ok(()) } else { bail!("there is no build `{id}`") }
            }
            Self::Node(client) => {
                client.command(AdminCommand::RemoveBuild { id: id.to_owned() }).await.map(drop)
            }
        }
    }

    pub async fn create_token(&self) -> Result<String> {
        match self {
            Self::Journal(store) => {
                let token = clock::new_secret();
                store.add_admin_token(token.hash(), clock::now()).await?;
                Ok(token.reveal().to_owned())
            }
            Self::Node(client) => match client.command(AdminCommand::CreateToken).await? {
                AdminReply::TokenCreated { token } => Ok(token),
                other => Err(anyhow!("the node answered something else: {other:?}")),
            },
        }
    }

    /// How many instances still run.
    pub async fn drain(&self, within_s: Option<u32>) -> Result<usize> {
        match self {
            Self::Journal(store) => {
                Drain::open(store.clone()).await?.begin(within_s).await?;
                let records = store.instances().await?;
                Ok(records.iter().filter(|record| record.state.is_live()).count())
            }
            Self::Node(client) => {
                client.command(AdminCommand::Drain { within_s }).await?;
                let instances = client.snapshot().await?.instances;
                let runs = |one: &&AdminInstance| one.instance.state.is_live() && !one.instance.standby;
                Ok(instances.iter().filter(runs).count())
            }
        }
    }

    pub async fn undrain(&self) -> Result<()> {
        match self {
            Self::Journal(store) => Ok(Drain::open(store.clone()).await?.end().await?),
            Self::Node(client) => client.command(AdminCommand::Undrain).await.map(drop),
        }
    }

    /// This machine as it stands in the registry.
    pub async fn own_row(&self, config: &Config, data_dir: &Path, address: &Address) -> Result<ServerRow> {
        let (server, ports) = match self {
            Self::Journal(store) => (assemble::server_id(store).await?, None),
            Self::Node(client) => {
                let node = client.get::<NodeSnapshot>("/admin/snapshot").await?.node;
                (node.server_id, Some(node.ports))
            }
        };
        let site = Site::find(config, server, config.server.name(), data_dir, assemble::slots(config));
        let site = ports.map_or(site.clone(), |ports| site.behind(ports));
        let telemetry = assemble::telemetry_config(config, data_dir);
        let (host, gpus) = (telemetry::host(&telemetry), telemetry::gpus(&telemetry));
        let mut here = Here::open(config);
        here.known().await;
        Ok(describe(&site, &here, address, ports.and_then(|ports| ports.relay), &host, &gpus))
    }

    pub async fn invite(&self, instance: InstanceId, role: Role) -> Result<String> {
        match self {
            Self::Journal(_) => bail!("no node runs here, so {} does not either", views::url(instance)),
            Self::Node(client) => {
                let request = InviteRequest { role, ttl_s: None };
                let made: InviteCreated =
                    client.post(&format!("/instances/{instance}/invites"), &request).await?;
                Ok(format!("{}{}", client.base.trim_end_matches("/api/v1"), made.url))
            }
        }
    }
}

/// A node that runs on this machine, by its API.
#[derive(Debug)]
pub struct Client {
    base: String,
    token: Secret,
}

impl Client {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.answer(reqwest::Client::new().get(format!("{}{path}", self.base))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.answer(reqwest::Client::new().post(format!("{}{path}", self.base)).json(body)).await
    }

    pub async fn snapshot(&self) -> Result<NodeSnapshot> {
        self.get("/admin/snapshot").await
    }

    pub async fn command(&self, command: AdminCommand) -> Result<AdminReply> {
        self.post("/admin/commands", &command).await
    }

    async fn add(&self, command: AdminCommand) -> Result<String> {
        match self.command(command).await? {
            AdminReply::BuildAdded { build } => Ok(build.id),
            other => Err(anyhow!("the node answered something else: {other:?}")),
        }
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let request = request.bearer_auth(self.token.reveal());
        let response = request.send().await.context("the node on this machine does not answer")?;
        if response.status().is_success() {
            return response.json().await.context("the node answered something that is not understood");
        }
        let problem: Problem = response.json().await.context("the node refused without a reason")?;
        Err(anyhow!(problem.detail))
    }
}
