//! The keeper of one instance's scene: one task, which ends with the instance.

use std::time::{Duration, Instant};

use model::{InstanceId, InstanceState, ProcessId, SavedScene};
use openspace::client::{Baseline, Client};
use store::Store;
use supervisor::{InstanceHandle, Report};
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::{sleep_until, timeout},
};
use tracing::{debug, info, warn};

use super::rhythm::{Look, Rhythm, Trust};
use crate::{
    clock,
    stage::{self, Stage},
};

/// Wishes and orders that may wait; a wish that finds no room is seen at the next look.
const COMMANDS: usize = 16;
/// Everything that a scene needs to be back: a large one has some hundred settings, one a frame.
const RESTORE_WITHIN: Duration = Duration::from_secs(60);
/// Whoever stops an instance waits no longer for its last look.
const LAST_LOOK_WITHIN: Duration = Duration::from_secs(2);
/// The time and the focus are told within a frame or two of being asked for.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum Command {
    Wished,
    Restore(Box<SavedScene>),
    SaveNow(oneshot::Sender<()>),
}

#[derive(Clone, Debug)]
pub struct Keeper {
    commands: mpsc::Sender<Command>,
    /// What the viewers are told, once each.
    notices: watch::Receiver<String>,
    /// As the journal has it.
    saved: watch::Receiver<Option<SavedScene>>,
}

impl Keeper {
    /// `adopted` is the program that an earlier node has started: its scene is as it was left.
    pub fn open(
        id: InstanceId,
        adopted: Option<ProcessId>,
        instance: &InstanceHandle,
        stage: &Stage,
        store: Store,
    ) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (tell, notices) = watch::channel(String::new());
        let (publish, saved) = watch::channel(None);
        let task = Task {
            id,
            program: adopted,
            store,
            tell,
            publish,
            client: None,
            lost: None,
            baseline: None,
            last: None,
            rhythm: Rhythm::new(Instant::now()),
            trust: Trust::default(),
            expected: false,
            blind: false,
        };
        tokio::spawn(task.run(instance.reports(), stage.state(), inbox));
        Self { commands, notices, saved }
    }

    /// A viewer's wish has changed a setting.
    pub fn wished(&self) {
        let _ = self.commands.try_send(Command::Wished);
    }

    /// Once the program is ready, or at once where it is.
    pub async fn restore(&self, scene: SavedScene) {
        let _ = self.commands.send(Command::Restore(Box::new(scene))).await;
    }

    /// The last look before an end that somebody wants.
    pub async fn save_now(&self) {
        let (done, saved) = oneshot::channel();
        let saving = async {
            if self.commands.send(Command::SaveNow(done)).await.is_ok() {
                let _ = saved.await;
            }
        };
        if timeout(LAST_LOOK_WITHIN, saving).await.is_err() {
            warn!("the last look at a scene took too long; it is kept as it was some seconds before");
        }
    }

    pub fn notices(&self) -> watch::Receiver<String> {
        self.notices.clone()
    }

    /// What the instance shows, as it was last saved.
    pub fn saved(&self) -> Option<SavedScene> {
        self.saved.borrow().clone()
    }
}

struct Task {
    id: InstanceId,
    /// Whose scene is as it was left: the one that an earlier node has started, and then the one that was ready last.
    program: Option<ProcessId>,
    store: Store,
    tell: watch::Sender<String>,
    publish: watch::Sender<Option<SavedScene>>,
    /// Of the program that is ready now.
    client: Option<Client>,
    /// When it was lost: the program, or only the connection with it.
    lost: Option<Instant>,
    /// Of this program.
    baseline: Option<Baseline>,
    /// What the journal has, or is to be brought back.
    last: Option<SavedScene>,
    rhythm: Rhythm,
    trust: Trust,
    /// Somebody ends the program on purpose.
    expected: bool,
    /// It is known that looking fails.
    blind: bool,
}

