//! Does what the gate let through, and knows what the gate needs to know.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::{Mission, SceneAction, SceneNode, ScenePart, SceneProperty, SceneToggle};
use tokio::sync::{OnceCell, watch};

use super::{
    Client, ClientError,
    connection::Command,
    wire::{
        Question,
        functions::Functions,
        missions,
        tree::{action_list, tree},
    },
};
use crate::{
    gate::{Call, Deed},
    tree::Tree,
};

/// A tree is read anew after so long. Its events differ between builds, and an identifier that it does not hold makes it
/// be read anew anyway, so that only a name that was taken away is offered for a while longer.
const TREE_GOOD_FOR: Duration = Duration::from_secs(60);

/// However often viewers name what is not there. A tree of 50,000 properties takes OpenSpace some frames to tell.
const TREE_AT_MOST_EVERY: Duration = Duration::from_secs(2);

/// What a read is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Nodes(Vec<SceneNode>),
    Actions(Vec<SceneAction>),
    Toggles(Vec<SceneToggle>),
    Missions(Vec<Mission>),
    Properties(Vec<SceneProperty>),
    /// What a script returned, by position: `{"1": …}`.
    Returned(serde_json::Value),
}

#[derive(Debug)]
pub(super) struct Known {
    functions: OnceCell<Arc<Functions>>,
    tree: watch::Sender<Option<KnownTree>>,
    /// The missions that the scene told last, and when.
    missions: watch::Sender<Option<(Instant, Vec<Mission>)>>,
}

#[derive(Clone, Debug)]
struct KnownTree {
    asked: Instant,
    tree: Arc<Tree>,
    /// The actions were told too.
    whole: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            functions: OnceCell::new(),
            tree: watch::Sender::new(None),
            missions: watch::Sender::new(None),
        }
    }
}

impl Client {
    /// What the scene holds, at most a minute old.
    pub async fn tree(&self) -> Result<Arc<Tree>, ClientError> {
        self.tree_not_older_than(TREE_GOOD_FOR).await
    }

    /// What the scene holds now, give or take two seconds: for a name that [`Self::tree`] does not have.
    pub async fn fresh_tree(&self) -> Result<Arc<Tree>, ClientError> {
        self.tree_not_older_than(TREE_AT_MOST_EVERY).await
    }

    /// Returns when OpenSpace has done it, as far as it tells: it is silent about errors.
    pub async fn perform(&self, call: Call) -> Result<Option<Answer>, ClientError> {
        let Call(deed) = call;
        if let Some(answer) = self.answer(&deed).await? {
            return Ok(Some(answer));
        }
        for step in self.functions().await?.steps(&deed).map_err(ClientError::Lacks)? {
            self.ask(Question::Step(step), self.patience.call).await?;
        }
        if sets(&deed) {
            // A full queue means that OpenSpace does not read; then nothing has changed either.
            let _ = self.commands.try_send(Command::Changed);
        }
        Ok(None)
    }

    /// What only asks; nothing for a deed.
    async fn answer(&self, deed: &Deed) -> Result<Option<Answer>, ClientError> {
        Ok(Some(match deed {
            Deed::ListNodes { search } => Answer::Nodes(self.tree().await?.list(search)),
            Deed::ListActions => Answer::Actions(self.tree().await?.actions()),
            Deed::ListToggles { search } => Answer::Toggles(self.toggles(search).await?),
            Deed::ListMissions => Answer::Missions(self.missions().await?),
            // Values are told as they are, or the page would set back what somebody else has changed.
            Deed::ListProperties { search } => {
                Answer::Properties(self.fresh_tree().await?.properties(search))
            }
            Deed::Lua(script) => {
                let returned = self.ask(Question::Script(script.clone()), self.patience.call).await?;
                let _ = self.commands.try_send(Command::Changed);
                Answer::Returned(returned)
            }
            _ => return Ok(None),
        }))
    }

