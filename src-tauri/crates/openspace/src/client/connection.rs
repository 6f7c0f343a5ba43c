//! The task that owns the socket: opens it once, carries messages both ways, does what the [`Dialogue`] says.

use std::{
    collections::BTreeMap,
    fmt,
    io::ErrorKind,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{SinkExt, StreamExt};
use model::{
    ApiGeneration, SceneState, Trouble, UnixMillis, input::Velocities, launch::Api, scene::RecorderState,
};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    select,
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, Utf8Bytes, error::ProtocolError, protocol::WebSocketConfig},
};
use tracing::{debug, warn};

use super::{
    ClientError,
    dialogue::{Dialogue, Output},
    health::{Illness, Patience},
    wire::{self, Question},
};

/// The largest message: a whole property tree of 50,000 properties has about that. A larger one ends the connection.
const MESSAGE_BYTES_MAX: usize = 32 << 20;

/// Between two looks whether OpenSpace's port is open yet. A refused connection leaves nothing behind in OpenSpace.
const PORT_PAUSE: Duration = Duration::from_millis(100);

/// OpenSpace reads its sockets in threads of their own; one that takes no more for so long is lost.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// For the goodbye, which OpenSpace never answers.
const GOODBYE_WITHIN: Duration = Duration::from_millis(200);

/// A larger message is read beside the connection: a whole tree takes a while.
const READ_HERE_BYTES: usize = 256 << 10;

/// Properties whose newest value is remembered; of further ones the next tree tells.
const ADJUSTED_MAX: usize = 20_000;

/// As many nodes as are known of a scene.
const SHOWN_MAX: usize = 50_000;

pub(super) type Socket = WebSocketStream<TcpStream>;
pub(super) type Answer = oneshot::Sender<Result<Value, ClientError>>;

pub(super) enum Command {
    Ask {
        question: Question,
        within: Duration,
        answer: Answer,
    },
    Zoom {
        notches: f32,
    },
    Fly {
        velocities: Velocities,
    },
    /// Tell of the scene from now on.
    Watch,
    /// Something was set.
    Changed,
}

/// What was shown or hidden by whomever, and when it was heard; bounded by the nodes that a scene has.
pub(super) type Shown = BTreeMap<String, (bool, std::time::Instant)>;

/// What properties hold by whomever, and when it was heard; bounded by [`ADJUSTED_MAX`].
pub(super) type Adjusted = BTreeMap<String, (Value, std::time::Instant)>;

/// Where it is told what OpenSpace tells by itself.
pub(super) struct Tell {
    pub scene: watch::Sender<Option<SceneState>>,
    pub shown: watch::Sender<Shown>,
    pub adjusted: watch::Sender<Adjusted>,
    pub trouble: watch::Sender<Option<Trouble>>,
}

/// Why a connection is over that was not let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parting {
    /// With what it was asked just then.
    HungUp(Option<&'static str>),
    /// Something came that no client could read, or that was longer than anything is.
    Unreadable,
    /// It takes nothing from its socket.
    Deaf,
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp(Some(asked)) => write!(f, "OpenSpace hung up when it was asked {asked}"),
            Self::HungUp(None) => f.write_str("OpenSpace hung up"),
            Self::Unreadable => f.write_str("OpenSpace answered with something that cannot be read"),
            Self::Deaf => f.write_str("OpenSpace does not listen any more"),
        }
    }
}

/// Waits until the port is open, connects once, and waits until the upgrade is answered, which OpenSpace does when its
/// scene is loaded. There is no second try: a real OpenSpace keeps threads for every connection that was given up.
pub(super) async fn open(api: Api, until: Instant, within: Duration) -> Result<Socket, ClientError> {
    let stream = connect(api.port, until).await?;
    stream.set_nodelay(true).map_err(|error| ClientError::Connect(error.to_string()))?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let upgrade = client_async_with_config(format!("ws://127.0.0.1:{}/", api.port), stream, Some(limits));
    match timeout_at(until, upgrade).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(Error::Io(_) | Error::Protocol(ProtocolError::HandshakeIncomplete))) => {
            Err(ClientError::ClosedEarly(api.generation))
        }
        Ok(Err(error)) => Err(ClientError::Garbage(error.to_string())),
        Err(_) => Err(ClientError::Deadline("upgrade", within)),
    }
}

async fn connect(port: u16, until: Instant) -> Result<TcpStream, ClientError> {
    loop {
        match timeout_at(until, TcpStream::connect(("127.0.0.1", port))).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error))
                if error.kind() == ErrorKind::ConnectionRefused && Instant::now() + PORT_PAUSE < until =>
            {
                sleep(PORT_PAUSE).await;
            }
            Ok(Err(error)) => return Err(ClientError::Connect(error.to_string())),
            Err(_) => return Err(ClientError::Connect("the port did not open in time".to_owned())),
        }
    }
}

pub(super) struct Connection {
    socket: Socket,
    port: u16,
    generation: ApiGeneration,
    dialogue: Dialogue<Answer>,
    tell: Tell,
}

/// Why the connection is over.
enum End {
    /// The last handle is gone.
    LetGo,
    Lost(Parting),
}

impl Connection {
    pub(super) fn new(socket: Socket, api: Api, patience: Patience, tell: Tell) -> Self {
        let dialogue = Dialogue::new(api.generation, patience);
        Self { socket, port: api.port, generation: api.generation, dialogue, tell }
    }

