//! What a session says and what it does about what it hears.

use std::time::Instant;

use model::{InstanceState, Size, input::Input, video::Rendition};
use protocol::{
    input::IntentReply,
    signal::{ByeReason, EndingNews, InstanceNews, QualityMode, RefusalReason, ServerMessage, ViewerMessage},
};
use streaming::{PeerEvent, Playout};
use tracing::debug;

use super::Session;
use crate::views;

impl Session {
    pub(super) async fn welcome(&mut self) {
        self.reports.mark_unchanged();
        self.minute.told = None;
        self.told_size = None;
        self.told_sound = None;
        let instance = self.news();
        self.send(ServerMessage::Welcome {
            viewer_id: self.viewer.id,
            role: self.viewer.role,
            ice_servers: self.means.ice_servers.clone(),
            instance,
        })
        .await;
        self.tell_stage().await;
        if self.ending().is_some() {
            self.tell_ending().await;
        }
    }

    /// From the viewer's socket.
    pub(super) async fn hear(&mut self, message: ViewerMessage) {
        match message {
            // The gateway has taken the first; a second changes nothing.
            ViewerMessage::Hello(_) => {}
            ViewerMessage::Answer { sdp } => self.take_answer(sdp).await,
            ViewerMessage::Candidate(candidate) => {
                if let Some((peer, _)) = &self.peer
                    && let Err(error) = peer.candidate(candidate).await
                {
                    debug!(viewer = %self.viewer.id, error = format!("{error:#}"), "a candidate is of no use");
                }
            }
            ViewerMessage::RestartIce => self.restart_ice().await,
            ViewerMessage::Control { action, viewer_id } => {
                if let Err(why) = self.member.stage.control(self.viewer.id, action, viewer_id).await {
                    self.refuse(RefusalReason::NotAllowed, why.to_owned()).await;
                }
            }
            ViewerMessage::Quality { mode } => {
                self.mode = mode;
                self.member.stage.quality(self.viewer.id, mode).await;
                self.set_playout().await;
            }
            ViewerMessage::Size { mode } => {
                if let Err(why) = self.member.stage.size(self.viewer.id, mode).await {
                    self.refuse(RefusalReason::NotAllowed, why).await;
                }
            }
            ViewerMessage::Window { width, height } => {
                self.member.stage.window(self.viewer.id, Size::new(width, height)).await;
            }
            ViewerMessage::Sound { on } => self.listens = on,
            ViewerMessage::Visible { visible } => self.visible = visible,
            ViewerMessage::Report(report) => self.keep_report(report).await,
            ViewerMessage::Stay => self.stay().await,
            ViewerMessage::Ping => self.send(ServerMessage::Pong).await,
        }
    }

    async fn take_answer(&mut self, sdp: String) {
        let Some((peer, _)) = &self.peer else { return };
        match peer.answer(sdp).await {
            Ok(codec) => {
                // Another one than before ICE was restarted needs another feed.
                if self.codec.replace(codec) != Some(codec) {
                    self.fed = None;
                }
            }
            Err(error) => {
                self.refuse(RefusalReason::Malformed, format!("The answer cannot be used: {error:#}")).await;
            }
        }
    }

    /// What the mode means for this viewer alone; what it means for the renditions is the stage's.
    pub(super) async fn set_playout(&self) {
        let playout = match self.mode {
            QualityMode::Smooth => Playout::Evenly,
            QualityMode::Auto | QualityMode::Interactive | QualityMode::Saver => Playout::AtOnce,
        };
        if let Some((peer, _)) = &self.peer {
            peer.set_playout(playout).await;
        }
    }

    async fn stay(&mut self) {
        let stayed = if self.viewer.role.may_steer() {
            self.member.life.stay().await
        } else {
            Err("Your link is for watching. Somebody who may steer can let it stay.")
        };
        if let Err(why) = stayed {
            self.refuse(RefusalReason::NotAllowed, why.to_owned()).await;
        }
    }

    pub(super) async fn tell_ending(&mut self) {
        self.warnings.mark_unchanged();
        self.drain.mark_unchanged();
        let ending = self.ending();
        self.send(ServerMessage::Ending { ending }).await;
    }

