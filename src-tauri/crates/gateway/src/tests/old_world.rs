//! The old back end's door: one request a connection, every one answered, and no web page comes in.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};

use super::{House, config};
use crate::app::Tuning;

impl House {
    fn old_door(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.gateway.supervisor_port().unwrap())
    }

    /// As the old back end does it: connect, ask, read, and the connection is over.
    async fn ask_the_old_way(&self, message: impl Into<Message>) -> Option<String> {
        let mut socket = connect_async(self.old_door()).await.unwrap().0;
        socket.send(message.into()).await.unwrap();
        let answer = match socket.next().await {
            Some(Ok(Message::Text(text))) => Some(text.to_string()),
            _ => None,
        };
        while let Some(Ok(_)) = socket.next().await {}
        answer
    }
}

#[tokio::test]
async fn the_old_back_end_gets_one_answer_a_connection_whatever_it_says() {
    let house = House::open().await;
    for (asked, answered) in [
        (r#"{"command":"START"}"#, r#"{"command":"START","error":"none","id":0}"#),
        (
            r#"{"command":"STATUS","id":0}"#,
            r#"{"command":"STATUS","error":"none","id":0,"status":"RUNNING"}"#,
        ),
        (r#"{"command":"STOP","id":-1}"#, r#"{"command":"STOP","error":"invalid id","id":-1}"#),
        (r#"{"command":"STOP"}"#, r#"{"command":"STOP","error":"invalid id","id":-1}"#),
        (
            r#"{"command":"SERVER_STATUS"}"#,
            r#"{"command":"SERVER_STATUS","error":"none","id":0,"running":1,"total":3}"#,
        ),
        ("not json", r#"{"error":"json decode error"}"#),
    ] {
        assert_eq!(house.ask_the_old_way(asked).await.as_deref(), Some(answered), "{asked}");
    }
    let bytes = house.ask_the_old_way(Message::binary(vec![0xff; 8])).await;
    assert_eq!(bytes.as_deref(), Some(r#"{"error":"json decode error"}"#));
    assert_eq!(house.ask_the_old_way("x".repeat(100_000)).await, None, "too long to be read");
}

#[tokio::test]
async fn no_web_page_and_no_flood_comes_in() {
    let house = House::open().await;
    let mut request = house.old_door().into_client_request().unwrap();
    request.headers_mut().insert("origin", "http://127.0.0.1:3000".parse().unwrap());
    let Err(Error::Http(refused)) = connect_async(request).await else { panic!("a page came in") };
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);

    let tuning = Tuning::default();
    let slow = crate::limits::Rate { burst: 2, per_s: 0.001 };
    let house = House::with(config(), Tuning { old_commands: slow, ..tuning }).await;
    for _ in 0..2 {
        assert!(house.ask_the_old_way(r#"{"command":"SERVER_STATUS"}"#).await.is_some());
    }
    let Err(Error::Http(refused)) = connect_async(house.old_door()).await else { panic!("a flood came in") };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}
