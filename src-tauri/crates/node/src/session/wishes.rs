//! What a viewer wishes of the scene, one wish after the other: read, judged by the gate, done, answered.
//!
//! A task of its own, so that an OpenSpace that answers late delays neither pointer nor keys.

use std::time::Duration;

use model::{AuditEntry, AuditKind, InstanceState, SavedKind, scene::Wish};
use openspace::{
    client::{Answer, Client},
    gate::{self, Call, Denied, Grounds},
};
use protocol::{
    input::{Intent, IntentReply},
    intent,
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tracing::{debug, info};

use super::{Means, Viewer, keep};
use crate::{clock, rows::Member};

/// Wishes that wait for the one before. Two seconds of fast clicking; past that, a viewer is told to wait.
const WAITING: usize = 16;

/// Everything a wish leads to: a tree that is read anew, then the call.
const FULFIL_WITHIN: Duration = Duration::from_secs(20);

/// What a list may have in one message. Browsers take a quarter of a mebibyte, and so much may be on its way.
const LIST_BYTES_MAX: usize = 200_000;

/// A session's wishes. The task ends with this.
pub(super) struct Wishes {
    intents: mpsc::Sender<Intent>,
    replies: mpsc::Receiver<IntentReply>,
    task: JoinHandle<()>,
}

impl Wishes {
    pub(super) fn open(viewer: Viewer, member: Member, means: Means) -> Self {
        let (intents, inbox) = mpsc::channel(WAITING);
        let (outbox, replies) = mpsc::channel(WAITING);
        let task = tokio::spawn(fulfil_all(Wisher { viewer, member, means }, inbox, outbox));
        Self { intents, replies, task }
    }

    /// A wish that cannot wait is answered at once.
    pub(super) fn take(&self, intent: Intent) -> Option<IntentReply> {
        let refused = self.intents.try_send(intent).err()?;
        let error = Some("That was too much at once. Wait a moment and try again.".to_owned());
        Some(IntentReply { id: refused.into_inner().id, ok: None, error })
    }

    pub(super) async fn reply(&mut self) -> IntentReply {
        match self.replies.recv().await {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Wishes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Wisher {
    viewer: Viewer,
    member: Member,
    means: Means,
}

async fn fulfil_all(wisher: Wisher, mut intents: mpsc::Receiver<Intent>, replies: mpsc::Sender<IntentReply>) {
    while let Some(intent) = intents.recv().await {
        let id = intent.id;
        let answered = match timeout(FULFIL_WITHIN, wisher.fulfil(intent)).await {
            Ok(answered) => answered,
            Err(_) => Err("OpenSpace does not answer at the moment. Try again.".to_owned()),
        };
        let reply = match answered {
            Ok(ok) => IntentReply { id, ok: Some(ok), error: None },
            Err(why) => IntentReply { id, ok: None, error: Some(why) },
        };
        if replies.send(reply).await.is_err() {
            return;
        }
    }
}

impl Wisher {
    /// The error is a sentence for the viewer.
    async fn fulfil(&self, intent: Intent) -> Result<Value, String> {
        let entry = self.entry(&intent);
        let wish = intent::read(intent)?;
        let outcome = self.consider(&wish, &entry).await;
        if wish.changes() {
            match &outcome {
                Ok(_) => self.means.audit.note(entry),
                Err(why) => self.means.audit.note(entry.refused(why)),
            }
        }
        outcome
    }

    async fn consider(&self, wish: &Wish, entry: &AuditEntry) -> Result<Value, String> {
        gate::admit(wish, self.viewer.role).map_err(|denied| denied.to_string())?;
        match wish {
            Wish::Restart {} => self.member.restart(),
            Wish::ListScreenshots {} => return Ok(json!(self.saved(SavedKind::Screenshots).await)),
            Wish::ListRecordings {} => return Ok(json!(self.saved(SavedKind::Recordings).await)),
            _ => return self.ask_openspace(wish, entry).await,
        }
        Ok(Value::Null)
    }

    /// For the audit log: a script whole, everything else with its arguments.
    fn entry(&self, intent: &Intent) -> AuditEntry {
        let script = intent.args.get("script").and_then(Value::as_str).filter(|_| intent.name == "lua");
        let detail = match (script, &intent.args) {
            (Some(script), _) => script.to_owned(),
            (None, Value::Null) => String::new(),
            (None, args) => args
                .as_object()
                .filter(|args| args.is_empty())
                .map_or_else(|| args.to_string(), |_| String::new()),
        };
        let kind = if script.is_some() { AuditKind::Script } else { AuditKind::Wish };
        AuditEntry::new(clock::now(), kind, Some(self.viewer.bearer), &intent.name)
            .of(self.member.id)
            .by(self.viewer.id, self.viewer.role)
            .saying(&detail)
    }

    async fn ask_openspace(&self, wish: &Wish, entry: &AuditEntry) -> Result<Value, String> {
        let client = self.client()?;
        let call = self.judge(wish, &client).await?;
        if let Wish::Lua { .. } = wish {
            // Before it runs: what it does may well end this program.
            let begun = AuditEntry { what: "lua begins".to_owned(), ..entry.clone() };
            let written = self.means.audit.write(begun).await;
            written
                .map_err(|error| format!("The script is not run, since it could not be audited: {error}."))?;
        }
        if wish.steers() {
            self.member.stage.steer(self.viewer.id).await.map_err(str::to_owned)?;
        }
        let answer = match kept_by(wish) {
            Some(kind) => json!(keep::kept(&self.member.saved, kind, self.perform(&client, call)).await?),
            None => self.perform(&client, call).await?.map_or(Value::Null, written),
        };
        if wish.changes() {
            self.member.scene.wished();
            self.member.life.moved();
            info!(viewer = %self.viewer.id, instance = %self.member.id, ?wish, "wish fulfilled");
        }
        Ok(answer)
    }

    async fn perform(&self, client: &Client, call: Call) -> Result<Option<Answer>, String> {
        client.perform(call).await.map_err(|error| sentence(&error))
    }

    /// By the tree that is known; by a newer one where that does not hold what is named.
    async fn judge(&self, wish: &Wish, client: &Client) -> Result<Call, String> {
        // What names nothing of the scene needs no scene: for the rest it is asked again, and its error told.
        let tree = client.tree().await.unwrap_or_default();
        let recordings = self.saved(SavedKind::Recordings).await;
        let grounds = Grounds {
            tree: &tree,
            saved: &self.member.saved,
            recordings: &recordings,
            recorder: client.scene().borrow().as_ref().map(|scene| scene.recorder),
            raw_lua: self.means.raw_lua,
            now: clock::now(),
        };
        let judged = match gate::judge(wish, self.viewer.role, &grounds) {
            Err(Denied::Unknown(_)) => {
                let tree = client.fresh_tree().await.map_err(|error| sentence(&error))?;
                gate::judge(wish, self.viewer.role, &Grounds { tree: &tree, ..grounds })
            }
            judged => judged,
        };
        judged.map_err(|denied| {
            debug!(viewer = %self.viewer.id, instance = %self.member.id, %denied, "wish denied");
            denied.to_string()
        })
    }

    async fn saved(&self, kind: SavedKind) -> Vec<model::SavedFile> {
        keep::listed(&self.member.saved, kind).await
    }

    fn client(&self) -> Result<Client, String> {
        let build = &self.member.build;
        if !build.is_openspace() {
            return Err(format!(
                "{} is not OpenSpace: it can be steered by pointer and keys only.",
                build.name
            ));
        }
        let reports = self.member.instance.reports();
        let report = reports.borrow();
        report
            .client
            .clone()
            .filter(|_| report.status.state == InstanceState::Ready)
            .ok_or_else(|| format!("{} is not ready yet. Try again when the picture is there.", build.name))
    }
}

fn sentence(error: &openspace::client::ClientError) -> String {
    let mut words = error.to_string();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{words}.")
}

/// What of it becomes a file, whose name is the answer.
const fn kept_by(wish: &Wish) -> Option<SavedKind> {
    match wish {
        Wish::Screenshot {} => Some(SavedKind::Screenshots),
        Wish::StopRecording {} => Some(SavedKind::Recordings),
        _ => None,
    }
}

fn written(answer: Answer) -> Value {
    match answer {
        Answer::Nodes(nodes) => fitting(nodes.into_iter().map(|node| json!(node))),
        Answer::Toggles(toggles) => fitting(toggles.into_iter().map(|toggle| json!(toggle))),
        Answer::Missions(missions) => fitting(missions.into_iter().map(|mission| json!(mission))),
        Answer::Actions(actions) => fitting(actions.into_iter().map(|action| json!(action))),
        Answer::Properties(list) => fitting(list.into_iter().map(|property| json!(property))),
        Answer::Returned(value) => returned(value),
    }
}

/// A script may return more than one message carries.
fn returned(value: Value) -> Value {
    let text = value.to_string();
    match text.len() {
        0..=LIST_BYTES_MAX => value,
        _ => json!(format!("{}…", text.chars().take(LIST_BYTES_MAX / 4).collect::<String>())),
    }
}

/// The beginning of a list, as much as one message carries.
fn fitting(list: impl Iterator<Item = Value>) -> Value {
    let mut bytes = 0;
    let fits = |entry: &Value| {
        bytes += entry.to_string().len() + 1;
        bytes <= LIST_BYTES_MAX
    };
    list.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use model::SceneNode;

    use super::*;

    #[test]
    fn a_list_is_cut_to_what_one_message_carries() {
        let node = |i: u32| SceneNode { id: format!("Node{i}"), name: "ä\"".repeat(40), interesting: false };
        let cut = written(Answer::Nodes((0..10_000).map(node).collect()));
        let bytes = cut.to_string().len();
        assert!(bytes <= LIST_BYTES_MAX + 1 && bytes > LIST_BYTES_MAX / 2, "{bytes}");
        assert_eq!(cut[0]["id"], "Node0");
    }

    #[test]
    fn an_error_is_a_sentence() {
        assert_eq!(
            sentence(&openspace::client::ClientError::Closed),
            "The connection to OpenSpace is closed."
        );
    }
}
