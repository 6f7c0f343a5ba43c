//! Several renditions of one picture: each viewer gets its own, and a change of one costs the others nothing.
#![allow(clippy::unwrap_used)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Decoder, Painter, Xvfb};
use media::{EncodedFrame, Feed, Pipeline, PipelineSpec};
use model::{
    Bitrate, FrameRate, Size,
    video::{Codec, Rendition, Rung},
};
use tokio::sync::watch;

const SIZE: Size = Size::new(640, 352);

/// Far longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Scene {
    _xvfb: Xvfb,
    painter: Painter,
    pipeline: Pipeline,
}

impl Scene {
    async fn open() -> Self {
        let xvfb = Xvfb::start(SIZE);
        let painter = Painter::open(xvfb.address.number, SIZE);
        painter.paint(0);
        let spec = PipelineSpec {
            display: xvfb.address.clone(),
            window: painter.window,
            size: SIZE,
            resized: false,
            fps_max: FrameRate(60),
            bitrate: Bitrate::kbps(3000),
            encoders: vec!["x264enc".into()],
        };
        Self { _xvfb: xvfb, painter, pipeline: Pipeline::open(spec).await.unwrap() }
    }

    fn viewer(&self, codec: Codec, rung: Rung) -> Viewer {
        let wanted = watch::Sender::new(rung);
        let feed = self.pipeline.follow(codec, wanted.subscribe());
        Viewer {
            shown: feed.shown(),
            feed,
            wanted,
            decoder: Decoder::new(codec, rung.size(SIZE)),
            last: None,
        }
    }
}

struct Viewer {
    feed: Feed,
    wanted: watch::Sender<Rung>,
    shown: watch::Receiver<Option<Rendition>>,
    decoder: Decoder,
    last: Option<Arc<EncodedFrame>>,
}

impl Viewer {
    /// The next frame and the number that it shows; its time has gone on since the last.
    async fn next(&mut self) -> (Arc<EncodedFrame>, u32) {
        let frame =
            tokio::time::timeout(PATIENCE, self.feed.next()).await.expect("a frame comes").expect("it runs");
        let number = self.decoder.decode(&frame).number_of(SIZE).expect("the number can be read");
        let before = self.last.replace(Arc::clone(&frame));
        let goes_on = |before: &EncodedFrame| {
            before.captured < frame.captured
                && (1..1 << 31).contains(&frame.rtp_time.wrapping_sub(before.rtp_time))
        };
        assert!(before.is_none_or(|before| goes_on(&before)));
        (frame, number)
    }

    async fn until(&mut self, number: u32) {
        while self.next().await.1 != number {}
    }

    fn rung(&self) -> Option<Rung> {
        self.shown.borrow().map(|rendition| rendition.rung)
    }
}

#[tokio::test]
async fn each_rung_shows_the_same_picture_and_runs_while_it_is_watched() {
    let scene = Scene::open().await;
    let mut source = scene.viewer(Codec::H264, Rung::Source);
    source.until(0).await;
    let running = || scene.pipeline.renditions().iter().map(|r| r.rendition.rung).collect::<Vec<_>>();
    assert_eq!(running(), [Rung::Source]);
    let mut medium = scene.viewer(Codec::H264, Rung::Medium);
    let mut small = scene.viewer(Codec::H264, Rung::Small);
    // The picture rests: who comes to a rung that does not run gets it all the same.
    medium.until(0).await;
    small.until(0).await;
    for number in 1..=10 {
        scene.painter.paint(number);
        for viewer in [&mut source, &mut medium, &mut small] {
            viewer.until(number).await;
        }
    }
    assert_eq!(running(), Rung::ALL);
    drop((source, medium));
    // Only the smallest is left, and it still follows the picture.
    for number in 11..=15 {
        scene.painter.paint(number);
        small.until(number).await;
    }
    assert_eq!(running(), [Rung::Small]);
    // Who comes back to the source sees the present, and first a keyframe.
    let mut back = scene.viewer(Codec::H264, Rung::Source);
    let (frame, number) = back.next().await;
    assert!(frame.keyframe && number == 15, "{number}");
    scene.pipeline.close().await;
}

#[tokio::test]
async fn a_change_of_rung_has_no_gap_and_costs_the_others_nothing() {
    let scene = Scene::open().await;
    let mut other = scene.viewer(Codec::H264, Rung::Source);
    other.until(0).await;
    let mut viewer = scene.viewer(Codec::H264, Rung::Source);
    // Its own keyframe is the last that the source needs.
    let (joined, _) = viewer.next().await;
    assert!(joined.keyframe);
    let mut keyframes_of_other = 0;
    let (mut number, mut changes) = (0, 0);
    for rung in [Rung::Small, Rung::Medium, Rung::Small] {
        viewer.wanted.send_replace(rung);
        while viewer.rung() != Some(rung) {
            number += 1;
            scene.painter.paint(number);
            loop {
                let (frame, seen) = viewer.next().await;
                changes += u32::from(frame.keyframe);
                if seen == number {
                    break;
                }
            }
            loop {
                let (frame, seen) = other.next().await;
                keyframes_of_other += u32::from(frame.keyframe && frame.captured > joined.captured);
                if seen == number {
                    break;
                }
            }
        }
    }
    assert!(changes >= 3, "each change is at a keyframe");
    assert_eq!(keyframes_of_other, 0, "who stays on the source pays nothing");
    assert_eq!(scene.pipeline.stats().borrow().target_kbps.max(3000), 3000);
}

#[tokio::test]
async fn a_viewer_without_h264_gets_vp8_beside_the_others() {
    let scene = Scene::open().await;
    let mut usual = scene.viewer(Codec::H264, Rung::Source);
    usual.until(0).await;
    let mut odd = scene.viewer(Codec::Vp8, Rung::Source);
    odd.until(0).await;
    for number in 1..=10 {
        scene.painter.paint(number);
        usual.until(number).await;
        odd.until(number).await;
    }
    assert_eq!(*odd.shown.borrow(), Some(Rendition { codec: Codec::Vp8, rung: Rung::Source }));
}

#[tokio::test]
async fn with_the_pipeline_every_rung_ends() {
    let scene = Scene::open().await;
    let mut small = scene.viewer(Codec::H264, Rung::Small);
    small.until(0).await;
    scene.painter.destroy_window();
    while tokio::time::timeout(PATIENCE, small.feed.next()).await.expect("it ends").is_some() {}
    assert!(scene.pipeline.subscribe().next().await.is_none(), "nothing is to be had any more");
}
