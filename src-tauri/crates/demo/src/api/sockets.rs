//! The sockets, on a thread of their own: text in, text out. What it means is decided on the render thread, once a frame.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    sync::Arc,
    thread::JoinHandle,
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::{Semaphore, mpsc, watch},
};
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

use crate::{
    config::{Access, Admission, Interface, InterfaceKind},
    faults::{Fault, FaultSwitch},
};

/// Messages that wait for the next frame, of all clients together; more, and the sockets are read no further until then.
const WAITING_MESSAGES: usize = 1024;
/// Messages that wait for one client to read them: some seconds of all streams. A client that is slower is dropped.
const UNREAD_MESSAGES: usize = 2048;
/// Clients at a time; a real OpenSpace has a handful.
const CLIENTS: usize = 64;
/// The longest message that a client may send, in bytes.
const MESSAGE_BYTES: usize = 1 << 20;

/// What a socket tells the render thread.
#[derive(Debug)]
pub enum News {
    Opened {
        client: u64,
        address: SocketAddr,
        kind: InterfaceKind,
        admission: Admission,
        password: Arc<str>,
        out: mpsc::Sender<String>,
    },
    Said {
        client: u64,
        text: String,
    },
    Closed {
        client: u64,
    },
}

#[derive(Debug)]
pub struct Sockets {
    pub news: mpsc::Receiver<News>,
    /// True once the program is loaded: until then nobody is answered.
    loaded: watch::Sender<bool>,
    _thread: JoinHandle<()>,
}

/// Binds every interface, on loopback only, and starts to accept. A real OpenSpace binds all addresses; nobody needs that of a demo.
///
/// # Errors
/// A port is taken.
pub fn open(interfaces: &[Interface], fault: &FaultSwitch) -> io::Result<Sockets> {
    let listeners = interfaces.iter().map(bind).collect::<io::Result<Vec<_>>>()?;
    let (news_in, news) = mpsc::channel(WAITING_MESSAGES);
    let (loaded, until_loaded) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let fault = fault.clone();
    let thread = std::thread::Builder::new().name("sockets".to_owned()).spawn(move || {
        runtime.block_on(accept_all(listeners, news_in, until_loaded, fault));
    })?;
    Ok(Sockets { news, loaded, _thread: thread })
}

impl Sockets {
    pub fn answer_from_now_on(&self) {
        self.loaded.send_replace(true);
    }
}

fn bind(interface: &Interface) -> io::Result<(TcpListener, Interface)> {
    let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, interface.port))?;
    listener.set_nonblocking(true)?;
    Ok((listener, interface.clone()))
}

async fn accept_all(
    listeners: Vec<(TcpListener, Interface)>,
    news: mpsc::Sender<News>,
    loaded: watch::Receiver<bool>,
    fault: FaultSwitch,
) {
    let numbers = Arc::new(std::sync::atomic::AtomicU64::new(1));
    let places = Arc::new(Semaphore::new(CLIENTS));
    let mut accepting = tokio::task::JoinSet::new();
    for (listener, interface) in listeners {
        let door = Door {
            news: news.clone(),
            loaded: loaded.clone(),
            numbers: numbers.clone(),
            places: places.clone(),
            fault: fault.clone(),
        };
        accepting.spawn(door.accept(listener, interface));
    }
    while accepting.join_next().await.is_some() {}
}

#[derive(Clone)]
struct Door {
    news: mpsc::Sender<News>,
    loaded: watch::Receiver<bool>,
    numbers: Arc<std::sync::atomic::AtomicU64>,
    places: Arc<Semaphore>,
    fault: FaultSwitch,
}

impl Door {
    async fn accept(self, listener: TcpListener, interface: Interface) {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let mut clients = tokio::task::JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = clients.join_next() => continue,
            };
            match accepted {
                Ok((stream, address)) => {
                    clients.spawn(self.clone().serve(
                        stream,
                        address,
                        interface.kind,
                        interface.access.clone(),
                    ));
                }
                // Out of descriptors, most likely: a client has to leave first.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    async fn serve(mut self, stream: TcpStream, address: SocketAddr, kind: InterfaceKind, access: Access) {
        let admission = access.admit(&address.ip().to_string());
        let Ok(_place) = self.places.clone().try_acquire_owned() else { return };
        if admission == Admission::Refused || self.loaded.wait_for(|loaded| *loaded).await.is_err() {
            return;
        }
        let _ = stream.set_nodelay(true);
        if let Some(fault) = self.fault.now().of("connect") {
            return misbehave(stream, fault).await;
        }
        let client = self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (out, unsent) = mpsc::channel(UNREAD_MESSAGES);
        let opened = News::Opened { client, address, kind, admission, password: access.password.into(), out };
        match kind {
            InterfaceKind::Tcp => self.lines(client, stream, opened, unsent).await,
            InterfaceKind::WebSocket => self.web_socket(client, stream, opened, unsent).await,
        }
        let _ = self.news.send(News::Closed { client }).await;
    }

    /// One JSON document a line.
    async fn lines(&self, client: u64, stream: TcpStream, opened: News, mut unsent: mpsc::Receiver<String>) {
        if self.news.send(opened).await.is_err() {
            return;
        }
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        loop {
            let mut limited = (&mut read).take(MESSAGE_BYTES as u64);
            tokio::select! {
                got = limited.read_until(b'\n', &mut line) => match got {
                    // read_until keeps what it has read in `line` when it is cancelled, so nothing of a message is lost.
                    Ok(1..) if line.ends_with(b"\n") => {
                        let text = String::from_utf8_lossy(&line).trim().to_owned();
                        line.clear();
                        if !text.is_empty() && self.news.send(News::Said { client, text }).await.is_err() {
                            return;
                        }
                    }
                    Ok(1..) if line.len() < MESSAGE_BYTES => {}
                    _ => return,
                },
                text = unsent.recv() => {
                    let Some(text) = text else { return };
                    if write.write_all(format!("{text}\n").as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn web_socket(
        &self,
        client: u64,
        stream: TcpStream,
        opened: News,
        mut unsent: mpsc::Receiver<String>,
    ) {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let Ok(mut socket) = tokio_tungstenite::accept_async_with_config(stream, Some(limits)).await else {
            return;
        };
        if self.news.send(opened).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        if self.news.send(News::Said { client, text: text.to_string() }).await.is_err() {
                            return;
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                text = unsent.recv() => {
                    // Dropped by the render thread: gone without a closing handshake, as OpenSpace does it.
                    let Some(text) = text else { return };
                    if socket.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Whoever connects meets something that is no server of ours.
async fn misbehave(mut stream: TcpStream, fault: Fault) {
    match fault {
        Fault::HangUp => {}
        // Until the other side gives up.
        Fault::Silent => drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await),
        Fault::Garbage | Fault::Truncated | Fault::Types => {
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").await;
        }
        Fault::Huge => {
            let head = "x".repeat(MESSAGE_BYTES);
            let _ = stream.write_all(format!("HTTP/1.1 101 {head}").as_bytes()).await;
        }
    }
}
