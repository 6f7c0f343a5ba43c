//! Who waits for what: pairs OpenSpace's answers with those who asked. Pure: time comes in, wishes come out.
//!
//! OpenSpace answers in frames, out of order, or never: an error is no answer. So every call has a deadline, and an
//! answer that nobody waits for is counted and dropped. `R` is whatever carries an answer back.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use model::{ApiGeneration, SceneState, input::Velocities};
use serde_json::Value;

use super::{
    ClientError,
    flight::Flight,
    health::{Ask, Health, Illness, Patience, Step},
    wire::{
        self, Question, Reply, Topic, flight,
        scene::{self, Scene, Stream},
    },
};

/// Calls that may wait at once. A frame answers all that came before it, so a real OpenSpace never lets them pile up.
const WAITING_MAX: usize = 64;

/// One notch of a wheel as an impulse: a tenth of what upstream calls reasonable for a single one.
const IMPULSE_PER_NOTCH: f64 = 100.0;
const IMPULSE_MAX: f64 = 1000.0;

/// A zoom that was not answered for so long is forgotten, and so is what came meanwhile: the picture stands still.
const ZOOM_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug, PartialEq)]
pub(super) enum Output<R> {
    Send(String),
    Answer(R, Result<Value, ClientError>),
    /// The scene has changed.
    Scene(SceneState),
    /// This node is shown or hidden from now on.
    Shown(String, bool),
    /// This property holds this from now on.
    Adjusted(String, Value),
    /// OpenSpace does not answer as it should, or does so again.
    Health(Option<Illness>),
}

struct Waiting<R> {
    question: Question,
    /// Absent where nobody waits for it: a zoom, or a question whether it answers.
    reply: Option<R>,
    within: Duration,
    asked_at: Instant,
    until: Instant,
}

pub(super) struct Dialogue<R> {
    next_topic: Topic,
    waiting: BTreeMap<Topic, Waiting<R>>,
    /// The zoom that OpenSpace has not answered yet. One at a time, so its own frames set the pace.
    zoom: Option<Topic>,
    /// What the wheel did since that one was sent.
    impulse: f64,
    flight: Flight,
    /// The one flight controller, from the first word on. It is never closed: OpenSpace would forget the wrong one.
    controller: Option<Topic>,
    shut_down: bool,
    /// What OpenSpace tells by itself, once [`Self::watch`] has asked for it.
    streams: BTreeMap<Topic, Stream>,
    scene: Scene,
    told: Option<SceneState>,
    health: Health,
    told_illness: Option<Illness>,
    patience: Patience,
    generation: ApiGeneration,
    /// Messages that nobody waited for or that were not understood.
    ignored: u64,
}

impl<R> Dialogue<R> {
    pub(super) fn new(generation: ApiGeneration, patience: Patience) -> Self {
        Self {
            next_topic: 0,
            waiting: BTreeMap::new(),
            zoom: None,
            impulse: 0.0,
            flight: Flight::default(),
            controller: None,
            shut_down: false,
            streams: BTreeMap::new(),
            scene: Scene::default(),
            told: None,
            health: Health::new(generation, patience),
            told_illness: None,
            patience,
            generation,
            ignored: 0,
        }
    }

    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    pub(super) fn ask(
        &mut self,
        question: Question,
        reply: R,
        within: Duration,
        now: Instant,
    ) -> Vec<Output<R>> {
        let mut outputs = Vec::new();
        if question == Question::ToggleShutdown {
            if std::mem::replace(&mut self.shut_down, true) {
                return vec![Output::Answer(reply, Ok(Value::Null))];
            }
            // It counts down for some seconds before it ends.
            outputs.extend(self.stop_flying(now));
        }
        if let Some(what) = self.health.refuses(&question) {
            return vec![Output::Answer(reply, Err(ClientError::Ails(what)))];
        }
        if self.waiting.len() >= WAITING_MAX {
            let late = ClientError::Deadline(question.name(), Duration::ZERO);
            return vec![Output::Answer(reply, Err(late))];
        }
        outputs.push(self.send(question, Some(reply), within, now).1);
        outputs
    }

    pub(super) fn fly(&mut self, velocities: Velocities, now: Instant) -> Vec<Output<R>> {
        if !self.shut_down {
            self.flight.set(velocities, now);
        }
        self.fly_on(now)
    }