    /// Runs until the last handle is gone or the connection is lost. `open` is dropped last, which tells everybody.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        open: watch::Sender<Option<Parting>>,
    ) {
        let end = match self.greet().await {
            Ok(()) => self.carry(&mut commands).await,
            Err(end) => end,
        };
        if matches!(end, End::LetGo) {
            // It lets OpenSpace log the end; there is no answer to wait for.
            let _ = timeout(GOODBYE_WITHIN, self.goodbye()).await;
        }
        debug!(port = self.port, ignored = self.dialogue.ignored(), "connection to OpenSpace is over");
        if let End::Lost(parting) = end {
            open.send_replace(Some(parting));
        }
        commands.close();
        deliver(self.dialogue.close(), &self.tell);
        while let Ok(command) = commands.try_recv() {
            if let Command::Ask { answer, .. } = command {
                let _ = answer.send(Err(ClientError::Closed));
            }
        }
        drop(open);
    }

    async fn goodbye(&mut self) -> Result<(), Error> {
        for text in self.dialogue.farewell(now()) {
            self.socket.send(Message::text(text)).await?;
        }
        self.socket.send(Message::Close(None)).await
    }

    async fn greet(&mut self) -> Result<(), End> {
        match wire::handshake(self.generation) {
            Some(handshake) => self.write(handshake).await,
            None => Ok(()),
        }
    }

    async fn carry(&mut self, commands: &mut mpsc::Receiver<Command>) -> End {
        loop {
            let step = select! {
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return End::LetGo,
                },
                message = self.socket.next() => match message {
                    Some(Ok(message)) => self.message(&message).await,
                    Some(Err(error)) => {
                        debug!(port = self.port, %error, "connection to OpenSpace failed");
                        return End::Lost(self.parting(&error));
                    }
                    None => return End::Lost(Parting::HungUp(self.dialogue.open_question())),
                },
                () = wake(self.dialogue.wake_at()) => self.dialogue.expire(now()),
            };
            for text in deliver(step, &self.tell) {
                if let Err(end) = self.write(text).await {
                    return end;
                }
            }
        }
    }

    fn command(&mut self, command: Command) -> Vec<Output<Answer>> {
        match command {
            Command::Ask { question, within, answer } => self.dialogue.ask(question, answer, within, now()),
            Command::Zoom { notches } => self.dialogue.zoom(notches, now()).into_iter().collect(),
            Command::Fly { velocities } => self.dialogue.fly(velocities, now()),
            Command::Watch => self.dialogue.watch(now()),
            Command::Changed => self.dialogue.changed(now()),
        }
    }

    async fn message(&mut self, message: &Message) -> Vec<Output<Answer>> {
        let text: &Utf8Bytes = match message {
            Message::Text(text) => text,
            // Pings are answered by the library; nothing else carries meaning.
            _ => return Vec::new(),
        };
        let reply = match text.len() {
            0..READ_HERE_BYTES => wire::read(text),
            _ => {
                let text = text.clone();
                spawn_blocking(move || wire::read(&text)).await.unwrap_or_else(|error| Err(error.to_string()))
            }
        };
        match self.dialogue.hear_out(reply, now()) {
            Ok(outputs) => outputs,
            Err(shown) => {
                // One line tells of it; a flood of garbage must not become a flood of lines.
                if self.dialogue.ignored() == 1 {
                    warn!(
                        port = self.port,
                        message = shown,
                        "OpenSpace said something that is not understood"
                    );
                }
                Vec::new()
            }
        }
    }

    fn parting(&self, error: &Error) -> Parting {
        match error {
            Error::Io(_)
            | Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
            ) => Parting::HungUp(self.dialogue.open_question()),
            _ => Parting::Unreadable,
        }
    }

    async fn write(&mut self, text: String) -> Result<(), End> {
        match timeout(WRITE_WITHIN, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                debug!(port = self.port, %error, "OpenSpace's socket takes no message");
                Err(End::Lost(self.parting(&error)))
            }
            Err(_) => {
                warn!(port = self.port, "OpenSpace has not read its socket for {WRITE_WITHIN:?}: given up");
                Err(End::Lost(Parting::Deaf))
            }
        }
    }
}

/// Hands the answers to those who asked, if they still listen, and leaves what is to be sent.
fn deliver(outputs: Vec<Output<Answer>>, tell: &Tell) -> Vec<String> {
    let mut texts = Vec::new();
    for output in outputs {
        match output {
            Output::Send(text) => texts.push(text),
            Output::Answer(asker, answer) => drop(asker.send(answer)),
            Output::Scene(state) => tell.scene.send_modify(|told| {
                let since = recorder_since(&state, told.as_ref());
                *told = Some(SceneState { recorder_since: since, ..state });
            }),
            Output::Shown(node, shown) => tell.shown.send_modify(|known| {
                if known.len() < SHOWN_MAX || known.contains_key(&node) {
                    known.insert(node, (shown, now()));
                }
            }),
            Output::Adjusted(uri, value) => tell.adjusted.send_modify(|known| {
                if known.len() < ADJUSTED_MAX || known.contains_key(&uri) {
                    known.insert(uri, (value, now()));
                }
            }),
            Output::Health(illness) => {
                tell.trouble.send_replace(illness.map(trouble));
            }
        }
    }
    texts
}

fn trouble(illness: Illness) -> Trouble {
    let Illness { message, since, off } = illness;
    let ago = i64::try_from(now().saturating_duration_since(since).as_millis()).unwrap_or_default();
    Trouble { message, since: UnixMillis(wall_clock().0 - ago), off }
}

/// By the wall clock, since it is people who read it.
fn recorder_since(state: &SceneState, before: Option<&SceneState>) -> Option<UnixMillis> {
    match before.filter(|before| before.recorder == state.recorder) {
        Some(same) => same.recorder_since,
        None if state.recorder == RecorderState::Idle => None,
        None => Some(wall_clock()),
    }
}

fn wall_clock() -> UnixMillis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

async fn wake(at: Option<std::time::Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
