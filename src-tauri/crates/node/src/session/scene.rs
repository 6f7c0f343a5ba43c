//! What a viewer is told of the scene: the newest state, not more often than people read.

use std::time::{Duration, Instant};

use model::{InstanceState, SceneState, Trouble, UnixMillis};
use protocol::intent::{STATES_PER_SECOND_MAX, ToldScene, ToldTrouble};
use supervisor::Report;
use tokio::{sync::watch, time::sleep_until};

use crate::clock;

const EVERY: Duration = Duration::from_millis(1000 / STATES_PER_SECOND_MAX as u64);

type States = watch::Receiver<Option<SceneState>>;

/// Follows the scene of the program that runs now.
pub(super) struct Scene {
    states: Option<States>,
    trouble: Option<Trouble>,
    /// There is something that the viewer has not been told.
    news: bool,
    next_at: Instant,
}

impl Scene {
    pub(super) fn new(report: &Report) -> Self {
        let mut scene = Self { states: None, trouble: None, news: false, next_at: Instant::now() };
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
        }
        let trouble = report.trouble.as_ref();
        self.news |= !same || trouble != self.trouble.as_ref();
        self.trouble = trouble.cloned();
    }

    /// A viewer that has a new connection knows nothing yet.
    pub(super) fn again(&mut self) {
        self.news = true;
    }

    /// The next state to tell, as JSON; what is the matter where there is none; `null` where nothing is. Safe to drop and to call again.
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
        told(state, self.trouble.clone(), clock::now())
    }
}

fn told(state: Option<SceneState>, trouble: Option<Trouble>, told: UnixMillis) -> String {
    let json = match (state, trouble) {
        (Some(scene), trouble) => serde_json::to_string(&ToldScene { scene, trouble, told }),
        (None, Some(trouble)) => serde_json::to_string(&ToldTrouble { trouble, told }),
        (None, None) => Ok("null".to_owned()),
    };
    json.expect("numbers and texts are JSON")
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
            settings: 0,
        }
    }

    #[tokio::test]
    async fn of_a_flood_of_states_only_the_newest_is_told() {
        let (tell, states) = watch::channel(None);
        let mut scene = Scene { states: Some(states), trouble: None, news: true, next_at: Instant::now() };
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

    #[test]
    fn what_is_the_matter_is_told_with_the_scene_and_without_one() {
        let trouble = Trouble {
            message: "OpenSpace hung up.".to_owned(),
            since: UnixMillis(1),
            off: vec![model::ScenePart::Everything],
        };
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).expect("JSON");
        let with = read(&told(Some(state("now")), Some(trouble.clone()), UnixMillis(7)));
        assert_eq!((&with["focus"], &with["trouble"]["off"][0]), (&"Mars".into(), &"everything".into()));
        let without = read(&told(None, Some(trouble), UnixMillis(7)));
        assert_eq!((&without["focus"], &without["told"]), (&serde_json::Value::Null, &7.into()));
        let well = read(&told(Some(state("now")), None, UnixMillis(7)));
        assert!(well.get("trouble").is_none());
        assert_eq!(told(None, None, UnixMillis(7)), "null");
    }
}