    fn fly_on(&mut self, now: Instant) -> Vec<Output<R>> {
        let Some(velocities) = self.flight.due(now) else { return Vec::new() };
        let mut outputs = Vec::new();
        let topic = match self.controller {
            Some(topic) => topic,
            None => {
                let topic = self.topic();
                outputs.push(Output::Send(flight::connect(topic, self.generation)));
                *self.controller.insert(topic)
            }
        };
        outputs.push(Output::Send(flight::say(topic, &velocities, self.generation)));
        outputs
    }

    fn stop_flying(&mut self, now: Instant) -> Vec<Output<R>> {
        if self.controller.is_none() {
            return Vec::new();
        }
        self.flight.set(Velocities::REST, now);
        self.fly_on(now)
    }

    pub(super) fn zoom(&mut self, notches: f32, now: Instant) -> Option<Output<R>> {
        if notches.is_finite() {
            let impulse = self.impulse + f64::from(notches) * IMPULSE_PER_NOTCH;
            self.impulse = impulse.clamp(-IMPULSE_MAX, IMPULSE_MAX);
        }
        self.zoom_on(now)
    }

    /// Asks OpenSpace to tell of its scene from now on; once is enough.
    pub(super) fn watch(&mut self, now: Instant) -> Vec<Output<R>> {
        if !self.streams.is_empty() {
            return Vec::new();
        }
        let values = (self.generation == ApiGeneration::New).then_some(Stream::Values);
        [Stream::Time, Stream::Focus, Stream::Mode, Stream::Path, Stream::Recorder, Stream::Shown]
            .into_iter()
            .chain(values)
            .map(|stream| self.start(stream, now))
            .collect()
    }

    /// Something was set that OpenSpace does not tell by itself.
    pub(super) fn changed(&mut self, now: Instant) -> Vec<Output<R>> {
        self.scene.changed();
        self.follow(now)
    }

    fn start(&mut self, stream: Stream, now: Instant) -> Output<R> {
        let topic = self.topic();
        self.streams.insert(topic, stream);
        self.health.began(Step::told_by(stream), now);
        Output::Send(stream.start(topic, self.generation))
    }

    /// After the scene has changed: tells of it, and watches the camera only where that is safe.
    fn follow(&mut self, now: Instant) -> Vec<Output<R>> {
        let mut outputs = Vec::new();
        match (self.topic_of(Stream::Camera), self.scene.has_place()) {
            (None, true) => outputs.push(self.start(Stream::Camera, now)),
            (Some(topic), false) => {
                outputs.push(self.stop(topic));
                self.health.ended(Step::Camera);
            }
            _ => {}
        }
        let state = self.scene.state();
        if state != self.told {
            self.told.clone_from(&state);
            outputs.extend(state.map(Output::Scene));
        }
        outputs
    }

    fn topic_of(&self, wanted: Stream) -> Option<Topic> {
        self.streams.iter().find(|(_, stream)| **stream == wanted).map(|(topic, _)| *topic)
    }

    fn stop(&mut self, topic: Topic) -> Output<R> {
        self.streams.remove(&topic);
        Output::Send(scene::stop(topic))
    }

    /// Before the connection is let go: OpenSpace goes on telling a client that is gone, and flying for it.
    pub(super) fn farewell(&mut self, now: Instant) -> Vec<String> {
        let flying = self.stop_flying(now).into_iter().filter_map(|output| match output {
            Output::Send(text) => Some(text),
            Output::Answer(..)
            | Output::Scene(_)
            | Output::Shown(..)
            | Output::Adjusted(..)
            | Output::Health(_) => None,
        });
        flying.chain(std::mem::take(&mut self.streams).into_keys().map(scene::stop)).collect()
    }

    /// One message of OpenSpace; `Err` is a short piece of what was not understood.
    #[cfg(test)]
    fn read(&mut self, text: &str, now: Instant) -> Result<Vec<Output<R>>, String> {
        self.hear_out(wire::read(text), now)
    }

