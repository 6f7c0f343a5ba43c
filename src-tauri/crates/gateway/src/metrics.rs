//! The gateway's own figures in Prometheus' text format. The labels come from closed sets, so their number is bounded.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What was turned away because it came too often or was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Limited {
    Connections,
    Sockets,
    EventStreams,
    Sessions,
    Launches,
    Hellos,
    UnknownTokens,
    OldCommands,
    Messages,
}

impl Limited {
    const fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Sockets => "sockets",
            Self::EventStreams => "event_streams",
            Self::Sessions => "sessions",
            Self::Launches => "launches",
            Self::Hellos => "hellos",
            Self::UnknownTokens => "unknown_tokens",
            Self::OldCommands => "old_commands",
            Self::Messages => "messages",
        }
    }
}

/// One figure of `requests_total`.
type Answered = (&'static str, String, u16);

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By method, route template and status: never by address or path.
    requests: Mutex<BTreeMap<Answered, u64>>,
    limited: Mutex<BTreeMap<Limited, u64>>,
    refused_viewers: AtomicU64,
    malformed_messages: AtomicU64,
    unknown_messages: AtomicU64,
}

/// What is open at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenNow {
    pub connections: u32,
    pub sockets: u32,
    pub event_streams: u32,
}

impl Metrics {
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((method, route.to_owned(), status)).or_default() += 1;
    }
    pub(crate) fn limited(&self, what: Limited) {
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }
    pub(crate) fn viewer_refused(&self) {
        self.refused_viewers.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn malformed_message(&self) {
        self.malformed_messages.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn unknown_message(&self) {
        self.unknown_messages.fetch_add(1, Ordering::Relaxed);
    }

    /// Prometheus' text format 0.0.4: our figures, then those of the node.
    pub(crate) fn text(&self, open: OpenNow, node: &str) -> String {
        let mut out = String::new();
        head(&mut out, "requests_total", "counter", "Answers by method, route and status.");
        for ((method, route, status), count) in
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter()
        {
            line(
                &mut out,
                "requests_total",
                &format!(r#"{{method="{method}",route="{route}",status="{status}"}}"#),
                *count,
            );
        }
        head(
            &mut out,
            "limited_total",
            "counter",
            "Turned away since they came too often or were one too many.",
        );
        for (what, count) in self.limited.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            line(&mut out, "limited_total", &format!(r#"{{what="{}"}}"#, what.label()), *count);
        }
        let plain = [
            (
                "refused_viewers_total",
                "counter",
                "Viewers that were told no.",
                self.refused_viewers.load(Ordering::Relaxed),
            ),
            (
                "malformed_messages_total",
                "counter",
                "Signaling messages that ended their socket.",
                self.malformed_messages.load(Ordering::Relaxed),
            ),
            (
                "unknown_messages_total",
                "counter",
                "Signaling messages of an unknown type, ignored.",
                self.unknown_messages.load(Ordering::Relaxed),
            ),
            ("open_connections", "gauge", "TCP connections.", u64::from(open.connections)),
            ("open_sockets", "gauge", "Signaling sockets.", u64::from(open.sockets)),
            ("open_event_streams", "gauge", "Streams of server-sent events.", u64::from(open.event_streams)),
        ];
        for (name, kind, help, value) in plain {
            head(&mut out, name, kind, help);
            line(&mut out, name, "", value);
        }
        // OpenMetrics' end mark is a comment here; nothing may follow it there.
        out.push_str(node.trim_end().trim_end_matches("# EOF"));
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP openspace_gateway_{name} {help}\n# TYPE openspace_gateway_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(out, "openspace_gateway_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_gateway_and_node_stand_in_one_text() {
        let metrics = Metrics::default();
        metrics.answered("GET", "/api/v1/instances", 200);
        metrics.answered("GET", "/api/v1/instances", 200);
        metrics.limited(Limited::Sessions);
        let open = OpenNow { connections: 3, sockets: 2, event_streams: 1 };
        let text = metrics.text(open, "openspace_viewers 5\n# EOF\n");
        for wanted in [
            r#"openspace_gateway_requests_total{method="GET",route="/api/v1/instances",status="200"} 2"#,
            r#"openspace_gateway_limited_total{what="sessions"} 1"#,
            "openspace_gateway_open_sockets 2",
            "openspace_viewers 5",
        ] {
            assert!(text.lines().any(|line| line == wanted), "{wanted} is missing in:\n{text}");
        }
        assert!(!text.contains("# EOF"));
    }
}
