//! The connection comes back by itself, and says since when it was away.

use std::time::Duration;

use e2e::Postgres;
use model::UnixMillis;
use registry::{Link, LinkState, Trouble};
use tokio::{sync::watch, time::timeout};

use crate::support::{address, beat, open, row};

const WITHIN: Duration = Duration::from_secs(60);

async fn until(state: &mut watch::Receiver<LinkState>, wanted: impl Fn(&LinkState) -> bool) -> LinkState {
    timeout(WITHIN, state.wait_for(wanted)).await.unwrap().unwrap().clone()
}

fn is_up(state: &LinkState) -> bool {
    state.registry().is_some()
}

#[tokio::test]
async fn a_registry_that_dies_hangs_or_is_not_set_up_yet_is_reached_again() {
    let mut postgres = Postgres::start().unwrap();
    let mine = row(4699, 1);
    let link = Link::open(address(&postgres), || UnixMillis(42));
    let mut state = link.state();
    until(&mut state, |state| matches!(state, LinkState::Down { why: Trouble::NotSetUp, .. })).await;
    let (_, generations) = open(&postgres, std::slice::from_ref(&mine)).await;
    until(&mut state, is_up).await;

    postgres.down().unwrap();
    let down = until(&mut state, |state| matches!(state, LinkState::Down { .. })).await;
    assert!(
        matches!(&down, LinkState::Down { why: Trouble::Unreachable { .. }, since: UnixMillis(42) }),
        "{down:?}"
    );
    postgres.up().unwrap();
    let up = until(&mut state, is_up).await;

    // It keeps its connections and answers nothing: a question is given up, and so is the connection.
    postgres.freeze().unwrap();
    let asked = up.registry().unwrap().heartbeat(&beat(&mine, generations[0])).await;
    assert!(matches!(asked, Err(Trouble::Unreachable { .. })), "{asked:?}");
    assert!(up.registry().unwrap().is_over(), "nobody waits behind that question");
    until(&mut state, |state| !is_up(state)).await;
    postgres.thaw().unwrap();
    let up = until(&mut state, is_up).await;
    assert!(up.registry().unwrap().heartbeat(&beat(&mine, generations[0])).await.is_ok());
}
