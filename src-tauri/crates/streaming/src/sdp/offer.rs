//! A viewer's own offer, as WHEP brings it: what of it is taken, and the answer to all of it. Pure.
//!
//! The library reads only the section and the codec that are taken: what a stranger's player adds to them (sections,
//! formats, streams of its own) cannot lead it astray, and has its place in the answer all the same.

use model::video::Codec;

use super::{BYTES_MAX, VideoFormat, codec_name, names, without_candidates};

/// A player offers two or three; more than these is no player.
const SECTIONS_MAX: usize = 8;
/// Lines of a section that say how its transport is reached and kept safe.
const TRANSPORT: [&str; 5] = ["a=ice-ufrag:", "a=ice-pwd:", "a=ice-options:", "a=fingerprint:", "a=setup:"];
/// Lines about streams that the player would send, which nobody watches.
const OF_ITS_OWN: [&str; 5] = ["a=ssrc", "a=msid", "a=rid:", "a=simulcast:", "a=bundle-only"];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("the offer is {0} bytes long; at most {BYTES_MAX} are read")]
    TooLarge(usize),
    #[error("the offer is no session description: it has to begin with `v=0` and be sent as application/sdp")]
    NotSdp,
    #[error("the offer has {0} media sections; at most {SECTIONS_MAX} are read")]
    TooManySections(usize),
    #[error("the offer asks for no video: add a video section that is `recvonly`")]
    NoVideo,
    #[error("the offer takes none of the codecs that this machine encodes: {0}")]
    NoCodec(String),
    #[error("the offer lacks `{0}`, without which no connection is possible")]
    Lacks(&'static str),
    #[error("the offer cannot be used: {0}")]
    Unusable(String),
}

/// What was offered, and what of it is taken.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) format: VideoFormat,
    /// The part that the library answers.
    pub(crate) reduced: String,
    sections: Vec<Refused>,
    video: usize,
}

/// What it takes to say no to a section.
#[derive(Debug)]
struct Refused {
    media: String,
    protocol: String,
    format: String,
    mid: Option<String>,
}

impl Offered {
    /// `codecs`: what this machine encodes, best first.
    pub(crate) fn read(sdp: &str, codecs: &[Codec]) -> Result<Self, OfferError> {
        if sdp.len() > BYTES_MAX {
            return Err(OfferError::TooLarge(sdp.len()));
        }
        if !sdp.starts_with("v=0") {
            return Err(OfferError::NotSdp);
        }
        let (session, sections) = divided(sdp);
        if sections.len() > SECTIONS_MAX {
            return Err(OfferError::TooManySections(sections.len()));
        }
        let video = sections.iter().position(|section| wants_video(section)).ok_or(OfferError::NoVideo)?;
        let format =
            best_format(&sections[video], codecs).ok_or_else(|| OfferError::NoCodec(names(codecs)))?;
        let transport = transport(&session, &sections, video)?;
        let mid = value(&sections[video], "a=mid:").ok_or(OfferError::Lacks("a=mid"))?;
        let reduced = reduced(&session, &sections[video], mid, &transport, &format);
        let sections = sections.iter().map(|section| Refused::of(section)).collect();
        Ok(Self { format, reduced, sections, video })
    }

    /// The library's answer to the part, made one to the whole.
    pub(crate) fn answer(&self, to_part: &str) -> String {
        let (session, answered) = divided(to_part);
        let mut lines: Vec<String> = session.iter().map(|line| (*line).to_owned()).collect();
        for (index, section) in self.sections.iter().enumerate() {
            match answered.first() {
                Some(taken) if index == self.video => {
                    lines.extend(taken.iter().map(|line| (*line).to_owned()))
                }
                _ => lines.extend(section.lines()),
            }
        }
        lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()
    }
}

