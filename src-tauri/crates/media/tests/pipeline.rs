//! The room with its real neighbours: an X server, a program that paints, encoders, and a decoder that reads the picture back.
#![allow(clippy::unwrap_used)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Decoder, Painter, Xvfb};
use media::{EncodedFrame, End, Feed, OpenError, Pipeline, PipelineSpec};
use model::{
    Bitrate, DisplayAddress, FrameRate, Size, WindowId,
    video::{Codec, Rendition, Rung},
};

const SIZE: Size = Size::new(640, 352);

/// Far longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Scene {
    xvfb: Xvfb,
    painter: Painter,
    pipeline: Pipeline,
}

impl Scene {
    async fn open(encoder: &str) -> Self {
        Self::with(|spec| spec.encoders = vec![encoder.to_owned()]).await
    }

    async fn with(change: impl FnOnce(&mut PipelineSpec)) -> Self {
        let xvfb = Xvfb::start(SIZE);
        let painter = Painter::open(xvfb.address.number, SIZE);
        painter.paint(0);
        let mut spec = spec(xvfb.address.clone(), painter.window);
        change(&mut spec);
        let pipeline = Pipeline::open(spec).await.unwrap();
        Self { xvfb, painter, pipeline }
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(self.pipeline.choice().codec, SIZE)
    }
}

fn spec(display: DisplayAddress, window: WindowId) -> PipelineSpec {
    PipelineSpec {
        display,
        window,
        size: SIZE,
        resized: false,
        fps_max: FrameRate(60),
        bitrate: Bitrate::kbps(3000),
        encoders: vec!["x264enc".into()],
    }
}

async fn next(feed: &mut Feed) -> Arc<EncodedFrame> {
    tokio::time::timeout(PATIENCE, feed.next()).await.expect("a frame comes").expect("the pipeline runs")
}

/// Decodes until this number is seen.
async fn until_number(feed: &mut Feed, decoder: &mut Decoder, number: u32) -> Arc<EncodedFrame> {
    loop {
        let frame = next(feed).await;
        if decoder.decode(&frame).number() == Some(number) {
            return frame;
        }
    }
}

/// Every encoder that a plain Debian machine has shows each picture of the program, in order, in a stream that a browser can start at.
async fn shows_each_picture(encoder: &str) {
    let scene = Scene::open(encoder).await;
    assert_eq!(scene.pipeline.choice().name, encoder);
    let (mut feed, mut decoder) = (scene.pipeline.subscribe(), scene.decoder());
    let first = next(&mut feed).await;
    assert!(first.keyframe);
    assert_eq!(decoder.decode(&first).number(), Some(0));
    let mut rtp_time = first.rtp_time;
    for number in 1..=40 {
        scene.painter.paint(number);
        let frame = until_number(&mut feed, &mut decoder, number).await;
        assert!(!frame.keyframe, "no keyframe comes unasked");
        assert!(frame.rtp_time.wrapping_sub(rtp_time) < 90_000 * 10);
        rtp_time = frame.rtp_time;
    }
    scene.pipeline.close().await;
}

#[tokio::test]
async fn x264_shows_each_picture() {
    shows_each_picture("x264enc").await;
}

#[tokio::test]
async fn openh264_of_gstreamer_shows_each_picture() {
    shows_each_picture("openh264enc").await;
}

#[tokio::test]
async fn openh264_without_gstreamer_shows_each_picture() {
    shows_each_picture("openh264").await;
}

#[tokio::test]
async fn vp8_shows_each_picture() {
    shows_each_picture("vp8enc").await;
}

/// Colours come out as they went in, when they are decoded by the matrix that the stream declares, or by BT.601 if it declares none.
async fn colours_survive(encoder: &str, bt709: bool) {
    const CARD: [u32; 8] =
        [0xff_ffff, 0xc0_c000, 0x00_c0c0, 0x00_c000, 0xc0_00c0, 0xc0_0000, 0x00_00c0, 0x10_1010];
    let scene = Scene::open(encoder).await;
    scene.painter.paint_card(&CARD);
    let (mut feed, mut decoder) = (scene.pipeline.subscribe(), scene.decoder());
    let stripe = SIZE.width / CARD.len() as u32;
    let mut worst = 255.0f32;
    // The picture is sharpened while it rests; four repeats are sent within a second and a half.
    for _ in 0..5 {
        let picture = decoder.decode(&*next(&mut feed).await);
        worst = 0.0;
        for (index, colour) in CARD.iter().enumerate() {
            let got = picture.rgb(index as u32 * stripe + stripe / 2, SIZE.height / 2, bt709);
            for (got, shift) in got.iter().zip([16, 8, 0]) {
                worst = worst.max((got - (colour >> shift & 0xff) as f32).abs());
            }
        }
    }
    assert!(worst <= 5.0, "a colour is {worst} of 255 away from what was painted");
}

