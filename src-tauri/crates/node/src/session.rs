//! One viewer's story: its socket, its peer, its place on the stage.
//!
//! When it lives and when it is over is decided by [`life`]; what a message leads to is in [`talk`], what a wish leads to in [`wishes`],
//! [`report`] keeps the last minute, and [`scene`] tells of what became of it. This file is the loop.

mod keep;
mod life;
mod report;
mod scene;
mod talk;
mod wishes;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use media::{Feed, Sound};
use model::{
    Role, SecretHash, ViewerId,
    video::{Codec, Rendition, Rung},
};
use protocol::signal::{ByeReason, IceServer, QualityMode, ServerMessage, SizeNews};
use streaming::{MediaPort, PeerEvent, PeerHandle};
use supervisor::Report;
use tokio::{
    select,
    sync::{mpsc, watch},
    time::{Interval, interval, sleep_until},
};
use tracing::{info, warn};

use self::{
    life::{Life, Stay},
    report::Minute,
    scene::Scene,
    wishes::Wishes,
};
use crate::{
    audit::Audit,
    life::{Draining, span::Ending},
    logs::Logs,
    rows::Member,
    socket::Socket,
    stage::{self, Attach, Seat},
};

/// Sockets of one viewer that may wait to be taken over: it has one, and may bring another before the first is noticed as lost.
const ATTACHES: usize = 2;

/// For the panel: as often as it is drawn anew.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who the viewer is.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub id: ViewerId,
    pub role: Role,
    pub bearer: SecretHash,
}

/// What every session of this machine uses.
#[derive(Clone, Debug)]
pub struct Means {
    pub media: MediaPort,
    pub ice_servers: Vec<IceServer>,
    /// What this machine encodes, best first, so that a peer can be negotiated while the program still loads.
    pub codecs: Vec<Codec>,
    /// Administrators may run scripts in OpenSpace.
    pub raw_lua: bool,
    pub audit: Audit,
    /// Where reports of bad streams go.
    pub logs: Logs,
}

/// A peer, and what it has to say.
pub type Peer = (PeerHandle, mpsc::Receiver<PeerEvent>);

/// The peer of a viewer that has offered and was answered.
#[derive(Debug)]
pub struct Player {
    pub peer: Peer,
    pub codec: Codec,
}

pub(crate) struct Session {
    viewer: Viewer,
    member: Member,
    means: Means,
    life: Life,
    socket: Option<Socket>,
    peer: Option<Peer>,
    /// What was agreed on with the peer.
    codec: Option<Codec>,
    wishes: Wishes,
    scene: Scene,
    reports: watch::Receiver<Report>,
    stage: watch::Receiver<stage::State>,
    /// The picture that the peer is fed with.
    fed: Option<u64>,
    /// Which rendition the stage gives to this viewer, and which one it is being shown.
    rung: watch::Receiver<Rung>,
    shown: Option<watch::Receiver<Option<Rendition>>>,
    mode: QualityMode,
    /// The viewer wants to hear the program; and what it is being let hear.
    listens: bool,
    heard: Option<PathBuf>,
    told_sound: Option<bool>,
    connected: bool,
    visible: bool,
    told_trouble: Option<String>,
    /// How large the picture is, as this viewer knows it.
    told_size: Option<SizeNews>,
    notices: watch::Receiver<String>,
    warnings: watch::Receiver<Option<Ending>>,
    drain: watch::Receiver<Option<Draining>>,
    /// When to look at the way to the viewer again, and who is told.
    look: Interval,
    path: watch::Sender<stage::Path>,
    minute: Minute,
}

impl Session {
    /// A viewer of the stream page.
    pub async fn run(viewer: Viewer, member: Member, means: Means, channel: Socket) {
        let (attach, mut attaches) = mpsc::channel(ATTACHES);
        let mut session = Self::enter(viewer, member, means, channel, attach, Stay::Returns).await;
        session.welcome().await;
        session.open_peer().await;
        session.go_through(&mut attaches).await;
    }

    /// A player. Nobody reads what it would be told, and it cannot come back to its place.
    pub async fn play(viewer: Viewer, member: Member, means: Means, channel: Socket, player: Player) {
        let (attach, mut attaches) = mpsc::channel(ATTACHES);
        attaches.close();
        let mut session = Self::enter(viewer, member, means, channel, attach, Stay::WhileItLasts).await;
        session.codec = Some(player.codec);
        session.peer = Some(player.peer);
        session.go_through(&mut attaches).await;
    }

    async fn enter(
        viewer: Viewer,
        member: Member,
        means: Means,
        channel: Socket,
        attach: mpsc::Sender<Attach>,
        stay: Stay,
    ) -> Self {
        let (path, told) = watch::channel(stage::Path::default());
        let (wanted, rung) = watch::channel(Rung::default());
        let seat = Seat { role: viewer.role, bearer: viewer.bearer, attach, path: told, rung: wanted };
        member.stage.sit(viewer.id, seat).await;
        info!(viewer = %viewer.id, instance = %member.id, role = ?viewer.role, "viewer came");
        let reports = member.instance.reports();
        let scene = Scene::new(&reports.borrow());
        Self {
            wishes: Wishes::open(viewer.clone(), member.clone(), means.clone()),
            scene,
            life: Life::new(stay, Instant::now()),
            reports,
            stage: member.stage.state(),
            notices: member.scene.notices(),
            warnings: member.life.warnings(),
            drain: member.life.drain(),
            viewer,
            member,
            means,
            socket: Some(channel),
            peer: None,
            codec: None,
            fed: None,
            rung,
            shown: None,
            mode: QualityMode::default(),
            listens: false,
            heard: None,
            told_sound: None,
            connected: false,
            visible: true,
            told_trouble: None,
            told_size: None,
            look: interval(LOOK_EVERY),
            path,
            minute: Minute::default(),
        }
    }

