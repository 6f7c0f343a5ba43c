//! The other implementer of [`Reception`]: a node with two sessions, an administrator and one instance, Ann's.

use std::{
    io::{Seek, Write},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures_util::{StreamExt, stream::BoxStream};
use model::{
    AuditEntry, AuditKind, AuditQuestion, InstanceId, InstanceState, SavedFile, SavedKind, Secret,
    SecretHash, ServerId, UnixMillis, ViewerId,
};
use protocol::{
    admin::{
        AdminCommand, AdminReply, AuditPage, LogsOfInstance, NodeSnapshot, NodeView, Ports, RegistryView,
    },
    api::{
        BuildView, Event, InstanceView, InviteCreated, InviteRequest, LaunchRequest, Launched, LeftSceneView,
        Problem, ProfileView, ServerView, SessionCreated, TicketView,
    },
    fleet::FleetView,
    signal::{Hello, IceServer, InstanceNews, RefusalReason, ServerMessage, ViewerMessage},
    supervisor,
};
use tokio::sync::{broadcast, mpsc};
use uuid::Uuid;

use crate::{Asked, Caller, Download, Playing, Reception, Refused, ViewerChannel};

/// More than one piece of a download.
pub(super) static PICTURE: [u8; 150_000] = [7; 150_000];
/// Entries of the audit log: more than one page.
pub(super) const AUDITED: u64 = 1200;

pub(super) const OFFER: &str = "v=0\r\na=ice-ufrag:abcd\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\n";
pub(super) const ANSWER: &str = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=sendonly\r\n";

pub(super) const JPEG: &[u8] = b"\xff\xd8 a picture \xff\xd9";

/// What a test makes the node do to all viewers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    EndSessions,
    /// Talk until the viewer's queue is full, for good.
    Flood,
}

/// Who asked for what, and the status of a refusal.
pub(super) type Noted = (Caller, Asked, Result<(), u16>);

pub(super) struct Node {
    pub ann: Secret,
    pub ben: Secret,
    pub admin: Secret,
    pub instance: InstanceId,
    pub events: broadcast::Sender<Event>,
    pub orders: broadcast::Sender<Order>,
    pub heard: Arc<Mutex<Vec<ViewerMessage>>>,
    pub attended_from: Mutex<Vec<SocketAddr>>,
    pub sessions: Arc<AtomicUsize>,
    pub is_ready: AtomicBool,
    pub breaks: AtomicBool,
    pub noted: Mutex<Vec<Noted>>,
}

impl Node {
    pub(super) fn new() -> Self {
        Self {
            ann: Secret::from_random([1; 32]),
            ben: Secret::from_random([2; 32]),
            admin: Secret::from_random([3; 32]),
            instance: InstanceId::random(),
            events: broadcast::channel(16).0,
            orders: broadcast::channel(16).0,
            heard: Arc::default(),
            attended_from: Mutex::default(),
            sessions: Arc::default(),
            is_ready: AtomicBool::new(true),
            breaks: AtomicBool::new(false),
            noted: Mutex::default(),
        }
    }

    pub(super) fn open_sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }

    pub(super) fn heard(&self) -> Vec<ViewerMessage> {
        self.heard.lock().unwrap().clone()
    }

    pub(super) fn view(&self) -> InstanceView {
        InstanceView {
            instance_id: self.instance,
            state: InstanceState::Ready,
            phase: None,
            progress: None,
            detail: None,
            attempt: 1,
            message: None,
            build: "demo".to_owned(),
            build_name: "Demo sky".to_owned(),
            demo: true,
            profile: None,
            server_id: ServerId(Uuid::nil()),
            url: format!("/stream/{}", self.instance),
            viewers: 0,
            created: UnixMillis(0),
            standby: false,
            fetches: false,
            ending: None,
            rescue: None,
        }
    }

    fn screenshot(&self) -> SavedFile {
        let bytes = PICTURE.len() as u64;
        SavedFile { name: "screenshot-1.png".to_owned(), bytes, saved: UnixMillis(0) }
    }

    fn owns(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        let may =
            id == self.instance && (*caller == Caller::Admin || *caller == Caller::Session(self.ann.hash()));
        if may { Ok(()) } else { Err(no("There is no such instance, or it is not yours.", 404)) }
    }

    fn snapshot_now() -> NodeSnapshot {
        let node = NodeView {
            server_id: ServerId(Uuid::nil()),
            name: "test".to_owned(),
            version: "0".to_owned(),
            started: UnixMillis(0),
            ports: Ports::default(),
            home_urls: Vec::new(),
            data_dir: String::new(),
            slots_total: 1,
            slots_free: 0,
            viewers: 0,
            draining: None,
            graphics: String::new(),
            encoder: None,
        };
        NodeSnapshot {
            node,
            health: None,
            history: Vec::new(),
            instances: Vec::new(),
            builds: Vec::new(),
            source_build: None,
            standby: Vec::new(),
            fetches: Vec::new(),
            registry: RegistryView::default(),
            fleet: FleetView::default(),
            warnings: Vec::new(),
        }
    }
}

