//! HTTP, WebSocket and TLS: pages, API, signaling.
//!
//! It knows who asks and in which words; what the answer is, the node says through [`Reception`]. Absent on purpose: instances,
//! encoders, databases.

mod api;
mod app;
mod auth;
mod dist;
mod headers;
mod limits;
mod listener;
mod metrics;
mod old_world;
mod open;
mod openapi;
mod pages;
mod players;
mod problem;
mod request;
mod router;
mod routes;
mod signal;
mod sse;
#[cfg(test)]
mod tests;
mod tls;
mod whep;

pub use limits::{Bucket, Rate, VIEWER_MESSAGES};

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

use axum_server::Handle;

use futures_util::stream::BoxStream;
use model::{AuditKind, AuditQuestion, InstanceId, SavedFile, SavedKind, SecretHash, ViewerId};
use protocol::{
    admin::{AdminCommand, AdminReply, AuditPage, LogsOfInstance, NodeSnapshot},
    api::{
        BuildView, Event, InstanceView, InviteCreated, InviteRequest, LaunchRequest, Launched, LeftSceneView,
        Problem, ProfileView, ServerView, SessionCreated, TicketView,
    },
    signal::{Hello, IceServer, RefusalReason, ServerMessage, ViewerMessage},
    supervisor,
};
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Session(SecretHash),
    Admin,
}

