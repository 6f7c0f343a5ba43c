//! The node's API in the words of its contract, for one caller.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use model::{InstanceId, InstanceState, Secret, ServerId};
use protocol::{
    admin::{AdminCommand, AdminReply, NodeSnapshot, RegistryState, RegistryView},
    api::{
        InstanceView, InviteCreated, LaunchRequest, Launched, Problem, ServerView, SessionCreated,
        TicketStage, TicketView,
    },
    signal::{Hello, ServerMessage, ViewerMessage},
};
use reqwest::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use uuid::Uuid;

/// Ten times what a start takes on a busy machine with two cores.
const WITHIN: Duration = Duration::from_secs(90);
const REGISTRY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A player's offer, as short as it can be.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=rtpmap:102 H264/90000\r\na=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n";

#[derive(Clone, Debug)]
pub struct Api {
    http_port: u16,
    bearer: Secret,
    client: reqwest::Client,
}

impl Api {
    pub fn new(http_port: u16, bearer: Secret) -> Self {
        Self { http_port, bearer, client: reqwest::Client::new() }
    }

    pub async fn with_new_session(http_port: u16) -> Result<Self> {
        let url = format!("http://127.0.0.1:{http_port}/api/v1/sessions");
        let created: SessionCreated =
            reqwest::Client::new().post(url).send().await?.error_for_status()?.json().await?;
        Ok(Self::new(http_port, Secret::parse(&created.session_id)?))
    }

    /// As from another machine: any address of 127.0.0.0/8. What is limited is limited by address.
    pub async fn from_address(http_port: u16, address: IpAddr) -> Result<Self> {
        let client = reqwest::Client::builder().local_address(address).build()?;
        let url = format!("http://127.0.0.1:{http_port}/api/v1/sessions");
        let created: SessionCreated = client.post(url).send().await?.error_for_status()?.json().await?;
        Ok(Self { http_port, bearer: Secret::parse(&created.session_id)?, client })
    }

    pub fn bearer(&self) -> &Secret {
        &self.bearer
    }