fn no(detail: &str, status: u16) -> Problem {
    Problem { kind: "about:blank".to_owned(), title: "No".to_owned(), status, detail: detail.to_owned() }
}

#[async_trait::async_trait]
impl Reception for Node {
    async fn create_session(&self) -> Result<SessionCreated, Problem> {
        Ok(SessionCreated { session_id: self.ann.reveal().to_owned() })
    }

    async fn identify(&self, bearer: SecretHash) -> Result<Option<Caller>, Problem> {
        Ok(match bearer {
            known if known == self.admin.hash() => Some(Caller::Admin),
            known if known == self.ann.hash() || known == self.ben.hash() => Some(Caller::Session(known)),
            _ => None,
        })
    }

    async fn ticket(&self, _: &Caller, _: Uuid) -> Result<TicketView, Problem> {
        Err(no("There is no such place in the queue.", 404))
    }

    async fn claim(&self, _: &Caller, _: Uuid) -> Result<Launched, Problem> {
        Err(no("It is not your turn yet.", 409))
    }

    async fn leave_queue(&self, _: &Caller, _: Uuid) -> Result<(), Problem> {
        Err(no("There is no such place in the queue.", 404))
    }

    async fn instances(&self, caller: &Caller) -> Vec<InstanceView> {
        assert!(!self.breaks.load(Ordering::SeqCst), "the node is told to break");
        if self.owns(caller, self.instance).is_ok() { vec![self.view()] } else { Vec::new() }
    }

    async fn instance(&self, caller: &Caller, id: InstanceId) -> Result<InstanceView, Problem> {
        self.owns(caller, id).map(|()| self.view())
    }

    async fn launch(&self, _: &Caller, request: LaunchRequest) -> Result<Launched, Problem> {
        match request.build.as_deref() {
            None | Some("demo") => Ok(Launched::Instance {
                instance_id: self.instance,
                url: self.view().url,
                state: InstanceState::Starting,
            }),
            Some("full") => Err(no("All slots of this machine are taken: stop an instance first.", 429)),
            Some(_) => Err(no("There is no such build: the home page lists them.", 422)),
        }
    }

    async fn stop(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        self.owns(caller, id)
    }

    async fn invite(
        &self,
        caller: &Caller,
        id: InstanceId,
        _: InviteRequest,
    ) -> Result<InviteCreated, Problem> {
        self.owns(caller, id).map(|()| InviteCreated { url: format!("/stream/{id}#invite=secret") })
    }

    async fn thumbnail(&self, caller: &Caller, id: InstanceId) -> Result<Vec<u8>, Problem> {
        self.owns(caller, id).map(|()| JPEG.to_vec())
    }

    async fn left_scenes(&self, caller: &Caller) -> Result<Vec<LeftSceneView>, Problem> {
        let scene = LeftSceneView {
            scene_id: self.instance,
            build: "demo".to_owned(),
            build_name: Some("Demo sky".to_owned()),
            profile: None,
            focus: "Mars".to_owned(),
            time: "2026-11-25T00:00:00.000Z".to_owned(),
            ended: UnixMillis(0),
        };
        Ok(if self.owns(caller, self.instance).is_ok() { vec![scene] } else { Vec::new() })
    }