    async fn go_through(mut self, attaches: &mut mpsc::Receiver<Attach>) {
        self.live(attaches).await;
        self.member.stage.leave(self.viewer.id).await;
        info!(viewer = %self.viewer.id, instance = %self.member.id, "viewer left");
    }

    async fn live(&mut self, attaches: &mut mpsc::Receiver<Attach>) {
        loop {
            let wake_at = self.life.wake_at();
            select! {
                message = next_message(&mut self.socket) => match message {
                    Some(message) => self.hear(message).await,
                    None => self.lose_socket(),
                },
                Some(Attach(channel)) = attaches.recv() => self.attach(channel).await,
                event = next_event(&mut self.peer) => self.notice(event).await,
                reply = self.wishes.reply() => self.reply(reply),
                _ = self.look.tick() => self.look_at_path().await,
                json = self.scene.next() => if let Some((peer, _)) = &self.peer {
                    peer.send_state(json);
                },
                changed = self.reports.changed() => if changed.is_err() || self.tell_instance().await {
                    self.bye(ByeReason::Stopped).await;
                    return;
                },
                Ok(()) = self.notices.changed() => self.tell_notice().await,
                Ok(()) = self.warnings.changed() => self.tell_ending().await,
                Ok(()) = self.drain.changed() => self.tell_ending().await,
                changed = self.stage.changed() => {
                    if changed.is_err() {
                        // It ends with its instance, of which the last word may not have been told yet.
                        self.tell_instance().await;
                        self.bye(ByeReason::Stopped).await;
                        return;
                    }
                    self.tell_stage().await;
                }
                () = sleep_until(wake_at.unwrap_or_else(Instant::now).into()), if wake_at.is_some() => {}
            }
            self.feed();
            self.let_hear().await;
            if self.settle().await {
                return;
            }
        }
    }

    async fn tell_notice(&mut self) {
        let message = self.notices.borrow_and_update().clone();
        self.send(ServerMessage::Notice { message }).await;
    }

    /// Tells the stage whether this viewer is there. True when the session is over.
    async fn settle(&mut self) -> bool {
        let now = Instant::now();
        if let Some(present) = self.life.turn(now) {
            self.member.stage.present(self.viewer.id, present).await;
        }
        self.life.is_over(now)
    }

    async fn attach(&mut self, channel: Socket) {
        self.send(ServerMessage::Bye { reason: ByeReason::Replaced }).await;
        self.socket = Some(channel);
        self.life.socket(true, Instant::now());
        self.welcome().await;
        if !self.connected {
            self.open_peer().await;
        }
    }

    fn lose_socket(&mut self) {
        self.socket = None;
        self.life.socket(false, Instant::now());
    }

    async fn open_peer(&mut self) {
        self.fed = None;
        self.heard = None;
        self.codec = None;
        self.set_connected(false);
        let spec = streaming::PeerSpec { viewer: self.viewer.id, codecs: self.means.codecs.clone() };
        match self.means.media.peer(spec).await {
            Ok(peer) => {
                self.peer = Some(peer);
                self.set_playout().await;
                self.scene.again();
            }
            Err(error) => {
                warn!(viewer = %self.viewer.id, error = format!("{error:#}"), "no media for this viewer");
                self.peer = None;
            }
        }
    }

    fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
        self.life.media(connected, Instant::now());
    }

    /// Gives the peer the frames that it should have now.
    fn feed(&mut self) {
        let (Some((peer, _)), Some(codec)) = (&self.peer, self.codec) else { return };
        let state = self.stage.borrow();
        let picture = state.picture.as_ref().filter(|_| self.connected && self.visible);
        let epoch = picture.map(|picture| picture.epoch);
        if epoch != self.fed {
            let feed = picture.map(|picture| picture.pipeline.follow(codec, self.rung.clone()));
            self.shown = feed.as_ref().map(Feed::shown);
            peer.set_feed(feed);
            self.fed = epoch;
        }
    }

    /// The same for the sound. A hidden tab may be listened to.
    async fn let_hear(&mut self) {
        let Some((peer, _)) = &self.peer else { return };
        let sound = self.stage.borrow().sound.clone().filter(|_| self.connected && self.listens);
        if sound.as_ref().map(Sound::pipe) != self.heard.as_deref() {
            self.heard = sound.as_ref().map(|sound| sound.pipe().to_owned());
            peer.set_sound(sound.map(|sound| sound.listen())).await;
        }
    }

    async fn send(&mut self, message: ServerMessage) {
        if let Some(socket) = &self.socket
            && socket.outgoing.send(message).await.is_err()
        {
            self.lose_socket();
        }
    }
}

async fn next_message(socket: &mut Option<Socket>) -> Option<protocol::signal::ViewerMessage> {
    match socket {
        Some(socket) => socket.incoming.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_event(peer: &mut Option<Peer>) -> PeerEvent {
    match peer {
        Some((_, events)) => events.recv().await.unwrap_or(PeerEvent::Closed),
        None => std::future::pending().await,
    }
}
