//! What a viewer's message means. Pure: whatever the bytes are, the answer is one of these.

use protocol::{
    PROTOCOL,
    signal::{Hello, MAX_MESSAGE_BYTES, RefusalReason, ViewerMessage},
};
use serde::Deserialize;

use crate::Refused;

/// The tags that this protocol knows. A test keeps them in step with [`ViewerMessage`].
const KNOWN: [&str; 13] = [
    "hello",
    "answer",
    "candidate",
    "restart_ice",
    "control",
    "quality",
    "visible",
    "report",
    "stay",
    "size",
    "window",
    "sound",
    "ping",
];

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Read {
    Message(ViewerMessage),
    /// Well-formed, of a type that a later version may have: ignored.
    Unknown,
    /// The reason, for the viewer.
    Malformed(String),
}

#[derive(Deserialize)]
struct Tagged {
    #[serde(rename = "type")]
    tag: String,
    /// Only of `hello`: read before the rest, whose shape a later version may change.
    protocol: Option<serde_json::Value>,
}

pub(super) fn read(text: &str) -> Read {
    let tagged = match tagged(text) {
        Ok(tagged) => tagged,
        Err(why) => return Read::Malformed(why),
    };
    if !KNOWN.contains(&tagged.tag.as_str()) {
        return Read::Unknown;
    }
    match serde_json::from_str(text) {
        Ok(ViewerMessage::Hello(_)) => {
            Read::Malformed("`hello` is said once, as the first message".to_owned())
        }
        Ok(message) => Read::Message(message),
        Err(error) => Read::Malformed(format!("a message was not understood: {error}")),
    }
}

/// The first message.
pub(super) fn read_hello(text: &str) -> Result<Hello, Refused> {
    let tagged = tagged(text).map_err(malformed)?;
    if tagged.tag != "hello" {
        return Err(malformed("the first message must be `hello`".to_owned()));
    }
    let asked = tagged.protocol.as_ref().and_then(serde_json::Value::as_u64);
    if let Some(other) = asked.filter(|asked| *asked != u64::from(PROTOCOL)) {
        return Err(Refused {
            reason: RefusalReason::UnsupportedProtocol,
            message: format!(
                "This page speaks version {other} of the protocol, this machine version {PROTOCOL}: reload the page."
            ),
            retry_after_s: None,
        });
    }
    match serde_json::from_str(text) {
        Ok(ViewerMessage::Hello(hello)) => Ok(hello),
        Ok(_) => Err(malformed("the first message must be `hello`".to_owned())),
        Err(error) => Err(malformed(format!("`hello` was not understood: {error}"))),
    }
}

fn tagged(text: &str) -> Result<Tagged, String> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(format!("a message was {} bytes long, {MAX_MESSAGE_BYTES} are allowed", text.len()));
    }
    // An array would pass for a struct by the order of its fields.
    if !text.trim_start().starts_with('{') {
        return Err("a message must be one JSON object".to_owned());
    }
    serde_json::from_str(text)
        .map_err(|error| format!("a message must be a JSON object with a `type`: {error}"))
}

