//! The node's admin API on loopback: the same for a node in this program and for one that runs beside it.

use anyhow::{Context, Result, bail};
use futures_util::{Stream, StreamExt, stream};
use model::{InstanceId, Role, Secret};
use protocol::{
    admin::{AdminCommand, AdminReply, NodeSnapshot},
    api::{InviteCreated, InviteRequest, Problem},
};
use serde::{Serialize, de::DeserializeOwned};

#[derive(Clone, Debug)]
pub struct Link {
    pub base_url: String,
    pub token: Secret,
    client: reqwest::Client,
}

impl Link {
    pub fn new(http_port: u16, token: Secret) -> Self {
        Self { base_url: format!("http://127.0.0.1:{http_port}"), token, client: reqwest::Client::new() }
    }

    pub async fn snapshot(&self) -> Result<NodeSnapshot> {
        let response = self.get("snapshot").await?;
        response.json().await.context("the node's snapshot is not understood")
    }

    /// Snapshots as they come, until the connection breaks.
    pub async fn snapshots(&self) -> Result<impl Stream<Item = NodeSnapshot> + Send + use<>> {
        let chunks = self.get("events").await?.bytes_stream();
        let lines = chunks.scan(Vec::new(), |rest: &mut Vec<u8>, chunk| {
            let Ok(chunk) = chunk else { return std::future::ready(None) };
            rest.extend_from_slice(&chunk);
            let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let lines: Vec<u8> = rest.drain(..whole).collect();
            let lines: Vec<String> = String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect();
            std::future::ready(Some(stream::iter(lines)))
        });
        Ok(lines.flatten().filter_map(|line: String| std::future::ready(parse(&line))).boxed())
    }

    pub async fn command(&self, command: &AdminCommand) -> Result<AdminReply> {
        self.post("admin/commands", command).await
    }

    /// A link for the administrator's browser: it has no token of its own.
    pub async fn invite(&self, instance: InstanceId) -> Result<InviteCreated> {
        let request = InviteRequest { role: Role::Owner, ttl_s: None };
        self.post(&format!("instances/{instance}/invites"), &request).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.client.post(format!("{}/api/v1/{path}", self.base_url)).json(body);
        let response =
            request.bearer_auth(self.token.reveal()).send().await.context("the node does not answer")?;
        if response.status().is_success() {
            return response.json().await.context("the node's answer is not understood");
        }
        let problem: Problem = response.json().await.context("the node refused without a reason")?;
        bail!(problem.detail)
    }

    async fn get(&self, what: &str) -> Result<reqwest::Response> {
        let request = self.client.get(format!("{}/api/v1/admin/{what}", self.base_url));
        let response =
            request.bearer_auth(self.token.reveal()).send().await.context("the node does not answer")?;
        response.error_for_status().context("the node refuses this program")
    }
}

/// One line of an event stream: a snapshot is the JSON after `data:`.
fn parse(line: &str) -> Option<NodeSnapshot> {
    serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()
}
