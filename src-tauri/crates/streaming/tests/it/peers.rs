//! Viewers of one port, with the `webrtc` crate as the far side.

use std::{sync::Arc, time::Duration};

use crate::support::{Near, camera::Camera, lossy::Lossy, port, remote::Remote, soon};
use protocol::input::{IntentReply, KeysMessage, PointerMessage};
use streaming::PeerEvent;
use tokio::net::UdpSocket;
use webrtc::peer_connection::RTCPeerConnectionState;

/// A viewer that is connected.
async fn connected(media: &streaming::MediaPort) -> (Near, Remote) {
    let (mut near, mut remote) = (Near::open(media).await, Remote::new().await);
    let answer = remote.answer(near.offer().await).await;
    near.handle.answer(answer).await.unwrap();
    near.until_connected().await;
    (near, remote)
}

#[tokio::test]
async fn frames_arrive_as_they_were_encoded() {
    let (media, camera) = (port().await, Camera::default());
    let (mut near, mut remote) = connected(&media).await;
    near.until_keyframe_wanted().await;
    near.handle.set_frames(camera.watch());
    for (keyframe, bytes) in [(true, 40_000), (false, 10), (false, 3000), (true, 200_000), (false, 1160)] {
        let shot = camera.shoot(keyframe, bytes);
        assert_eq!(remote.frame().await, shot);
    }
    assert!(remote.playout_delays() > 200, "the extension is on every packet: {}", remote.playout_delays());
}

