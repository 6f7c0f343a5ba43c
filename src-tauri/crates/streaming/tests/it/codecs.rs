//! Which codec a viewer gets, and viewers that offer by themselves as players do.

use model::{ViewerId, video::Codec};
use streaming::{OfferError, PeerEvent, PeerSpec};

use crate::support::{Near, camera::Camera, port, remote::Remote};

const BOTH: [Codec; 2] = [Codec::H264, Codec::Vp8];

#[tokio::test]
async fn a_viewer_of_vp8_gets_vp8_and_nothing_else() {
    let (media, camera) = (port().await, Camera::default());
    let (mut near, mut remote) = (Near::open_with(&media, &BOTH).await, Remote::of_vp8().await);
    let answer = remote.answer(near.offer().await).await;
    assert_eq!(near.handle.answer(answer).await.unwrap(), Codec::Vp8);
    near.until_connected().await;
    near.handle.set_frames(camera.watch());
    camera.shoot_as(Codec::H264, true, 50_000);
    camera.shoot_as(Codec::Vp8, true, 3000);
    remote.until_playout_delays(3).await;
    assert_eq!(near.handle.stats().frames_sent.max(1), 1);
    assert_eq!(remote.playout_delays(), 3);
}

#[tokio::test]
async fn a_viewer_of_both_gets_the_one_that_the_machine_prefers() {
    let media = port().await;
    let (mut near, mut remote) = (Near::open_with(&media, &BOTH).await, Remote::new().await);
    let answer = remote.answer(near.offer().await).await;
    assert_eq!(near.handle.answer(answer).await.unwrap(), Codec::H264);
    near.until_connected().await;
    let mut near = Near::open_with(&media, &BOTH).await;
    let nothing =
        near.offer().await.replace("H264", "H265").replace("VP8", "VP9").replace("sendonly", "recvonly");
    let refusal = near.handle.answer(nothing).await.unwrap_err().to_string();
    assert!(refusal.contains("none of the codecs that this machine encodes (H264, VP8)"), "{refusal}");
}

#[tokio::test]
async fn a_player_that_offers_is_answered_and_sees_the_frames() {
    let (media, camera, mut remote) = (port().await, Camera::default(), Remote::new().await);
    let offer = remote.offer().await;
    let (mut near, answer) = Near::answering(&media, &BOTH, &offer).await;
    assert_eq!(answer.codec, Codec::H264);
    assert!(!answer.sdp.contains("m=application"), "a player has no channels: {}", answer.sdp);
    remote.accept(answer.sdp).await;
    near.until_connected().await;
    near.until_keyframe_wanted().await;
    near.handle.set_frames(camera.watch());
    for (keyframe, bytes) in [(true, 40_000), (false, 10), (false, 3000)] {
        let shot = camera.shoot(keyframe, bytes);
        assert_eq!(remote.frame().await, shot);
    }
    near.until("an estimate of its path, as it reports what arrives", |event| {
        matches!(event, PeerEvent::Estimate(_)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn fifty_candidates_and_sections_that_nobody_asked_for_change_nothing() {
    let (media, mut remote) = (port().await, Remote::new().await);
    let candidates: String =
        (1..=50).map(|n| format!("a=candidate:{n} 1 udp {n} 203.0.113.{n} 9 typ host\r\n")).collect();
    let strange = format!("{candidates}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:sound\r\na=recvonly\r\n");
    let offer = remote.offer().await + &strange;
    let (mut near, answer) = Near::answering(&media, &BOTH, &offer).await;
    assert!(answer.sdp.contains("m=audio 0 "), "{}", answer.sdp);
    assert!(answer.sdp.contains("a=mid:sound"), "{}", answer.sdp);
    let known = answer.sdp.split("m=audio").next().unwrap().to_owned();
    remote.accept(known).await;
    near.until_connected().await;
}

#[tokio::test]
async fn an_offer_that_cannot_be_answered_leaves_nothing_behind() {
    let (media, mut remote) = (port().await, Remote::new().await);
    let offer = remote.offer().await;
    let cases = [
        ("hello".to_owned(), OfferError::NotSdp),
        (offer.replace("H264", "H265"), OfferError::NoCodec("H264, VP8".into())),
        (offer.replace("a=recvonly", "a=sendonly"), OfferError::NoVideo),
    ];
    for (offer, why) in cases {
        let spec = PeerSpec { viewer: ViewerId::random(), codecs: BOTH.to_vec() };
        assert_eq!(media.answer(spec, &offer).await.err(), Some(why));
    }
    let spec = PeerSpec { viewer: ViewerId::random(), codecs: BOTH.to_vec() };
    let garbled = offer.replace("a=fingerprint:sha-256 ", "a=fingerprint:");
    let refused = media.answer(spec, &garbled).await.err();
    assert!(matches!(refused, Some(OfferError::Unusable(_))), "{refused:?}");
    assert_eq!(media.stats().peers, 0);
}
