//! What the other machines ask of this one, answered. They are known by their certificates; whom they speak for is their word, and
//! what that person may do is judged here, as if it had come to this machine's own door.

use std::sync::Arc;

use gateway::{Playing, Refused, ViewerChannel};
use model::{InstanceId, Role, SecretHash, ServerId, ViewerId};
use protocol::{api::Problem, signal::RefusalReason};
use relay::{Incoming, Standing, Stream};
use tokio::sync::mpsc;
use tracing::debug;

use super::{Desk, here::Guest};
use crate::{
    elsewhere::Order,
    fleet::{
        hosted,
        words::{Ask, Asker, Picture, Question, Reply, Seat, encode},
    },
    problem::problem,
    whose::{ADMINISTRATOR, owner},
};

/// Ends with the node.
pub async fn answer(desk: Arc<Desk>, mut incoming: mpsc::Receiver<Incoming>) {
    while let Some(Incoming { from, opening, stream }) = incoming.recv().await {
        let desk = desk.clone();
        tokio::spawn(async move {
            match serde_json::from_slice(&opening) {
                Ok(ask) => serve(&desk, from, ask, stream).await,
                Err(error) => {
                    debug!(%from, %error, "another machine asked what this one does not understand");
                    let detail = "The question was not understood: both machines need the same version.";
                    drop(stream.send(encode(&Reply::No(problem(400, "Not understood", detail)))).await);
                }
            }
        });
    }
}

async fn serve(desk: &Desk, from: ServerId, ask: Ask, stream: Stream) {
    let (first, channel) = match &ask.question {
        Question::Attend { id, invite, viewer_id } => {
            match attend(desk, &ask.by, *id, invite.as_deref(), *viewer_id).await {
                Ok(channel) => (encode(&Seat::Taken), Some(channel)),
                Err(Refused { reason, message, retry_after_s }) => {
                    (encode(&Seat::Refused { reason, message, retry_after_s }), None)
                }
            }
        }
        Question::Play { id, offer } => match desk.play_for(&ask.by, *id, offer).await {
            Ok(Playing { viewer, answer, channel }) => {
                (encode(&Reply::Playing { viewer, answer }), Some(channel))
            }
            Err(problem) => (encode(&Reply::No(problem)), None),
        },
        _ => (encode(&reply(desk, from, ask).await.unwrap_or_else(Reply::No)), None),
    };
    hosted(stream, first, channel).await;
}

async fn attend(
    desk: &Desk,
    by: &Asker,
    id: InstanceId,
    invite: Option<&str>,
    viewer_id: Option<ViewerId>,
) -> Result<ViewerChannel, Refused> {
    let caller = by.caller().ok_or_else(nobody)?;
    let bearer = owner(&caller);
    let invite = invite.map(|hex| SecretHash::from_hex(hex).unwrap_or(ADMINISTRATOR));
    // Scripts in OpenSpace are for administrators of this machine itself.
    let guest = Guest { caller, bearer, invite, viewer_id, role_max: Role::Owner };
    desk.attend_here(guest, id).await
}

async fn reply(desk: &Desk, from: ServerId, ask: Ask) -> Result<Reply, Problem> {
    if let Question::Removed { list } = ask.question {
        let standing = desk.fleet.relay().standing().borrow().clone();
        if !matches!(standing, Standing::Member { founder, .. } if founder == from) {
            return Err(problem(403, "Not allowed", "Only the founder says who is removed from the fleet."));
        }
        desk.fleet.relay().take_over(list).await;
        return Ok(Reply::Done);
    }
    let caller =
        ask.by.caller().ok_or_else(|| problem(401, "Nobody asks", "The question names no session."))?;
    match ask.question {
        Question::Launch { limited, request, reservation } => {
            let order = Order { by: owner(&caller), limited, request, reservation };
            let id = desk.queue.carry_out(order).await?.id;
            desk.view_here(&caller, id).map(Box::new).map(Reply::Instance)
        }
        Question::Instance { id } => desk.view_here(&caller, id).map(Box::new).map(Reply::Instance),
        Question::Stop { id } => desk.stop_here(&caller, id).await.map(|()| Reply::Done),
        Question::Invite { id, request } => desk.invite_here(&caller, id, request).await.map(Reply::Invited),
        Question::Thumbnail { id } => {
            desk.thumbnail_here(&caller, id).await.map(|picture| Reply::Thumbnail(Picture(picture)))
        }
        Question::Attend { .. } | Question::Play { .. } | Question::Removed { .. } => {
            unreachable!("these are answered above")
        }
    }
}

fn nobody() -> Refused {
    Refused {
        reason: RefusalReason::StaleSession,
        message: "The machine of this page names no session. Reload the page.".to_owned(),
        retry_after_s: None,
    }
}
