//! Environment switches that make the demo misbehave, or measure, on purpose.
//!
//! | variable | effect |
//! |---|---|
//! | `OPENSPACE_DEMO_LOAD_SECONDS` | how long loading takes; 1 |
//! | `OPENSPACE_DEMO_FPS` | frames per second, a fraction is fine; 30 |
//! | `OPENSPACE_DEMO_BARCODE=1` | paints the measuring barcode (see `barcode.rs`) |
//! | `OPENSPACE_DEMO_TONE` | plays a tone of so many Hz, on and off (see `tone.rs`) |
//! | `OPENSPACE_DEMO_CRASH_AFTER_SECONDS` | aborts so long after the start |
//! | `OPENSPACE_DEMO_HANG=loading` (or `1`) | never finishes loading |
//! | `OPENSPACE_DEMO_HANG=running` | is ready, then its main loop stands still |
//! | `OPENSPACE_DEMO_NO_WINDOW=1` | opens no window |
//! | `OPENSPACE_DEMO_EXIT_AT_ONCE=N` | ends at once with exit code N |
//! | `OPENSPACE_DEMO_API=legacy` or `new` | speaks this generation, whatever the configuration's layout says |
//! | `OPENSPACE_DEMO_PROPERTIES=N` | fills its scene up to N properties (see `world/tree/catalogue.rs`) |
//! | `OPENSPACE_DEMO_REPOSITORY=URL` | fetches the data of its scene from there before it is loaded (see `sync.rs`) |
//! | `OPENSPACE_DEMO_FAULT=step:fault` or `@FILE` | its API misbehaves at a step (see `faults.rs`) |

use std::time::Duration;

use crate::{dialect::Dialect, faults::FaultSwitch};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    Loading,
    Running,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Switches {
    pub load: Duration,
    pub fps: f64,
    pub barcode: bool,
    pub tone_hz: Option<f64>,
    pub crash_after: Option<Duration>,
    pub hang: Option<Hang>,
    pub no_window: bool,
    pub exit_at_once: Option<u8>,
    pub dialect: Option<Dialect>,
    pub fault: FaultSwitch,
    pub properties: usize,
    pub repository: Option<String>,
}

/// Fewer frames than this are no moving picture; more than this no display shows.
const FPS: std::ops::RangeInclusive<f64> = 0.5..=240.0;

/// Twice as many as the largest scene of upstream has.
const PROPERTIES_MAX: usize = 100_000;

/// What people hear.
const HEARD_HZ: std::ops::RangeInclusive<f64> = 20.0..=20_000.0;

impl Switches {
    /// Reads the switches; what is not understood counts as not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let seconds = |name: &str| {
            variable(name)
                .and_then(|text| text.parse::<f64>().ok())
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        };
        let on = |name: &str| variable(name).is_some_and(|text| !text.is_empty() && text != "0");
        Self {
            load: seconds("OPENSPACE_DEMO_LOAD_SECONDS").unwrap_or(Duration::from_secs(1)),
            fps: variable("OPENSPACE_DEMO_FPS")
                .and_then(|text| text.parse().ok())
                .filter(|fps| FPS.contains(fps))
                .unwrap_or(30.0),
            barcode: on("OPENSPACE_DEMO_BARCODE"),
            tone_hz: variable("OPENSPACE_DEMO_TONE")
                .and_then(|text| text.parse().ok())
                .filter(|hz| HEARD_HZ.contains(hz)),
            crash_after: seconds("OPENSPACE_DEMO_CRASH_AFTER_SECONDS"),
            hang: variable("OPENSPACE_DEMO_HANG").and_then(|text| match text.as_str() {
                "" | "0" => None,
                "running" => Some(Hang::Running),
                _ => Some(Hang::Loading),
            }),
            no_window: on("OPENSPACE_DEMO_NO_WINDOW"),
            exit_at_once: variable("OPENSPACE_DEMO_EXIT_AT_ONCE").and_then(|text| text.parse().ok()),
            dialect: variable("OPENSPACE_DEMO_API").and_then(|text| Dialect::from_name(&text)),
            properties: variable("OPENSPACE_DEMO_PROPERTIES")
                .and_then(|text| text.parse().ok())
                .filter(|properties| *properties <= PROPERTIES_MAX)
                .unwrap_or_default(),
            repository: variable("OPENSPACE_DEMO_REPOSITORY").filter(|url| !url.is_empty()),
            fault: FaultSwitch::read(&variable("OPENSPACE_DEMO_FAULT").unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Switches {
        Switches::read(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn nonsense_counts_as_not_set() {
        let plain = Switches::read(|_| None);
        assert_eq!(with("OPENSPACE_DEMO_FPS", "many"), plain);
        assert_eq!(with("OPENSPACE_DEMO_FPS", "NaN"), plain);
        assert_eq!(with("OPENSPACE_DEMO_TONE", "0"), plain);
        assert_eq!(with("OPENSPACE_DEMO_LOAD_SECONDS", "-3"), plain);
        assert_eq!(with("OPENSPACE_DEMO_BARCODE", "0"), plain);
    }

    #[test]
    fn a_frame_rate_may_be_a_fraction() {
        assert!((with("OPENSPACE_DEMO_FPS", "29.9").fps - 29.9).abs() < 1e-9);
    }
}
