//! What a viewer is told of the scene: the newest state, not more often than people read.

use std::time::{Duration, Instant};

use model::{InstanceState, SceneState};
use protocol::intent::{STATES_PER_SECOND_MAX, ToldScene};
use supervisor::Report;
use tokio::{sync::watch, time::sleep_until};

use crate::clock;

const EVERY: Duration = Duration::from_millis(1000 / STATES_PER_SECOND_MAX as u64);

type States = watch::Receiver<Option<SceneState>>;

/// Follows the scene of the program that runs now.
pub(super) struct Scene {
    states: Option<States>,
    /// There is something that the viewer has not been told.
    news: bool,
    next_at: Instant,
}

impl Scene {
    pub(super) fn new(report: &Report) -> Self {
        let mut scene = Self { states: None, news: false, next_at: Instant::now() };
        scene.follow(report);
        scene
    }

    /// After the instance has changed: another program has another scene, and one that starts has none.
    pub(super) fn follow(&mut self, report: &Report) {
        let client = report.client.as_ref().filter(|_| report.status.state == InstanceState::Ready);
        let states = client.map(|client| client.scene());
        let same = match (&self.states, &states) {
            (Some(old), Some(new)) => old.same_channel(new),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.states = states;
            self.news = true;
        }
    }

    /// A viewer that has a new connection knows nothing yet.
    pub(super) fn again(&mut self) {
        self.news = true;
    }

    /// The next state to tell, as JSON; `null` while there is none. Safe to drop and to call again.
    pub(super) async fn next(&mut self) -> String {
        if !self.news {
            match &mut self.states {
                Some(states) => {
                    if states.changed().await.is_err() {
                        self.states = None;
                    }
                }
                None => std::future::pending().await,
            }
            self.news = true;
        }
        sleep_until(self.next_at.into()).await;
        self.news = false;
        self.next_at = Instant::now() + EVERY;
        let state = self.states.as_mut().and_then(|states| states.borrow_and_update().clone());
        let told = state.map(|scene| ToldScene { scene, told: clock::now() });
        serde_json::to_string(&told).expect("numbers and texts are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(time: &str) -> SceneState {
        SceneState {
            time: time.to_owned(),
            rate_seconds_per_second: 1.0,
            paused: false,
            focus: "Mars".to_owned(),
            camera: None,
            mode: model::scene::SceneMode::UserControl,
            journey: None,
            recorder: model::scene::RecorderState::Idle,
            recorder_since: None,
            changes: 0,
        }
    }

    #[tokio::test]
    async fn of_a_flood_of_states_only_the_newest_is_told() {
        let (tell, states) = watch::channel(None);
        let mut scene = Scene { states: Some(states), news: true, next_at: Instant::now() };
        assert_eq!(scene.next().await, "null");
        for i in 0..100 {
            tell.send_replace(Some(state(&i.to_string())));
        }
        let told: SceneState = serde_json::from_str(&scene.next().await).expect("a state");
        assert_eq!(told.time, "99");
        assert!(Instant::now() + EVERY >= scene.next_at && scene.next_at > Instant::now());
        drop(tell);
        assert_eq!(scene.next().await, "null", "the program has gone");
        assert!(scene.states.is_none());
    }
}
