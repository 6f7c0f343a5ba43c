//! Watches the windows of one display and does what [`crate::windows`] wishes, on a thread of its own, as long as the display's handle lives.
//!
//! It listens to the root window's `SubstructureNotify` and never polls. Absent on purpose: pictures and input.

use std::{
    thread::{self, JoinHandle},
    time::Instant,
};

use anyhow::Context;
use model::{DisplayAddress, Size};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};
use x11rb::{
    connection::Connection,
    errors::ReplyError,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureWindowAux, ConnectionExt,
            EventMask, InputFocus, MapState, StackMode, Window, WindowClass,
        },
    },
};

use crate::{
    windows::{Kind, Main, Rect, Seen, Windows, Wish},
    wire::{GREETING, Hangup, Socket, Wire},
};

x11rb::atom_manager! {
    Atoms: AtomsCookie {
        WM_PROTOCOLS,
        WM_DELETE_WINDOW,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_NORMAL,
        _NET_WM_WINDOW_TYPE_SPLASH,
    }
}

/// The remote control of the thread. Dropping it ends the thread; the display and its windows stay.
#[derive(Debug)]
pub(crate) struct Keeper {
    main: watch::Receiver<Option<Main>>,
    hangup: Hangup,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Connects and looks at what is there already.
    pub(crate) async fn start(address: &DisplayAddress) -> anyhow::Result<Self> {
        let (socket, hangup) = Socket::open(address)?;
        let (main_out, main) = watch::channel(None);
        let (ready_out, ready) = oneshot::channel();
        let name = address.name();
        let thread = thread::Builder::new()
            .name(format!("windows {name}"))
            .spawn(move || run(socket, ready_out, main_out))
            .context("starting a thread")?;
        let keeper = Self { main, hangup, thread: Some(thread) };
        timeout(GREETING, ready)
            .await
            .with_context(|| format!("display {name} did not answer within {GREETING:?}"))?
            .context("the thread that watches the windows has ended")??;
        Ok(keeper)
    }

    /// The main window as it is now; closed when the display is gone.
    pub(crate) fn main(&self) -> watch::Receiver<Option<Main>> {
        self.main.clone()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.hangup.hang_up();
        // Every call of the thread fails from here on, so this waits for its next one at most.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches the windows of a display has panicked");
        }
    }
}

/// Asks a window to close. Does nothing where the program does not listen to such a wish. Blocks for a round trip or two.
pub(crate) fn ask_to_close(address: &DisplayAddress, window: Window) -> anyhow::Result<()> {
    let wire = Wire::connect(address)?;
    let atoms = Atoms::new(&wire.conn)?.reply()?;
    let protocols =
        wire.conn.get_property(false, window, atoms.WM_PROTOCOLS, AtomEnum::ATOM, 0, 32)?.reply()?;
    if protocols.value32().is_some_and(|mut all| all.any(|atom| atom == atoms.WM_DELETE_WINDOW)) {
        let message =
            ClientMessageEvent::new(32, window, atoms.WM_PROTOCOLS, [atoms.WM_DELETE_WINDOW, 0, 0, 0, 0]);
        wire.conn.send_event(false, window, EventMask::NO_EVENT, message)?.check()?;
    }
    Ok(())
}

fn run(socket: Socket, ready: oneshot::Sender<anyhow::Result<()>>, main: watch::Sender<Option<Main>>) {
    let mut thread = match Thread::begin(socket, main) {
        Ok(thread) => thread,
        // Nobody listens any more where the start was given up.
        Err(error) => return drop(ready.send(Err(error))),
    };
    if ready.send(Ok(())).is_ok()
        && let Err(error) = thread.watch()
    {
        // The usual end: the handle was dropped, or the server has ended, which is told elsewhere.
        tracing::debug!(%error, "the windows of a display are watched no more");
    }
}

struct Thread {
    wire: Wire,
    atoms: Atoms,
    windows: Windows,
    size: Size,
    main: watch::Sender<Option<Main>>,
}

impl Thread {
    fn begin(socket: Socket, main: watch::Sender<Option<Main>>) -> anyhow::Result<Self> {
        let wire = socket.greet()?;
        let atoms = Atoms::new(&wire.conn)?.reply()?;
        let interest = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::STRUCTURE_NOTIFY;
        let interest = ChangeWindowAttributesAux::new().event_mask(interest);
        wire.conn.change_window_attributes(wire.root, &interest)?.check()?;
        // It may have been resized before this node began.
        let root = wire.conn.get_geometry(wire.root)?.reply()?;
        let size = Size::new(root.width.into(), root.height.into());
        let mut thread = Self { wire, atoms, windows: Windows::new(size), size, main };
        // Asked for after the interest was declared: what is mapped in between is seen twice rather than never.
        let present = thread.wire.conn.query_tree(thread.wire.root)?.reply()?.children;
        for window in present {
            thread.on_mapped(window)?;
        }
        Ok(thread)
    }

