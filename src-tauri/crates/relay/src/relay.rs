//! This machine's place in the fleet, and its ways to the others. One task owns it; [`Relay`] is the remote control.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use model::ServerId;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

use crate::{
    Config, Identity, Incoming, JoinCode, Me, Removed, Standing, Stream, Trouble,
    authority::fingerprint,
    codes::Codes,
    command::{Command, Reply},
    dial,
    door::{self, Inside},
    identity,
    link::Link,
    peer::{Peer, Want},
};

/// Questions of the node and of the door; past that they wait.
const COMMANDS: usize = 64;
/// Streams that others have opened and the node has not taken yet.
const INCOMING: usize = 256;

#[derive(Clone, Debug)]
pub struct Relay {
    me: Me,
    commands: mpsc::Sender<Command>,
    standing: watch::Receiver<Standing>,
    removed: watch::Receiver<Removed>,
    _closing: Arc<DropGuard>,
}

impl Relay {
    /// The door opens if this machine belongs to a fleet.
    pub async fn open(config: Config) -> (Self, mpsc::Receiver<Incoming>) {
        // Without the list of who was removed nobody is let in.
        let found =
            identity::removed(&config.dir).and_then(|removed| Ok((removed, Identity::load(&config.dir)?)));
        let (removed, identity, broken) = match found {
            Ok((removed, identity)) => (removed, identity, None),
            Err(why) => (Removed::default(), None, Some(why.to_string())),
        };
        let outcast = identity.as_ref().filter(|identity| identity.is_over(&removed));
        let first = match (broken, outcast) {
            (Some(why), _) => Standing::Broken { why },
            (None, Some(Identity { founder, .. })) => Standing::Removed { founder: *founder },
            (None, None) => Standing::Alone,
        };
        let identity = identity.filter(|identity| !identity.is_over(&removed));
        let (publish, standing) = watch::channel(first);
        let (tell, removed) = watch::channel(removed);
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (incoming, streams) = mpsc::channel(INCOMING);
        let closing = CancellationToken::new();
        let inside = Inside {
            me: config.me.clone(),
            owner: commands.clone(),
            removed: removed.clone(),
            incoming,
            closing: closing.clone(),
        };
        let me = config.me.clone();
        let mut owner = Owner {
            config,
            inside,
            membership: None,
            codes: Codes::default(),
            peers: HashMap::new(),
            standing: publish,
            removed: tell,
        };
        if let Some(identity) = identity {
            owner.become_member(identity).await;
        }
        tokio::spawn(closing.clone().run_until_cancelled_owned(owner.run(inbox)));
        let relay = Self { me, commands, standing, removed, _closing: Arc::new(closing.drop_guard()) };
        (relay, streams)
    }

    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    pub fn removed(&self) -> watch::Receiver<Removed> {
        self.removed.clone()
    }

    /// This machine becomes the first of a fleet.
    pub async fn found(&self) -> Result<(), Trouble> {
        self.ask(Command::Found).await
    }

    /// A code by which one machine may join; `host` is how that machine reaches this one.
    pub async fn code(&self, host: &str) -> Result<JoinCode, Trouble> {
        let address = host.to_owned();
        self.ask(|reply| Command::Code { address, reply }).await
    }

    pub async fn join(&self, code: JoinCode) -> Result<(), Trouble> {
        self.ask(|reply| Command::Join { code, reply }).await
    }

    /// It belongs to no fleet from now on.
    pub async fn leave(&self) -> Result<(), Trouble> {
        self.ask(Command::Leave).await
    }

    /// The founder's word. The others learn it from there.
    pub async fn remove(&self, server: ServerId) -> Result<(), Trouble> {
        self.ask(|reply| Command::Remove { server, reply }).await
    }

    /// What the founder says about who was removed.
    pub async fn take_over(&self, removed: Removed) {
        // The owner ends with the node.
        let _ = self.commands.send(Command::Removed(removed)).await;
    }

    /// Opens a stream to that machine, which is said to be at `place`.
    pub async fn stream(&self, server: ServerId, place: &str, opening: Bytes) -> Result<Stream, Trouble> {
        let place = place.to_owned();
        let link: Link = self.ask(|reply| Command::Reach { server, want: Want { place, reply } }).await?;
        link.open(opening).await
    }