impl Refused {
    fn of(section: &[&str]) -> Self {
        let mut words = section.first().copied().unwrap_or_default().trim_start_matches("m=").split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (media, _port, protocol, format) = (word(), word(), word(), word());
        Self { media, protocol, format, mid: value(section, "a=mid:").map(str::to_owned) }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("m={} 0 {} {}", self.media, self.protocol, self.format),
            "c=IN IP4 0.0.0.0".to_owned(),
        ];
        lines.extend(self.mid.iter().map(|mid| format!("a=mid:{mid}")));
        lines.push("a=inactive".to_owned());
        lines
    }
}

/// The lines before the first section, and those of each.
fn divided(sdp: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let (mut session, mut sections) = (Vec::new(), Vec::<Vec<&str>>::new());
    for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match sections.last_mut() {
            _ if line.starts_with("m=") => sections.push(vec![line]),
            Some(section) => section.push(line),
            None => session.push(line),
        }
    }
    (session, sections)
}

/// A port of 0 refuses, except in a section that says that it shares the port of another one.
fn wants_video(section: &[&str]) -> bool {
    let opening = section.first().copied().unwrap_or_default();
    let off = opening.split(' ').nth(1) == Some("0") && !section.contains(&"a=bundle-only");
    let sends = ["a=inactive", "a=sendonly"].iter().any(|direction| section.contains(direction));
    opening.starts_with("m=video ") && !off && !sends
}

fn value<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The value that stands for one payload type: `a=rtpmap:102 H264/90000`.
fn of_payload<'a>(section: &[&'a str], name: &str, payload: &str) -> Option<&'a str> {
    section.iter().filter_map(|line| line.strip_prefix(name)).find_map(|rest| {
        let (of, what) = rest.split_once(' ')?;
        (of == payload).then_some(what.trim())
    })
}

/// The format that suits best: the machine's own order of codecs, and of one codec the format that says most clearly
/// that it takes what is sent. H.264 without a word on how packets are cut comes after everything else: such players take
/// fragments all the same, though by the letter they did not say so.
fn best_format(section: &[&str], codecs: &[Codec]) -> Option<VideoFormat> {
    let payloads: Vec<&str> = section.first()?.split(' ').skip(3).collect();
    let formats = payloads.iter().enumerate().filter_map(|(place, payload)| {
        let map = of_payload(section, "a=rtpmap:", payload)?;
        let name = map.split('/').next()?;
        let wish = codecs.iter().position(|codec| codec_name(*codec).eq_ignore_ascii_case(name))?;
        let parameters = of_payload(section, "a=fmtp:", payload).unwrap_or_default();
        let doubt = match codecs[wish] {
            Codec::H264 => doubt_of_h264(parameters)?,
            Codec::Vp8 => 0,
        };
        let payload_type = payload.parse().ok().filter(|payload_type| *payload_type < 128)?;
        let format = VideoFormat {
            codec: codecs[wish],
            payload_type,
            again: again_of(section, &payloads, payload),
            parameters: parameters.to_owned(),
        };
        Some(((doubt > 1, wish, doubt, place), format))
    });
    formats.min_by_key(|(rank, _)| *rank).map(|(_, format)| format)
}

