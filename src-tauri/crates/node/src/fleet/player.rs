//! A player (WHEP) of an instance that another machine has: asked and left here, judged and answered there.

use gateway::Playing;
use model::{InstanceId, ServerId};
use protocol::api::Problem;

use super::{
    Fleet, unexpected, viewer,
    words::{Asker, Question, Reply},
};

impl Fleet {
    /// Its picture comes from that machine, through this one where that is the only way.
    pub async fn play(
        &self,
        at: ServerId,
        by: Asker,
        id: InstanceId,
        offer: &str,
    ) -> Result<Playing, Problem> {
        let question = Question::Play { id, offer: offer.to_owned() };
        match self.converse(at, by, question).await? {
            (Reply::Playing { viewer, answer }, stream) => {
                let way = match self.place(at) {
                    Ok(place) => self.way(&place).await,
                    Err(_) => None,
                };
                let answer = match way {
                    Some(way) => way.told_in(answer).await,
                    None => answer,
                };
                Ok(Playing { viewer, answer, channel: viewer::channel(stream) })
            }
            (other, _) => Err(unexpected(&other).into()),
        }
    }
}
