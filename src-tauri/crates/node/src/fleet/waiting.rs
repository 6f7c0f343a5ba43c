//! A page whose instance is lost with its machine waits here: it is told so, and comes again when that changes.

use std::{sync::Arc, time::Duration};

use gateway::ViewerChannel;
use model::{Role, ViewerId};
use protocol::{
    api::{TicketStage, TicketView},
    signal::{InstanceNews, ServerMessage, ViewerMessage},
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use uuid::Uuid;

use super::{Lost, Others};
use crate::queue::{By, Queue};

/// A page says little while it waits.
const QUEUE: usize = 8;
/// What could not go on elsewhere is tried again this soon; a place in the queue is looked at as often as its machine does.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What becomes of it by itself, besides that its machine comes back.
#[derive(Debug)]
pub enum Prospect {
    /// Nothing: somebody has to say so.
    None,
    /// It was to go on elsewhere and could not; why.
    Again(String),
    /// It goes on elsewhere when its turn comes.
    Turn(Box<Turn>),
}

/// A place in the queue that nobody but this room knows.
#[derive(Debug)]
pub struct Turn {
    pub queue: Queue,
    pub by: By,
    pub ticket: Uuid,
}

/// `viewer` is who the page was: its picture may still come from the machine that only we have lost.
pub fn room(
    others: watch::Receiver<Arc<Others>>,
    lost: Lost,
    viewer: Option<ViewerId>,
    prospect: Prospect,
) -> ViewerChannel {
    let (incoming, said) = mpsc::channel(QUEUE);
    let (say, outgoing) = mpsc::channel(QUEUE);
    // The socket is closed when this ends, and the page comes again.
    tokio::spawn(async move {
        let welcome = ServerMessage::Welcome {
            viewer_id: viewer.unwrap_or_else(ViewerId::random),
            role: Role::Owner,
            ice_servers: Vec::new(),
            instance: news(&lost, &prospect, None),
        };
        if say.send(welcome).await.is_err() {
            return;
        }
        let id = lost.view.instance_id;
        tokio::select! {
            () = listen(said, &say) => {}
            () = until(others, |others| !others.is_lost(id)) => {}
            () = follow(&lost, &prospect, &say) => {}
        }
        if let Prospect::Turn(turn) = &prospect {
            turn.give_up().await;
        }
    });
    ViewerChannel { incoming, outgoing }
}

/// Until the page goes.
async fn listen(mut said: mpsc::Receiver<ViewerMessage>, say: &mpsc::Sender<ServerMessage>) {
    while let Some(message) = said.recv().await {
        if matches!(message, ViewerMessage::Ping) && say.send(ServerMessage::Pong).await.is_err() {
            return;
        }
    }
}

async fn until(mut others: watch::Receiver<Arc<Others>>, what: impl Fn(&Others) -> bool) {
    let _ = others.wait_for(|others| what(others)).await;
}

/// Until the page is to come again.
async fn follow(lost: &Lost, prospect: &Prospect, say: &mpsc::Sender<ServerMessage>) {
    match prospect {
        Prospect::None => std::future::pending().await,
        Prospect::Again(_) => sleep(AGAIN_AFTER).await,
        Prospect::Turn(turn) => {
            let mut told = None;
            while let Some(place) = turn.look().await {
                if told.replace(place) != Some(place) {
                    let news = news(lost, prospect, Some(place));
                    if say.send(ServerMessage::Instance(news)).await.is_err() {
                        return;
                    }
                }
                sleep(LOOK_EVERY).await;
            }
        }
    }
}

impl Turn {
    /// Its number; `None` when it goes on elsewhere, or has to be tried anew.
    async fn look(&self) -> Option<u32> {
        match self.queue.look(self.by, self.ticket).await {
            Ok(TicketView { state: TicketStage::Waiting, position, .. }) => Some(position),
            Ok(TicketView { state: TicketStage::Held, .. }) => {
                if let Err(why) = self.queue.claim(self.by, self.ticket).await {
                    tracing::info!(ticket = %self.ticket, why = why.detail, "what was to go on elsewhere does not yet");
                }
                None
            }
            Ok(TicketView { state: TicketStage::Lapsed, .. }) | Err(_) => None,
        }
    }

    async fn give_up(&self) {
        // What is not known any more is given up already.
        let _ = self.queue.leave(self.by, self.ticket).await;
    }
}

fn news(lost: &Lost, prospect: &Prospect, place: Option<u32>) -> InstanceNews {
    let view = &lost.view;
    let further = match (prospect, place) {
        (Prospect::None, _) => None,
        (Prospect::Again(why), _) => {
            Some(format!("It does not go on elsewhere yet: {why} It is tried again every few seconds."))
        }
        (Prospect::Turn(_), None) => {
            Some("All other machines are full: it goes on when its turn comes.".to_owned())
        }
        (Prospect::Turn(_), Some(place)) => Some(format!(
            "All other machines are full: it goes on when its turn comes, and is number {place} in the queue."
        )),
    };
    let message = view.message.iter().cloned().chain(further).collect::<Vec<_>>().join(" ");
    InstanceNews {
        instance_id: view.instance_id,
        state: view.state,
        phase: None,
        progress: None,
        detail: None,
        attempt: view.attempt,
        message: Some(message).filter(|message| !message.is_empty()),
        build_name: view.build_name.clone(),
        demo: view.demo,
        rescue: view.rescue.filter(|_| !matches!(prospect, Prospect::Turn(_))),
        has_scene: lost.has_scene,
    }
}
