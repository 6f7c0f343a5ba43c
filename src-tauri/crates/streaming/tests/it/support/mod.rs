//! What the stories share: a camera, a far side that speaks real WebRTC, a network that loses packets.

pub mod camera;
pub mod encoder;
pub mod lossy;
pub mod remote;

use std::{future::Future, net::Ipv4Addr, time::Duration};

use model::{Bitrate, ViewerId, video::Codec};
use streaming::{Answer, Config, MediaPort, PeerEvent, PeerHandle, PeerSpec};
use tokio::{sync::mpsc, time::timeout};

/// Not a claim about speed: past this a story hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

pub async fn port() -> MediaPort {
    MediaPort::open(Config {
        port: 0,
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        bitrate_max: Bitrate::kbps(12_000),
    })
    .await
    .unwrap()
}

/// The offer of a peer of `there`, for a viewer that finds the port `here` only.
pub fn through(here: u16, there: &MediaPort, offer: &str) -> String {
    let (from, to) = (format!("127.0.0.1 {} ", there.port()), format!("127.0.0.1 {here} "));
    offer
        .lines()
        .filter(|line| !line.contains(" tcp "))
        .map(|line| line.replace(&from, &to) + "\r\n")
        .collect()
}

/// Our side of one viewer.
pub struct Near {
    pub handle: PeerHandle,
    pub events: mpsc::Receiver<PeerEvent>,
}

impl Near {
    pub async fn open(port: &MediaPort) -> Self {
        Self::open_with(port, &[Codec::H264]).await
    }

    pub async fn open_with(port: &MediaPort, codecs: &[Codec]) -> Self {
        let spec = PeerSpec { viewer: ViewerId::random(), codecs: codecs.to_vec() };
        let (handle, events) = port.peer(spec).await.unwrap();
        Self { handle, events }
    }

    /// Our side of a viewer that has offered, and our answer.
    pub async fn answering(port: &MediaPort, codecs: &[Codec], offer: &str) -> (Self, Answer) {
        let spec = PeerSpec { viewer: ViewerId::random(), codecs: codecs.to_vec() };
        let (handle, events, answer) = port.answer(spec, offer).await.unwrap();
        (Self { handle, events }, answer)
    }

    pub async fn offer(&mut self) -> String {
        self.until("an offer", |event| match event {
            PeerEvent::Offer { sdp } => Some(sdp),
            _ => None,
        })
        .await
    }

    /// Reads events, forgets those that do not fit.
    pub async fn until<T>(&mut self, what: &str, mut fits: impl FnMut(PeerEvent) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event =
                    self.events.recv().await.unwrap_or_else(|| panic!("the peer ended before {what}"));
                if let Some(found) = fits(event) {
                    return found;
                }
            }
        })
        .await
    }

    pub async fn until_connected(&mut self) {
        self.until("the connection", |event| matches!(event, PeerEvent::Connected).then_some(())).await;
    }

    pub async fn until_keyframe_wanted(&mut self) {
        self.until("a wish for a keyframe", |event| matches!(event, PeerEvent::KeyframeWanted).then_some(()))
            .await;
    }

    pub async fn until_closed(&mut self) {
        self.until("the end", |event| matches!(event, PeerEvent::Closed).then_some(())).await;
    }
}
