//! The keeper of one instance's time: one task, which ends with the instance.

use std::time::{Duration, Instant};

use model::{EndingReason, InstanceState, StopReason, UnixMillis};
use supervisor::Report;
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    time::sleep_until,
};
use tracing::info;

use super::{
    drain::Draining,
    extensions::Extensions,
    span::{Ending, Limits, Span},
};
use crate::{clock, continuity, stage};

/// "Stay" that may wait, and wishes that count as a move: one of them is enough.
const COMMANDS: usize = 16;

#[derive(Debug)]
enum Command {
    /// It is somebody's from now on.
    Begin,
    Moved,
    Stay(oneshot::Sender<Result<(), &'static str>>),
}

/// What a keeper needs to know once.
#[derive(Clone, Debug)]
pub struct Means {
    pub limits: Limits,
    pub drain: watch::Receiver<Option<Draining>>,
}

#[derive(Clone, Debug)]
pub struct Keeper {
    commands: mpsc::Sender<Command>,
    /// Present while people are to be told.
    warnings: watch::Receiver<Option<Ending>>,
    /// `None`: nobody's yet.
    span: watch::Receiver<Option<Span>>,
    drain: watch::Receiver<Option<Draining>>,
}

impl Keeper {
    /// `created` is when it became somebody's; `None`: it is nobody's yet.
    pub fn open(
        means: Means,
        created: Option<UnixMillis>,
        extensions: Extensions,
        instance: supervisor::InstanceHandle,
        stage: &stage::Stage,
        scene: continuity::Keeper,
    ) -> Self {
        let now = Instant::now();
        let began = |created: UnixMillis| now.checked_sub(since(created)).unwrap_or(now);
        let span = created.map(|created| Span::new(means.limits, began(created), now));
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (warn, warnings) = watch::channel(None);
        let (publish, spans) = watch::channel(span);
        let reports = instance.reports();
        let (stages, moves) = (stage.state(), stage.moves());
        let drain = means.drain.clone();
        let task = Task { means, span, extensions, warn, publish, instance, scene };
        tokio::spawn(task.run(reports, stages, moves, inbox));
        Self { commands, warnings, span: spans, drain }
    }

    pub async fn begin(&self) {
        let _ = self.commands.send(Command::Begin).await;
    }

    /// A viewer's wish has changed something.
    pub fn moved(&self) {
        let _ = self.commands.try_send(Command::Moved);
    }

    /// Somebody who may steer wants to go on. The error is a sentence for them.
    pub async fn stay(&self) -> Result<(), &'static str> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Stay(reply)).await;
        answer.await.unwrap_or(Err("The instance is ending already. What it shows is kept."))
    }

    pub fn warnings(&self) -> watch::Receiver<Option<Ending>> {
        self.warnings.clone()
    }

    /// Whether its machine is being emptied.
    pub fn drain(&self) -> watch::Receiver<Option<Draining>> {
        self.drain.clone()
    }

    /// Its end as things stand.
    pub fn ending(&self) -> Option<Ending> {
        self.span.borrow().as_ref().and_then(Span::ending)
    }
}

struct Task {
    means: Means,
    span: Option<Span>,
    extensions: Extensions,
    warn: watch::Sender<Option<Ending>>,
    publish: watch::Sender<Option<Span>>,
    instance: supervisor::InstanceHandle,
    scene: continuity::Keeper,
}

impl Task {
    async fn run(
        mut self,
        mut reports: watch::Receiver<Report>,
        mut stages: watch::Receiver<stage::State>,
        mut moves: watch::Receiver<Instant>,
        mut inbox: mpsc::Receiver<Command>,
    ) {
        if let Some(span) = self.span {
            self.span = Some(span.extended(self.extensions.read().await));
        }
        let mut drain = self.means.drain.clone();
        let mut drained_at = drain.borrow_and_update().and_then(deadline);
        loop {
            let now = Instant::now();
            let state = reports.borrow_and_update().status.state;
            let watched = !stages.borrow_and_update().viewers.is_empty();
            let moved = *moves.borrow_and_update();
            if let Some(span) = &mut self.span {
                span.ready(state == InstanceState::Ready, now);
                span.watched(watched, now);
                span.moved(moved);
                span.drained_at(drained_at);
            }
            if let Some(why) = self.tell(state, now) {
                return self.end(why).await;
            }
            let wake_at = self.span.and_then(|span| span.wake_at(now));
            // Hands move many times a second: who moved last is only looked at when it matters.
            let is_warned = self.warn.borrow().is_some();
            select! {
                changed = reports.changed() => if changed.is_err() { return },
                changed = stages.changed() => if changed.is_err() { return },
                Ok(()) = drain.changed() => drained_at = drain.borrow_and_update().and_then(deadline),
                Ok(()) = moves.changed(), if is_warned => {}
                command = inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                () = sleep_until(wake_at.unwrap_or(now).into()), if wake_at.is_some() => {}
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Begin => self.span = Some(Span::new(self.means.limits, now, now)),
            Command::Moved => {
                if let Some(span) = &mut self.span {
                    span.moved(now);
                }
            }
            Command::Stay(reply) => {
                let stayed = match &mut self.span {
                    Some(span) => self.extensions.stay(span, now).await,
                    None => Ok(()),
                };
                let _ = reply.send(stayed);
            }
        }
    }

    /// What holds nothing any more, or ends already, has no end to be told of.
    fn tell(&self, state: InstanceState, now: Instant) -> Option<EndingReason> {
        let runs =
            matches!(state, InstanceState::Starting | InstanceState::Ready | InstanceState::Restarting);
        let span = self.span.filter(|_| runs);
        self.publish.send_replace(span);
        let warning = span.and_then(|span| span.warning(now));
        self.warn.send_if_modified(|told| std::mem::replace(told, warning) != warning);
        span.and_then(|span| span.over(now))
    }

    async fn end(self, why: EndingReason) {
        info!(?why, "the time of an instance is over");
        self.scene.save_now().await;
        self.instance.stop(StopReason::Over(why));
    }
}

fn since(then: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(clock::now().0 - then.0).unwrap_or(0))
}

fn deadline(draining: Draining) -> Option<Instant> {
    let left_ms = draining.until?.0 - clock::now().0;
    Some(Instant::now() + Duration::from_millis(u64::try_from(left_ms).unwrap_or(0)))
}
