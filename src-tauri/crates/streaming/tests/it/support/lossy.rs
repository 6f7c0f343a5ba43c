//! A network between a viewer and the port that loses some media packets on their way to the viewer.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};

use tokio::{net::UdpSocket, task::JoinSet};

pub struct Lossy {
    pub port: u16,
    lose: Arc<AtomicU32>,
    cut: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Lossy {
    pub async fn in_front_of(port: u16) -> Self {
        let outside = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let lose = Arc::new(AtomicU32::new(0));
        let cut = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        let own = outside.local_addr().unwrap().port();
        let way = Way { outside, lose: Arc::clone(&lose), cut: Arc::clone(&cut) };
        tasks.spawn(forward(way, (Ipv4Addr::LOCALHOST, port).into()));
        Self { port: own, lose, cut, _tasks: tasks }
    }

    /// The offer, with this network's door in place of the port's.
    pub fn reroute(&self, offer: &str, port: u16) -> String {
        offer
            .lines()
            .filter(|line| !line.contains(" tcp "))
            .map(|line| {
                line.replace(&format!("127.0.0.1 {port} "), &format!("127.0.0.1 {} ", self.port)) + "\r\n"
            })
            .collect()
    }

    /// The next so many media packets are lost.
    pub fn lose(&self, packets: u32) {
        self.lose.store(packets, Relaxed);
    }

    /// Nothing gets through any more, in either direction, or all does again.
    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Relaxed);
    }
}

#[derive(Clone)]
struct Way {
    outside: Arc<UdpSocket>,
    lose: Arc<AtomicU32>,
    cut: Arc<AtomicBool>,
}

async fn forward(way: Way, port: SocketAddr) {
    let mut inner: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; 65_536];
    while let Ok((length, viewer)) = way.outside.recv_from(&mut buffer).await {
        let socket = match inner.entry(viewer) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                socket.connect(port).await.unwrap();
                tasks.spawn(back(Arc::clone(&socket), way.clone(), viewer));
                new.insert(socket)
            }
        };
        if !way.cut.load(Relaxed) {
            let _ = socket.send(&buffer[..length]).await;
        }
    }
}

async fn back(inner: Arc<UdpSocket>, way: Way, viewer: SocketAddr) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length) = inner.recv(&mut buffer).await {
        let media = length > 1 && (128..192).contains(&buffer[0]) && !(192..224).contains(&buffer[1]);
        let lost = media && way.lose.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if !lost && !way.cut.load(Relaxed) {
            let _ = way.outside.send_to(&buffer[..length], viewer).await;
        }
    }
}
