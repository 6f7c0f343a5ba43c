//! The hand on one display: a thread that does on the X server, by XTEST, what [`crate::held`] says.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::Context;
use model::{DisplayAddress, Size, input::Input};
use x11rb::{
    connection::{Connection, RequestConnection},
    protocol::{
        xproto::{
            BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
            MOTION_NOTIFY_EVENT,
        },
        xtest::{self, ConnectionExt as _},
    },
};

use crate::{
    held::{Hand, Stroke},
    queue::Queue,
    wire::{GREETING, Hangup, Socket, Wire},
};

/// How long a dropped hand may take to let go of everything before its connection is cut, which a server that hangs makes necessary.
const LAST_STROKES: Duration = Duration::from_millis(500);

/// The hand on one display, through XTEST. Everything that it holds is let go on [`Input::ReleaseAll`], when it is dropped, and
/// after 250 ms of silence.
#[derive(Debug)]
pub struct Injector {
    shared: Arc<Shared>,
    hangup: Hangup,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    /// Told when the inbox has changed, by either side.
    changed: Condvar,
    unknown_keys: AtomicU64,
}

#[derive(Debug, Default)]
struct Inbox {
    queue: Queue,
    /// The hand was dropped: what is queued is done still.
    closing: bool,
    /// The thread has ended.
    ended: bool,
}

impl Injector {
    /// Connects to the display and lets go of what an earlier hand left pressed, such as that of a node which was killed.
    /// Blocks for some milliseconds, five seconds at most.
    ///
    /// # Errors
    /// A sentence: the display is gone, refuses the connection, or has no XTEST.
    pub fn open(address: &DisplayAddress, size: Size) -> anyhow::Result<Self> {
        let name = address.name();
        let (socket, hangup) = Socket::open(address)?;
        let (ready_out, ready) = mpsc::sync_channel(1);
        let shared = Arc::<Shared>::default();
        let thread = thread::Builder::new()
            .name(format!("input {name}"))
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    run(&shared, socket, size, &ready_out);
                    shared.end();
                }
            })
            .context("starting a thread")?;
        let injector = Self { shared, hangup, thread: Some(thread) };
        ready
            .recv_timeout(GREETING)
            .with_context(|| format!("display {name} did not answer within {GREETING:?}"))?
            .with_context(|| format!("display {name} takes no input"))?;
        Ok(injector)
    }

    /// Never waits: a hand that is faster than the X server loses moves, not presses or releases. If hundreds of those wait, because
    /// the server hangs, all of them give way to one release of everything.
    pub fn handle(&self, input: Input) {
        let mut inbox = self.shared.lock();
        if !inbox.ended {
            inbox.queue.push(input);
            drop(inbox);
            self.shared.changed.notify_all();
        }
    }

    /// Key events so far whose code names no key of an X keyboard; they were ignored.
    pub fn unknown_keys(&self) -> u64 {
        self.shared.unknown_keys.load(Ordering::Relaxed)
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        let mut inbox = self.shared.lock();
        inbox.closing = true;
        self.shared.changed.notify_all();
        let unfinished = |inbox: &mut Inbox| !inbox.ended;
        let waited = self.shared.changed.wait_timeout_while(inbox, LAST_STROKES, unfinished);
        drop(waited);
        self.hangup.hang_up();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that injects input has panicked");
        }
    }
}

impl Shared {
    /// A panic elsewhere cannot leave a queue half written, so its poison means nothing here.
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// The next input; `Due` when the time has come without one, `Closed` when there will be none.
    fn next(&self, until: Option<Instant>) -> Next {
        let mut inbox = self.lock();
        loop {
            if let Some(input) = inbox.queue.pop() {
                return Next::Input(input);
            }
            if inbox.closing {
                return Next::Closed;
            }
            inbox = match until.map(|moment| moment.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Next::Due,
                Some(left) => {
                    self.changed.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(inbox).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn is_idle(&self) -> bool {
        self.lock().queue.is_empty()
    }
}

enum Next {
    Input(Input),
    Due,
    Closed,
}

fn run(shared: &Shared, socket: Socket, size: Size, ready: &mpsc::SyncSender<anyhow::Result<()>>) {
    let wire = match begin(socket) {
        Ok(wire) => wire,
        // Nobody listens any more where the start was given up.
        Err(error) => return drop(ready.send(Err(error))),
    };
    if ready.send(Ok(())).is_ok()
        && let Err(error) = inject(shared, &wire, Hand::new(size, Instant::now()))
    {
        // The end of the display is told elsewhere.
        tracing::debug!(%error, "no more input reaches a display");
    }
}

fn begin(socket: Socket) -> anyhow::Result<Wire> {
    let wire = socket.greet()?;
    let has_xtest = wire.conn.extension_information(xtest::X11_EXTENSION_NAME)?.is_some();
    anyhow::ensure!(has_xtest, "its X server has no XTEST extension");
    wire.conn.xtest_get_version(2, 2)?.reply()?;
    release_leftovers(&wire)?;
    Ok(wire)
}

/// Keys and buttons stay down in the server when the client that pressed them goes away.
fn release_leftovers(wire: &Wire) -> anyhow::Result<()> {
    let keys = wire.conn.query_keymap()?;
    let pointer = wire.conn.query_pointer(wire.root)?;
    let keys = keys.reply()?.keys;
    for keycode in (8..=255u8).filter(|code| keys[usize::from(code / 8)] & (1 << (code % 8)) != 0) {
        strike(wire, Stroke::Key { keycode, down: false })?;
    }
    // Button n is bit 7 + n of the mask.
    let mask = u16::from(pointer.reply()?.mask);
    for number in (1..=5u8).filter(|number| mask & (1 << (7 + number)) != 0) {
        strike(wire, Stroke::Button { number, down: false })?;
    }
    wire.conn.flush()?;
    Ok(())
}

fn inject(shared: &Shared, wire: &Wire, mut hand: Hand) -> anyhow::Result<()> {
    loop {
        let next = shared.next(hand.wake_at());
        let is_last = matches!(next, Next::Closed);
        let strokes = match next {
            Next::Input(input) => hand.handle(&input, Instant::now()),
            Next::Due => hand.tick(Instant::now()),
            Next::Closed => hand.release_all(),
        };
        for stroke in strokes {
            strike(wire, stroke)?;
        }
        shared.unknown_keys.store(hand.unknown_keys(), Ordering::Relaxed);
        if is_last || shared.is_idle() {
            wire.conn.flush()?;
            // Nothing was asked for, but the server tells every client when the keyboard's layout changes.
            while wire.conn.poll_for_event()?.is_some() {}
        }
        if is_last {
            // The server forgets unread requests of a client that has hung up: an answer proves that the last strokes were read.
            wire.conn.get_input_focus()?.reply()?;
            return Ok(());
        }
    }
}

fn strike(wire: &Wire, stroke: Stroke) -> anyhow::Result<()> {
    let (kind, detail, x, y) = match stroke {
        Stroke::Move { x, y } => (MOTION_NOTIFY_EVENT, 0, x, y),
        Stroke::Button { number, down: true } => (BUTTON_PRESS_EVENT, number, 0, 0),
        Stroke::Button { number, down: false } => (BUTTON_RELEASE_EVENT, number, 0, 0),
        Stroke::Key { keycode, down: true } => (KEY_PRESS_EVENT, keycode, 0, 0),
        Stroke::Key { keycode, down: false } => (KEY_RELEASE_EVENT, keycode, 0, 0),
    };
    wire.conn.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, wire.root, x, y, 0)?;
    Ok(())
}
