//! What comes in over the data channels: read, bounded, put in order. Pure.

use std::time::{Duration, Instant};

use protocol::input::{Intent, KeysMessage, MAX_MESSAGE_BYTES, PointerMessage};
use serde_json::error::Category;

/// The channels that a viewer speaks on, as contract §5 names them; `state` only listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Pointer,
    Keys,
    Intent,
    State,
}

impl Channel {
    pub(crate) const ALL: [Self; 4] = [Self::Pointer, Self::Keys, Self::Intent, Self::State];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Pointer => "pointer",
            Self::Keys => "keys",
            Self::Intent => "intent",
            Self::State => "state",
        }
    }

    /// Messages a second that one person can mean. A mouse reports up to 1000 times a second, but a page sends one
    /// message a frame; a keyboard that repeats sends 30.
    fn per_second(self) -> u32 {
        match self {
            Self::Pointer => 500,
            Self::Keys => 200,
            Self::Intent => 50,
            Self::State => 0,
        }
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Pointer(PointerMessage),
    Keys(KeysMessage),
    Intent(Intent),
    /// Older than what we know; dropped without a word, as reordering is nobody's fault.
    Stale,
    /// Dropped; `Some` when it should be told, which happens a few times a second at most.
    Bad(Option<String>),
}

#[derive(Debug)]
pub(crate) struct Inbox {
    pointer: Bucket,
    keys: Bucket,
    intent: Bucket,
    complaints: Bucket,
    newest: Option<u32>,
    bad: u64,
}

impl Inbox {
    pub(crate) fn new(now: Instant) -> Self {
        let bucket = |channel: Channel| Bucket::full(channel.per_second(), now);
        Self {
            pointer: bucket(Channel::Pointer),
            keys: bucket(Channel::Keys),
            intent: bucket(Channel::Intent),
            complaints: Bucket::full(2, now),
            newest: None,
            bad: 0,
        }
    }

    /// Messages that were dropped as too large, too many or not understood.
    pub(crate) fn bad(&self) -> u64 {
        self.bad
    }

    pub(crate) fn hear(&mut self, channel: Channel, data: &[u8], now: Instant) -> Said {
        match self.understand(channel, data, now) {
            Ok(said) => said,
            Err(why) => {
                self.bad += 1;
                Said::Bad(self.complaints.take(now).then_some(why))
            }
        }
    }

    fn understand(&mut self, channel: Channel, data: &[u8], now: Instant) -> Result<Said, String> {
        if data.len() > MAX_MESSAGE_BYTES {
            return Err(format!("a message of {} bytes; at most {MAX_MESSAGE_BYTES} are read", data.len()));
        }
        let bucket = match channel {
            Channel::Pointer => &mut self.pointer,
            Channel::Keys => &mut self.keys,
            Channel::Intent => &mut self.intent,
            Channel::State => return Err("nothing is read on this channel".into()),
        };
        if !bucket.take(now) {
            return Err(format!("more than {} messages a second", channel.per_second()));
        }
        match channel {
            Channel::Pointer => {
                let message = parse(data)?;
                if matches!(message, PointerMessage::Fly { velocities, .. } if !velocities.are_in_range()) {
                    return Err("a velocity that is not within -1 to 1".into());
                }
                Ok(self.in_order(message))
            }
            Channel::Keys => parse(data).map(Said::Keys),
            Channel::Intent | Channel::State => parse(data).map(Said::Intent),
        }
    }

    fn in_order(&mut self, message: PointerMessage) -> Said {
        let (PointerMessage::Move { seq, .. }
        | PointerMessage::Fly { seq, .. }
        | PointerMessage::StillHere { seq }) = message;
        // Half of the number circle is ahead, half is behind, so that counting past the end is no step back.
        let newer = self.newest.is_none_or(|newest| (1..1 << 31).contains(&seq.wrapping_sub(newest)));
        if !newer {
            return Said::Stale;
        }
        self.newest = Some(seq);
        Said::Pointer(message)
    }
}

/// The message itself is not repeated: it is a stranger's text on its way to a log.
fn parse<'a, T: serde::Deserialize<'a>>(data: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(data).map_err(|error| match error.classify() {
        Category::Data => "a message that is not one of this channel".into(),
        Category::Io | Category::Syntax | Category::Eof => format!("not JSON at column {}", error.column()),
    })
}

