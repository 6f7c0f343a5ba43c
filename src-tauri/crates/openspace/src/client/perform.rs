//! Does what the gate let through, and knows what the gate needs to know.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::{SceneAction, SceneNode, SceneProperty};
use tokio::sync::{OnceCell, watch};

use super::{
    CALL_WITHIN, Client, ClientError,
    wire::{
        Question,
        functions::Functions,
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

/// A topic that a build does not have is not answered at all.
const ACTIONS_WITHIN: Duration = Duration::from_secs(3);

/// What a read is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Nodes(Vec<SceneNode>),
    Actions(Vec<SceneAction>),
    Properties(Vec<SceneProperty>),
    /// What a script returned, by position: `{"1": …}`.
    Returned(serde_json::Value),
}

#[derive(Debug)]
pub(super) struct Known {
    functions: OnceCell<Functions>,
    /// The newest tree, and when it was asked for.
    tree: watch::Sender<Option<(Instant, Arc<Tree>)>>,
}

impl Default for Known {
    fn default() -> Self {
        Self { functions: OnceCell::new(), tree: watch::Sender::new(None) }
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
        match &deed {
            Deed::ListNodes { search } => return Ok(Some(Answer::Nodes(self.tree().await?.list(search)))),
            Deed::ListActions => return Ok(Some(Answer::Actions(self.tree().await?.actions()))),
            // Values are told as they are, or the page would set back what somebody else has changed.
            Deed::ListProperties { search } => {
                return Ok(Some(Answer::Properties(self.fresh_tree().await?.properties(search))));
            }
            Deed::Lua(script) => {
                let returned = self.ask(Question::Script(script.clone()), CALL_WITHIN).await?;
                return Ok(Some(Answer::Returned(returned)));
            }
            _ => {}
        }
        for step in self.functions().await?.steps(&deed).map_err(ClientError::Lacks)? {
            self.ask(Question::Step(step), CALL_WITHIN).await?;
        }
        Ok(None)
    }

    async fn functions(&self) -> Result<&Functions, ClientError> {
        let ask = async || Ok(Functions::read(&answered(self.ask(Question::Functions, CALL_WITHIN).await)?));
        self.known.functions.get_or_try_init(ask).await
    }

    /// So much has changed that the next look shall see it.
    pub(super) fn forget_tree(&self) {
        self.known.tree.send_replace(None);
    }

    pub(super) async fn tree_not_older_than(&self, age: Duration) -> Result<Arc<Tree>, ClientError> {
        let known = self.known.tree.borrow().clone();
        if let Some((asked, tree)) = known
            && asked.elapsed() < age
        {
            return Ok(tree);
        }
        let asked = Instant::now();
        let (owners, actions) = tokio::join!(self.ask(Question::Owners, CALL_WITHIN), self.actions());
        let tree = Arc::new(tree(&owners?, &actions?));
        self.known.tree.send_replace(Some((asked, tree.clone())));
        Ok(tree)
    }

    async fn actions(&self) -> Result<Vec<serde_json::Value>, ClientError> {
        let list = action_list(&answered(self.ask(Question::Actions, ACTIONS_WITHIN).await)?);
        if !list.is_empty() {
            return Ok(list);
        }
        Ok(action_list(&answered(self.ask(Question::Shortcuts, ACTIONS_WITHIN).await)?))
    }
}

/// What a build does not have it does not answer, or answers with an error: then there is nothing.
fn answered(answer: Result<serde_json::Value, ClientError>) -> Result<serde_json::Value, ClientError> {
    match answer {
        Err(ClientError::Deadline(..) | ClientError::Garbage(_)) => Ok(serde_json::Value::Null),
        other => other,
    }
}
