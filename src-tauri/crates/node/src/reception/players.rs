//! Players that offer by themselves (WHEP): who may watch, and what an offer that cannot be answered is told.

use gateway::{Playing, Reception};
use model::{InstanceId, Role, SecretHash, ViewerId};
use protocol::api::Problem;
use streaming::{OfferError, PeerSpec};

use super::Desk;
use crate::{
    problem::{journal, problem},
    rows::Row,
    session::{Player, Session, Viewer},
    socket::Socket,
    views::sentence,
};

impl Desk {
    pub(super) async fn let_play(
        &self,
        instance: InstanceId,
        bearer: SecretHash,
        offer: &str,
    ) -> Result<Playing, Problem> {
        let row = self.watched(instance, bearer).await?;
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

    /// The instance that a player may watch with this token.
    async fn watched(&self, id: InstanceId, bearer: SecretHash) -> Result<Row, Problem> {
        if let Some(caller) = self.identify(bearer).await? {
            return self.visible(&caller, id);
        }
        let invite = self.invitations.find(bearer).await.map_err(journal)?;
        let invite = invite.ok_or_else(|| {
            let detail =
                "The token is no session, no invitation and no administrator's token, or it has ended.";
            problem(401, "Unknown token", detail)
        })?;
        if invite.instance != id {
            let detail = "The invitation is for another instance. Ask for a link to this one.";
            return Err(problem(403, "Not allowed", detail));
        }
        self.roster.row(id).ok_or_else(|| {
            problem(404, "Unknown instance", "There is no such instance. It may have been stopped.")
        })
    }
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