    /// Runs until the connection ends.
    fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            let wishes = self.windows.tick(Instant::now());
            self.perform(&wishes)?;
            self.publish();
            self.wire.conn.flush()?;
            // Requests and replies may have read events along; only when none is left is there something to wait for.
            match self.wire.conn.poll_for_event()? {
                Some(event) => self.on_event(&event)?,
                None => self.wire.wait(self.windows.wake_at())?,
            }
        }
    }

    fn on_event(&mut self, event: &Event) -> anyhow::Result<()> {
        let root = self.wire.root;
        match event {
            Event::MapNotify(e) => self.on_mapped(e.window),
            Event::UnmapNotify(e) => self.on_seen(Seen::Gone { id: e.window }),
            Event::DestroyNotify(e) => self.on_seen(Seen::Gone { id: e.window }),
            Event::ReparentNotify(e) if e.parent == root => self.on_mapped(e.window),
            Event::ReparentNotify(e) => self.on_seen(Seen::Gone { id: e.window }),
            Event::ConfigureNotify(e) if e.window == root => {
                self.size = Size::new(e.width.into(), e.height.into());
                self.windows.resize(self.size);
                Ok(())
            }
            Event::ConfigureNotify(e) => {
                let rect =
                    Rect { x: e.x.into(), y: e.y.into(), width: e.width.into(), height: e.height.into() };
                self.on_seen(Seen::Moved { id: e.window, rect })
            }
            // Errors are about windows that went away between the event and our wish.
            _ => Ok(()),
        }
    }

    /// Looks at a window that may be mapped, and passes it on if it is one for people.
    fn on_mapped(&mut self, window: Window) -> anyhow::Result<()> {
        match self.look_at(window) {
            Ok(Some((rect, kind))) => self.on_seen(Seen::Mapped { id: window, rect, kind }),
            // It is gone already.
            Ok(None) | Err(ReplyError::X11Error(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn on_seen(&mut self, seen: Seen) -> anyhow::Result<()> {
        let wishes = self.windows.handle(seen, Instant::now());
        self.perform(&wishes)
    }

    /// Where it is and what it is for; `None` for what is not a program's window: hidden, input-only, or a menu or tooltip.
    fn look_at(&self, window: Window) -> Result<Option<(Rect, Kind)>, ReplyError> {
        let conn = &self.wire.conn;
        // All four are asked before the first answer is awaited: one round trip.
        let attributes = conn.get_window_attributes(window)?;
        let geometry = conn.get_geometry(window)?;
        let kind = conn.get_property(false, window, self.atoms._NET_WM_WINDOW_TYPE, AtomEnum::ATOM, 0, 1)?;
        let owner = conn.get_property(false, window, AtomEnum::WM_TRANSIENT_FOR, AtomEnum::WINDOW, 0, 1)?;
        let (attributes, geometry, kind, owner) =
            (attributes.reply()?, geometry.reply()?, kind.reply()?, owner.reply()?);

        let is_program = attributes.map_state == MapState::VIEWABLE
            && attributes.class == WindowClass::INPUT_OUTPUT
            && !attributes.override_redirect;
        let says = kind.value32().and_then(|mut all| all.next());
        let has_owner =
            owner.value32().and_then(|mut all| all.next()).is_some_and(|id| id != 0 && id != self.wire.root);
        let kind = match says {
            Some(atom) if atom == self.atoms._NET_WM_WINDOW_TYPE_SPLASH => Kind::Splash,
            Some(atom) if atom != self.atoms._NET_WM_WINDOW_TYPE_NORMAL => Kind::Aside,
            _ if has_owner => Kind::Aside,
            _ => Kind::Program,
        };
        let rect = Rect {
            x: geometry.x.into(),
            y: geometry.y.into(),
            width: geometry.width.into(),
            height: geometry.height.into(),
        };
        Ok(is_program.then_some((rect, kind)))
    }

    fn perform(&self, wishes: &[Wish]) -> anyhow::Result<()> {
        let conn = &self.wire.conn;
        for wish in wishes {
            match *wish {
                Wish::Fill(window) => {
                    let place =
                        ConfigureWindowAux::new().x(0).y(0).width(self.size.width).height(self.size.height);
                    conn.configure_window(window, &place.border_width(0))?;
                }
                Wish::Focus(window) => {
                    conn.configure_window(window, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE))?;
                    // When this window goes, keys follow the pointer until the next one is focused.
                    conn.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME)?;
                }
            }
        }
        Ok(())
    }

    fn publish(&self) {
        let now = self.windows.main();
        self.main.send_if_modified(|main| std::mem::replace(main, now) != now);
    }
}
