//! Players that offer by themselves (WHEP): who may watch, and what an offer that cannot be answered is told.

use gateway::{Caller, Playing, Reception};
use model::{InstanceId, Role, SecretHash, ViewerId};
use protocol::api::Problem;
use streaming::{OfferError, PeerSpec};

use super::Desk;
use crate::{
    fleet::words::Asker,
    problem::{journal, problem},
    rows::Row,
    session::{Player, Session, Viewer},
    socket::Socket,
    views::sentence,
};

impl Desk {
    /// `caller`: who has shown `bearer`, unless it is an invitation.
    pub(super) async fn play_here(
        &self,
        caller: Option<Caller>,
        bearer: SecretHash,
        instance: InstanceId,
        offer: &str,
    ) -> Result<Playing, Problem> {
        let row = match caller {
            Some(caller) => self.visible(&caller, instance)?,
            None => self.invited(instance, bearer).await?,
        };
        let viewer = Viewer { id: ViewerId::random(), role: Role::Watcher, bearer };
        let spec = PeerSpec { viewer: viewer.id, codecs: self.means.codecs.clone() };
        let answered = self.means.media.answer(spec, offer).await;
        let (peer, events, answer) = answered.map_err(|error| not_answered(&error))?;
        let (socket, channel) = Socket::pair();
        let playing = Playing { viewer: viewer.id, answer: answer.sdp, channel };
        let player = Player { peer: (peer, events), codec: answer.codec };
        tokio::spawn(Session::play(viewer, row.member, self.means.clone(), socket, player));
        Ok(playing)
    }

    /// One that another machine was asked by. What it does not know may be known here.
    pub(super) async fn play_for(
        &self,
        by: &Asker,
        instance: InstanceId,
        offer: &str,
    ) -> Result<Playing, Problem> {
        let bearer = by.bearer().ok_or_else(unknown_token)?;
        let caller = match by.caller() {
            Some(caller) => Some(caller),
            None => self.identify(bearer).await?,
        };
        self.play_here(caller, bearer, instance, offer).await
    }

    /// The instance that a player may watch by an invitation.
    async fn invited(&self, id: InstanceId, bearer: SecretHash) -> Result<Row, Problem> {
        let invite = self.invitations.find(bearer).await.map_err(journal)?.ok_or_else(unknown_token)?;
        if invite.instance != id {
            let detail = "The invitation is for another instance. Ask for a link to this one.";
            return Err(problem(403, "Not allowed", detail));
        }
        self.roster.row(id).ok_or_else(|| {
            problem(404, "Unknown instance", "There is no such instance. It may have been stopped.")
        })
    }
}

fn unknown_token() -> Problem {
    let detail = "The token is no session, no invitation and no administrator's token, or it has ended.";
    problem(401, "Unknown token", detail)
}

fn not_answered(error: &OfferError) -> Problem {
    let status = match error {
        OfferError::TooLarge(_) => 413,
        OfferError::NotSdp
        | OfferError::TooManySections(_)
        | OfferError::Lacks(_)
        | OfferError::Unusable(_) => 400,
        OfferError::NoVideo | OfferError::NoCodec(_) => 422,
    };
    problem(status, "The offer cannot be answered", sentence(&error.to_string()))
}
