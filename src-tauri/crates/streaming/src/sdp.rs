//! What is said and heard in SDP, before and after the library's own reading of it. Pure.

mod offer;

use model::video::Codec;
use protocol::signal;

/// An answer of a browser is some 3 KiB; the signaling socket takes no more than this either.
const BYTES_MAX: usize = signal::MAX_MESSAGE_BYTES;
/// Sections of an answer that we could have asked for: video, sound and data.
const SECTIONS_MAX: usize = 3;

pub use self::offer::OfferError;
pub(crate) use self::offer::Offered;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("the answer is {0} bytes long; at most {BYTES_MAX} are read")]
    TooLarge(usize),
    #[error("the answer is no session description")]
    NotSdp,
    #[error("the answer takes no video: the browser has to accept the video section of the offer")]
    NoVideo,
    #[error(
        "the answer takes none of the codecs that this machine encodes ({0}): use a browser that decodes one of them"
    )]
    NoCodec(String),
    #[error("the answer has {0} media sections; the offer has {SECTIONS_MAX}")]
    TooManySections(usize),
}

/// The name of a codec in `a=rtpmap`.
pub(crate) fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H264",
        Codec::Vp8 => "VP8",
    }
}

/// How video is packed for one viewer: a codec, and the numbers and words that stand for it in SDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VideoFormat {
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    /// Of packets that are sent again.
    pub(crate) again: Option<u8>,
    /// The value of `a=fmtp`.
    pub(crate) parameters: String,
}

impl VideoFormat {
    /// As this machine offers it.
    pub(crate) fn ours(codec: Codec) -> Self {
        let (payload_type, again, parameters) = match codec {
            // Constrained baseline: what every browser decodes that decodes H.264 at all.
            Codec::H264 => {
                (102, 103, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
            }
            Codec::Vp8 => (104, 105, ""),
        };
        Self { codec, payload_type, again: Some(again), parameters: parameters.to_owned() }
    }
}

/// The first of `codecs` that the answer takes. Refuses what would only fail later, with a sentence instead of a number.
pub(crate) fn check_answer(sdp: &str, codecs: &[Codec]) -> Result<Codec, AnswerError> {
    if sdp.len() > BYTES_MAX {
        return Err(AnswerError::TooLarge(sdp.len()));
    }
    if !sdp.starts_with("v=0") {
        return Err(AnswerError::NotSdp);
    }
    let sections = sdp.lines().filter(|line| line.starts_with("m=")).count();
    if sections > SECTIONS_MAX {
        return Err(AnswerError::TooManySections(sections));
    }
    let video = section(sdp, "m=video ").ok_or(AnswerError::NoVideo)?;
    let port = video.first().and_then(|line| line.split(' ').nth(1));
    let refused = ["a=inactive", "a=sendonly"].iter().any(|direction| video.contains(direction));
    if port == Some("0") || refused {
        return Err(AnswerError::NoVideo);
    }
    let takes = |codec: &&Codec| {
        video.iter().filter_map(|line| line.strip_prefix("a=rtpmap:")).any(|map| {
            let format = map.split(' ').nth(1).and_then(|format| format.split('/').next());
            format.is_some_and(|name| name.eq_ignore_ascii_case(codec_name(**codec)))
        })
    };
    codecs.iter().find(takes).copied().ok_or_else(|| AnswerError::NoCodec(names(codecs)))
}

pub(crate) fn names(codecs: &[Codec]) -> String {
    codecs.iter().map(|codec| codec_name(*codec)).collect::<Vec<_>>().join(", ")
}

/// The lines of the section that opens with `opening`.
fn section<'a>(sdp: &'a str, opening: &str) -> Option<Vec<&'a str>> {
    let mut lines = sdp.lines().skip_while(|line| !line.starts_with(opening));
    let first = lines.next()?;
    Some(std::iter::once(first).chain(lines.take_while(|line| !line.starts_with("m="))).collect())
}

/// A description of ours with our candidates in place of the library's: these name the addresses that viewers reach, with the
/// shared port. They stand in the first section, whose transport all others share (BUNDLE).
pub(crate) fn with_candidates(sdp: &str, candidates: &[String]) -> String {
    let mut out = String::with_capacity(sdp.len() + 80 * candidates.len());
    let mut sections = 0;
    let mut line_out = |line: &str| {
        out.push_str(line);
        out.push_str("\r\n");
    };
    let ours = |line_out: &mut dyn FnMut(&str)| {
        candidates.iter().for_each(|candidate| line_out(&format!("a=candidate:{candidate}")));
        line_out("a=end-of-candidates");
    };
    for line in sdp.lines() {
        if line.starts_with("m=") {
            sections += 1;
            if sections == 2 {
                ours(&mut line_out);
            }
        }
        if !line.starts_with("a=candidate:") && line != "a=end-of-candidates" {
            line_out(line);
        }
    }
    if sections == 1 {
        ours(&mut line_out);
    }
    out
}

/// The same description with `more` behind the candidates that it has, which end by `a=end-of-candidates`.
pub(crate) fn with_more_candidates(sdp: &str, more: &[String]) -> String {
    let line_out = |line: &str| {
        let before = more.iter().filter(|_| line == "a=end-of-candidates");
        before.map(|candidate| format!("a=candidate:{candidate}\r\n")).collect::<String>() + line + "\r\n"
    };
    sdp.lines().map(line_out).collect()
}