    async fn forget_scene(&self, caller: &Caller, id: InstanceId) -> Result<(), Problem> {
        self.owns(caller, id)
    }

    async fn saved(&self, caller: &Caller, id: InstanceId, _: SavedKind) -> Result<Vec<SavedFile>, Problem> {
        self.owns(caller, id).map(|()| vec![self.screenshot()])
    }

    async fn open_saved(
        &self,
        caller: &Caller,
        id: InstanceId,
        kind: SavedKind,
        name: &str,
    ) -> Result<Download, Problem> {
        self.owns(caller, id)?;
        let file = self.screenshot();
        if kind != SavedKind::Screenshots || name != file.name {
            return Err(no("There is no such file: the listing has those that there are.", 404));
        }
        let mut content = tempfile::tempfile().unwrap();
        content.write_all(&PICTURE).unwrap();
        content.rewind().unwrap();
        Ok(Download { file, content })
    }

    async fn audit(&self, question: AuditQuestion) -> Result<AuditPage, Problem> {
        let newest = question.before.unwrap_or(AUDITED + 1).min(AUDITED + 1) - 1;
        let oldest = newest.saturating_sub(500);
        let entry =
            |id| AuditEntry { id, ..AuditEntry::new(UnixMillis(0), AuditKind::Admin, None, "launch") };
        Ok(AuditPage { entries: (oldest + 1..=newest).rev().map(entry).collect(), more: oldest > 0 })
    }

    fn note(&self, caller: &Caller, asked: Asked, answer: Result<(), &Problem>) {
        self.noted.lock().unwrap().push((caller.clone(), asked, answer.map_err(|problem| problem.status)));
    }

    async fn builds(&self) -> Vec<BuildView> {
        let name = "Demo sky".to_owned();
        let (id, kind) = ("demo".to_owned(), "openspace".to_owned());
        vec![BuildView { id, name, kind, version: None, demo: true, default: true }]
    }

    async fn profiles(&self, build: Option<&str>) -> Result<Vec<ProfileView>, Problem> {
        match build {
            None | Some("demo") => Ok(vec![ProfileView {
                id: "default".to_owned(),
                name: "Default".to_owned(),
                description: None,
                author: None,
                problem: None,
            }]),
            Some(_) => Err(no("There is no such build: the home page lists them.", 404)),
        }
    }

    async fn servers(&self) -> Vec<ServerView> {
        let server_id = ServerId(Uuid::nil());
        let name = "test".to_owned();
        vec![ServerView {
            server_id,
            name,
            region: None,
            slots_total: 2,
            slots_free: 1,
            this_machine: true,
            draining: false,
        }]
    }