pub(super) fn malformed(message: String) -> Refused {
    Refused { reason: RefusalReason::Malformed, message, retry_after_s: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use model::video::SizeMode;
    use proptest::prelude::*;
    use protocol::{
        signal::{Candidate, ControlAction, QualityMode},
        stream_report::StreamReport,
    };

    use super::*;

    fn one_of_each() -> Vec<ViewerMessage> {
        let hello = Hello { protocol: PROTOCOL, session_id: "s".to_owned(), invite: None, viewer_id: None };
        let all = vec![
            ViewerMessage::Hello(hello),
            ViewerMessage::Answer { sdp: "v=0".to_owned() },
            ViewerMessage::Candidate(Candidate { candidate: String::new(), sdp_mid: None }),
            ViewerMessage::RestartIce,
            ViewerMessage::Control { action: ControlAction::Request, viewer_id: None },
            ViewerMessage::Quality { mode: QualityMode::Auto },
            ViewerMessage::Visible { visible: true },
            ViewerMessage::Report(StreamReport { user_agent: String::new(), samples: Vec::new() }),
            ViewerMessage::Stay,
            ViewerMessage::Size { mode: SizeMode::default() },
            ViewerMessage::Window { width: 1, height: 1 },
            ViewerMessage::Sound { on: true },
            ViewerMessage::Ping,
        ];
        // A new variant stops this from compiling: add it above and to `KNOWN`.
        for message in &all {
            match message {
                ViewerMessage::Hello(_)
                | ViewerMessage::Answer { .. }
                | ViewerMessage::Candidate(_)
                | ViewerMessage::RestartIce
                | ViewerMessage::Control { .. }
                | ViewerMessage::Quality { .. }
                | ViewerMessage::Visible { .. }
                | ViewerMessage::Report(_)
                | ViewerMessage::Stay
                | ViewerMessage::Size { .. }
                | ViewerMessage::Window { .. }
                | ViewerMessage::Sound { .. }
                | ViewerMessage::Ping => {}
            }
        }
        all
    }

    #[test]
    fn every_message_of_the_protocol_is_understood() {
        for message in one_of_each() {
            let text = serde_json::to_string(&message).unwrap();
            match &message {
                ViewerMessage::Hello(hello) => assert_eq!(read_hello(&text), Ok(hello.clone())),
                _ => assert_eq!(read(&text), Read::Message(message)),
            }
        }
        assert_eq!(KNOWN.len(), one_of_each().len());
    }

    #[test]
    fn what_a_later_version_may_say_is_ignored_and_nonsense_is_not() {
        assert_eq!(read(r#"{"type":"wave","hands":2}"#), Read::Unknown);
        assert_eq!(read(r#"{"type":"ping","more":[1,2]}"#), Read::Message(ViewerMessage::Ping));
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"["ping"]"#,
            r#"{"type":"answer"}"#,
            r#"{"type":"ping""#,
            "{\"type\":\"ping\"}x",
            r#"{"type":"window","width":-1,"height":720}"#,
            r#"{"type":"window","width":NaN,"height":720}"#,
            r#"{"type":"window","width":1e99,"height":720}"#,
            r#"{"type":"size","mode":{"by":"fixed","width":1280.5,"height":720}}"#,
            r#"{"type":"size","mode":{"by":"magic"}}"#,
        ] {
            assert!(matches!(read(bad), Read::Malformed(_)), "{bad}");
        }
        let hello = serde_json::to_string(&one_of_each()[0]).unwrap();
        assert!(matches!(read(&hello), Read::Malformed(_)), "hello is said once");
    }

    #[test]
    fn a_long_message_is_refused_unread() {
        let long = format!(r#"{{"type":"answer","sdp":"{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
        assert!(matches!(read(&long), Read::Malformed(why) if why.contains("65536")));
    }

    #[test]
    fn another_protocol_is_named_even_if_hello_looks_different_there() {
        let refused = read_hello(r#"{"type":"hello","protocol":2,"who":{"key":"…"}}"#).unwrap_err();
        assert_eq!(refused.reason, RefusalReason::UnsupportedProtocol);
        assert!(refused.message.contains("version 2"));
    }

    #[test]
    fn a_refusal_does_not_repeat_the_secret() {
        let refused =
            read_hello(r#"{"type":"hello","protocol":1,"session_id":"SECRET","viewer_id":"no uuid"}"#)
                .unwrap_err();
        assert!(!refused.message.contains("SECRET"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,300}") {
            let _ = read(&text);
            prop_assert!(read_hello(&text).is_err());
        }

        #[test]
        fn any_bytes_that_look_like_json_are_answered(text in r#"\{("(type|protocol|sdp|session_id|action)":("(hello|answer|ping|control|give)"|[0-9]{1,20}|null|\[\]|\{\}),?){0,6}\}"#) {
            let _ = read(&text);
            let _ = read_hello(&text);
        }

        #[test]
        fn a_good_message_that_was_cut_or_changed_is_answered(which in 0usize..8, at in 0usize..100, byte in any::<char>()) {
            let mut text: Vec<char> = serde_json::to_string(&one_of_each()[which]).unwrap().chars().collect();
            let place = at % text.len();
            text[place] = byte;
            let changed: String = text.iter().collect();
            let cut: String = text[..place].iter().collect();
            for text in [changed, cut] {
                let _ = read(&text);
                let _ = read_hello(&text);
            }
        }

        #[test]
        fn deep_nesting_does_not_exhaust_the_stack(depth in 1usize..30_000) {
            let text = format!(r#"{{"type":"hello","protocol":{}"#, "[".repeat(depth));
            let _ = read(&text);
            prop_assert!(read_hello(&text).is_err());
        }
    }
}
