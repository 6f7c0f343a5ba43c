//! What all handlers share: the way to the node, the pages, the rules, the limits and the figures.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Reception,
    dist::Pages,
    limits::{Buckets, CLIENTS, Cap, Client, Open, Rate, VIEWER_MESSAGES},
    metrics::{Limited, Metrics, OpenNow},
    players::Players,
    problem::Refusal,
};

/// Figures that tests set smaller; the defaults say why they are what they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    pub sessions: Rate,
    pub launches: Rate,
    pub hellos: Rate,
    pub unknown_tokens: Rate,
    pub old_commands: Rate,
    /// Of one signaling socket, all kinds of messages.
    pub messages: Rate,
    pub connections: Cap,
    pub sockets: Cap,
    pub event_streams: Cap,
    pub hello_within: Duration,
    pub ping_every: Duration,
    /// A viewer that says nothing for so long, not even a pong, is gone.
    pub silence: Duration,
    /// A viewer that takes nothing for so long is dropped; it resumes when its network is back.
    pub send_within: Duration,
    pub heartbeat: Duration,
    pub certificate_check: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            // A class of sixty behind one address opens the home page at once.
            sessions: Rate { burst: 60, per_s: 1.0 },
            launches: Rate { burst: 30, per_s: 0.5 },
            hellos: Rate { burst: 30, per_s: 1.0 },
            unknown_tokens: Rate { burst: 60, per_s: 1.0 },
            // The old back end asks about each instance every ten seconds.
            old_commands: Rate { burst: 60, per_s: 20.0 },
            // An answer with a burst of candidates is under 50; a hand on the controls sends a few a second.
            messages: VIEWER_MESSAGES,
            // Under the usual soft limit of 1024 open files, of which displays, encoders and the store need some.
            connections: Cap { each: 256, total: 600 },
            sockets: Cap { each: 128, total: 400 },
            event_streams: Cap { each: 128, total: 400 },
            hello_within: Duration::from_secs(protocol::signal::HELLO_WITHIN_S),
            ping_every: Duration::from_secs(10),
            silence: Duration::from_secs(25),
            send_within: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            certificate_check: Duration::from_secs(30),
        }
    }
}

/// What the administrator has decided.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub open_health: bool,
    /// As browsers write them, in lower case: `tauri://localhost`.
    pub allowed_origins: Vec<String>,
}

pub(crate) struct App {
    pub reception: Arc<dyn Reception>,
    pub pages: Pages,
    pub policy: Policy,
    pub tuning: Tuning,
    pub metrics: Metrics,
    /// Cancelled when the doors close: sockets say goodbye, event streams end.
    pub closing: CancellationToken,
    /// The tasks of the signaling sockets, and of the players.
    pub viewers: TaskTracker,
    pub players: Players,
    limits: Mutex<Limits>,
}

impl App {
    pub(crate) fn new(
        reception: Arc<dyn Reception>,
        pages: Pages,
        policy: Policy,
        tuning: Tuning,
    ) -> Arc<Self> {
        Arc::new(Self {
            reception,
            pages,
            policy,
            tuning,
            metrics: Metrics::default(),
            closing: CancellationToken::new(),
            viewers: TaskTracker::new(),
            players: Players::default(),
            limits: Mutex::new(Limits::new(&tuning)),
        })
    }

    /// Uses up one of the deeds that this client may do now.
    pub(crate) fn take(&self, what: Deed, client: Client) -> Result<(), Refusal> {
        let taken = self.limits().bucket(what).take(client, Instant::now());
        taken.map_err(|wait| self.too_often(what, wait))
    }

    /// May this client do it now? Uses up nothing.
    pub(crate) fn check(&self, what: Deed, client: Client) -> Result<(), Refusal> {
        let checked = self.limits().bucket(what).check(client, Instant::now());
        checked.map_err(|wait| self.too_often(what, wait))
    }

    /// Counts something that stays open until the slot is dropped.
    pub(crate) fn enter(self: &Arc<Self>, what: Lasting, client: Client) -> Result<Slot, Refusal> {
        let entered = self.limits().open(what).enter(client);
        if entered {
            return Ok(Slot { app: self.clone(), what, client });
        }
        let (limited, name) = what.names();
        self.metrics.limited(limited);
        Err(Refusal::too_many(name, Duration::from_secs(10)))
    }

    pub(crate) fn open_now(&self) -> OpenNow {
        let limits = self.limits();
        OpenNow {
            connections: limits.connections.total(),
            sockets: limits.sockets.total(),
            event_streams: limits.event_streams.total(),
        }
    }

    fn too_often(&self, what: Deed, wait: Duration) -> Refusal {
        let (limited, name) = what.names();
        self.metrics.limited(limited);
        Refusal::too_many(name, wait)
    }

    fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is limited by how often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    NewSession,
    Launch,
    FailedHello,
    UnknownToken,
    OldCommand,
}

impl Deed {
    const fn names(self) -> (Limited, &'static str) {
        match self {
            Self::NewSession => (Limited::Sessions, "new sessions"),
            Self::Launch => (Limited::Launches, "launches"),
            Self::FailedHello => (Limited::Hellos, "failed attempts to join"),
            Self::UnknownToken => (Limited::UnknownTokens, "requests with unknown sessions"),
            Self::OldCommand => (Limited::OldCommands, "commands"),
        }
    }
}

/// What is limited by how many are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    Connection,
    Socket,
    EventStream,
}

impl Lasting {
    const fn names(self) -> (Limited, &'static str) {
        match self {
            Self::Connection => (Limited::Connections, "connections"),
            Self::Socket => (Limited::Sockets, "open streams"),
            Self::EventStream => (Limited::EventStreams, "open pages"),
        }
    }
}

struct Limits {
    sessions: Buckets<Client>,
    launches: Buckets<Client>,
    hellos: Buckets<Client>,
    unknown_tokens: Buckets<Client>,
    old_commands: Buckets<Client>,
    connections: Open<Client>,
    sockets: Open<Client>,
    event_streams: Open<Client>,
}

impl Limits {
    fn new(tuning: &Tuning) -> Self {
        Self {
            sessions: Buckets::new(tuning.sessions, CLIENTS),
            launches: Buckets::new(tuning.launches, CLIENTS),
            hellos: Buckets::new(tuning.hellos, CLIENTS),
            unknown_tokens: Buckets::new(tuning.unknown_tokens, CLIENTS),
            old_commands: Buckets::new(tuning.old_commands, CLIENTS),
            connections: Open::new(tuning.connections),
            sockets: Open::new(tuning.sockets),
            event_streams: Open::new(tuning.event_streams),
        }
    }

    fn bucket(&mut self, what: Deed) -> &mut Buckets<Client> {
        match what {
            Deed::NewSession => &mut self.sessions,
            Deed::Launch => &mut self.launches,
            Deed::FailedHello => &mut self.hellos,
            Deed::UnknownToken => &mut self.unknown_tokens,
            Deed::OldCommand => &mut self.old_commands,
        }
    }

    fn open(&mut self, what: Lasting) -> &mut Open<Client> {
        match what {
            Lasting::Connection => &mut self.connections,
            Lasting::Socket => &mut self.sockets,
            Lasting::EventStream => &mut self.event_streams,
        }
    }
}

/// One open thing; dropping it makes room for the next.
pub(crate) struct Slot {
    app: Arc<App>,
    what: Lasting,
    client: Client,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.app.limits().open(self.what).leave(self.client);
    }
}
