//! The signaling socket, from the browser's side.

use std::time::Duration;

use futures_util::SinkExt;
use proptest::{
    prelude::*,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use protocol::signal::{ByeReason, MAX_MESSAGE_BYTES, RefusalReason, ServerMessage, ViewerMessage};
use reqwest::Method;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{Heard, House, Viewer, node::Order, problem, until};
use crate::{
    app::Tuning,
    limits::{Cap, Rate},
};

const POLICY: u16 = 1008;
const TWICE: Rate = Rate { burst: 2, per_s: 1.0 / 3600.0 };

#[tokio::test]
async fn hello_is_welcomed_and_messages_go_both_ways() {
    let house = House::open().await;
    let mut viewer = house.welcomed().await;
    viewer.say(r#"{"type":"ping"}"#).await;
    assert!(matches!(viewer.hears().await, Heard::Said(ServerMessage::Pong)));
    viewer.say(r#"{"type":"answer","sdp":"v=0"}"#).await;
    viewer.say(r#"{"type":"visible","visible":false}"#).await;
    until(|| house.node.heard().len() == 2).await;
    assert_eq!(house.node.heard()[0], ViewerMessage::Answer { sdp: "v=0".to_owned() });
    assert!(house.node.attended_from.lock().unwrap()[0].ip().is_loopback());

    viewer.0.close(None).await.unwrap();
    until(|| house.node.open_sessions() == 0).await;
}

#[tokio::test]
async fn an_unknown_type_is_ignored_and_counted() {
    let house = House::open().await;
    let mut viewer = house.welcomed().await;
    viewer.say(r#"{"type":"wave","hands":2}"#).await;
    viewer.say(r#"{"type":"ping"}"#).await;
    assert!(matches!(viewer.hears().await, Heard::Said(ServerMessage::Pong)));
    let text = house.ask(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("openspace_gateway_unknown_messages_total 1"), "{text}");
    assert!(text.contains("openspace_gateway_open_sockets 1"), "{text}");
}

#[tokio::test]
async fn broken_rules_close_the_socket_with_1008_and_a_reason() {
    let house = House::open().await;
    let long = format!(r#"{{"type":"answer","sdp":"{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
    for (message, says) in [
        (Message::text("{"), "JSON"),
        (Message::text(r#"{"type":"answer"}"#), "sdp"),
        (Message::text(r#"{"type":"hello","protocol":1,"session_id":"x"}"#), "once"),
        (Message::text(long), "65536"),
        (Message::binary(vec![1, 2, 3]), "text"),
    ] {
        let mut viewer = house.welcomed().await;
        viewer.0.send(message).await.unwrap();
        let (code, reason) = viewer.closed().await;
        assert_eq!(code, POLICY, "{reason}");
        assert!(reason.contains(says), "{reason}");
    }
    until(|| house.node.open_sessions() == 0).await;
}

#[tokio::test]
async fn a_message_of_megabytes_is_not_taken_in() {
    let house = House::open().await;
    let mut viewer = house.welcomed().await;
    // The server may hang up while it is still being sent.
    let _ = viewer.0.send(Message::text("x".repeat(3 << 20))).await;
    until(|| house.node.open_sessions() == 0).await;
    assert_eq!(house.gateway.app.viewers.len(), 0);
}

#[tokio::test]
async fn too_many_messages_end_the_socket() {
    let house =
        House::tuned(Tuning { messages: Rate { burst: 10, per_s: 0.001 }, ..Tuning::default() }).await;
    let mut viewer = house.welcomed().await;
    for _ in 0..11 {
        viewer.say(r#"{"type":"later"}"#).await;
    }
    assert!(matches!(
        viewer.hears().await,
        Heard::Said(ServerMessage::Bye { reason: ByeReason::TooManyMessages })
    ));
    assert_eq!(viewer.closed().await.0, POLICY);
}

#[tokio::test]
async fn whoever_says_no_hello_is_closed() {
    let house = House::tuned(Tuning { hello_within: Duration::from_millis(50), ..Tuning::default() }).await;
    let mut viewer = house.viewer().await;
    let (code, reason) = viewer.closed().await;
    assert_eq!((code, reason.contains("hello")), (POLICY, true), "{reason}");
}

#[tokio::test]
async fn refusals_are_said_before_the_socket_closes() {
    let house = House::open().await;
    let stale = format!(r#"{{"type":"hello","protocol":1,"session_id":"{}"}}"#, "A".repeat(43));
    let foreign = format!(r#"{{"type":"hello","protocol":1,"session_id":"{}"}}"#, house.ben());
    for (first, wanted) in [
        (r#"{"type":"hello","protocol":9,"session_id":"x"}"#, RefusalReason::UnsupportedProtocol),
        (&stale, RefusalReason::StaleSession),
        (&foreign, RefusalReason::NotFound),
        (r#"{"type":"ping"}"#, RefusalReason::Malformed),
        ("hello?", RefusalReason::Malformed),
        (r#"{"type":"hello","protocol":1}"#, RefusalReason::Malformed),
    ] {
        let mut viewer = house.viewer().await;
        viewer.say(first).await;
        match viewer.hears().await {
            Heard::Said(ServerMessage::Refused { reason, message, .. }) => {
                assert_eq!(reason, wanted);
                assert!(message.contains(' '), "{message}");
            }
            other => panic!("{first}: {other:?}"),
        }
        viewer.closed().await;
    }
}

#[tokio::test]
async fn a_socket_that_cannot_be_opened_gets_a_problem_document() {
    let house = House::open().await;
    let plain = house.ask(Method::GET, &format!("/api/v1/instances/{}/signal", house.node.instance));
    assert!(problem(plain.send().await.unwrap(), 426).await.contains("WebSocket"));

    let no_uuid = house.signal_url().replace(&house.node.instance.to_string(), "nonsense");
    let (status, body) = house.refused_upgrade(&no_uuid, &[]).await;
    assert_eq!(status, 404);
    assert!(body["detail"].as_str().unwrap().contains("UUID"));
}

#[tokio::test]
async fn only_own_and_allowed_pages_open_sockets() {
    let house = House::open().await;
    for origin in ["http://evil.example", "null", "https://127.0.0.1"] {
        assert_eq!(
            house.refused_upgrade(&house.signal_url(), &[("origin", origin)]).await.0,
            403,
            "{origin}"
        );
    }
    for origin in [house.base.as_str(), "tauri://localhost"] {
        use tokio_tungstenite::tungstenite::client::IntoClientRequest;
        let mut request = house.signal_url().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let mut viewer = Viewer(connect_async(request).await.unwrap().0);
        viewer.hello(house.ann()).await;
        assert!(matches!(viewer.hears().await, Heard::Said(ServerMessage::Welcome { .. })), "{origin}");
    }
}

#[tokio::test]
async fn one_address_opens_so_many_sockets_and_gets_their_places_back() {
    let house = House::tuned(Tuning { sockets: Cap { each: 1, total: 5 }, ..Tuning::default() }).await;
    let first = house.welcomed().await;
    let (status, body) = house.refused_upgrade(&house.signal_url(), &[]).await;
    assert_eq!((status, body["status"].as_u64()), (429, Some(429)));
    drop(first);
    until(|| house.gateway.app.open_now().sockets == 0).await;
    house.welcomed().await;
}

#[tokio::test]
async fn failed_hellos_are_limited_by_address() {
    let house = House::tuned(Tuning { hellos: TWICE, ..Tuning::default() }).await;
    for _ in 0..2 {
        let mut viewer = house.viewer().await;
        viewer.hello("stale").await;
        viewer.closed().await;
    }
    assert_eq!(house.refused_upgrade(&house.signal_url(), &[]).await.0, 429);
}

#[tokio::test]
async fn when_the_node_ends_the_session_the_socket_closes_normally() {
    let house = House::open().await;
    let mut viewer = house.welcomed().await;
    house.node.orders.send(Order::EndSessions).unwrap();
    assert_eq!(viewer.closed().await.0, 1000);
}

#[tokio::test]
async fn closing_the_doors_says_goodbye() {
    let house = House::open().await;
    let mut viewer = house.welcomed().await;
    let closing = tokio::spawn(house.gateway.close());
    assert!(matches!(viewer.hears().await, Heard::Said(ServerMessage::Bye { reason: ByeReason::Shutdown })));
    assert_eq!(viewer.closed().await.0, 1001);
    closing.await.unwrap();
}

#[tokio::test]
async fn a_viewer_that_answers_no_pings_is_given_up() {
    let tuning = Tuning {
        ping_every: Duration::from_millis(50),
        // Longer than a busy machine lets a task wait for its turn.
        silence: Duration::from_secs(4),
        ..Tuning::default()
    };
    let house = House::tuned(tuning).await;
    // Nobody polls this socket after the welcome, so that it answers nothing, as if its network were gone.
    let silent = house.welcomed().await;
    let mut lively = house.welcomed().await;
    let gone = until(|| house.node.open_sessions() == 1);
    tokio::select! {
        () = gone => {}
        heard = lively.hears() => panic!("the one that answers pings hears {heard:?}"),
    }
    lively.say(r#"{"type":"ping"}"#).await;
    assert!(
        matches!(lively.hears().await, Heard::Said(ServerMessage::Pong)),
        "the one that answers pings stays"
    );
    drop(silent);
}

#[tokio::test]
async fn a_viewer_that_does_not_read_is_dropped_and_delays_nobody() {
    let house = House::tuned(Tuning { send_within: Duration::from_millis(300), ..Tuning::default() }).await;
    let slow = house.welcomed().await;
    house.node.orders.send(Order::Flood).unwrap();
    let mut other = house.welcomed().await;
    other.say(r#"{"type":"ping"}"#).await;
    assert!(matches!(other.hears().await, Heard::Said(ServerMessage::Pong)));
    until(|| house.node.open_sessions() == 1).await;
    drop(slow);
}

/// What a stranger may send in place of a hello: text, bytes, near misses.
fn strange() -> impl Strategy<Value = Message> {
    prop_oneof![
        ".{0,200}".prop_map(Message::text),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Message::binary),
        r#"\{"type":"(hello|ping|answer)","[a-z_]{1,10}":[0-9]{1,30}\}"#.prop_map(Message::text),
        r#"\{"type":"hello","protocol":1,"session_id":"[^"\\]{0,60}"\}"#.prop_map(Message::text),
    ]
}

#[tokio::test]
async fn strange_first_messages_are_answered_and_leave_nothing_behind() {
    let plenty = Rate { burst: 1000, per_s: 1000.0 };
    let house = House::tuned(Tuning { hellos: plenty, ..Tuning::default() }).await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let message = strange().new_tree(&mut runner).unwrap().current();
        let mut viewer = house.viewer().await;
        viewer.0.send(message.clone()).await.unwrap();
        let heard = viewer.hears().await;
        assert!(matches!(heard, Heard::Said(ServerMessage::Refused { .. })), "{message:?}: {heard:?}");
        viewer.closed().await;
    }
    until(|| house.gateway.app.open_now().sockets == 0).await;
    house.welcomed().await;
}