    fn events(&self, caller: &Caller) -> BoxStream<'static, Event> {
        let list = if self.owns(caller, self.instance).is_ok() { vec![self.view()] } else { Vec::new() };
        let first = futures_util::stream::iter([Event::Instances { list }]);
        let news = tokio_stream::wrappers::BroadcastStream::new(self.events.subscribe());
        first.chain(news.filter_map(|event| async { event.ok() })).boxed()
    }

    async fn snapshot(&self) -> NodeSnapshot {
        Self::snapshot_now()
    }

    fn snapshots(&self) -> BoxStream<'static, Arc<NodeSnapshot>> {
        futures_util::stream::iter([Arc::new(Self::snapshot_now())])
            .chain(futures_util::stream::pending())
            .boxed()
    }

    async fn logs(&self) -> Vec<LogsOfInstance> {
        Vec::new()
    }

    async fn log_file(&self, id: InstanceId, name: &str) -> Option<Vec<u8>> {
        (id == self.instance && name == "log.html").then(|| b"<script>".to_vec())
    }

    fn log_lines(&self, id: InstanceId) -> Result<BoxStream<'static, Vec<String>>, Problem> {
        self.owns(&Caller::Admin, id)?;
        Ok(futures_util::stream::iter([vec!["a line".to_owned()]])
            .chain(futures_util::stream::pending())
            .boxed())
    }

    async fn command(&self, command: AdminCommand) -> Result<AdminReply, Problem> {
        match command {
            AdminCommand::Stop { instance_id } if instance_id == self.instance => Ok(AdminReply::Done),
            _ => Err(no("There is no such instance (any more).", 404)),
        }
    }

    async fn attend(
        &self,
        instance: InstanceId,
        hello: Hello,
        from: SocketAddr,
    ) -> Result<ViewerChannel, Refused> {
        self.attended_from.lock().unwrap().push(from);
        let refused =
            |reason, message: &str| Refused { reason, message: message.to_owned(), retry_after_s: None };
        if hello.session_id != self.ann.reveal() && hello.session_id != self.ben.reveal() {
            return Err(refused(
                RefusalReason::StaleSession,
                "This session is not known here any more: reload the page.",
            ));
        }
        if instance != self.instance || hello.session_id != self.ann.reveal() {
            return Err(refused(RefusalReason::NotFound, "There is no such instance, or it is not yours."));
        }
        Ok(self.begin())
    }

    async fn play(&self, instance: InstanceId, bearer: SecretHash, offer: &str) -> Result<Playing, Problem> {
        if self.identify(bearer).await?.is_none() {
            return Err(no("The token is not known.", 401));
        }
        self.owns(&Caller::Session(bearer), instance)?;
        match offer {
            OFFER => {
                Ok(Playing { viewer: ViewerId::random(), answer: ANSWER.to_owned(), channel: self.begin() })
            }
            _ => Err(no("The offer asks for no video.", 422)),
        }
    }

    fn ice_servers(&self) -> Vec<IceServer> {
        vec![IceServer {
            urls: vec!["turn:turn.example:3478".to_owned()],
            username: Some("u".to_owned()),
            credential: Some("p\"w".to_owned()),
        }]
    }

    async fn old_world(&self, request: supervisor::Request) -> supervisor::Reply {
        match request {
            supervisor::Request::Start => supervisor::Reply::started(0),
            supervisor::Request::Stop { id } => supervisor::Reply::invalid_id("STOP", id),
            supervisor::Request::Status { .. } => {
                supervisor::Reply::status(0, supervisor::SlotStatus::Running)
            }
            supervisor::Request::ServerStatus => supervisor::Reply::server(1, 3),
        }
    }

    async fn ready(&self) -> Result<(), String> {
        match self.is_ready.load(Ordering::SeqCst) {
            true => Ok(()),
            false => Err("No encoder could be opened: see the panel.".to_owned()),
        }
    }

    fn metrics(&self) -> String {
        "# TYPE openspace_viewers gauge\nopenspace_viewers 7\n# EOF\n".to_owned()
    }
}

/// One viewer's session, as small as can be. It answers pings and remembers the rest.
impl Node {
    fn begin(&self) -> ViewerChannel {
        let (incoming, mut from_viewer) = mpsc::channel(4);
        let (to_viewer, outgoing) = mpsc::channel(4);
        let welcome = ServerMessage::Welcome {
            viewer_id: ViewerId::random(),
            role: model::Role::Owner,
            ice_servers: Vec::new(),
            instance: self.news(),
        };
        to_viewer.try_send(welcome).unwrap();
        let mut orders = self.orders.subscribe();
        let (heard, sessions) = (self.heard.clone(), self.sessions.clone());
        sessions.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    message = from_viewer.recv() => match message {
                        Some(ViewerMessage::Ping) => _ = to_viewer.try_send(ServerMessage::Pong),
                        Some(other) => heard.lock().unwrap().push(other),
                        None => break,
                    },
                    order = orders.recv() => match order {
                        Ok(Order::Flood) => {
                            let sdp = "x".repeat(60_000);
                            while to_viewer.send(ServerMessage::Offer { sdp: sdp.clone() }).await.is_ok() {}
                        }
                        _ => break,
                    },
                }
            }
            sessions.fetch_sub(1, Ordering::SeqCst);
        });
        ViewerChannel { incoming, outgoing }
    }

    fn news(&self) -> InstanceNews {
        InstanceNews {
            instance_id: self.instance,
            state: InstanceState::Ready,
            phase: None,
            progress: None,
            detail: None,
            attempt: 1,
            message: None,
            build_name: "Demo sky".to_owned(),
            has_scene: true,
            demo: true,
            rescue: None,
        }
    }
}