    /// The same, read already.
    pub(super) fn hear_out(
        &mut self,
        reply: Result<Reply, String>,
        now: Instant,
    ) -> Result<Vec<Output<R>>, String> {
        let reply = reply.inspect_err(|_| {
            self.ignored += 1;
            self.health.unread(now);
        })?;
        self.health.heard(now);
        let outputs = self.take(reply, now);
        Ok(self.tell_health().into_iter().chain(outputs).collect())
    }

    fn take(&mut self, reply: Reply, now: Instant) -> Vec<Output<R>> {
        if let (Some(&stream), Ok(payload)) = (self.streams.get(&reply.topic), &reply.payload) {
            return self.hear(stream, payload, now);
        }
        if self.controller == Some(reply.topic) {
            // The older generation greets a controller with the names of all nodes.
            return Vec::new();
        }
        let Some(waiting) = self.waiting.remove(&reply.topic) else {
            self.ignored += 1;
            return Vec::new();
        };
        if self.zoom == Some(reply.topic) {
            self.zoom = None;
            return self.zoom_on(now).into_iter().collect();
        }
        let answer = self.judge(&waiting.question, reply.payload, now);
        waiting.reply.map(|asker| Output::Answer(asker, answer)).into_iter().collect()
    }

    fn hear(&mut self, stream: Stream, payload: &Value, now: Instant) -> Vec<Output<R>> {
        let step = Step::told_by(stream);
        if let Some(well) = scene::is_told(stream, payload) {
            self.health.answered(step, well, now);
        }
        self.scene.hear(stream, payload);
        if stream == Stream::Time {
            self.health.time_told(self.scene.time_passes(), now);
        }
        let told = match stream {
            Stream::Shown => scene::shown(payload).map(|(node, shown)| Output::Shown(node, shown)),
            Stream::Values => scene::adjusted(payload).map(|(uri, value)| Output::Adjusted(uri, value)),
            _ => None,
        };
        told.into_iter().chain(self.follow(now)).collect()
    }

    fn judge(
        &mut self,
        question: &Question,
        payload: Result<Value, String>,
        now: Instant,
    ) -> Result<Value, ClientError> {
        let step = Step::of(question);
        match payload {
            Ok(payload) if wire::is_answer(question, &payload) => {
                self.health.answered(step, true, now);
                Ok(payload)
            }
            Ok(payload) => {
                self.health.answered(step, false, now);
                Err(ClientError::Garbage(wire::quoted(&payload.to_string())))
            }
            // Up to 0.20 not all that is asked for is there.
            Err(why) => {
                self.health.answered(step, step != Step::Contents, now);
                Err(ClientError::Garbage(why))
            }
        }
    }