    /// One question and its answer. The stream is for what is to follow; whoever drops it says that nothing is.
    pub async fn question(
        &self,
        server: ServerId,
        place: &str,
        question: Bytes,
        within: Duration,
    ) -> Result<(Bytes, Stream), Trouble> {
        in_time(within, place, async { answer(self.stream(server, place, question).await?).await }).await
    }

    /// One question to a machine that was removed, which cannot know it yet.
    pub async fn question_removed(
        &self,
        server: ServerId,
        place: &str,
        question: Bytes,
        within: Duration,
    ) -> Result<Bytes, Trouble> {
        let identity = self.ask(Command::Identity).await?;
        let nobody = watch::channel(Removed::default()).1;
        let link = dial::dial(&identity, &self.me, server, place, &nobody, CancellationToken::new()).await?;
        let answered = in_time(within, place, async { answer(link.open(question).await?).await }).await;
        link.end();
        answered.map(|(answer, _)| answer)
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| Trouble::Broken)?;
        answer.await.map_err(|_| Trouble::Broken)?
    }
}

async fn answer(mut stream: Stream) -> Result<(Bytes, Stream), Trouble> {
    Ok((stream.recv().await.ok_or(Trouble::Broken)?, stream))
}

async fn in_time<T>(
    within: Duration,
    place: &str,
    asked: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let silent =
        || Trouble::Unreachable { place: place.to_owned(), why: "no answer came in time".to_owned() };
    timeout(within, asked).await.unwrap_or_else(|_| Err(silent()))
}

struct Owner {
    config: Config,
    inside: Inside,
    /// Absent while it belongs to no fleet.
    membership: Option<Membership>,
    codes: Codes,
    peers: HashMap<ServerId, mpsc::Sender<Want>>,
    standing: watch::Sender<Standing>,
    removed: watch::Sender<Removed>,
}

/// A place in a fleet, for as long as it has this certificate.
struct Membership {
    identity: Arc<Identity>,
    /// Of its door, and of all links.
    closing: CancellationToken,
    door: Option<JoinHandle<()>>,
}