    /// Any call: the status and the text.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<(StatusCode, String)> {
        let mut request = self.client.request(method, format!("http://127.0.0.1:{}{path}", self.http_port));
        request = request.bearer_auth(self.bearer.reveal());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await?;
        Ok((response.status(), response.text().await?))
    }

    /// As a player offers; its session's path comes back.
    pub async fn offer(&self, path: &str, sdp: &str) -> Result<String> {
        let request = self.client.post(format!("http://127.0.0.1:{}{path}", self.http_port));
        let request = request.bearer_auth(self.bearer.reveal()).header("content-type", "application/sdp");
        let response = request.body(sdp.to_owned()).send().await?;
        let status = response.status();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        match location.map(str::to_owned) {
            Some(location) if status == StatusCode::CREATED => Ok(location),
            _ => bail!("{status}: {}", response.text().await?),
        }
    }

    /// A player without media; its session's path comes back.
    pub async fn play(&self, instance: InstanceId) -> Result<String> {
        self.offer(&format!("/whep/{instance}"), OFFER).await
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T> {
        let body = body.map(serde_json::to_string).transpose()?;
        let (status, text) = self.call(method, &format!("/api/v1{path}"), body).await?;
        if !status.is_success() {
            let problem: Problem =
                serde_json::from_str(&text).with_context(|| format!("{status}: {text}"))?;
            bail!("{}", problem.detail);
        }
        serde_json::from_str(&text).with_context(|| format!("reading {text}"))
    }

    /// On this machine of the fleet.
    pub async fn launch_on(&self, build: &str, server: ServerId) -> Result<InstanceId> {
        let (build, server_id) = (Some(build.to_owned()), Some(server));
        self.launch(&LaunchRequest { build, server_id, ..LaunchRequest::default() }).await
    }

    /// The same, as soon as the machine that is asked has heard that the other one has the build.
    pub async fn launch_once_known(&self, build: &str, server: ServerId) -> Result<InstanceId> {
        let deadline = Instant::now() + WITHIN;
        loop {
            match self.launch_on(build, server).await {
                Err(error) if error.to_string().contains("has that build") && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                other => return other,
            }
        }
    }

    /// Also a place in the queue.
    pub async fn launch_or_wait(&self, build: &str) -> Result<Launched> {
        let request = LaunchRequest { build: Some(build.to_owned()), ..LaunchRequest::default() };
        self.json(Method::POST, "/instances", Some(&request)).await
    }

    pub async fn ticket(&self, id: Uuid) -> Result<TicketView> {
        self.json(Method::GET, &format!("/queue/{id}"), None::<&()>).await
    }

    pub async fn claim(&self, id: Uuid) -> Result<Launched> {
        self.json(Method::POST, &format!("/queue/{id}"), None::<&()>).await
    }

    pub async fn leave_queue(&self, id: Uuid) -> Result<()> {
        let (status, text) = self.call(Method::DELETE, &format!("/api/v1/queue/{id}"), None).await?;
        if status == StatusCode::ACCEPTED { Ok(()) } else { bail!("{status}: {text}") }
    }

    pub async fn until_turn(&self, id: Uuid) -> Result<TicketView> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let ticket = self.ticket(id).await?;
            if ticket.state == TicketStage::Held {
                return Ok(ticket);
            }
            ensure!(Instant::now() < deadline, "its turn never comes: {ticket:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Reads this caller's events until one line contains `what`.
    pub async fn until_event(&self, what: &str) -> Result<()> {
        let url = format!("http://127.0.0.1:{}/api/v1/events", self.http_port);
        let response = self.client.get(url).bearer_auth(self.bearer.reveal()).send().await?;
        let mut bytes = response.error_for_status()?.bytes_stream();
        let reading = async {
            let mut text = String::new();
            while let Some(piece) = bytes.next().await {
                text.push_str(&String::from_utf8_lossy(&piece?));
                if text.contains(what) {
                    return Ok(());
                }
            }
            bail!("the events ended: {text}")
        };
        tokio::time::timeout(WITHIN, reading).await.with_context(|| format!("waiting for {what}"))?
    }

    pub async fn launch(&self, request: &LaunchRequest) -> Result<InstanceId> {
        match self.json(Method::POST, "/instances", Some(request)).await? {
            Launched::Instance { instance_id, .. } => Ok(instance_id),
            Launched::Queued { position, .. } => bail!("queued at {position}"),
        }
    }

    pub async fn launch_build(&self, build: &str) -> Result<InstanceId> {
        self.launch(&LaunchRequest { build: Some(build.to_owned()), ..LaunchRequest::default() }).await
    }

    pub async fn instances(&self) -> Result<Vec<InstanceView>> {
        self.json(Method::GET, "/instances", None::<&()>).await
    }

    pub async fn instance(&self, id: InstanceId) -> Result<InstanceView> {
        self.json(Method::GET, &format!("/instances/{id}"), None::<&()>).await
    }

    pub async fn servers(&self) -> Result<Vec<ServerView>> {
        self.json(Method::GET, "/servers", None::<&()>).await
    }

    /// Until so many machines can be launched on from this one.
    pub async fn until_machines(&self, count: usize) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let servers = self.servers().await?;
            if servers.len() == count {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "not {count} machines: {servers:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub async fn stop(&self, id: InstanceId) -> Result<()> {
        let (status, text) = self.call(Method::DELETE, &format!("/api/v1/instances/{id}"), None).await?;
        if status == StatusCode::ACCEPTED { Ok(()) } else { bail!("{status}: {text}") }
    }

    pub async fn invite(&self, id: InstanceId, role: &str) -> Result<InviteCreated> {
        self.json(
            Method::POST,
            &format!("/instances/{id}/invites"),
            Some(&serde_json::json!({ "role": role })),
        )
        .await
    }

    pub async fn snapshot(&self) -> Result<NodeSnapshot> {
        self.json(Method::GET, "/admin/snapshot", None::<&()>).await
    }

    pub async fn command(&self, command: &AdminCommand) -> Result<AdminReply> {
        self.json(Method::POST, "/admin/commands", Some(command)).await
    }

    /// Waits for a state, never for a while. One that cannot come any more is told at once.
    pub async fn until(&self, id: InstanceId, state: InstanceState) -> Result<InstanceView> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let view = self.instance(id).await?;
            if view.state == state {
                return Ok(view);
            }
            if view.state == InstanceState::Failed || Instant::now() > deadline {
                bail!("{id} is {:?}, not {state:?}: {:?}", view.state, view.message);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a look at it is `enough`.
    pub async fn until_view(
        &self,
        id: InstanceId,
        what: &str,
        enough: impl Fn(&InstanceView) -> bool,
    ) -> Result<InstanceView> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let view = self.instance(id).await?;
            if enough(&view) {
                return Ok(view);
            }
            ensure!(Instant::now() < deadline, "{id} is never {what}: {view:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the panel shows what is looked for.
    pub async fn until_snapshot<T>(
        &self,
        what: &str,
        find: impl Fn(&NodeSnapshot) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let snapshot = self.snapshot().await?;
            if let Some(found) = find(&snapshot) {
                return Ok(found);
            }
            ensure!(Instant::now() < deadline, "the panel never shows {what}: {:?}", snapshot.instances);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub async fn until_registry(&self, wanted: RegistryState) -> Result<RegistryView> {
        let found = |s: &NodeSnapshot| (s.registry.state == wanted).then(|| s.registry.clone());
        let until = self.until_snapshot("the registry's state", found);
        tokio::time::timeout(REGISTRY_WITHIN, until).await.with_context(|| format!("never {wanted:?}"))?
    }

    /// Waits until it is in nobody's list any more.
    pub async fn until_gone(&self, id: InstanceId) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        while self.instances().await?.iter().any(|view| view.instance_id == id) {
            if Instant::now() > deadline {
                bail!("{id} is still there");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    pub async fn socket(&self, id: InstanceId) -> Result<Socket> {
        let url = format!("ws://127.0.0.1:{}/api/v1/instances/{id}/signal", self.http_port);
        let (stream, _) = connect_async(url).await?;
        Ok(Socket { stream })
    }

    /// A socket that has said hello.
    pub async fn attend(&self, id: InstanceId, invite: Option<&str>) -> Result<Socket> {
        let mut socket = self.socket(id).await?;
        let hello = Hello {
            protocol: protocol::PROTOCOL,
            session_id: self.bearer.reveal().to_owned(),
            invite: invite.map(str::to_owned),
            viewer_id: None,
        };
        socket.say(&ViewerMessage::Hello(hello)).await?;
        Ok(socket)
    }
}

/// A viewer's signaling, without the media.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub async fn say(&mut self, message: &ViewerMessage) -> Result<()> {
        self.say_text(&serde_json::to_string(message)?).await
    }

    pub async fn say_text(&mut self, text: &str) -> Result<()> {
        Ok(self.stream.send(Message::text(text.to_owned())).await?)
    }

    /// The next message; `Err` with the close code and reason when there is none.
    pub async fn hear(&mut self) -> Result<ServerMessage> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text)?),
                Some(Ok(Message::Close(frame))) => bail!("closed: {frame:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => bail!("broken: {error}"),
                None => bail!("ended"),
            }
        }
    }

    /// Reads on until `wanted` says yes.
    pub async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&ServerMessage) -> bool,
    ) -> Result<ServerMessage> {
        let reading = async {
            loop {
                let message = self.hear().await?;
                if wanted(&message) {
                    return Ok(message);
                }
            }
        };
        tokio::time::timeout(WITHIN, reading).await.with_context(|| format!("waiting for {what}"))?
    }
}
