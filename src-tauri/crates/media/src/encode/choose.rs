//! Finds the encoder that works here: the first of the candidates whose session opens and proves itself.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use model::video::{Codec, EncoderChoice, Rejected};

use super::{
    EncodeError, Encoded, Encoder, Settings,
    cisco::OpenH264,
    gst::{self, GstEncoder},
    table::{Candidate, Engine, TABLE},
};
use crate::{
    annexb,
    picture::{Format, Picture},
    priority,
};

/// How long a candidate may take to open and to encode its test pictures. A driver that hangs is left behind in its thread.
const TRIAL_DEADLINE: Duration = Duration::from_secs(8);

/// The trial's pictures lie before the stream's time begins, a frame's time apart.
const TRIAL_FRAME: Duration = Duration::from_millis(33);

/// Time stamps of the stream start here, after the trial's.
pub(crate) const STREAM_BEGINS: Duration = Duration::from_secs(1);

/// An encoder that has proven itself.
pub(crate) struct Chosen {
    pub encoder: Box<dyn Encoder>,
    pub format: Format,
    pub choice: EncoderChoice,
    pub profile_level_id: Option<[u8; 3]>,
}

/// Tries the named candidates in that order, or the whole table if none is named.
pub(crate) fn choose(names: &[String], settings: Settings) -> Result<Chosen, Vec<Rejected>> {
    // On a machine's first start it looks at all plugins, which takes longer than any trial may.
    gst::start();
    let mut rejected = Vec::new();
    for wanted in wanted(names) {
        let (name, opened) = match wanted {
            Ok(candidate) => (candidate.name, try_out(candidate, settings).map(|opened| (candidate, opened))),
            Err(name) => {
                (name, Err(EncodeError(format!("no encoder of that name is known; known are {}", known()))))
            }
        };
        match opened {
            Ok((candidate, (encoder, profile_level_id))) => {
                let Candidate { name, codec, hardware, .. } = *candidate;
                let reason = reason(name, hardware, &rejected);
                let choice = EncoderChoice { name: name.to_owned(), codec, hardware, reason, rejected };
                return Ok(Chosen { encoder, format: settings.format(candidate), choice, profile_level_id });
            }
            Err(EncodeError(why)) => {
                tracing::debug!(encoder = name, why, "the encoder does not open");
                rejected.push(Rejected { name: name.to_owned(), why });
            }
        }
    }
    Err(rejected)
}

/// The candidates of these names; an unknown name stays a name.
fn wanted(names: &[String]) -> Vec<Result<&'static Candidate, &str>> {
    if names.is_empty() {
        return TABLE.iter().map(Ok).collect();
    }
    let find = |name: &str| TABLE.iter().find(|candidate| candidate.name == name);
    names.iter().map(|name| find(name).ok_or(name.as_str())).collect()
}

/// Names to try for another encode beside the first: what the first one took, then what else makes this codec and is wanted.
pub(crate) fn names_of(codec: Codec, first: Option<&str>, wanted: &[String]) -> Vec<String> {
    let makes = |name: &str| TABLE.iter().any(|known| known.name == name && known.codec == codec);
    let all = || TABLE.iter().map(|candidate| candidate.name);
    let mut names: Vec<&str> = first.into_iter().chain(wanted.iter().map(String::as_str)).collect();
    names.retain(|name| makes(name));
    // A viewer without the wanted codec is better served by any encoder than by none.
    if wanted.is_empty() || names.is_empty() {
        names.extend(all().filter(|name| makes(name)));
    }
    let mut seen = std::collections::HashSet::new();
    names.into_iter().filter(|name| seen.insert(*name)).map(str::to_owned).collect()
}

fn known() -> String {
    TABLE.iter().map(|candidate| candidate.name).collect::<Vec<_>>().join(", ")
}

fn reason(name: &str, hardware: bool, rejected: &[Rejected]) -> String {
    let kind = if hardware { "on the GPU" } else { "in software" };
    let opened = format!("{name}: a session opened, {kind}");
    if rejected.is_empty() {
        return opened;
    }
    let names: Vec<&str> = rejected.iter().map(|rejected| rejected.name.as_str()).collect();
    format!("{opened}; tried before it without success: {}", names.join(", "))
}

type Opened = (Box<dyn Encoder>, Option<[u8; 3]>);

/// Opens a session in a thread of its own, so that a driver that hangs costs a thread and not the instance.
fn try_out(candidate: &'static Candidate, settings: Settings) -> Result<Opened, EncodeError> {
    let (result, tried) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name(candidate.name.into())
        .spawn(move || {
            // The encoder's own threads inherit it.
            priority::go_first();
            let _ = result.send(trial(candidate, settings));
        })
        .map_err(|error| EncodeError(format!("no thread could be started: {error}")))?;
    tried.recv_timeout(TRIAL_DEADLINE).unwrap_or_else(|error| {
        Err(EncodeError(match error {
            mpsc::RecvTimeoutError::Timeout => {
                format!("its session did not open within {} s", TRIAL_DEADLINE.as_secs())
            }
            mpsc::RecvTimeoutError::Disconnected => "its session crashed while it opened".into(),
        }))
    })
}