#[tokio::test]
async fn many_viewers_share_one_port_and_one_encode() {
    let (media, camera) = (port().await, Camera::default());
    let mut viewers = Vec::new();
    for _ in 0..4 {
        let (near, remote) = connected(&media).await;
        near.handle.set_frames(camera.watch());
        viewers.push((near, remote));
    }
    assert_eq!(media.stats().peers, 4);
    for number in 0..20 {
        let shot = camera.shoot(number == 0, 5000);
        for (_, remote) in &mut viewers {
            assert_eq!(remote.frame().await, shot);
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_before_a_keyframe_and_one_is_asked_for() {
    let (media, camera) = (port().await, Camera::default());
    let (mut near, mut remote) = connected(&media).await;
    near.until_keyframe_wanted().await;
    near.handle.set_frames(camera.watch());
    tokio::time::sleep(Duration::from_millis(600)).await;
    camera.shoot(false, 100);
    near.until_keyframe_wanted().await;
    let shot = camera.shoot(true, 100);
    assert_eq!(remote.frame().await, shot);
}

#[tokio::test]
async fn a_lost_picture_on_the_far_side_wants_a_keyframe() {
    let (media, camera) = (port().await, Camera::default());
    let (mut near, mut remote) = connected(&media).await;
    near.until_keyframe_wanted().await;
    near.handle.set_frames(camera.watch());
    camera.shoot(true, 100);
    remote.frame().await;
    remote.ask_for_a_keyframe().await;
    near.until_keyframe_wanted().await;
}

#[tokio::test]
async fn another_feed_goes_on_in_the_same_stream() {
    let (media, first, second) = (port().await, Camera::default(), Camera::default());
    let (near, mut remote) = connected(&media).await;
    near.handle.set_frames(first.watch());
    let shot = first.shoot(true, 2000);
    assert_eq!(remote.frame().await, shot);

    near.handle.set_frames(second.watch());
    soon("the first feed to be let go", async {
        while first.is_watched() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    second.shoot(false, 100);
    let shot = second.shoot(true, 2000);
    assert_eq!(remote.frame().await, shot, "what comes first is the keyframe");

    near.handle.set_frames(None);
    soon("the second feed to be let go", async {
        while second.is_watched() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    near.handle.set_frames(first.watch());
    let shot = first.shoot(true, 2000);
    assert_eq!(remote.frame().await, shot);
}

#[tokio::test]
async fn lost_packets_are_sent_again() {
    let (media, camera) = (port().await, Camera::default());
    let lossy = Lossy::in_front_of(media.port()).await;
    let (mut near, mut remote) = (Near::open(&media).await, Remote::new().await);
    let answer = remote.answer(lossy.reroute(&near.offer().await, media.port())).await;
    near.handle.answer(answer).await.unwrap();
    near.until_connected().await;
    near.handle.set_frames(camera.watch());
    let shot = camera.shoot(true, 20_000);
    assert_eq!(remote.frame().await, shot);

    lossy.lose(5);
    let broken = camera.shoot(false, 20_000);
    let whole = camera.shoot(false, 20_000);
    assert_eq!(remote.frame().await, broken);
    assert_eq!(remote.frame().await, whole);
    soon("the count of packets that were sent again", async {
        while near.handle.stats().packets_retransmitted < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// A viewer behind a network that can be cut, and a camera that runs until it is dropped.
async fn behind(
    lossy: &Lossy,
    media: &streaming::MediaPort,
    camera: &Arc<Camera>,
) -> (Near, Remote, AbortOnDrop) {
    let (mut near, mut remote) = (Near::open(media).await, Remote::new().await);
    let answer = remote.answer(lossy.reroute(&near.offer().await, media.port())).await;
    near.handle.answer(answer).await.unwrap();
    near.until_connected().await;
    near.handle.set_frames(camera.watch());
    let filming = Arc::clone(camera);
    let task = tokio::spawn(async move {
        filming.shoot(true, 3000);
        loop {
            filming.shoot(false, 3000);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    (near, remote, AbortOnDrop(task))
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn until_stats(near: &Near, what: &str, fits: impl Fn(streaming::PeerStats) -> bool) {
    soon(what, async {
        while !fits(near.handle.stats()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn in_a_tunnel_nothing_is_sent_in_vain_and_after_it_a_keyframe_is_wanted_at_once() {
    let (media, camera) = (port().await, Arc::new(Camera::default()));
    let lossy = Lossy::in_front_of(media.port()).await;
    let (mut near, mut remote, _filming) = behind(&lossy, &media, &camera).await;
    until_stats(&near, "an estimate of the path", |stats| stats.path.is_some()).await;

    lossy.cut(true);
    until_stats(&near, "the path to be blocked", |stats| stats.path_blocked).await;
    // What was under way when it was cut may still come, and opens it once more.
    let sent = loop {
        let before = near.handle.stats();
        until_stats(&near, "frames to be skipped", |stats| stats.frames_skipped > before.frames_skipped + 10)
            .await;
        if near.handle.stats().frames_sent == before.frames_sent {
            break before.frames_sent;
        }
    };
    while near.events.try_recv().is_ok() {}

    lossy.cut(false);
    near.until_keyframe_wanted().await;
    camera.shoot(true, 3000);
    until_stats(&near, "frames to flow again", |stats| stats.frames_sent > sent + 10).await;
    remote.frame().await;
}

#[tokio::test]
async fn a_viewer_in_a_tunnel_costs_the_others_no_frame_and_no_keyframe() {
    let (media, camera) = (port().await, Arc::new(Camera::default()));
    let lossy = Lossy::in_front_of(media.port()).await;
    let (well, _far) = connected(&media).await;
    well.handle.set_frames(camera.watch());
    let (mut near, _remote, _filming) = behind(&lossy, &media, &camera).await;
    until_stats(&near, "an estimate of the path", |stats| stats.path.is_some()).await;

    lossy.cut(true);
    until_stats(&near, "the path to be blocked", |stats| stats.path_blocked).await;
    while near.events.try_recv().is_ok() {}
    let before = well.handle.stats();
    until_stats(&near, "frames to be skipped", |stats| stats.frames_skipped > 50).await;
    let after = well.handle.stats();
    assert_eq!(after.frames_skipped, before.frames_skipped);
    assert!(after.frames_sent >= before.frames_sent + 40, "{before:?} {after:?}");
    let wishes = std::iter::from_fn(|| near.events.try_recv().ok());
    assert_eq!(wishes.filter(|event| matches!(event, PeerEvent::KeyframeWanted)).count(), 0);
}

#[tokio::test]
async fn a_flood_of_lost_pictures_is_told_a_few_times() {
    let (media, camera) = (port().await, Camera::default());
    let (mut near, mut remote) = connected(&media).await;
    near.until_keyframe_wanted().await;
    near.handle.set_frames(camera.watch());
    let shot = camera.shoot(true, 100);
    assert_eq!(remote.frame().await, shot);
    let began = std::time::Instant::now();
    for _ in 0..1000 {
        remote.ask_for_a_keyframe().await;
    }
    remote.say("keys", r#"{"type":"release_all"}"#).await;
    let mut wishes = 0;
    let wish_or_end = |event| match event {
        PeerEvent::KeyframeWanted => Some(true),
        PeerEvent::Keys(_) => Some(false),
        _ => None,
    };
    while near.until("the end of the flood", wish_or_end).await {
        wishes += 1;
    }
    let most = 2 + began.elapsed().as_millis() / 100;
    assert!((1..=most).contains(&wishes), "{wishes} wishes, {most} at most");
}

#[tokio::test]
async fn fifty_candidates_in_an_answer_are_looked_at_by_nobody() {
    let media = port().await;
    let (mut near, mut remote) = (Near::open(&media).await, Remote::new().await);
    let answer = remote.answer(near.offer().await).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let line = format!("udp 2130706431 127.0.0.1 {} typ host", stranger.local_addr().unwrap().port());
    let many: String = (0..50).map(|n| format!("a=candidate:{n} 1 {line}\r\n")).collect();
    near.handle.answer(answer + &many).await.unwrap();
    near.until_connected().await;
    assert!(stranger.try_recv(&mut [0; 100]).is_err(), "nothing was sent to an address that somebody named");
}

#[tokio::test]
async fn the_viewers_hand_arrives_and_is_answered() {
    let media = port().await;
    let (mut near, remote) = connected(&media).await;
    remote.say("pointer", r#"{"type":"move","seq":1,"x":0.25,"y":0.5}"#).await;
    let moved = near.until("a move", |event| match event {
        PeerEvent::Pointer(PointerMessage::Move { seq: 1, x, y }) => Some((x, y)),
        _ => None,
    });
    assert_eq!(moved.await, (0.25, 0.5));

    remote.say("keys", r#"{"type":"key","code":"KeyW","pressed":true}"#).await;
    let pressed = near.until("a key", |event| match event {
        PeerEvent::Keys(KeysMessage::Key { code, pressed: true }) => Some(code),
        _ => None,
    });
    assert_eq!(pressed.await, "KeyW");

    remote.say("intent", r#"{"id":7,"name":"focus","args":{"on":"Mars"}}"#).await;
    let intent = near.until("an intent", |event| match event {
        PeerEvent::Intent(intent) => Some(intent),
        _ => None,
    });
    assert_eq!((intent.await.id), 7);
    near.handle.reply(IntentReply { id: 7, ok: Some(true.into()), error: None });
    assert_eq!(remote.message("intent").await, r#"{"id":7,"ok":true}"#);
}

#[tokio::test]
async fn the_state_that_was_told_before_the_channel_opened_is_heard() {
    let media = port().await;
    let (mut near, mut remote) = (Near::open(&media).await, Remote::new().await);
    near.handle.send_state(r#"{"time":0}"#.into());
    near.handle.send_state(r#"{"time":1}"#.into());
    let answer = remote.answer(near.offer().await).await;
    near.handle.answer(answer).await.unwrap();
    assert_eq!(remote.message("state").await, r#"{"time":1}"#);
    near.handle.send_state(r#"{"time":2}"#.into());
    assert_eq!(remote.message("state").await, r#"{"time":2}"#);
}

#[tokio::test]
async fn a_viewer_that_takes_nothing_is_sent_no_pile_of_states_and_the_newest_when_it_does() {
    let media = port().await;
    let lossy = Lossy::in_front_of(media.port()).await;
    let (mut near, mut remote) = (Near::open(&media).await, Remote::new().await);
    let answer = remote.answer(lossy.reroute(&near.offer().await, media.port())).await;
    near.handle.answer(answer).await.unwrap();
    near.until_connected().await;
    near.handle.send_state("0".into());
    assert_eq!(remote.message("state").await, "0");
    lossy.cut(true);
    let told = 300;
    for count in 1..=told {
        near.handle.send_state(format!("{count}{}", " ".repeat(1000)));
        // Each is taken by the peer before the next.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    lossy.cut(false);
    let mut heard = 0;
    while remote.message("state").await.trim() != told.to_string() {
        heard += 1;
    }
    assert!(heard < 100, "{heard} states were under way to a viewer that took none");
}

#[tokio::test]
async fn bad_messages_are_dropped_told_and_do_no_harm() {
    let media = port().await;
    let (mut near, remote) = connected(&media).await;
    let mut complained = async |label: &'static str, text: &str| {
        remote.say(label, text).await;
        near.until("a complaint", |event| match event {
            PeerEvent::BadInput { channel, why } => Some((channel, why)),
            _ => None,
        })
        .await
    };
    assert_eq!(complained("keys", "{").await, ("keys", "not JSON at column 1".to_owned()));
    assert!(complained("intent", &"x".repeat(4000)).await.1.contains("4000 bytes"));
    for _ in 0..2000 {
        remote.say("keys", r#"{"type":"release_all"}"#).await;
    }
    soon("the flood to be counted", async {
        while near.handle.stats().bad_messages < 1000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    remote.say("pointer", r#"{"type":"still_here","seq":1}"#).await;
    near.until("a move", |event| matches!(event, PeerEvent::Pointer(_)).then_some(())).await;
}

#[tokio::test]
async fn an_answer_that_cannot_work_is_refused_with_a_sentence() {
    let media = port().await;
    let without_h264 = {
        let mut near = Near::open(&media).await;
        let mut remote = Remote::new().await;
        remote.answer(near.offer().await).await.replace("H264", "AV1")
    };
    let cases = [
        ("hello".to_owned(), "no session description"),
        ("v=0\r\n".repeat(20_000), "bytes long"),
        ("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=rtpmap:102 H264/90000\r\n\0\0".to_owned(), ""),
        (without_h264, "takes none of the codecs that this machine encodes (H264)"),
    ];
    for (answer, why) in cases {
        let near = Near::open(&media).await;
        let refused = format!("{:#}", near.handle.answer(answer).await.unwrap_err());
        assert!(refused.contains(why), "{refused}");
    }
    connected(&media).await;
}

#[tokio::test]
async fn datagrams_of_strangers_are_dropped_and_counted() {
    let media = port().await;
    let (_near, mut remote) = connected(&media).await;
    let before = media.stats().strangers;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in [&b""[..], b"hello", &[0x80; 1200], &[0; 20], &[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0]]
    {
        stranger.send_to(datagram, ("127.0.0.1", media.port())).await.unwrap();
    }
    soon("the strangers to be counted", async {
        while media.stats().strangers < before + 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    remote.until(RTCPeerConnectionState::Connected).await;
}

#[tokio::test]
async fn a_viewer_that_leaves_is_told_of_once() {
    let media = port().await;
    let (mut near, remote) = connected(&media).await;
    remote.channel("state").await;
    remote.close().await;
    near.until_closed().await;
    assert!(near.events.recv().await.is_none(), "nothing comes after the end");
}

#[tokio::test]
async fn a_viewer_learns_at_once_that_it_was_closed() {
    let media = port().await;
    let (near, remote) = connected(&media).await;
    remote.channel("state").await;
    drop(near);
    remote.until_hung_up().await;
}

#[tokio::test]
async fn fifty_viewers_that_came_and_went_leave_nothing_behind() {
    let (media, camera) = (port().await, Camera::default());
    for round in 0..50 {
        // Most leave before they have answered; each tenth has watched.
        let mut near = Near::open(&media).await;
        near.handle.set_frames(camera.watch());
        if round % 10 == 0 {
            let mut remote = Remote::new().await;
            let answer = remote.answer(near.offer().await).await;
            near.handle.answer(answer).await.unwrap();
            near.until_connected().await;
            remote.channel("state").await;
            remote.close().await;
        }
        let Near { handle, mut events } = near;
        drop(handle);
        let mut last = None;
        while let Some(event) = soon("the last event", events.recv()).await {
            last = Some(event);
        }
        assert!(matches!(last, Some(PeerEvent::Closed)));
    }
    soon("all to be gone", async {
        while media.stats().peers > 0 || camera.is_watched() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let metrics = tokio::runtime::Handle::current().metrics();
    // Those left are the port's own, and the far sides' last ones.
    soon("the tasks and addresses of all to be gone", async {
        while media.stats().addresses > 0 || metrics.num_alive_tasks() > 12 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_ice_restart_finds_a_new_way_for_the_same_stream() {
    let (media, camera) = (port().await, Camera::default());
    let (mut near, mut remote) = connected(&media).await;
    near.handle.set_frames(camera.watch());
    near.handle.restart_ice().await.unwrap();
    let answer = remote.answer(near.offer().await).await;
    near.handle.answer(answer).await.unwrap();
    near.until_connected().await;
    let shot = camera.shoot(true, 2000);
    assert_eq!(remote.frame().await, shot);
}

#[tokio::test]
async fn a_taken_port_is_said_to_be_taken() {
    let media = port().await;
    let config = streaming::Config {
        port: media.port(),
        addresses: vec![],
        bitrate_max: model::Bitrate::kbps(12_000),
    };
    let refused = streaming::MediaPort::open(config).await.unwrap_err();
    assert!(matches!(refused, streaming::OpenError::PortTaken(port) if port == media.port()), "{refused}");
}

#[tokio::test]
async fn a_port_that_closes_ends_its_viewers() {
    let media = port().await;
    let (mut near, _remote) = connected(&media).await;
    drop(media);
    near.until_closed().await;
}