#[tokio::test]
async fn colours_survive_x264() {
    colours_survive("x264enc", true).await;
}

#[tokio::test]
async fn colours_survive_openh264() {
    colours_survive("openh264", true).await;
}

#[tokio::test]
async fn colours_survive_openh264_of_gstreamer() {
    colours_survive("openh264enc", false).await;
}

#[tokio::test]
async fn colours_survive_vp8() {
    colours_survive("vp8enc", false).await;
}

#[tokio::test]
async fn a_picture_at_rest_is_not_encoded_again_and_again() {
    let scene = Scene::open("x264enc").await;
    let mut feed = scene.pipeline.subscribe();
    let mut stats = scene.pipeline.stats();
    next(&mut feed).await;
    // Four repeats sharpen the first picture within its first two seconds, or later on a busy machine; after that, one every two seconds.
    let rests = async {
        loop {
            let before = stats.borrow_and_update().frames;
            for _ in 0..4 {
                stats.changed().await.unwrap();
            }
            if (1..=3).contains(&(stats.borrow().frames - before)) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, rests).await.expect("four seconds of rest have two frames, or three");
}

#[tokio::test]
async fn nobody_watching_means_nothing_is_encoded() {
    let scene = Scene::open("x264enc").await;
    let mut feed = scene.pipeline.subscribe();
    next(&mut feed).await;
    let mut stats = scene.pipeline.stats();
    drop(feed);
    let last = *stats.wait_for(|stats| stats.frames > 0 && stats.fps == 0.0).await.unwrap();
    for number in 1..30 {
        scene.painter.paint(number);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut feed = scene.pipeline.subscribe();
    let mut decoder = scene.decoder();
    assert_eq!(decoder.decode(&*next(&mut feed).await).number(), Some(29), "who comes back sees the present");
    drop(feed);
    let now = *stats.wait_for(|stats| stats.frames > last.frames).await.unwrap();
    assert!(now.frames - last.frames <= 2, "{now:?} after {last:?}");
}

#[tokio::test]
async fn a_keyframe_of_a_resting_picture_comes_without_a_change() {
    let scene = Scene::open("x264enc").await;
    let mut feed = scene.pipeline.subscribe();
    assert!(next(&mut feed).await.keyframe);
    scene.pipeline.want_keyframe(Rendition { codec: Codec::H264, rung: Rung::Source });
    let frame = loop {
        let frame = next(&mut feed).await;
        if frame.keyframe {
            break frame;
        }
    };
    assert_eq!(Decoder::new(Codec::H264, SIZE).decode(&frame).number(), Some(0));
}

#[tokio::test]
async fn a_second_viewer_of_a_resting_picture_starts_at_a_keyframe() {
    let scene = Scene::open("x264enc").await;
    let mut first = scene.pipeline.subscribe();
    next(&mut first).await;
    let mut second = scene.pipeline.subscribe();
    let frame = next(&mut second).await;
    assert!(frame.keyframe);
    assert_eq!(scene.decoder().decode(&frame).number(), Some(0));
}

#[tokio::test]
async fn a_viewer_that_lags_goes_on_cleanly_at_a_keyframe() {
    let scene = Scene::open("x264enc").await;
    let (mut fast, mut slow) = (scene.pipeline.subscribe(), scene.pipeline.subscribe());
    let (mut fast_decoder, mut slow_decoder) = (scene.decoder(), scene.decoder());
    slow_decoder.decode(&*next(&mut slow).await);
    for number in 1..=40 {
        scene.painter.paint(number);
        until_number(&mut fast, &mut fast_decoder, number).await;
    }
    // It has lost its queue by now; the keyframe that it asked for comes on its own: with the last picture, or, where painting took
    // long, with one of those before it.
    let frame = next(&mut slow).await;
    assert!(frame.keyframe);
    let resumed = slow_decoder.decode(&frame).number().unwrap();
    assert!(resumed > 1, "what it missed is left out");
    if resumed < 40 {
        until_number(&mut slow, &mut slow_decoder, 40).await;
    }
    scene.painter.paint(41);
    until_number(&mut slow, &mut slow_decoder, 41).await;
}

#[tokio::test]
async fn a_menu_over_the_window_is_seen() {
    let scene = Scene::open("x264enc").await;
    let (mut feed, mut decoder) = (scene.pipeline.subscribe(), scene.decoder());
    decoder.decode(&*next(&mut feed).await);
    scene.painter.open_menu(0xff_0000);
    loop {
        let picture = decoder.decode(&*next(&mut feed).await);
        let [r, g, b] = picture.rgb(SIZE.width / 2 + 32, SIZE.height / 2 + 32, true);
        if r > 220.0 && g < 40.0 && b < 40.0 {
            break;
        }
    }
}

/// Frames get larger and smaller with the bitrate, also larger than it was at first.
async fn the_bitrate_is_followed(encoder: &str) {
    let scene = Scene::with(|spec| {
        spec.encoders = vec![encoder.into()];
        // Rates are divided by the highest frame rate: the faster, the sooner this is over.
        spec.fps_max = FrameRate(120);
        spec.bitrate = Bitrate::kbps(800);
    })
    .await;
    let (mut feed, mut number) = (scene.pipeline.subscribe(), 0);
    let (painter, pipeline) = (&scene.painter, &scene.pipeline);
    next(&mut feed).await;
    let mut bytes_of = async |frames: usize| {
        let mut bytes = 0;
        for _ in 0..frames {
            number += 1;
            painter.paint(number);
            bytes += next(&mut feed).await.data.len();
        }
        bytes
    };
    bytes_of(40).await;
    let poor = bytes_of(20).await;
    pipeline.set_bitrate(Rung::Source, Bitrate::kbps(16_000));
    bytes_of(60).await;
    let rich = bytes_of(20).await;
    pipeline.set_bitrate(Rung::Source, Bitrate::kbps(800));
    bytes_of(40).await;
    let again = bytes_of(20).await;
    assert!(rich * 2 > poor * 3 && rich * 2 > again * 3, "{poor}, {rich}, {again} bytes");
}

#[tokio::test]
async fn x264_follows_the_bitrate() {
    the_bitrate_is_followed("x264enc").await;
}

#[tokio::test]
async fn openh264_of_gstreamer_follows_the_bitrate() {
    the_bitrate_is_followed("openh264enc").await;
}

#[tokio::test]
async fn openh264_without_gstreamer_follows_the_bitrate() {
    the_bitrate_is_followed("openh264").await;
}

#[tokio::test]
async fn vp8_follows_the_bitrate() {
    the_bitrate_is_followed("vp8enc").await;
}

#[tokio::test]
async fn the_highest_rate_is_kept() {
    let scene = Scene::with(|spec| spec.fps_max = FrameRate(10)).await;
    let mut feed = scene.pipeline.subscribe();
    let (mut frames, mut number) = (Vec::new(), 0);
    while frames.len() < 20 {
        number += 1;
        scene.painter.paint(number);
        if let Ok(frame) = tokio::time::timeout(Duration::from_millis(4), feed.next()).await {
            frames.push(frame.unwrap());
        }
    }
    let took = (frames[19].captured - frames[1].captured).as_secs_f64();
    assert!(18.0 / took <= 10.0 * 1.06 + 1.0, "18 frames within {took} s");
    assert!(number > 30, "the program was faster than that: {number}");
}

#[tokio::test]
async fn frames_tell_when_they_were_grabbed_on_both_clocks() {
    let scene = Scene::open("x264enc").await;
    let mut feed = scene.pipeline.subscribe();
    let first = next(&mut feed).await;
    let second = next(&mut feed).await;
    let seconds = (second.captured - first.captured).as_secs_f64();
    let ticks = f64::from(second.rtp_time.wrapping_sub(first.rtp_time));
    assert!((ticks - seconds * 90_000.0).abs() <= 2.0, "{ticks} ticks in {seconds} s");
}

#[tokio::test]
async fn the_stream_declares_a_profile_that_every_browser_decodes() {
    for encoder in ["x264enc", "openh264enc", "openh264"] {
        let scene = Scene::open(encoder).await;
        let [profile, constraints, level] = scene.pipeline.profile_level_id().unwrap();
        assert_eq!((profile, constraints & 0xc0), (0x42, 0xc0), "{encoder}: constrained baseline");
        assert!(level <= 31, "{encoder}: level {level}");
    }
    assert_eq!(Scene::open("vp8enc").await.pipeline.profile_level_id(), None);
}

#[tokio::test]
async fn encoders_that_do_not_exist_are_refused_one_by_one() {
    let xvfb = Xvfb::start(SIZE);
    let painter = Painter::open(xvfb.address.number, SIZE);
    let mut spec = spec(xvfb.address.clone(), painter.window);
    spec.encoders = vec!["h266enc".into(), "identity".into()];
    let Err(OpenError::NoEncoder(rejected)) = Pipeline::open(spec.clone()).await else {
        panic!("no encoder exists")
    };
    assert_eq!(rejected.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["h266enc", "identity"]);
    spec.encoders.push("openh264".into());
    let pipeline = Pipeline::open(spec).await.unwrap();
    let choice = pipeline.choice();
    assert_eq!((choice.name.as_str(), choice.rejected.len(), choice.hardware), ("openh264", 2, false));
    assert!(choice.reason.contains("h266enc"), "{}", choice.reason);
}

#[tokio::test]
async fn the_first_encoder_that_opens_is_taken_and_the_others_have_reasons() {
    let scene = Scene::with(|spec| spec.encoders.clear()).await;
    let choice = scene.pipeline.choice();
    assert!(choice.rejected.iter().all(|rejected| rejected.why.len() > 20), "{choice:?}");
    let mut feed = scene.pipeline.subscribe();
    assert!(next(&mut feed).await.keyframe);
    let probed = media::probe(SIZE, &[]).unwrap();
    assert_eq!(probed.name, choice.name);
}

#[tokio::test]
async fn a_display_that_cannot_be_captured_is_refused_with_a_sentence() {
    let xvfb = Xvfb::start(SIZE);
    let nowhere = WindowId(0x7f_ffff);
    let refused = async |spec: PipelineSpec| Pipeline::open(spec).await.map(|_| ()).unwrap_err().to_string();
    let sentence = refused(spec(xvfb.address.clone(), nowhere)).await;
    assert!(sentence.contains("there is no window 0x7fffff"), "{sentence}");
    let gone = DisplayAddress { number: 59_999, ..xvfb.address.clone() };
    let sentence = refused(spec(gone, nowhere)).await;
    assert!(sentence.contains("display :59999 does not answer"), "{sentence}");
    let cookieless = DisplayAddress { auth_file: "/nowhere/cookie".into(), ..xvfb.address.clone() };
    let sentence = refused(spec(cookieless, nowhere)).await;
    assert!(sentence.contains("/nowhere/cookie cannot be read"), "{sentence}");
}

#[tokio::test]
async fn a_display_that_dies_ends_the_pipeline() {
    let mut scene = Scene::open("x264enc").await;
    let mut feed = scene.pipeline.subscribe();
    next(&mut feed).await;
    scene.xvfb.kill();
    assert_eq!(tokio::time::timeout(PATIENCE, scene.pipeline.ended()).await.unwrap(), End::WindowGone);
    while feed.next().await.is_some() {}
}

#[tokio::test]
async fn a_window_that_closes_ends_the_pipeline_even_unwatched() {
    let scene = Scene::open("x264enc").await;
    scene.painter.destroy_window();
    assert_eq!(tokio::time::timeout(PATIENCE, scene.pipeline.ended()).await.unwrap(), End::WindowGone);
}

#[tokio::test]
async fn dropping_the_pipeline_ends_its_feeds() {
    let scene = Scene::open("x264enc").await;
    let mut feed = scene.pipeline.subscribe();
    next(&mut feed).await;
    drop(scene.pipeline);
    tokio::time::timeout(PATIENCE, async { while feed.next().await.is_some() {} }).await.unwrap();
}

#[tokio::test]
async fn a_picture_larger_than_the_display_is_black_beyond_it() {
    let xvfb = Xvfb::start(Size::new(640, 352));
    let painter = Painter::open(xvfb.address.number, SIZE);
    painter.paint_card(&[0xff_ffff]);
    let size = Size::new(800, 448);
    let pipeline =
        Pipeline::open(PipelineSpec { size, ..spec(xvfb.address.clone(), painter.window) }).await.unwrap();
    let frame = next(&mut pipeline.subscribe()).await;
    let picture = Decoder::new(Codec::H264, size).decode(&frame);
    assert_eq!(picture.size, size);
    assert!(picture.rgb(300, 200, true)[0] > 230.0 && picture.rgb(740, 200, true)[0] < 25.0);
}

#[tokio::test]
async fn thumbnails_of_any_width_are_small_jpegs() {
    let xvfb = Xvfb::start(Size::new(1280, 720));
    let painter = Painter::open(xvfb.address.number, Size::new(1280, 720));
    painter.paint(7);
    for width in [1, 320, 1280, 5000] {
        let jpeg = media::thumbnail(&xvfb.address, width).unwrap();
        assert!(
            jpeg.len() <= 30_000 && jpeg.starts_with(&[0xff, 0xd8, 0xff]),
            "{width}: {} bytes",
            jpeg.len()
        );
    }
    let gone = DisplayAddress { number: 59_999, ..xvfb.address.clone() };
    let error = format!("{:#}", media::thumbnail(&gone, 320).unwrap_err());
    assert!(error.contains("thumbnail of display :59999"), "{error}");
}