fn trial(candidate: &Candidate, settings: Settings) -> Result<Opened, EncodeError> {
    let mut encoder: Box<dyn Encoder> = match &candidate.engine {
        Engine::Element(element) => Box::new(GstEncoder::open(candidate, element, &settings)?),
        Engine::OpenH264 => Box::new(OpenH264::open(&settings)?),
    };
    let first = prove(encoder.as_mut(), candidate.codec, settings.format(candidate))?;
    let profile_level_id = match candidate.codec {
        Codec::H264 => annexb::profile_level_id(&first.data),
        Codec::Vp8 => None,
    };
    Ok((encoder, profile_level_id))
}

/// What the rest of this room takes for granted: a frame for each picture, at once, and a keyframe on demand that a browser
/// can start at.
fn prove(encoder: &mut dyn Encoder, codec: Codec, format: Format) -> Result<Encoded, EncodeError> {
    let picture = Arc::new(Picture::black(format));
    let mut first = None;
    for (at, keyframe) in [(0, true), (1, false), (2, true)] {
        let frame = encoder
            .encode(&picture, TRIAL_FRAME * at, keyframe)?
            .ok_or_else(|| EncodeError("it left out a test picture".into()))?;
        if keyframe && !(frame.keyframe && can_start_at(codec, &frame)) {
            return Err(EncodeError("it makes no keyframe on demand that a viewer could start at".into()));
        }
        first.get_or_insert(frame);
    }
    first.ok_or_else(|| EncodeError("it was not tried".into()))
}

fn can_start_at(codec: Codec, frame: &Encoded) -> bool {
    match codec {
        Codec::H264 => annexb::is_entry_point(&frame.data),
        // The lowest bit of a VP8 frame is clear in a keyframe.
        Codec::Vp8 => frame.data.first().is_some_and(|byte| byte & 1 == 0),
    }
}

#[cfg(test)]
mod tests {
    use model::{Bitrate, FrameRate, Size};

    use super::*;

    const SETTINGS: Settings = Settings {
        size: Size::new(320, 180),
        fps_max: FrameRate(30),
        bitrate: Bitrate::kbps(1000),
        cores: 2,
    };

    struct Stubborn {
        honest_until: u32,
        calls: u32,
    }

    impl Encoder for Stubborn {
        fn encode(
            &mut self,
            _: &Arc<Picture>,
            _: Duration,
            keyframe: bool,
        ) -> Result<Option<Encoded>, EncodeError> {
            self.calls += 1;
            let data: &[u8] = if keyframe {
                &[0, 0, 1, 0x67, 1, 2, 3, 0, 0, 1, 0x68, 1, 0, 0, 1, 0x65, 1]
            } else {
                &[0, 0, 1, 0x41]
            };
            let frame = Encoded { data: data.into(), keyframe };
            Ok((self.calls <= self.honest_until).then_some(frame))
        }

        fn set_bitrate(&mut self, _: Bitrate) -> Result<(), EncodeError> {
            Ok(())
        }
    }

    #[test]
    fn an_encoder_that_leaves_pictures_out_is_not_taken() {
        let format = SETTINGS.format(&TABLE[0]);
        for (honest_until, taken) in [(0, false), (2, false), (3, true)] {
            let result = prove(&mut Stubborn { honest_until, calls: 0 }, Codec::H264, format);
            assert_eq!(result.is_ok(), taken, "{honest_until}");
        }
        assert!(prove(&mut Stubborn { honest_until: 3, calls: 0 }, Codec::Vp8, format).is_ok());
    }

    #[test]
    fn every_rejected_name_has_its_reason() {
        let names = ["h264_by_hope".to_owned(), "nvcudah264enc".to_owned()];
        let Err(rejected) = choose(&names, SETTINGS) else { return };
        assert_eq!(rejected.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), names);
        assert!(rejected[0].why.contains("known are nvh264enc"), "{}", rejected[0].why);
        assert!(!rejected[1].why.is_empty());
    }

    #[test]
    fn another_encode_takes_the_encoder_of_the_first_and_else_what_makes_its_codec() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wanted = names(&["x264enc", "openh264"]);
        assert_eq!(names_of(Codec::H264, Some("openh264"), &wanted), names(&["openh264", "x264enc"]));
        assert_eq!(names_of(Codec::Vp8, Some("openh264"), &wanted), names(&["vp8enc"]));
        assert_eq!(names_of(Codec::H264, Some("x264enc"), &[])[..2], names(&["x264enc", "nvh264enc"]));
    }

    #[test]
    fn the_reason_names_what_was_tried_before() {
        let rejected = [Rejected { name: "nvh264enc".into(), why: "no driver".into() }];
        assert_eq!(
            reason("x264enc", false, &rejected),
            "x264enc: a session opened, in software; tried before it without success: nvh264enc"
        );
        assert_eq!(reason("nvh264enc", true, &[]), "nvh264enc: a session opened, on the GPU");
    }
}
