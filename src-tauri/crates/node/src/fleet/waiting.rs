//! A page whose instance is lost with its machine waits here: it is told so, and comes again when that changes.

use std::sync::Arc;

use gateway::{Caller, ViewerChannel};
use model::{InstanceId, InstanceState, Role, ViewerId};
use protocol::{
    api::InstanceView,
    signal::{InstanceNews, ServerMessage, ViewerMessage},
};
use tokio::sync::{mpsc, watch};

use super::Others;

/// A page says little while it waits.
const QUEUE: usize = 8;

/// `viewer` is who the page was: its picture may still come from the machine that only we have lost.
pub fn room(
    mut others: watch::Receiver<Arc<Others>>,
    caller: Caller,
    lost: InstanceView,
    viewer: Option<ViewerId>,
) -> ViewerChannel {
    let (incoming, mut said) = mpsc::channel(QUEUE);
    let (say, outgoing) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let id = lost.instance_id;
        let welcome = ServerMessage::Welcome {
            viewer_id: viewer.unwrap_or_else(ViewerId::random),
            role: Role::Owner,
            ice_servers: Vec::new(),
            instance: news(lost),
        };
        if say.send(welcome).await.is_err() {
            return;
        }
        // The socket is closed when this ends, and the page comes again.
        loop {
            tokio::select! {
                message = said.recv() => match message {
                    Some(ViewerMessage::Ping) => if say.send(ServerMessage::Pong).await.is_err() { return },
                    Some(_) => {}
                    None => return,
                },
                gone = others.changed() => {
                    if gone.is_err() || !is_lost(&others.borrow_and_update(), &caller, id) {
                        return;
                    }
                }
            }
        }
    });
    ViewerChannel { incoming, outgoing }
}

fn is_lost(others: &Others, caller: &Caller, id: InstanceId) -> bool {
    others.one(caller, id).is_some_and(|view| view.state == InstanceState::Lost)
}

fn news(view: InstanceView) -> InstanceNews {
    InstanceNews {
        instance_id: view.instance_id,
        state: view.state,
        phase: None,
        progress: None,
        detail: None,
        attempt: view.attempt,
        message: view.message,
        build_name: view.build_name,
        demo: view.demo,
        rescue: view.rescue,
        has_scene: true,
    }
}