/// So many a second, and as many at once after a silence.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(per_second: u32, now: Instant) -> Self {
        Self { per_second: per_second.into(), tokens: per_second.into(), filled: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed: Duration = now.saturating_duration_since(self.filled);
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_second).min(self.per_second);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use model::input::Velocities;
    use proptest::prelude::*;

    use super::*;

    fn still_here(seq: u32) -> Vec<u8> {
        format!(r#"{{"type":"still_here","seq":{seq}}}"#).into_bytes()
    }

    #[test]
    fn what_is_older_than_the_newest_is_dropped_even_past_the_end_of_counting() {
        let now = Instant::now();
        let mut inbox = Inbox::new(now);
        let mut heard = |seq| matches!(inbox.hear(Channel::Pointer, &still_here(seq), now), Said::Pointer(_));
        let said = [u32::MAX - 1, u32::MAX, u32::MAX, u32::MAX - 1, 0, u32::MAX, 5, 4];
        assert_eq!(said.map(&mut heard), [true, true, false, false, true, false, true, false]);
    }

    #[test]
    fn a_velocity_that_no_hand_can_mean_is_refused_and_counts_for_nothing() {
        let now = Instant::now();
        let mut inbox = Inbox::new(now);
        let mut hear = |text: &str| inbox.hear(Channel::Pointer, text.as_bytes(), now);
        for bad in ["1.01", "-2", "1e39", "1e400", "NaN", "null", "\"1\"", "[1]"] {
            let text = format!(r#"{{"type":"fly","seq":9,"velocities":{{"zoom":{bad}}}}}"#);
            assert!(matches!(hear(&text), Said::Bad(_)), "{bad}");
        }
        let closer = Velocities { zoom: -1.0, ..Velocities::REST };
        assert_eq!(
            hear(r#"{"type":"fly","seq":9,"velocities":{"zoom":-1}}"#),
            Said::Pointer(PointerMessage::Fly { seq: 9, velocities: closer })
        );
        assert_eq!(hear(r#"{"type":"fly","seq":8,"velocities":{"zoom":1}}"#), Said::Stale, "a late one");
    }

    #[test]
    fn each_channel_understands_its_own_messages() {
        let now = Instant::now();
        let mut inbox = Inbox::new(now);
        let key = br#"{"type":"key","code":"KeyW","pressed":true}"#;
        assert!(matches!(inbox.hear(Channel::Keys, key, now), Said::Keys(KeysMessage::Key { .. })));
        let intent = br#"{"id":1,"name":"focus","args":{"on":"Mars"}}"#;
        assert!(matches!(inbox.hear(Channel::Intent, intent, now), Said::Intent(Intent { id: 1, .. })));
        assert!(matches!(inbox.hear(Channel::Intent, br#"{"id":2,"name":"home"}"#, now), Said::Intent(_)));
        for channel in [Channel::Pointer, Channel::State] {
            assert!(matches!(inbox.hear(channel, key, now), Said::Bad(Some(_))), "{channel:?}");
        }
    }

    #[test]
    fn a_flood_gets_its_rate_and_a_few_complaints() {
        let start = Instant::now();
        let mut inbox = Inbox::new(start);
        let (mut heard, mut told) = (0, 0);
        for step in 0..20_000_u32 {
            let now = start + Duration::from_micros(100) * step;
            match inbox.hear(Channel::Keys, br#"{"type":"release_all"}"#, now) {
                Said::Keys(_) => heard += 1,
                Said::Bad(Some(_)) => told += 1,
                _ => {}
            }
        }
        assert!((590..=600).contains(&heard), "two seconds at 200 and the first 200 at once: {heard}");
        assert!(told <= 6, "{told}");
        assert_eq!(inbox.bad(), 20_000 - heard);
    }

    #[test]
    fn a_large_message_is_not_even_read() {
        let now = Instant::now();
        let huge = vec![b'['; MAX_MESSAGE_BYTES + 1];
        let Said::Bad(Some(why)) = Inbox::new(now).hear(Channel::Intent, &huge, now) else {
            panic!("it was read")
        };
        assert!(why.contains("1025"), "{why}");
    }

    proptest! {
        #[test]
        fn whatever_order_the_network_makes_the_last_velocity_is_the_newest_that_came(
            order in prop::collection::vec((0_u32..50, -2.0_f32..2.0), 1..80),
        ) {
            let now = Instant::now();
            let (mut inbox, mut flies, mut newest) = (Inbox::new(now), None, None);
            for (seq, zoom) in order {
                let text = format!(r#"{{"type":"fly","seq":{seq},"velocities":{{"zoom":{zoom}}}}}"#);
                let heard = inbox.hear(Channel::Pointer, text.as_bytes(), now);
                if zoom.abs() <= 1.0 && newest.is_none_or(|(newest, _)| seq > newest) {
                    newest = Some((seq, zoom));
                }
                if let Said::Pointer(PointerMessage::Fly { seq, velocities }) = heard {
                    prop_assert!(velocities.are_in_range());
                    flies = Some((seq, velocities.zoom));
                }
            }
            prop_assert_eq!(flies, newest);
        }

        #[test]
        fn no_bytes_make_it_panic(data in prop::collection::vec(any::<u8>(), 0..1100), which in 0usize..4) {
            let now = Instant::now();
            Inbox::new(now).hear(Channel::ALL[which], &data, now);
        }
    }
}
