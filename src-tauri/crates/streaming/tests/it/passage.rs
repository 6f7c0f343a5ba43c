//! Viewers that reach one machine only, and see what another machine shows through it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::support::{Near, camera::Camera, port, remote::Remote, soon, through};
use streaming::MediaPort;
use tokio::net::UdpSocket;

const UNUSED_FOR: Duration = Duration::from_secs(30);

/// A viewer of `there` that knows the way through `here` only.
async fn passed_on(here: &MediaPort, there: &MediaPort) -> (Near, Remote, String) {
    let (mut near, mut remote) = (Near::open(there).await, Remote::new().await);
    let offer = near.offer().await;
    here.forward(Ipv4Addr::LOCALHOST.into(), &offer, UNUSED_FOR).await.expect("an offer names its peer");
    let answer = remote.answer(through(here.port(), there, &offer)).await;
    near.handle.answer(answer).await.unwrap();
    near.until_connected().await;
    (near, remote, offer)
}

fn ufrag(offer: &str) -> &str {
    offer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap()
}

/// What a browser's check begins with, as far as it matters to who passes it on (RFC 8489): a request, and whom it is for.
fn request_for(ufrag: &str) -> Vec<u8> {
    let name = format!("{ufrag}:x");
    let padded = name.len().next_multiple_of(4);
    let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    bytes.extend([7; 12]);
    bytes.extend([0, 6, 0, name.len() as u8]);
    bytes.extend(name.as_bytes());
    bytes.resize(20 + 4 + padded, 0);
    bytes[3] = (4 + padded) as u8;
    bytes
}

#[tokio::test]
async fn whoever_reaches_one_machine_only_sees_another_one_s_picture_through_it() {
    let (here, there, camera) = (port().await, port().await, Camera::default());
    let (mut near, mut remote, _) = passed_on(&here, &there).await;
    near.until_keyframe_wanted().await;
    near.handle.set_frames(camera.watch());
    for (keyframe, bytes) in [(true, 40_000), (false, 10), (false, 3000), (true, 200_000)] {
        let shot = camera.shoot(keyframe, bytes);
        assert_eq!(remote.frame().await, shot);
    }
    assert_eq!(here.stats().peers, 1, "a place at the port is held for the way");
}

#[tokio::test]
async fn a_way_that_nobody_uses_any_more_ends_by_itself_and_leaves_nothing_behind() {
    let (here, there) = (port().await, port().await);
    let offer = Near::open(&there).await.offer().await;
    for is_used in [false, true] {
        let idle = Duration::from_millis(500);
        let way = here.forward(Ipv4Addr::LOCALHOST.into(), &offer, idle).await.unwrap();
        if is_used {
            let viewer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            viewer.send_to(&request_for(ufrag(&offer)), (Ipv4Addr::LOCALHOST, here.port())).await.unwrap();
        }
        soon("the end of the way", async {
            while here.stats().peers + here.stats().addresses > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert!(!way.follow(&offer), "a later offer needs a new one");
    }
}

#[tokio::test]
async fn who_floods_the_way_from_ever_new_addresses_keeps_nobody_else_s_picture_back_nor_more_than_a_few_of_them()
 {
    let (here, there, camera) = (port().await, port().await, Camera::default());
    let (mut ann, mut picture, _) = passed_on(&here, &there).await;
    let (_eve, _page, offer) = passed_on(&here, &there).await;
    ann.until_keyframe_wanted().await;
    ann.handle.set_frames(camera.watch());
    let shot = camera.shoot(true, 20_000);
    assert_eq!(picture.frame().await, shot);

    let door = SocketAddr::from((Ipv4Addr::LOCALHOST, here.port()));
    let request = request_for(ufrag(&offer));
    for round in 0..40 {
        let fresh = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        for _ in 0..50 {
            // A full buffer loses it, which is all right.
            drop(fresh.send_to(&request, door).await);
        }
        let shot = camera.shoot(round % 10 == 0, 5000);
        assert_eq!(picture.frame().await, shot);
    }
    assert!(here.stats().addresses < 80, "{:?}", here.stats());
}
