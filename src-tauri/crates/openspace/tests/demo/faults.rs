//! An OpenSpace that is silent, answers garbage, or hangs up: at every step, in both generations.

use std::{fs, future::pending, path::PathBuf, time::Duration};

use model::{ApiGeneration, Role, UnixMillis, launch::Api, scene::Wish};
use openspace::{
    client::{Answer, Client, ClientError, Patience},
    gate::{Call, Grounds, judge},
    saved::Saved,
    tree::Tree,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    LONG,
    instance::{Instance, installed},
};

/// A fraction of what people are asked for, so that the whole table takes some seconds.
const BRIEF: Patience = Patience {
    call: Duration::from_millis(900),
    topic: Duration::from_millis(600),
    quiet: Duration::from_millis(900),
    pulse: Duration::from_millis(300),
    again: Duration::from_millis(150),
    again_max: Duration::from_millis(300),
};

const FAULTS: [&str; 6] = ["silent", "garbage", "truncated", "huge", "hangup", "types"];

/// A step, what OpenSpace is asked there, and what it says to that.
const STEPS: [(&str, &str, Says); 17] = [
    ("connect", "", Says::Answers),
    ("handshake", "", Says::NothingInNew),
    ("version", "", Says::Answers),
    ("documentation", "which functions it has", Says::Answers),
    ("get", "what is in the scene", Says::Answers),
    ("subscribe", "what it looks at", Says::Answers),
    ("time", "for the time", Says::Answers),
    ("engineMode", "who moves the camera", Says::AnswersInNew),
    ("sessionRecording", "for its recorder", Says::AnswersInNew),
    ("actionsKeybinds", "for its actions", Says::Answers),
    ("missions", "for its missions", Says::AnswersInNew),
    ("luascript", "to do something", Says::Answers),
    ("camera", "where the camera is", Says::Tells),
    ("cameraPath", "for its flights", Says::Tells),
    ("event", "what is shown and hidden", Says::Tells),
    ("propertyTree", "what its settings are", Says::TellsInNew),
    ("any", "", Says::Answers),
];

#[derive(Clone, Copy, PartialEq)]
enum Says {
    Answers,
    /// An older build may not know it.
    AnswersInNew,
    /// By itself, when something happens: its silence is no fault.
    Tells,
    /// Older builds do not have it.
    TellsInNew,
    /// It is only listened to, and an older build does not even that.
    NothingInNew,
}

/// Programs that the table is divided among.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_openspace_that_misbehaves_at_any_step_is_told_and_recovers() {
    table(ApiGeneration::New).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_openspace_that_misbehaves_at_any_step_is_told_and_recovers() {
    table(ApiGeneration::Legacy).await;
}

async fn table(api: ApiGeneration) {
    let Some((root, install)) = installed("install", api).await else { return };
    let mut running = JoinSet::new();
    for part in 0..AT_ONCE {
        let (root, install) = (root.path().to_owned(), install.clone());
        running.spawn(async move {
            let switch = root.join(format!("fault-{part}"));
            let (dir, fault) = (root.join(part.to_string()), format!("@{}", switch.display()));
            let mut instance =
                Instance::start_with(&install, &dir, &root, api, &[("OPENSPACE_DEMO_FAULT", &fault)]).await;
            instance.until_rendering().await;
            let far = Far { api: instance.plan.api.unwrap(), switch };
            let cases = STEPS.iter().flat_map(|step| FAULTS.map(|fault| (step, fault)));
            for ((step, asked, says), fault) in cases.skip(part).step_by(AT_ONCE) {
                Case { step, asked, fault, says: *says, far: &far }.play().await;
            }
        });
    }
    while let Some(played) = running.join_next().await {
        played.unwrap();
    }
}

struct Far {
    api: Api,
    switch: PathBuf,
}

struct Case<'a> {
    step: &'static str,
    asked: &'static str,
    fault: &'static str,
    says: Says,
    far: &'a Far,
}