    /// Ends what has waited too long, and flights of which nobody speaks any more; asks again what was not answered well.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Output<R>> {
        let late: Vec<_> =
            self.waiting.iter().filter(|(_, w)| w.until <= now).map(|(topic, _)| *topic).collect();
        let mut outputs = self.fly_on(now);
        for topic in late {
            let Some(waiting) = self.waiting.remove(&topic) else { continue };
            if self.zoom == Some(topic) {
                self.zoom = None;
                self.impulse = 0.0;
            } else if is_evidence(&waiting.question, self.generation) {
                self.health.late(Step::of(&waiting.question), waiting.asked_at, now);
            }
            let answer = Err(ClientError::Deadline(waiting.question.name(), waiting.within));
            outputs.extend(waiting.reply.map(|asker| Output::Answer(asker, answer)));
        }
        for ask in self.health.due(now) {
            outputs.extend(self.ask_again(ask, now));
        }
        self.tell_health().into_iter().chain(outputs).collect()
    }

    fn ask_again(&mut self, ask: Ask, now: Instant) -> Vec<Output<R>> {
        match ask {
            Ask::Question(question) => {
                let waits = self.waiting.values().any(|waiting| waiting.question == question);
                if waits || self.waiting.len() >= WAITING_MAX {
                    return Vec::new();
                }
                let within = match question {
                    Question::Version => self.patience.topic * 2,
                    _ => self.patience.call,
                };
                vec![self.send(question, None, within, now).1]
            }
            Ask::Stream(stream) => {
                let Some(topic) = self.topic_of(stream) else { return Vec::new() };
                vec![self.stop(topic), self.start(stream, now)]
            }
        }
    }

    /// Comes before the answers of the same moment: whoever reads one knows what it is worth.
    fn tell_health(&mut self) -> Option<Output<R>> {
        let illness = self.health.illness();
        (illness != self.told_illness).then(|| {
            self.told_illness.clone_from(&illness);
            Output::Health(illness)
        })
    }

    /// What OpenSpace was asked last, or is to tell and has not, to be said when it hangs up.
    pub(super) fn open_question(&self) -> Option<&'static str> {
        let asked = self.waiting.values().filter(|waiting| waiting.question != Question::ToggleShutdown);
        let asked = asked.min_by_key(|waiting| waiting.asked_at).map(|waiting| Step::of(&waiting.question));
        asked.or_else(|| self.health.first_expected()).map(Step::asked)
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        let calls = self.waiting.values().map(|waiting| waiting.until);
        calls.chain(self.flight.wake_at()).chain(self.health.wake_at()).min()
    }

    /// The connection is lost: everybody who waits is told. A shutdown that ends the connection has done what was asked.
    pub(super) fn close(self) -> Vec<Output<R>> {
        let told = |waiting: Waiting<R>| {
            let answer = match waiting.question {
                Question::ToggleShutdown => Ok(Value::Null),
                _ => Err(ClientError::Closed),
            };
            waiting.reply.map(|asker| Output::Answer(asker, answer))
        };
        self.waiting.into_values().filter_map(told).collect()
    }

    fn zoom_on(&mut self, now: Instant) -> Option<Output<R>> {
        if self.zoom.is_some() || self.impulse == 0.0 || self.waiting.len() >= WAITING_MAX {
            return None;
        }
        let impulse = std::mem::take(&mut self.impulse);
        let (topic, output) = self.send(Question::AddTruckMovement(impulse), None, ZOOM_WITHIN, now);
        self.zoom = Some(topic);
        Some(output)
    }

    fn send(
        &mut self,
        question: Question,
        reply: Option<R>,
        within: Duration,
        now: Instant,
    ) -> (Topic, Output<R>) {
        let topic = self.topic();
        let request = wire::request(topic, &question);
        self.waiting.insert(topic, Waiting { question, reply, within, asked_at: now, until: now + within });
        (topic, Output::Send(request))
    }

    fn topic(&mut self) -> Topic {
        let topic = self.next_topic;
        self.next_topic += 1;
        topic
    }
}