    /// As it is now, though the tree may be a minute old: OpenSpace has told what was shown and hidden since.
    async fn toggles(&self, search: &str) -> Result<Vec<SceneToggle>, ClientError> {
        let (asked, tree) = self.timed_tree(TREE_GOOD_FOR).await?;
        let shown = self.shown.borrow();
        let newer = |node: &str| shown.get(node).filter(|(_, heard)| *heard > asked).map(|(shown, _)| *shown);
        Ok(tree.toggles(search, newer))
    }

    /// Assets may bring some later, and a program that was too busy to answer may have some after all.
    async fn missions(&self) -> Result<Vec<Mission>, ClientError> {
        let known = self.known.missions.borrow().clone();
        if let Some((asked, missions)) = known
            && asked.elapsed() < TREE_GOOD_FOR
        {
            return Ok(missions);
        }
        let asked = Instant::now();
        let missions = missions::read(&answered(self.ask(Question::Missions, self.patience.topic).await)?);
        if !self.lacks(ScenePart::Missions) {
            self.known.missions.send_replace(Some((asked, missions.clone())));
        }
        Ok(missions)
    }

    /// What a build does not say is asked again with the next call; until then it is taken for a present one.
    async fn functions(&self) -> Result<Arc<Functions>, ClientError> {
        let ask = async || {
            let told = self.ask(Question::Functions, self.patience.call).await?;
            Ok(Arc::new(Functions::read(&told)))
        };
        match self.known.functions.get_or_try_init(ask).await {
            Ok(known) => Ok(known.clone()),
            Err(error) => answered(Err(error)).map(|_| Arc::default()),
        }
    }

    /// So much has changed that the next look shall see it.
    pub(super) fn forget_tree(&self) {
        self.known.tree.send_replace(None);
    }

    pub(super) async fn tree_not_older_than(&self, age: Duration) -> Result<Arc<Tree>, ClientError> {
        Ok(self.timed_tree(age).await?.1)
    }

    /// With the time that it was asked for.
    async fn timed_tree(&self, age: Duration) -> Result<(Instant, Arc<Tree>), ClientError> {
        let known = self.known.tree.borrow().clone();
        if let Some(KnownTree { asked, tree, whole }) = known
            && asked.elapsed() < age
            && (whole || self.lacks(ScenePart::Actions))
        {
            return Ok((asked, tree));
        }
        let asked = Instant::now();
        let (owners, actions) = tokio::join!(self.ask(Question::Owners, self.patience.call), self.actions());
        let tree = Arc::new(tree(&owners?, &actions?));
        let whole = !self.lacks(ScenePart::Actions);
        self.known.tree.send_replace(Some(KnownTree { asked, tree: tree.clone(), whole }));
        Ok((asked, tree))
    }

    fn lacks(&self, part: ScenePart) -> bool {
        self.trouble.borrow().as_ref().is_some_and(|trouble| trouble.takes(part))
    }

    async fn actions(&self) -> Result<Vec<serde_json::Value>, ClientError> {
        let list = action_list(&answered(self.ask(Question::Actions, self.patience.topic).await)?);
        if !list.is_empty() {
            return Ok(list);
        }
        Ok(action_list(&answered(self.ask(Question::Shortcuts, self.patience.topic).await)?))
    }
}

/// It may leave properties other than they were. Of what is shown and hidden OpenSpace tells by itself.
const fn sets(deed: &Deed) -> bool {
    matches!(deed, Deed::SetProperty { .. } | Deed::TriggerAction(_))
}

/// What a build does not have it does not answer, or answers with an error: then there is nothing.
fn answered(answer: Result<serde_json::Value, ClientError>) -> Result<serde_json::Value, ClientError> {
    match answer {
        Err(ClientError::Deadline(..) | ClientError::Garbage(_) | ClientError::Ails(_)) => {
            Ok(serde_json::Value::Null)
        }
        other => other,
    }
}