/// How doubtful it is that frames in fragments (packetization-mode 1) and of the baseline profile are understood.
/// `None`: it says that they are not.
fn doubt_of_h264(parameters: &str) -> Option<u8> {
    let parameter = |name: &str| {
        parameters.split(';').find_map(|one| one.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
    };
    match parameter("packetization-mode") {
        Some("1") => {
            let baseline = parameter("profile-level-id").is_none_or(|id| id.starts_with("42"));
            Some(u8::from(!baseline))
        }
        Some(_) => None,
        None => Some(2),
    }
}

/// The payload type of packets that are sent again (RFC 4588).
fn again_of(section: &[&str], payloads: &[&str], payload: &str) -> Option<u8> {
    let apt = format!("apt={payload}");
    let found = payloads.iter().find(|candidate| {
        let is_rtx = of_payload(section, "a=rtpmap:", candidate)
            .is_some_and(|map| map.to_ascii_lowercase().starts_with("rtx/"));
        let repairs = of_payload(section, "a=fmtp:", candidate)
            .is_some_and(|parameters| parameters.split(';').any(|one| one.trim() == apt));
        is_rtx && repairs
    });
    found.and_then(|payload| payload.parse().ok()).filter(|payload_type| *payload_type < 128)
}

/// In the section itself, for the whole session, or in the section whose port it shares.
fn transport<'a>(
    session: &[&'a str],
    sections: &[Vec<&'a str>],
    video: usize,
) -> Result<Vec<&'a str>, OfferError> {
    let places = || {
        std::iter::once(&sections[video][..])
            .chain([session])
            .chain(sections.iter().map(|section| &section[..]))
    };
    let find =
        |name: &str| places().find_map(|lines| lines.iter().find(|line| line.starts_with(name))).copied();
    for (name, called) in
        [("a=ice-ufrag:", "a=ice-ufrag"), ("a=ice-pwd:", "a=ice-pwd"), ("a=fingerprint:", "a=fingerprint")]
    {
        find(name).ok_or(OfferError::Lacks(called))?;
    }
    Ok(TRANSPORT.iter().filter_map(|name| find(name)).collect())
}

fn reduced(
    session: &[&str],
    section: &[&str],
    mid: &str,
    transport: &[&str],
    format: &VideoFormat,
) -> String {
    let payloads: Vec<String> =
        std::iter::once(format.payload_type).chain(format.again).map(|payload| payload.to_string()).collect();
    let about_taken = |line: &str| {
        let about = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|name| line.strip_prefix(name));
        about.is_none_or(|rest| {
            let of = rest.split(' ').next().unwrap_or_default();
            of == "*" || payloads.iter().any(|payload| payload == of)
        })
    };
    let is_transport = |line: &str| TRANSPORT.iter().any(|name| line.starts_with(name));
    let kept = |line: &&&str| {
        about_taken(line)
            && !is_transport(line)
            && !OF_ITS_OWN.iter().any(|name| line.starts_with(name))
            && !["a=sendrecv", "a=recvonly"].contains(*line)
    };
    let protocol = section.first().and_then(|line| line.split(' ').nth(2)).unwrap_or("UDP/TLS/RTP/SAVPF");
    let lines = session
        .iter()
        .filter(|line| !line.starts_with("a=group:") && !is_transport(line))
        .map(|line| (*line).to_owned())
        .chain([format!("a=group:BUNDLE {mid}")])
        .chain([format!("m=video 9 {protocol} {}", payloads.join(" "))])
        .chain(section.iter().skip(1).filter(kept).map(|line| (*line).to_owned()))
        .chain(transport.iter().map(|line| (*line).to_owned()))
        .chain(["a=recvonly".to_owned()]);
    without_candidates(&lines.flat_map(|line| [line, "\r\n".to_owned()]).collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Codec; 2] = [Codec::H264, Codec::Vp8];

    /// As Chromium writes it: sound first, several formats, everything in one bundle.
    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\n\
        a=fingerprint:sha-256 AA\r\na=setup:actpass\r\na=rtpmap:111 opus/48000/2\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96 97 100 102 103 106\r\na=mid:1\r\na=bundle-only\r\na=sendrecv\r\n\
        a=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\n\
        a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
        a=rtpmap:100 H264/90000\r\na=fmtp:100 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f\r\n\
        a=rtpmap:102 H264/90000\r\na=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n\
        a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\na=rtcp-fb:102 nack\r\na=rtcp-fb:96 nack\r\n\
        a=rtpmap:106 AV1/90000\r\na=ssrc:5 cname:x\r\na=msid:a b\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n";

    #[test]
    fn of_many_formats_the_best_is_taken_with_its_own_numbers() {
        let offered = Offered::read(OFFER, &BOTH).unwrap();
        let VideoFormat { codec, payload_type, again, .. } = offered.format;
        assert_eq!((codec, payload_type, again), (Codec::H264, 102, Some(103)));
        let VideoFormat { codec, payload_type, again, .. } =
            Offered::read(OFFER, &[Codec::Vp8, Codec::H264]).unwrap().format;
        assert_eq!((codec, payload_type, again), (Codec::Vp8, 96, Some(97)));
    }

    #[test]
    fn a_player_that_is_silent_about_fragments_gets_vp8_first_and_h264_at_last() {
        let silent = OFFER.replace("packetization-mode=1;", "");
        assert_eq!(Offered::read(&silent, &BOTH).unwrap().format.codec, Codec::Vp8);
        let format = Offered::read(&silent.replace("VP8", "VP9"), &BOTH).unwrap().format;
        assert_eq!((format.codec, format.payload_type), (Codec::H264, 102));
        assert_eq!(Offered::read(&OFFER.replace("H264", "H265"), &BOTH).unwrap().format.codec, Codec::Vp8);
    }

    #[test]
    fn the_library_sees_one_section_of_one_codec_with_the_transport_of_its_bundle() {
        let reduced = Offered::read(OFFER, &BOTH).unwrap().reduced;
        let (_, sections) = divided(&reduced);
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0][0], "m=video 9 UDP/TLS/RTP/SAVPF 102 103");
        for kept in [
            "a=ice-ufrag:abcd",
            "a=ice-pwd:secret",
            "a=setup:actpass",
            "a=recvonly",
            "a=rtcp-fb:102 nack",
            "a=mid:1",
        ] {
            assert!(sections[0].contains(&kept), "{kept} is missing in {reduced}");
        }
        for gone in ["VP8", "AV1", "a=ssrc", "a=msid", "a=candidate", "sendrecv", "bundle-only", "opus"] {
            assert!(!reduced.contains(gone), "{gone} is still in {reduced}");
        }
        assert!(reduced.contains("a=group:BUNDLE 1\r\n"));
    }

    #[test]
    fn the_answer_has_a_place_for_each_section_of_the_offer_in_its_order() {
        let offered = Offered::read(OFFER, &BOTH).unwrap();
        let answer = offered.answer(
            "v=0\r\na=group:BUNDLE 1\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:1\r\na=sendonly\r\n",
        );
        let (_, sections) = divided(&answer);
        let openings: Vec<&str> = sections.iter().map(|section| section[0]).collect();
        assert_eq!(
            openings,
            [
                "m=audio 0 UDP/TLS/RTP/SAVPF 111",
                "m=video 9 UDP/TLS/RTP/SAVPF 102",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
            ]
        );
        assert!(sections[0].contains(&"a=mid:0") && sections[0].contains(&"a=inactive"));
        assert!(sections[1].contains(&"a=sendonly"));
    }

    #[test]
    fn what_cannot_be_answered_is_refused_with_its_reason() {
        let none = || OfferError::NoCodec("H264, VP8".into());
        let cases = [
            (String::new(), OfferError::NotSdp),
            ("hello".into(), OfferError::NotSdp),
            (format!("v=0{}", "x".repeat(BYTES_MAX)), OfferError::TooLarge(BYTES_MAX + 3)),
            ("v=0\r\n".into(), OfferError::NoVideo),
            (OFFER.replace("a=bundle-only\r\n", ""), OfferError::NoVideo),
            (OFFER.replace("a=sendrecv", "a=sendonly"), OfferError::NoVideo),
            (OFFER.replace("m=video", "m=text"), OfferError::NoVideo),
            (OFFER.replace("H264", "H265").replace("VP8", "VP9"), none()),
            (OFFER.replace("a=ice-pwd", "a=x"), OfferError::Lacks("a=ice-pwd")),
            (OFFER.replace("a=fingerprint", "a=x"), OfferError::Lacks("a=fingerprint")),
            (OFFER.replace("a=mid:1", "a=x"), OfferError::Lacks("a=mid")),
            (format!("{OFFER}{}", "m=audio 9 x 0\r\n".repeat(6)), OfferError::TooManySections(9)),
        ];
        for (offer, why) in cases {
            assert_eq!(Offered::read(&offer, &BOTH).unwrap_err(), why);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "v=0(\r\n|m=video 9 x |a=rtpmap:|a=mid:|H264/|[ -~]|[0-9 ])*") {
            if let Ok(offered) = Offered::read(&text, &BOTH) {
                let _ = offered.answer(&text);
            }
        }
    }
}