    /// What people are to be told: an end, or that their machine waits for one.
    fn ending(&self) -> Option<EndingNews> {
        let warning = self.warnings.borrow().map(|ending| views::ending_news(&ending, Instant::now()));
        let waits = self.drain.borrow().is_some_and(|draining| draining.until.is_none());
        warning.or_else(|| waits.then(views::emptied_news))
    }

    async fn restart_ice(&mut self) {
        let restarted = match &self.peer {
            Some((peer, _)) => peer.restart_ice().await.is_ok(),
            None => false,
        };
        if !restarted {
            self.open_peer().await;
        }
    }

    /// From the viewer's peer.
    pub(super) async fn notice(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Offer { sdp } => self.send(ServerMessage::Offer { sdp }).await,
            PeerEvent::Candidate(candidate) => self.send(ServerMessage::Candidate(candidate)).await,
            PeerEvent::Connected => self.set_connected(true),
            PeerEvent::Disconnected => {
                self.set_connected(false);
                self.hand(Input::ReleaseAll).await;
            }
            PeerEvent::Closed => {
                self.peer = None;
                self.life.peer_gone();
                self.fed = None;
                self.set_connected(false);
                self.hand(Input::ReleaseAll).await;
            }
            PeerEvent::Pointer(message) => self.hand(message.into()).await,
            PeerEvent::Keys(message) => self.hand(message.into()).await,
            PeerEvent::Intent(intent) => {
                if let Some(refusal) = self.wishes.take(intent) {
                    self.reply(refusal);
                }
            }
            PeerEvent::KeyframeWanted => {
                let shown = self.shown.as_ref().and_then(|shown| *shown.borrow());
                if let (Some(picture), Some(shown)) = (&self.stage.borrow().picture, shown) {
                    // On its way to another rung it waits for that one's: of the one that it leaves, all the others would pay.
                    picture.pipeline.want_keyframe(Rendition { rung: *self.rung.borrow(), ..shown });
                }
            }
            PeerEvent::Estimate(bitrate) => self.member.stage.estimate(self.viewer.id, bitrate),
            PeerEvent::BadInput { channel, why } => {
                debug!(viewer = %self.viewer.id, channel, why, "bad input dropped")
            }
        }
    }

    async fn hand(&self, input: Input) {
        self.member.stage.hand(self.viewer.id, input).await;
    }

    pub(super) fn reply(&self, reply: IntentReply) {
        if let Some((peer, _)) = &self.peer {
            peer.reply(reply);
        }
    }

    /// True when the instance is over.
    pub(super) async fn tell_instance(&mut self) -> bool {
        let report = self.reports.borrow_and_update().clone();
        self.scene.follow(&report);
        let over = report.status.state == InstanceState::Stopped;
        self.send(ServerMessage::Instance(self.news())).await;
        over
    }

    /// How the instance is, and why it shows nothing although it runs.
    fn news(&self) -> InstanceNews {
        let mut news = views::news(&self.member, &self.reports.borrow().status);
        let trouble = self.told_trouble.as_ref().map(|why| format!("The picture cannot be shown: {why}"));
        news.message = trouble.or(news.message);
        news
    }

    pub(super) async fn tell_stage(&mut self) {
        let state = self.stage.borrow_and_update().clone();
        self.send(ServerMessage::Viewers { list: state.viewers }).await;
        self.send(ServerMessage::Control { holder: state.holder }).await;
        if self.told_size.as_ref() != Some(&state.size) {
            self.told_size = Some(state.size.clone());
            self.send(ServerMessage::Size(state.size)).await;
        }
        let there = state.sound.is_some();
        if self.told_sound.replace(there) != Some(there) {
            self.send(ServerMessage::Sound { there }).await;
        }
        if state.trouble != self.told_trouble {
            self.told_trouble = state.trouble;
            self.send(ServerMessage::Instance(self.news())).await;
        }
    }

    async fn refuse(&mut self, reason: RefusalReason, message: String) {
        self.send(ServerMessage::Refused { reason, message, retry_after_s: None }).await;
    }

    pub(super) async fn bye(&mut self, reason: ByeReason) {
        self.send(ServerMessage::Bye { reason }).await;
    }
}