/// An administrator's script may take its time; a build has either one list of its actions or the other.
fn is_evidence(question: &Question, generation: ApiGeneration) -> bool {
    match question {
        Question::Script(_) | Question::ToggleShutdown => false,
        Question::Actions => generation == ApiGeneration::New,
        Question::Shortcuts => generation == ApiGeneration::Legacy,
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(5);

    /// The topic and the argument of a message that was sent.
    fn sent<R: std::fmt::Debug>(output: &Output<R>) -> (Topic, Value) {
        let Output::Send(text) = output else { panic!("{output:?}") };
        let message: Value = serde_json::from_str(text).unwrap();
        (message["topic"].as_u64().unwrap(), message["payload"]["arguments"][0].clone())
    }

    fn reply(topic: Topic, payload: Value) -> String {
        json!({ "topic": topic, "payload": payload }).to_string()
    }

    #[test]
    fn answers_find_those_who_asked_in_any_order() {
        let (mut dialogue, now) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now());
        let (first, _) = sent(&dialogue.ask(Question::Version, "ann", WITHIN, now)[0]);
        let (second, _) = sent(&dialogue.ask(Question::Version, "bob", WITHIN, now)[0]);
        let answered = dialogue.read(&reply(second, json!({ "n": 2 })), now).unwrap();
        assert_eq!(answered, [Output::Answer("bob", Ok(json!({ "n": 2 })))]);
        let answered = dialogue.read(&reply(first, json!({ "n": 1 })), now).unwrap();
        assert_eq!(answered, [Output::Answer("ann", Ok(json!({ "n": 1 })))]);
        assert_eq!(
            dialogue.wake_at(),
            Some(now + Patience::default().pulse),
            "then it is asked whether it lives"
        );
    }

    #[test]
    fn a_call_that_is_not_answered_ends_at_its_deadline_and_its_late_answer_is_dropped() {
        let (mut dialogue, now) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now());
        let (topic, _) = sent(&dialogue.ask(Question::Version, "ann", WITHIN, now)[0]);
        assert_eq!(dialogue.wake_at(), Some(now + WITHIN));
        assert_eq!(dialogue.expire(now + WITHIN / 2), []);
        let late = Output::Answer("ann", Err(ClientError::Deadline("version", WITHIN)));
        assert_eq!(dialogue.expire(now + WITHIN), [late]);
        assert_eq!(dialogue.read(&reply(topic, json!({})), now).unwrap(), []);
        assert_eq!(dialogue.ignored(), 1);
    }

    #[test]
    fn the_shutdown_is_toggled_once() {
        let (mut dialogue, now) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now());
        let (topic, _) = sent(&dialogue.ask(Question::ToggleShutdown, "ann", WITHIN, now)[0]);
        let again = [Output::Answer("bob", Ok(Value::Null))];
        assert_eq!(dialogue.ask(Question::ToggleShutdown, "bob", WITHIN, now), again);
        dialogue.read(&reply(topic, json!({})), now).unwrap();
        assert_eq!(
            dialogue.ask(Question::ToggleShutdown, "bob", WITHIN, now),
            again,
            "also after its answer"
        );
    }

    #[test]
    fn a_lost_connection_answers_everybody_and_counts_as_the_shutdown_that_was_asked_for() {
        let (mut dialogue, now) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now());
        dialogue.ask(Question::Version, "ann", WITHIN, now);
        dialogue.ask(Question::ToggleShutdown, "bob", WITHIN, now);
        dialogue.zoom(1.0, now);
        assert_eq!(
            dialogue.close(),
            [Output::Answer("ann", Err(ClientError::Closed)), Output::Answer("bob", Ok(Value::Null))]
        );
    }

    #[test]
    fn notches_that_come_within_one_frame_become_one_impulse() {
        let (mut dialogue, now) =
            (Dialogue::<()>::new(ApiGeneration::New, Patience::default()), Instant::now());
        let (topic, first) = sent(&dialogue.zoom(1.0, now).unwrap());
        assert_eq!(first, json!(100.0));
        for notches in [1.0, -3.0, f32::NAN, f32::INFINITY] {
            assert_eq!(dialogue.zoom(notches, now), None, "the first is not answered yet");
        }
        let next = dialogue.read(&reply(topic, json!({})), now).unwrap();
        assert_eq!(sent(&next[0]).1, json!(-200.0));
    }

    #[test]
    fn a_picture_that_stands_still_does_not_jump_when_it_goes_on() {
        let (mut dialogue, now) =
            (Dialogue::<()>::new(ApiGeneration::New, Patience::default()), Instant::now());
        dialogue.zoom(1.0, now).unwrap();
        dialogue.zoom(9.0, now);
        assert_eq!(dialogue.expire(now + ZOOM_WITHIN), []);
        assert_eq!(dialogue.zoom(0.0, now), None, "what waited is forgotten");
        assert_eq!(sent(&dialogue.zoom(1.0, now).unwrap()).1, json!(100.0));
    }

    #[test]
    fn more_calls_than_can_wait_are_refused_at_once() {
        let (mut dialogue, now) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now());
        for asker in 0..WAITING_MAX {
            assert!(matches!(dialogue.ask(Question::Version, asker, WITHIN, now)[..], [Output::Send(_)]));
        }
        assert!(matches!(dialogue.ask(Question::Version, 99, WITHIN, now)[..], [Output::Answer(99, Err(_))]));
        assert_eq!(dialogue.zoom(1.0, now), None);
    }

    /// The kind and the topic of what was sent to start or stop a stream.
    fn streams(outputs: &[Output<()>]) -> Vec<(String, Topic)> {
        let sent = outputs.iter().filter_map(|output| match output {
            Output::Send(text) => Some(serde_json::from_str::<Value>(text).unwrap()),
            _ => None,
        });
        let kind = |message: &Value| match message["type"].as_str() {
            Some(kind) => kind.to_owned(),
            None => message["payload"]["event"].as_str().unwrap().to_owned(),
        };
        sent.map(|message| (kind(&message), message["topic"].as_u64().unwrap())).collect()
    }

    #[test]
    fn the_scene_is_told_and_the_camera_is_watched_only_away_from_the_origin() {
        let (mut dialogue, now) =
            (Dialogue::<()>::new(ApiGeneration::New, Patience::default()), Instant::now());
        let started = streams(&dialogue.watch(now));
        let topic = |wanted: &str| started.iter().find(|(kind, _)| kind == wanted).unwrap().1;
        let (time, focus) = (topic("time"), topic("subscribe"));
        assert_eq!((started.len(), dialogue.watch(now)), (7, vec![]), "asked for once");

        let at = reply(
            time,
            json!({ "time": "2026-01-01T00:00:00.000", "targetDeltaTime": 1, "isPaused": false }),
        );
        assert_eq!(dialogue.read(&at, now).unwrap(), [], "the focus is not known yet");
        let outputs =
            dialogue.read(&reply(focus, json!({ "type": "value", "value": "Earth" })), now).unwrap();
        let camera = streams(&outputs);
        assert_eq!(camera[0].0, "camera");
        assert!(matches!(&outputs[1], Output::Scene(state) if state.focus == "Earth" && !state.paused));
        assert_eq!(dialogue.read(&at, now).unwrap(), [], "nothing new is not told");

        let outputs = dialogue.read(&reply(focus, json!({ "type": "value", "value": "Root" })), now).unwrap();
        assert_eq!(streams(&outputs), [("stop_subscription".to_owned(), camera[0].1)]);
        let late = reply(camera[0].1, json!({ "latitude": 1, "longitude": 1, "altitudeMeters": 1 }));
        assert_eq!(dialogue.read(&late, now).unwrap(), []);
        assert_eq!(dialogue.farewell(now).len(), 7, "every stream that is left is stopped before the end");
    }

    /// The payloads of the flight controller's messages.
    fn flown(outputs: &[Output<&str>]) -> Vec<Value> {
        let sent = outputs.iter().filter_map(|output| match output {
            Output::Send(text) => Some(serde_json::from_str::<Value>(text).unwrap()["payload"].take()),
            _ => None,
        });
        sent.filter(|payload| payload["function"].is_null()).collect()
    }

    #[test]
    fn a_controller_is_opened_once_and_at_rest_before_the_program_ends() {
        const CLOSER: Velocities = Velocities { zoom: 0.5, ..Velocities::REST };
        let (mut dialogue, now) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now());
        let first = flown(&dialogue.fly(CLOSER, now));
        assert_eq!((first.len(), &first[0]["event"]), (2, &json!("connect")));
        assert_eq!(first[1]["inputState"]["zoomIn"], 0.5);
        let topic = dialogue.controller.unwrap();
        assert_eq!(dialogue.read(&reply(topic, json!({ "type": "connect" })), now).unwrap(), []);
        assert_eq!(dialogue.ignored(), 0);
        let stopped = flown(&dialogue.ask(Question::ToggleShutdown, "ann", WITHIN, now));
        assert_eq!((stopped.len(), &stopped[0]["inputState"]["zoomIn"]), (1, &json!(0.0)));
        assert_eq!(dialogue.fly(CLOSER, now + WITHIN), [], "nothing moves a program that ends");
    }

    #[test]
    fn a_connection_that_is_let_go_leaves_the_camera_at_rest() {
        let (mut dialogue, now) =
            (Dialogue::<()>::new(ApiGeneration::Legacy, Patience::default()), Instant::now());
        assert_eq!(dialogue.farewell(now), Vec::<String>::new(), "no controller is opened for that");
        dialogue.fly(Velocities { roll: 1.0, ..Velocities::REST }, now);
        let farewell = dialogue.farewell(now);
        assert_eq!(farewell.len(), 1);
        let said: Value = serde_json::from_str(&farewell[0]).unwrap();
        assert_eq!(said["payload"]["inputState"]["values"]["globalRollX"], 0.0);
    }

    #[test]
    fn whoever_shows_or_sets_something_the_state_says_that_lists_are_old() {
        let (mut dialogue, now) =
            (Dialogue::<()>::new(ApiGeneration::New, Patience::default()), Instant::now());
        let started = streams(&dialogue.watch(now));
        let topic = |wanted: &str| started.iter().find(|(kind, _)| kind == wanted).unwrap().1;
        assert_eq!(dialogue.changed(now), [], "nobody has been told a state yet");
        dialogue.read(&reply(topic("time"), json!({ "time": "2026-01-01T00:00:00.000" })), now).unwrap();
        dialogue.read(&reply(topic("subscribe"), json!({ "value": "Earth" })), now).unwrap();
        let hidden = reply(topic("event"), json!({ "event": "RenderableDisabled", "Node": "Mars" }));
        let outputs = dialogue.read(&hidden, now).unwrap();
        assert!(
            matches!(&outputs[..], [Output::Shown(node, false), Output::Scene(state)] if node == "Mars" && state.changes == 2),
            "{outputs:?}"
        );
        assert!(matches!(&dialogue.changed(now)[..], [Output::Scene(state)] if state.changes == 3));
        let told = json!({ "type": "value", "uri": "Scene.Mars.Renderable.Opacity", "value": 0.5 });
        let outputs = dialogue.read(&reply(topic("propertyTree"), told), now).unwrap();
        assert!(
            matches!(&outputs[..], [Output::Adjusted(_, _), Output::Scene(state)] if (state.changes, state.settings) == (3, 1)),
            "{outputs:?}"
        );
        let foreign = json!({ "type": "value", "uri": "Modules.WebGui.Port", "value": 1 });
        assert_eq!(dialogue.read(&reply(topic("propertyTree"), foreign), now).unwrap(), []);
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Ask,
        ShutDown,
        Zoom(f32),
        Fly(f32),
        Reply(Topic),
        Garbage(String),
        Wait(u64),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            Just(Deed::Ask),
            Just(Deed::ShutDown),
            any::<f32>().prop_map(Deed::Zoom),
            (-2.0_f32..2.0).prop_map(Deed::Fly),
            (0..40u64).prop_map(Deed::Reply),
            "[{}a-z\":0-9]{0,20}".prop_map(Deed::Garbage),
            (0..9_000u64).prop_map(Deed::Wait),
        ]
    }

    proptest! {
        #[test]
        fn everybody_who_asked_is_answered_exactly_once(deeds in prop::collection::vec(deed(), 0..120)) {
            let (mut dialogue, mut now, mut asked) = (Dialogue::new(ApiGeneration::New, Patience::default()), Instant::now(), 0_usize);
            let mut outputs = Vec::new();
            for deed in deeds {
                match deed {
                    Deed::Ask | Deed::ShutDown => {
                        let question = if matches!(deed, Deed::Ask) { Question::Version } else { Question::ToggleShutdown };
                        outputs.extend(dialogue.ask(question, asked, WITHIN, now));
                        asked += 1;
                    }
                    Deed::Zoom(notches) => outputs.extend(dialogue.zoom(notches, now)),
                    Deed::Fly(zoom) => outputs.extend(dialogue.fly(Velocities { zoom, ..Velocities::REST }, now)),
                    Deed::Reply(topic) => outputs.extend(dialogue.read(&reply(topic, json!({})), now).unwrap()),
                    Deed::Garbage(text) => outputs.extend(dialogue.read(&text, now).unwrap_or_default()),
                    Deed::Wait(ms) => {
                        now += Duration::from_millis(ms);
                        outputs.extend(dialogue.expire(now));
                        prop_assert!(dialogue.wake_at().is_none_or(|at| at > now));
                    }
                }
                prop_assert!(dialogue.waiting.len() <= WAITING_MAX);
                prop_assert!(dialogue.impulse.abs() <= IMPULSE_MAX);
            }
            outputs.extend(dialogue.close());
            let mut answered: Vec<_> = outputs.iter().filter_map(|output| match output {
                Output::Answer(asker, _) => Some(*asker),
                Output::Send(_) | Output::Scene(_) | Output::Shown(..) | Output::Adjusted(..) | Output::Health(_) => None,
            }).collect();
            answered.sort_unstable();
            prop_assert_eq!(answered, (0..asked).collect::<Vec<_>>());
            let toggles = outputs.iter().filter(|o| matches!(o, Output::Send(text) if text.contains("toggleShutdown")));
            prop_assert!(toggles.count() <= 1);
        }
    }
}
