//! Server-sent events over real connections.

use std::time::Duration;

use futures_util::StreamExt;
use protocol::api::Event;
use reqwest::{Method, Response};

use super::{House, PATIENCE, problem, until};
use crate::{app::Tuning, limits::Cap};

#[tokio::test]
async fn the_first_event_is_everything_and_then_come_changes() {
    let house = House::open().await;
    let response = house.get("/api/v1/events", house.ann()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut events = Reader::new(response);
    let first = events.next_containing("event: instances").await;
    assert!(first.contains(&house.node.instance.to_string()));
    house.node.events.send(Event::Removed { instance_id: house.node.instance }).unwrap();
    let second = events.next_containing("event: removed").await;
    assert!(second.contains(r#"data: {"type":"removed""#), "{second}");

    let mut foreign = Reader::new(house.get("/api/v1/events", house.ben()).await);
    let empty = foreign.next_containing("event: instances").await;
    assert!(empty.contains(r#""list":[]"#), "{empty}");
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive() {
    let house = House::tuned(Tuning { heartbeat: Duration::from_millis(20), ..Tuning::default() }).await;
    let mut events = Reader::new(house.get("/api/v1/admin/events", house.admin()).await);
    assert!(events.next_containing("event: snapshot").await.contains(r#""slots_total":1"#));
    events.next_containing(":").await;
    events.next_containing(":").await;
}

#[tokio::test]
async fn one_address_opens_so_many_streams_and_gets_their_places_back() {
    let house = House::tuned(Tuning { event_streams: Cap { each: 2, total: 10 }, ..Tuning::default() }).await;
    let first = house.get("/api/v1/events", house.ann()).await;
    let second = house.get("/api/v1/events", house.ann()).await;
    let third = house.get("/api/v1/events", house.ann()).await;
    assert!(third.headers().contains_key("retry-after"));
    problem(third, 429).await;
    drop(first);
    until(|| house.gateway.app.open_now().event_streams == 1).await;
    assert_eq!(house.get("/api/v1/events", house.ann()).await.status(), 200);
    drop(second);
}

#[tokio::test]
async fn closing_the_doors_ends_the_streams() {
    let house = House::open().await;
    let mut events = Reader::new(house.get("/api/v1/events", house.ann()).await);
    events.next_containing("event: instances").await;
    let (client, base) = (house.client.clone(), house.base.clone());
    tokio::time::timeout(PATIENCE, house.gateway.close()).await.unwrap();
    events.ended().await;
    assert!(client.request(Method::GET, base).send().await.is_err(), "the port is closed");
}

/// Reads a stream piece by piece.
struct Reader {
    stream: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Reader {
    fn new(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        Self { stream: response.bytes_stream().boxed(), text: String::new() }
    }

    /// The next block that contains `what`.
    async fn next_containing(&mut self, what: &str) -> String {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if block.contains(what) {
                    return block;
                }
            }
            let piece = tokio::time::timeout(PATIENCE, self.stream.next()).await.unwrap().unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    async fn ended(&mut self) {
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        tokio::time::timeout(PATIENCE, rest).await.unwrap();
    }
}
