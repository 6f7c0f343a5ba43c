//! "My stream is bad": what a browser saw in the last minute, for whoever looks after the machine.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// One a second for a minute, with some room.
pub const SAMPLES_MAX: usize = 90;
const USER_AGENT_CHARS: usize = 300;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, ToSchema)]
pub struct StreamReport {
    /// What the browser calls itself.
    pub user_agent: String,
    /// The oldest first.
    pub samples: Vec<StreamSample>,
}

impl StreamReport {
    /// No more of it than there should be: it is kept as a file.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.user_agent =
            self.user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS).collect();
        let surplus = self.samples.len().saturating_sub(SAMPLES_MAX);
        self.samples.drain(..surplus);
        self
    }
}

/// One second as the browser counts it; what it does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, ToSchema)]
#[serde(default)]
pub struct StreamSample {
    /// Seconds before the report.
    pub ago_s: f32,
    pub fps: Option<f32>,
    pub bitrate_kbps: Option<f32>,
    pub rtt_ms: Option<f32>,
    pub jitter_buffer_ms: Option<f32>,
    pub glass_to_glass_ms: Option<f32>,
    pub decode_ms: Option<f32>,
    pub lost_percent: Option<f32>,
    pub frames_dropped: Option<f32>,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_cut_to_its_newest_minute() {
        let samples =
            (0..500).map(|second| StreamSample { ago_s: 500.0 - second as f32, ..StreamSample::default() });
        let report =
            StreamReport { user_agent: "\u{7}x".repeat(4_000), samples: samples.collect() }.bounded();
        assert_eq!((report.samples.len(), report.samples[0].ago_s), (SAMPLES_MAX, SAMPLES_MAX as f32));
        assert_eq!(report.user_agent, "x".repeat(USER_AGENT_CHARS));
    }
}
