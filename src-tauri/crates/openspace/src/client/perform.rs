//! Does what the gate let through, and knows what the gate needs to know.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use model::{Mission, PropertyValue, SceneAction, SceneNode, ScenePart, SceneProperty, SceneToggle};
use tokio::{
    sync::{OnceCell, Semaphore, watch},
    task::spawn_blocking,
};

use super::{
    Client, ClientError,
    connection::Command,
    wire::{
        Question,
        functions::Functions,
        missions,
        tree::{action_list, tree, value_of},
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

/// Settings that were set from here and are remembered; past that, the next tree tells.
const SET_MAX: usize = 1_000;

/// So many times longer than it takes OpenSpace to tell it, a tree is good at least.
const TREE_SHARE: u32 = 10;

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
    /// Who asks for the next one.
    turn: Semaphore,
    /// What was set from here, and when: where OpenSpace does not tell, so it is until a newer tree says otherwise.
    set: watch::Sender<BTreeMap<String, (PropertyValue, Instant)>>,
    /// The missions that the scene told last, and when.
    missions: watch::Sender<Option<(Instant, Vec<Mission>)>>,
}

#[derive(Clone, Debug)]
struct KnownTree {
    asked: Instant,
    tree: Arc<Tree>,
    /// The actions were told too.
    whole: bool,
    /// How long OpenSpace took to tell it.
    took: Duration,
}

impl KnownTree {
    /// One that takes long is not asked for as often, or OpenSpace would do nothing else.
    fn is_good_for(&self, age: Duration) -> bool {
        self.asked.elapsed() < age.max(if age.is_zero() { age } else { self.took * TREE_SHARE })
    }
}

impl Default for Known {
    fn default() -> Self {
        Self {
            functions: OnceCell::new(),
            tree: watch::Sender::new(None),
            turn: Semaphore::new(1),
            set: watch::Sender::default(),
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
        if let Deed::SetProperty { uri, value } = &deed {
            self.remember(uri, value);
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
            Deed::ListProperties { search } => Answer::Properties(self.properties(search).await?),
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

    /// Values are told as they are, or the page would set back what somebody else has changed: as OpenSpace has told them
    /// since the tree, where it tells; else the tree is asked for anew.
    async fn properties(&self, search: &str) -> Result<Vec<SceneProperty>, ClientError> {
        let _ = self.scene();
        let tells = !self.adjusted.borrow().is_empty();
        let age = if tells { TREE_GOOD_FOR } else { TREE_AT_MOST_EVERY };
        let (asked, tree) = self.timed_tree(age).await?;
        let mut list = tree.properties(search);
        let (adjusted, set) = (self.adjusted.borrow(), self.known.set.borrow());
        for property in &mut list {
            if let Some((value, _)) = set.get(&property.uri).filter(|(_, at)| !tells && *at > asked) {
                property.value = value.clone();
            }
            let newer = adjusted.get(&property.uri).filter(|(_, heard)| *heard > asked);
            if let Some(value) = newer.and_then(|(value, _)| value_of(&property.kind, value)) {
                property.value = value;
            }
        }
        Ok(list)
    }

    fn remember(&self, uri: &str, value: &PropertyValue) {
        self.known.set.send_modify(|set| {
            if set.len() >= SET_MAX {
                set.clear();
            }
            set.insert(uri.to_owned(), (value.clone(), Instant::now()));
        });
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
        let wanted = Instant::now();
        if let Some(known) = self.known_tree(|known| known.is_good_for(age)) {
            return Ok(known);
        }
        // However many want a tree at once, OpenSpace tells it once.
        let _turn = self.known.turn.acquire().await;
        if let Some(known) = self.known_tree(|known| known.asked >= wanted || known.is_good_for(age)) {
            return Ok(known);
        }
        // The short answer first: behind a large scene it would be late.
        let actions = self.actions().await?;
        let asked = Instant::now();
        let owners = self.ask(Question::Owners, self.patience.call * 2).await?;
        let took = asked.elapsed();
        // A large scene takes a while to read.
        let tree = spawn_blocking(move || Arc::new(tree(&owners, &actions)));
        let tree = tree.await.map_err(|error| ClientError::Garbage(error.to_string()))?;
        let whole = !self.lacks(ScenePart::Actions);
        self.known.tree.send_replace(Some(KnownTree { asked, tree: tree.clone(), whole, took }));
        Ok((asked, tree))
    }

    fn known_tree(&self, is_good: impl Fn(&KnownTree) -> bool) -> Option<(Instant, Arc<Tree>)> {
        let known = self.known.tree.borrow();
        let whole = |known: &KnownTree| known.whole || self.lacks(ScenePart::Actions);
        known
            .as_ref()
            .filter(|known| is_good(known) && whole(known))
            .map(|known| (known.asked, known.tree.clone()))
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