impl Owner {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        while let Some(command) = inbox.recv().await {
            self.perform(command).await;
        }
    }

    /// Who asked may have stopped waiting, which changes nothing.
    async fn perform(&mut self, command: Command) {
        match command {
            Command::Found(reply) => drop(reply.send(self.found().await)),
            Command::Code { address, reply } => drop(reply.send(self.code(&address))),
            Command::Join { code, reply } => drop(reply.send(self.join(&code).await)),
            Command::Leave(reply) => drop(reply.send(self.leave().await)),
            Command::Identity(reply) => drop(reply.send(self.member().cloned())),
            Command::Remove { server, reply } => drop(reply.send(self.remove(server))),
            Command::Removed(removed) => self.merge(&removed).await,
            Command::Reach { server, want } => self.reach(server, want),
            Command::Redeem { secret, server, request, reply } => {
                drop(reply.send(self.redeem(&secret, server, &request)));
            }
        }
    }

    async fn become_member(&mut self, identity: Identity) {
        self.close().await;
        let closing = self.inside.closing.child_token();
        let inside = Inside { closing: closing.clone(), ..self.inside.clone() };
        let (port, door, trouble) = match door::open(self.config.listen, &identity, inside).await {
            Ok((port, door)) => (Some(port), Some(door), None),
            Err(why) => {
                error!("{why}");
                (None, None, Some(why.to_string()))
            }
        };
        let founder = identity.founder;
        self.membership = Some(Membership { identity: Arc::new(identity), closing, door });
        self.standing.send_replace(Standing::Member { founder, port, trouble });
    }

    /// Links end, and the door's port is free.
    async fn close(&mut self) {
        self.peers.clear();
        if let Some(Membership { closing, door, .. }) = self.membership.take() {
            closing.cancel();
            if let Some(door) = door {
                // It has ended in any case.
                drop(door.await);
            }
        }
    }

    async fn found(&mut self) -> Result<(), Trouble> {
        let (dir, server, now) = (&self.config.dir, self.config.me.server, (self.config.now)());
        let identity = Identity::found(dir, server, now)?;
        info!("this machine has founded a fleet");
        self.become_member(identity).await;
        Ok(())
    }

    async fn join(&mut self, code: &JoinCode) -> Result<(), Trouble> {
        let identity = identity::join(&self.config.dir, &self.config.me, code).await?;
        info!(founder = %identity.founder, "this machine has joined a fleet");
        self.removed.send_replace(identity::removed(&self.config.dir)?);
        self.become_member(identity).await;
        Ok(())
    }

    async fn leave(&mut self) -> Result<(), Trouble> {
        identity::leave(&self.config.dir)?;
        self.close().await;
        self.removed.send_replace(Removed::default());
        self.standing.send_replace(Standing::Alone);
        info!("this machine belongs to no fleet any more");
        Ok(())
    }

    fn member(&self) -> Result<&Arc<Identity>, Trouble> {
        let why = match *self.standing.borrow() {
            Standing::Removed { .. } => Trouble::Outcast,
            _ => Trouble::Alone,
        };
        self.membership.as_ref().map(|membership| &membership.identity).ok_or(why)
    }

    fn founder(&self) -> Result<&Arc<Identity>, Trouble> {
        let identity = self.member()?;
        if identity.is_founder() { Ok(identity) } else { Err(identity.not_founder()) }
    }

    fn code(&mut self, host: &str) -> Result<JoinCode, Trouble> {
        let identity = self.founder()?.clone();
        let standing = self.standing.borrow().clone();
        let Standing::Member { port: Some(port), .. } = standing else {
            return Err(Trouble::Refused("its own door for other machines is not open".to_owned()));
        };
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).expect("Linux and Windows have a random source from boot on");
        self.codes.add(&secret, (self.config.now)());
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Ok(JoinCode {
            fingerprint: fingerprint(&identity.authority),
            secret,
            founder: identity.server,
            address: format!("{host}:{port}"),
        })
    }

    fn redeem(
        &mut self,
        secret: &[u8],
        server: ServerId,
        request: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Trouble> {
        let identity = self.founder()?.clone();
        let now = (self.config.now)();
        self.codes.redeem(secret, now)?;
        if server == identity.server {
            return Err(Trouble::Refused("that is the founder's own id".to_owned()));
        }
        let certificate = identity.certify(server, request, now)?;
        Ok((certificate.to_vec(), identity.authority.to_vec()))
    }

    fn remove(&mut self, server: ServerId) -> Result<(), Trouble> {
        if self.founder()?.server == server {
            return Err(Trouble::Refused("the founder cannot be removed from its own fleet".to_owned()));
        }
        let mut removed = self.removed.borrow().clone();
        removed.add(server, (self.config.now)());
        identity::keep_removed(&self.config.dir, &removed)?;
        self.removed.send_replace(removed);
        self.peers.remove(&server);
        info!(%server, "a machine was removed from the fleet");
        Ok(())
    }

    async fn merge(&mut self, others: &Removed) {
        let mut removed = self.removed.borrow().clone();
        if !removed.merge(others) {
            return;
        }
        if let Err(why) = identity::keep_removed(&self.config.dir, &removed) {
            error!(%why, "who was removed from the fleet is forgotten with this run");
        }
        let outcast = self.member().ok().filter(|identity| identity.is_over(&removed)).cloned();
        self.removed.send_replace(removed);
        if let Some(identity) = outcast {
            warn!(founder = %identity.founder, "this machine was removed from its fleet");
            self.close().await;
            self.standing.send_replace(Standing::Removed { founder: identity.founder });
        }
    }

    fn reach(&mut self, server: ServerId, want: Want) {
        let identity = match self.member() {
            Ok(identity) => identity.clone(),
            Err(why) => return drop(want.reply.send(Err(why))),
        };
        let Inside { me, removed, .. } = self.inside.clone();
        let closing = self.membership.as_ref().map_or_else(CancellationToken::new, |m| m.closing.clone());
        let peer =
            self.peers.entry(server).or_insert_with(|| Peer::open(identity, me, server, removed, closing));
        if let Err(full) = peer.try_send(want) {
            drop(full.into_inner().reply.send(Err(Trouble::Busy)));
        }
    }
}
