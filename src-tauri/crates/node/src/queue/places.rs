//! Tickets as their owners read them, and what is said to those who get none. Pure.

use cluster::{Ticket, TicketState, line::Full, wait::Lives};
use protocol::api::{LaunchRequest, Problem, TicketStage, TicketView};

use crate::problem::problem;

/// `None` when it is over. The wait is that of an instance's life here, spread over all `slots`.
pub(super) fn view(ticket: &Ticket, lives: &Lives, slots: u32) -> Option<TicketView> {
    let seconds = |wait: std::time::Duration| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    let (stage, position, held_s) = match ticket.state {
        TicketState::Waiting { position } => (TicketStage::Waiting, position, None),
        TicketState::Held { lasts, .. } => (TicketStage::Held, 0, Some(seconds(lasts))),
        TicketState::Lapsed => (TicketStage::Lapsed, 0, None),
        TicketState::Claimed => return None,
    };
    // What another version of this program wrote may have words that this one does not know.
    let wish: LaunchRequest = serde_json::from_value(ticket.wish.launch.clone()).unwrap_or_default();
    let eta_s = match stage {
        TicketStage::Waiting => lives.wait(position, slots).map(seconds),
        TicketStage::Held | TicketStage::Lapsed => None,
    };
    Some(TicketView {
        ticket_id: ticket.id,
        state: stage,
        position,
        eta_s,
        held_s,
        build: wish.build,
        profile: wish.profile,
    })
}

pub(super) fn no_ticket() -> Problem {
    problem(
        404,
        "Unknown ticket",
        "There is no such place in the queue (any more): launch again from the home page.",
    )
}

pub(super) fn not_yet() -> Problem {
    problem(
        409,
        "Not your turn",
        "No slot is held for this place: it is not its turn yet, or nobody came for the slot in time.",
    )
}

pub(super) fn no_place(full: Full) -> Problem {
    match full {
        Full::Session => problem(
            429,
            "You are waiting already",
            "You have a place in the queue already. Wait for your turn, or leave the queue first.",
        ),
        Full::Queue => problem(
            503,
            "The queue is full",
            "All places are taken, and as many people wait as may. Try again later.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cluster::Wish;
    use model::{SecretHash, ServerId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_place_is_told_with_a_wait_only_when_it_is_known() {
        let mut lives = Lives::default();
        let of = |state| Ticket {
            id: Uuid::nil(),
            wish: Wish {
                session: SecretHash([1; 32]),
                launch: json!({ "build": "demo", "later": 1 }),
                accepts: None,
            },
            state,
        };
        let waiting = of(TicketState::Waiting { position: 2 });
        assert_eq!(view(&waiting, &lives, 2).and_then(|view| view.eta_s), None);
        for _ in 0..3 {
            lives.ended(Duration::from_secs(300));
        }
        let shown = view(&waiting, &lives, 2);
        assert_eq!(
            shown.map(|view| (view.state, view.position, view.eta_s)),
            Some((TicketStage::Waiting, 2, Some(300)))
        );
        let held = of(TicketState::Held { server: ServerId(Uuid::nil()), lasts: Duration::from_secs(60) });
        assert_eq!(view(&held, &lives, 2).map(|view| (view.eta_s, view.held_s)), Some((None, Some(60))));
        assert_eq!(view(&of(TicketState::Claimed), &lives, 2), None);
    }
}
