//! "My stream is bad": the last minute as the browser and as this machine saw it, kept beside the instance's logs.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use model::{AuditEntry, AuditKind};
use protocol::{
    signal::{PictureNews, ServerMessage},
    stream_report::StreamReport,
};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::Session;
use crate::{clock, stage::Path};

/// Looks, one a second.
const LOOKS_MAX: usize = 60;
/// Whoever presses twice means the same minute.
const REPORTS_EVERY: Duration = Duration::from_secs(20);

/// What this machine saw of the way to one viewer.
#[derive(Debug, Default)]
pub(super) struct Minute {
    looks: VecDeque<Path>,
    reported: Option<Instant>,
    pub(super) told: Option<PictureNews>,
}

impl Minute {
    pub(super) fn look(&mut self, path: Path) {
        if self.looks.len() == LOOKS_MAX {
            self.looks.pop_front();
        }
        self.looks.push_back(path);
    }

    /// Whether a report is taken now.
    fn takes(&mut self, now: Instant) -> bool {
        let takes = self.reported.is_none_or(|at| now.duration_since(at) >= REPORTS_EVERY);
        if takes {
            self.reported = Some(now);
        }
        takes
    }

    /// The oldest first.
    fn told(&self) -> Vec<Value> {
        let ago = (0..self.looks.len()).rev();
        self.looks.iter().zip(ago).map(|(path, ago_s)| second(path, ago_s)).collect()
    }
}

fn second(path: &Path, ago_s: usize) -> Value {
    json!({
        "ago_s": ago_s,
        "connected": path.connected,
        "rtt_ms": path.rtt_ms,
        "lost_percent": path.fraction_lost * 100.0,
        "frames_skipped": path.frames_skipped,
        "over_tcp": path.over_tcp,
        "shown": path.shown,
    })
}

impl Session {
    /// Each second: what is shown, for the panel, for a report, and for the viewer.
    pub(super) async fn look_at_path(&mut self) {
        let stats = self.peer.as_ref().map(|(peer, _)| peer.stats()).unwrap_or_default();
        let path = Path {
            connected: self.connected,
            rtt_ms: stats.rtt_ms,
            shown: self.shown.as_ref().and_then(|shown| *shown.borrow()),
            fraction_lost: stats.fraction_lost,
            frames_skipped: stats.frames_skipped,
            over_tcp: stats.over_tcp,
        };
        self.path.send_replace(path);
        self.minute.look(path);
        self.tell_picture(path).await;
    }

    async fn tell_picture(&mut self, path: Path) {
        let news = match (&self.stage.borrow().picture, path.shown) {
            (Some(picture), Some(shown)) => {
                let encoder = picture.pipeline.choice();
                PictureNews { encoder: encoder.name.clone(), hardware: encoder.hardware, rung: shown.rung }
            }
            _ => return,
        };
        if self.minute.told.as_ref() != Some(&news) {
            self.minute.told = Some(news.clone());
            self.send(ServerMessage::Picture(news)).await;
        }
    }

    pub(super) async fn keep_report(&mut self, report: StreamReport) {
        let message = match self.minute.takes(Instant::now()) {
            false => "Your report was kept a moment ago.".to_owned(),
            true => match self.write_report(report.bounded()).await {
                Ok(()) => {
                    "Thank you. The last minute is kept for whoever looks after this machine.".to_owned()
                }
                Err(error) => {
                    warn!(viewer = %self.viewer.id, %error, "a stream report could not be kept");
                    "The report could not be kept on this machine. Tell whoever looks after it.".to_owned()
                }
            },
        };
        self.send(ServerMessage::Notice { message }).await;
    }

    async fn write_report(&self, report: StreamReport) -> io::Result<()> {
        let now = clock::now();
        let text = serde_json::to_vec_pretty(&json!({
            "instance_id": self.member.id,
            "viewer_id": self.viewer.id,
            "role": self.viewer.role,
            "written_ms": now,
            "mode": self.mode,
            "tab_is_visible": self.visible,
            "picture": self.minute.told,
            "browser": report,
            "machine": self.minute.told(),
        }))?;
        let (logs, instance) = (self.means.logs.clone(), self.member.id);
        let kept = spawn_blocking(move || logs.keep_report(instance, now, &text)).await;
        let name = kept.map_err(io::Error::other)??;
        info!(viewer = %self.viewer.id, instance = %self.member.id, name, "a viewer reports a bad stream");
        let entry = AuditEntry::new(now, AuditKind::Wish, Some(self.viewer.bearer), "report of a bad stream");
        self.means.audit.note(entry.of(self.member.id).by(self.viewer.id, self.viewer.role).saying(&name));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_told_from_its_beginning() {
        let mut minute = Minute::default();
        for skipped in 0..100 {
            minute.look(Path { frames_skipped: skipped, ..Path::default() });
        }
        let told = minute.told();
        assert_eq!(told.len(), LOOKS_MAX);
        assert_eq!((&told[0]["frames_skipped"], &told[0]["ago_s"]), (&json!(40), &json!(59)));
        assert_eq!((&told[59]["frames_skipped"], &told[59]["ago_s"]), (&json!(99), &json!(0)));
    }

    #[test]
    fn a_second_press_is_the_same_report() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        assert!(minute.takes(now));
        assert!(!minute.takes(now + Duration::from_secs(5)));
        assert!(minute.takes(now + REPORTS_EVERY));
    }
}