/// All that the gateway asks of the node.
#[async_trait::async_trait]
pub trait Reception: Send + Sync + 'static {
    async fn create_session(&self) -> Result<SessionCreated, Problem>;
    /// `Ok(None)`: the token is well-formed and unknown here.
    async fn identify(&self, bearer: SecretHash) -> Result<Option<Caller>, Problem>;

    async fn instances(&self, caller: &Caller) -> Vec<InstanceView>;
    async fn instance(&self, caller: &Caller, id: InstanceId) -> Result<InstanceView, Problem>;
    async fn launch(&self, caller: &Caller, request: LaunchRequest) -> Result<Launched, Problem>;
    /// How a place in the queue stands; asking keeps it.
    async fn ticket(&self, caller: &Caller, id: Uuid) -> Result<TicketView, Problem>;
    /// Launches, in the slot that is held for it.
    async fn claim(&self, caller: &Caller, id: Uuid) -> Result<Launched, Problem>;
    async fn leave_queue(&self, caller: &Caller, id: Uuid) -> Result<(), Problem>;
    async fn stop(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem>;
    /// The invite's address without scheme and host: `/stream/<id>#invite=…`.
    async fn invite(
        &self,
        caller: &Caller,
        id: InstanceId,
        request: InviteRequest,
    ) -> Result<InviteCreated, Problem>;
    /// JPEG.
    async fn thumbnail(&self, caller: &Caller, id: InstanceId) -> Result<Vec<u8>, Problem>;
    /// Scenes that the caller left, the newest first.
    async fn left_scenes(&self, caller: &Caller) -> Result<Vec<LeftSceneView>, Problem>;
    async fn forget_scene(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem>;
    /// What the instance has saved, newest first, for whoever may make such files.
    async fn saved(
        &self,
        caller: &Caller,
        id: InstanceId,
        kind: SavedKind,
    ) -> Result<Vec<SavedFile>, Problem>;
    /// One of those by its name.
    async fn open_saved(
        &self,
        caller: &Caller,
        id: InstanceId,
        kind: SavedKind,
        name: &str,
    ) -> Result<Download, Problem>;
    async fn builds(&self) -> Vec<BuildView>;
    async fn profiles(&self, build: Option<&str>) -> Result<Vec<ProfileView>, Problem>;
    async fn servers(&self) -> Vec<ServerView>;
    /// Begins with everything that the caller may see.
    fn events(&self, caller: &Caller) -> BoxStream<'static, Event>;

    async fn snapshot(&self) -> NodeSnapshot;
    /// The newest snapshot at each change, at most a few a second; a slow reader misses those in between.
    fn snapshots(&self) -> BoxStream<'static, Arc<NodeSnapshot>>;
    async fn command(&self, command: AdminCommand) -> Result<AdminReply, Problem>;

    async fn logs(&self) -> Vec<LogsOfInstance>;
    /// The newest part of a file that [`Reception::logs`] lists.
    async fn log_file(&self, id: InstanceId, name: &str) -> Option<Vec<u8>>;
    /// What the program prints, from the last lines that are kept on.
    fn log_lines(&self, id: InstanceId) -> Result<BoxStream<'static, Vec<String>>, Problem>;
    /// Newest first.
    async fn audit(&self, question: AuditQuestion) -> Result<AuditPage, Problem>;
    /// For the audit log: what a caller asked this machine to do, and what it was told.
    fn note(&self, caller: &Caller, asked: Asked, answer: Result<(), &Problem>);

    /// A viewer has said hello: its role and instance are checked, then its session begins.
    async fn attend(
        &self,
        instance: InstanceId,
        hello: Hello,
        from: SocketAddr,
    ) -> Result<ViewerChannel, Refused>;

    /// A player offers (WHEP). `bearer` is a session, an invitation or an administrator's token.
    async fn play(&self, instance: InstanceId, bearer: SecretHash, offer: &str) -> Result<Playing, Problem>;
    /// What players and pages may use besides this machine's own addresses.
    fn ice_servers(&self) -> Vec<IceServer>;

    /// The old back end asks, in the old supervisor's words.
    async fn old_world(&self, request: supervisor::Request) -> supervisor::Reply;

    /// `Err` says why the node is not ready.
    async fn ready(&self) -> Result<(), String>;
    /// The node's own figures in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// A file on its way to a browser.
#[derive(Debug)]
pub struct Download {
    pub file: SavedFile,
    pub content: std::fs::File,
}

/// What somebody asked for over HTTP, in words that hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub kind: AuditKind,
    pub what: String,
    pub instance: Option<InstanceId>,
    pub detail: String,
}

/// Both directions of one viewer's signaling. The session ends when either side drops its end; the first message out is `Welcome`.
#[derive(Debug)]
pub struct ViewerChannel {
    pub incoming: mpsc::Sender<ViewerMessage>,
    pub outgoing: mpsc::Receiver<ServerMessage>,
}

/// A player that was answered. It leaves when `channel` is dropped, and is gone when that says so.
#[derive(Debug)]
pub struct Playing {
    pub viewer: ViewerId,
    pub answer: String,
    pub channel: ViewerChannel,
}

/// "No" to a viewer, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: RefusalReason,
    pub message: String,
    pub retry_after_s: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Config {
    /// Plain HTTP; loopback unless told otherwise. With TLS on, everything but loopback is redirected to it.
    pub http: SocketAddr,
    /// HTTPS and WSS; `None` turns it off.
    pub https: Option<SocketAddr>,
    /// The old supervisor protocol; `None` turns it off.
    pub supervisor: Option<SocketAddr>,
    pub certificate: Certificate,
    /// May `/metrics`, `/healthz` and `/readyz` be read from anywhere? Loopback and administrators always may.
    pub open_health: bool,
    /// Other origins that may call the API, such as the desktop window's `tauri://localhost`.
    pub allowed_origins: Vec<String>,
}

#[derive(Clone, Debug)]
pub enum Certificate {
    /// PEM files of the administrator.
    Files { certificate: PathBuf, key: PathBuf },
    /// Made by ourselves and kept in this folder.
    SelfSigned { dir: PathBuf, names: Vec<String> },
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{what} port {port} is taken by another program: choose another with `--set {what}.port=…`, or end that program"
    )]
    PortTaken { what: &'static str, port: u16 },
    #[error("{what} port {port} cannot be opened: {why}")]
    Failed { what: &'static str, port: u16, why: String },
    #[error("the certificate {path} cannot be used: {why}")]
    Certificate { path: PathBuf, why: String },
}

/// The open doors. Dropping it closes them.
pub struct Gateway {
    http_port: u16,
    https_port: Option<u16>,
    supervisor_port: Option<u16>,
    app: Arc<app::App>,
    doors: Vec<Handle<SocketAddr>>,
    /// The servers, in the order of the doors; then what keeps the certificate fresh.
    tasks: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Opens HTTP, and HTTPS where it is configured; both serve the same.
    pub async fn open(config: Config, reception: Arc<dyn Reception>) -> Result<Self, OpenError> {
        open::open(config, reception, dist::Pages::embedded(), app::Tuning::default()).await
    }
    /// The bound one, where port 0 was asked for.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }
    pub fn https_port(&self) -> Option<u16> {
        self.https_port
    }
    /// Absent, too, when another program has the port: the old supervisor still runs there, then, and the pages do not need it.
    pub fn supervisor_port(&self) -> Option<u16> {
        self.supervisor_port
    }
    /// Finishes what is being answered, for at most two seconds.
    pub async fn close(self) {
        self.finish().await;
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http_port, https_port, .. } = self;
        f.debug_struct("Gateway")
            .field("http_port", http_port)
            .field("https_port", https_port)
            .finish_non_exhaustive()
    }
}

/// The OpenAPI 3.1 document as JSON.
pub fn openapi() -> String {
    openapi::document()
}