impl Task {
    async fn run(
        mut self,
        mut reports: watch::Receiver<Report>,
        mut stage: watch::Receiver<stage::State>,
        mut inbox: mpsc::Receiver<Command>,
    ) {
        self.last = self.store.scene(self.id).await.unwrap_or_default();
        self.publish.send_replace(self.last.clone());
        loop {
            let report = reports.borrow_and_update().clone();
            self.follow(&report).await;
            let watched = !stage.borrow_and_update().viewers.is_empty();
            self.rhythm.watched(watched, Instant::now());
            let wake_at = self.rhythm.wake_at();
            select! {
                changed = reports.changed() => if changed.is_err() { return },
                changed = stage.changed() => if changed.is_err() { return },
                command = inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                () = sleep_until(wake_at.unwrap_or_else(Instant::now).into()), if wake_at.is_some() => {
                    if let Some(look) = self.rhythm.look(Instant::now()) {
                        self.look(look).await;
                    }
                }
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Wished => self.rhythm.wished(Instant::now()),
            Command::Restore(scene) => {
                self.keep(*scene).await;
                if let Some(client) = self.client.clone() {
                    self.restore(&client).await;
                }
            }
            Command::SaveNow(done) => {
                self.look(Look { with_properties: true }).await;
                self.expected = true;
                let _ = done.send(());
            }
        }
    }

    /// A program became ready, or was lost.
    async fn follow(&mut self, report: &Report) {
        let ready = report.status.state == InstanceState::Ready;
        match (&self.client, report.client.clone().filter(|_| ready)) {
            (None, Some(client)) => self.began(client, report).await,
            (Some(_), None) => {
                self.client = None;
                self.lost = Some(Instant::now());
            }
            _ => {}
        }
    }

    async fn began(&mut self, client: Client, report: &Report) {
        let program = report.running.as_ref().and_then(|running| running.program);
        let same = program.is_some() && program == self.program;
        self.program = program;
        if !same || self.baseline.is_none() {
            self.baseline = self.beginning(&client).await;
        }
        let lost = self.lost.take();
        // One whose connection was lost is as it was left.
        if !same
            && let Some(at) = lost
            && !std::mem::take(&mut self.expected)
        {
            self.trust.fell(at);
        }
        if !same && self.last.is_some() {
            if self.trust.may_restore() {
                self.restore(&client).await;
            } else {
                self.last = None;
                self.say(
                    "The program ended twice soon after the scene came back, so it begins anew.".to_owned(),
                );
            }
        }
        // Asked for now, so that it is told when the first look comes.
        let _ = client.scene();
        self.client = Some(client);
    }

    async fn beginning(&self, client: &Client) -> Option<Baseline> {
        let known = client.baseline().await;
        known
            .inspect_err(|error| {
                warn!(instance = %self.id, %error, "the beginning of the scene is not known; settings are not saved");
            })
            .ok()
    }

    async fn restore(&mut self, client: &Client) {
        let Some(scene) = self.last.clone() else { return };
        self.trust.restored(Instant::now());
        let words = match timeout(RESTORE_WITHIN, client.restore(&scene)).await {
            Ok(Ok(missing)) if missing.is_empty() => "The scene is back as it was left.".to_owned(),
            Ok(Ok(missing)) => format!("The scene is back, except for: {}.", missing.join("; ")),
            Ok(Err(error)) => format!("The scene could not be brought back: {error}."),
            Err(_) => "The scene could not be brought back in time: the program answers slowly.".to_owned(),
        };
        info!(instance = %self.id, words, "restored");
        self.say(words);
    }

    async fn look(&mut self, look: Look) {
        let Some(client) = self.client.clone() else { return };
        let mut told = client.scene();
        let known = timeout(TOLD_WITHIN, told.wait_for(Option::is_some)).await.is_ok();
        if !known {
            return;
        }
        let unknown = Baseline::default();
        let baseline = self.baseline.as_ref().unwrap_or(&unknown);
        match client.save(baseline, self.last.as_ref(), look.with_properties).await {
            Ok(scene) => {
                self.blind = false;
                if let Some(scene) = scene.filter(|scene| self.last.as_ref() != Some(scene)) {
                    if self.last.as_ref().is_none_or(|last| last.properties != scene.properties) {
                        self.rhythm.changed(Instant::now());
                    }
                    self.keep(scene).await;
                }
            }
            // The next looks would say the same.
            Err(error) => {
                if !std::mem::replace(&mut self.blind, true) {
                    warn!(instance = %self.id, %error, "the scene is not saved until OpenSpace answers again");
                }
            }
        }
    }

    async fn keep(&mut self, scene: SavedScene) {
        match self.store.put_scene(self.id, &scene, clock::now()).await {
            Ok(()) => {
                let SavedScene { time, focus, properties, .. } = &scene;
                debug!(instance = %self.id, time, focus, settings = properties.len(), "scene saved");
            }
            Err(error) => warn!(instance = %self.id, %error, "the scene was not journaled"),
        }
        self.publish.send_replace(Some(scene.clone()));
        self.last = Some(scene);
    }

    fn say(&self, words: String) {
        self.tell.send_replace(words);
    }
}