/// The ufrag that the description gives to its sender.
pub(crate) fn ufrag(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::trim)
}

/// Of the first candidate over UDP: all of ours have the same.
pub(crate) fn udp_port(sdp: &str) -> Option<u16> {
    let candidates = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    candidates.map(|value| value.split_ascii_whitespace().collect::<Vec<_>>()).find_map(|words| {
        let over_udp = words.get(2).is_some_and(|name| name.eq_ignore_ascii_case("udp"));
        words.get(5).filter(|_| over_udp)?.parse().ok()
    })
}

/// A viewer's description without its candidates: a viewer's checks show where it is, and an address that a stranger names is one
/// that this machine would be made to send to.
pub(crate) fn without_candidates(sdp: &str) -> String {
    let kept = sdp.lines().filter(|line| !line.starts_with("a=candidate:") && *line != "a=end-of-candidates");
    kept.flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\na=recvonly\r\na=rtpmap:102 H264/90000\r\na=rtpmap:103 rtx/90000\r\n\
        a=candidate:1 1 udp 1 3f2a.local 5000 typ host\r\na=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n";

    #[test]
    fn a_browsers_answer_is_taken() {
        assert_eq!(check_answer(ANSWER, &[Codec::Vp8, Codec::H264]), Ok(Codec::H264));
        let both = ANSWER.replace("rtx", "VP8");
        assert_eq!(check_answer(&both, &[Codec::Vp8, Codec::H264]), Ok(Codec::Vp8), "by our preference");
        assert_eq!(ufrag(ANSWER), Some("abcd"));
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_reason() {
        let cases = [
            (String::new(), AnswerError::NotSdp),
            ("hello".into(), AnswerError::NotSdp),
            (format!("v=0{}", "x".repeat(BYTES_MAX)), AnswerError::TooLarge(BYTES_MAX + 3)),
            ("v=0\r\n".into(), AnswerError::NoVideo),
            (ANSWER.replace("m=video 9", "m=video 0"), AnswerError::NoVideo),
            (ANSWER.replace("a=recvonly", "a=inactive"), AnswerError::NoVideo),
            (ANSWER.replace("H264", "AV1"), AnswerError::NoCodec("H264".into())),
            (format!("{ANSWER}{}", "m=audio 9 x 0\r\n".repeat(2)), AnswerError::TooManySections(4)),
        ];
        for (answer, why) in cases {
            assert_eq!(check_answer(&answer, &[Codec::H264]), Err(why));
        }
        assert_eq!(check_answer(ANSWER, &[Codec::Vp8]), Err(AnswerError::NoCodec("VP8".into())));
    }

    #[test]
    fn an_offer_tells_where_its_maker_is_and_by_which_name() {
        let offer = "a=ice-ufrag:abcd\r\na=candidate:2 1 tcp 9 192.0.2.1 9 typ host tcptype active\r\n\
            a=candidate:1 1 udp 9 192.0.2.1 4700 typ host\r\n";
        assert_eq!((ufrag(offer), udp_port(offer)), (Some("abcd"), Some(4700)));
        for bad in ["", "a=candidate:", "a=candidate:1 1 udp 9 h 70000 typ host"] {
            assert_eq!((ufrag(bad), udp_port(bad)), (None, None), "{bad}");
        }
    }

    #[test]
    fn a_viewers_candidates_are_left_out_and_nothing_else() {
        let kept = without_candidates(ANSWER);
        assert!(!kept.contains("a=candidate"));
        assert_eq!(kept.lines().count(), ANSWER.lines().count() - 2);
    }

    #[test]
    fn our_candidates_take_the_place_of_the_librarys() {
        let candidates = ["1 1 udp 9 192.0.2.1 4700 typ host".to_owned()];
        let offer = with_candidates(ANSWER, &candidates);
        assert_eq!(offer.matches("a=candidate:").count(), 1);
        let (before, _) = offer.split_once("m=application").unwrap_or_default();
        assert!(before.contains("192.0.2.1 4700"), "in the first section");
    }

    #[test]
    fn more_candidates_come_behind_those_that_are_there() {
        let ours = with_candidates(ANSWER, &["1 1 udp 9 192.0.2.1 4700 typ host".to_owned()]);
        let more = with_more_candidates(&ours, &["101 1 udp 1 192.0.2.9 4700 typ relay".to_owned()]);
        let kept: String =
            more.lines().filter(|line| !line.contains("typ relay")).flat_map(|line| [line, "\r\n"]).collect();
        assert_eq!(kept, ours);
        assert_eq!(udp_port(&more), Some(4700));
        let (before, after) = more.split_once("a=candidate:101 ").unwrap_or_default();
        assert!(before.contains("192.0.2.1") && after.contains("a=end-of-candidates"), "{more}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(v=0)?(\r\n|m=|a=|video|[ -~]|[0-9 ])*") {
            let _ = check_answer(&text, &[Codec::H264]);
            let _ = with_candidates(&text, &[]);
            let _ = with_more_candidates(&text, &[]);
            let _ = without_candidates(&text);
            let _ = ufrag(&text);
        }
    }
}