impl Case<'_> {
    async fn play(self) {
        self.set(&format!("{}:{}", self.step, self.fault));
        match self.connect(if self.may_refuse() { Duration::from_secs(2) } else { LONG }).await {
            Err(error) => self.refused(&error),
            Ok(client) => {
                self.live(&client).await;
                let seen = async {
                    match self.ends() {
                        true => self.ended(&client).await,
                        false => self.ails(&client).await,
                    }
                };
                tokio::select! {
                    () = self.stir(&client) => {}
                    () = seen => {}
                }
                self.set("");
                if !self.ends() && !self.is_no_fault() {
                    self.recovers(&client).await;
                }
            }
        }
        self.set("");
        // Whatever has been, the next connection is as good as any.
        let next = self.connect(LONG).await.unwrap();
        self.recovers(&next).await;
    }

    fn set(&self, faults: &str) {
        fs::write(&self.far.switch, faults).unwrap();
        // Half of a write that is read meanwhile is no fault either.
        std::thread::sleep(Duration::from_millis(60));
    }

    async fn connect(&self, within: Duration) -> Result<Client, ClientError> {
        let connected = timeout(LONG, Client::connect_with(self.far.api, within, BRIEF)).await;
        connected.unwrap_or_else(|_| panic!("{self:?} hangs"))
    }

    /// Only who was never answered is refused, with a sentence.
    fn refused(&self, error: &ClientError) {
        assert!(self.may_refuse(), "{self:?}: {error}");
        let fits = match self.fault {
            "hangup" | "huge" => {
                matches!(
                    error,
                    ClientError::ClosedEarly(_) | ClientError::Garbage(_) | ClientError::Deadline(..)
                )
            }
            _ => matches!(error, ClientError::Deadline(..) | ClientError::Garbage(_)),
        };
        assert!(fits, "{self:?}: {error}");
    }

    /// What a viewer's page does; every call comes back in its time.
    async fn live(&self, client: &Client) {
        let _ = client.scene();
        let calls = async {
            let _ = client.tree().await;
            let _ = client.perform(call(&Wish::ListMissions {})).await;
            let _ = client.perform(call(&Wish::Pause { paused: false })).await;
        };
        assert!(timeout(BRIEF.call * 12, calls).await.is_ok(), "{self:?}: a call has no deadline");
    }

    /// Makes happen, again and again, what some steps tell of.
    async fn stir(&self, client: &Client) {
        let Ok(tree) = client.tree().await else { return pending().await };
        for nth in 0_u32.. {
            let shown = Wish::Show { node: "Mars".to_owned(), visible: nth.is_multiple_of(2) };
            let _ = client.perform(call_in(&shown, &tree)).await;
            if matches!(self.step, "cameraPath") && nth.is_multiple_of(4) {
                let node = if nth.is_multiple_of(8) { "Earth" } else { "Mars" }.to_owned();
                let flight = Wish::FlyTo { node, duration_s: Some(0.2) };
                let _ = client.perform(call_in(&flight, &tree)).await;
            }
            sleep(BRIEF.call / 10).await;
        }
    }

    async fn ails(&self, client: &Client) {
        let silent = self.fault == "silent";
        let mut told = client.trouble();
        if self.is_no_fault() {
            return;
        }
        let how = if silent { "does not answer" } else { "cannot be read" };
        // What belongs to no question is told as such.
        let tells = matches!(self.says, Says::Tells | Says::TellsInNew);
        let asked = if tells && self.fault != "types" { "by itself" } else { self.asked };
        let fits = timeout(
            LONG,
            told.wait_for(|trouble| {
                trouble
                    .as_ref()
                    .is_some_and(|trouble| trouble.message.contains(how) && trouble.message.contains(asked))
            }),
        )
        .await
        .is_ok();
        assert!(fits, "{self:?}: it says {:?}", told.borrow());
    }

    /// Nothing that an older build would not do as well, or that anybody reads.
    fn is_no_fault(&self) -> bool {
        let unread = matches!((self.step, self.fault), ("luascript" | "propertyTree", "types"))
            || matches!(self.step, "version" | "handshake");
        let must = match self.says {
            Says::Answers => true,
            Says::AnswersInNew => self.is_new(),
            Says::Tells | Says::TellsInNew | Says::NothingInNew => false,
        };
        self.fault == "silent" && !must || unread || !self.is_there()
    }

    fn ends(&self) -> bool {
        matches!(self.fault, "hangup" | "huge") && self.is_there()
    }

    /// Before it has answered once.
    fn may_refuse(&self) -> bool {
        matches!(self.step, "connect" | "handshake" | "version" | "any")
    }

    fn is_there(&self) -> bool {
        !matches!(self.says, Says::TellsInNew | Says::NothingInNew) || self.is_new()
    }

    fn is_new(&self) -> bool {
        self.far.api.generation == ApiGeneration::New
    }

    async fn ended(&self, client: &Client) {
        let parting = timeout(LONG, client.closed()).await.unwrap_or_else(|_| panic!("{self:?}: it stays"));
        let words = parting.to_string();
        let says = if self.fault == "huge" { "cannot be read" } else { "hung up" };
        assert!(words.contains(says) || words.contains("hung up"), "{self:?}: {words}");
        assert!(matches!(client.version().await, Err(ClientError::Closed)), "{self:?}");
    }

    /// On a busy machine one answer or another still takes longer than the brief patience of here.
    async fn recovers(&self, client: &Client) {
        let well = async {
            while !is_well(client).await {
                sleep(BRIEF.again).await;
            }
        };
        let recovered = timeout(LONG, well).await.is_ok();
        assert!(recovered, "{self:?}: it says {:?}", client.trouble().borrow());
    }
}

async fn is_well(client: &Client) -> bool {
    let (mut told, mut scene) = (client.trouble(), client.scene());
    let known = scene.wait_for(Option::is_some).await.is_ok();
    let well = told.wait_for(Option::is_none).await.is_ok();
    let tree = client.tree().await;
    let missions = client.perform(call(&Wish::ListMissions {})).await;
    known
        && well
        && tree.is_ok_and(|tree| tree.node("Mars").is_some() && !tree.actions().is_empty())
        && matches!(missions, Ok(Some(Answer::Missions(missions))) if !missions.is_empty())
        && client.perform(call(&Wish::Pause { paused: false })).await.is_ok()
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} of {:?}", self.step, self.fault, self.far.api.generation)
    }
}

/// These name nothing of the scene.
fn call(wish: &Wish) -> Call {
    call_in(wish, &Tree::default())
}

fn call_in(wish: &Wish, tree: &Tree) -> Call {
    let saved = Saved::of("/nowhere".as_ref());
    let grounds =
        Grounds { tree, saved: &saved, recordings: &[], recorder: None, raw_lua: false, now: UnixMillis(0) };
    judge(wish, Role::Presenter, &grounds).unwrap()
}
