//! This machine's place in the fleet, and its ways to the others. One task owns it; [`Relay`] is the remote control.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use model::ServerId;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info};

use crate::{
    Config, Identity, Incoming, JoinCode, Removed, Standing, Stream, Trouble,
    authority::fingerprint,
    codes::Codes,
    command::{Command, Reply},
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
        let first = broken.map_or(Standing::Alone, |why| Standing::Broken { why });
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
        let mut owner = Owner {
            config,
            inside,
            identity: None,
            codes: Codes::default(),
            peers: HashMap::new(),
            standing: publish,
            removed: tell,
        };
        if let Some(identity) = identity {
            owner.become_member(identity).await;
        }
        tokio::spawn(closing.clone().run_until_cancelled_owned(owner.run(inbox)));
        let relay = Self { commands, standing, removed, _closing: Arc::new(closing.drop_guard()) };
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

    /// One question, one answer.
    pub async fn question(
        &self,
        server: ServerId,
        place: &str,
        question: Bytes,
        within: Duration,
    ) -> Result<Bytes, Trouble> {
        let asked = async { self.stream(server, place, question).await?.recv().await.ok_or(Trouble::Broken) };
        let silent =
            || Trouble::Unreachable { place: place.to_owned(), why: "no answer came in time".to_owned() };
        timeout(within, asked).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Trouble> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| Trouble::Broken)?;
        answer.await.map_err(|_| Trouble::Broken)?
    }
}

struct Owner {
    config: Config,
    inside: Inside,
    identity: Option<Arc<Identity>>,
    codes: Codes,
    peers: HashMap<ServerId, mpsc::Sender<Want>>,
    standing: watch::Sender<Standing>,
    removed: watch::Sender<Removed>,
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
            Command::Remove { server, reply } => drop(reply.send(self.remove(server))),
            Command::Removed(removed) => self.merge(&removed),
            Command::Reach { server, want } => self.reach(server, want),
            Command::Redeem { secret, server, request, reply } => {
                drop(reply.send(self.redeem(&secret, server, &request)));
            }
        }
    }

    async fn become_member(&mut self, identity: Identity) {
        let opened = door::open(self.config.listen, &identity, self.inside.clone()).await;
        let (port, trouble) = match opened {
            Ok(port) => (Some(port), None),
            Err(why) => {
                error!("{why}");
                (None, Some(why.to_string()))
            }
        };
        let founder = identity.founder;
        self.identity = Some(Arc::new(identity));
        self.standing.send_replace(Standing::Member { founder, port, trouble });
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
        self.become_member(identity).await;
        Ok(())
    }

    fn member(&self) -> Result<&Arc<Identity>, Trouble> {
        self.identity.as_ref().ok_or(Trouble::Alone)
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

    fn merge(&mut self, others: &Removed) {
        let mut removed = self.removed.borrow().clone();
        if !removed.merge(others) {
            return;
        }
        if let Err(why) = identity::keep_removed(&self.config.dir, &removed) {
            error!(%why, "who was removed from the fleet is forgotten with this run");
        }
        self.removed.send_replace(removed);
    }

    fn reach(&mut self, server: ServerId, want: Want) {
        let identity = match self.member() {
            Ok(identity) => identity.clone(),
            Err(why) => return drop(want.reply.send(Err(why))),
        };
        let Inside { me, removed, closing, .. } = self.inside.clone();
        let peer =
            self.peers.entry(server).or_insert_with(|| Peer::open(identity, me, server, removed, closing));
        if let Err(full) = peer.try_send(want) {
            drop(full.into_inner().reply.send(Err(Trouble::Busy)));
        }
    }
}
