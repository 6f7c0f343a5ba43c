//! WHEP as players speak it.

use reqwest::{Method, RequestBuilder, Response};

use super::{
    House,
    node::{ANSWER, OFFER, Order},
    problem, until,
};
use crate::{app::Tuning, limits::Cap};

const FRAGMENT: &str = "a=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\n";

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

impl House {
    fn endpoint(&self) -> String {
        format!("/whep/{}", self.node.instance)
    }

    fn play(&self, token: &str, offer: &str) -> RequestBuilder {
        let request = self.ask(Method::POST, &self.endpoint()).bearer_auth(token);
        request.header("content-type", "application/sdp").body(offer.to_owned())
    }

    /// The address and the tag of a session.
    async fn playing(&self) -> (String, String) {
        let response = self.play(self.ann(), OFFER).send().await.unwrap();
        assert_eq!(response.status(), 201);
        (header(&response, "location").to_owned(), header(&response, "etag").to_owned())
    }

    fn patch(&self, at: &str, tag: &str, fragment: &str) -> RequestBuilder {
        let request = self.ask(Method::PATCH, at).bearer_auth(self.ann()).header("if-match", tag);
        request.header("content-type", "application/trickle-ice-sdpfrag").body(fragment.to_owned())
    }

    async fn until_sessions(&self, count: usize) {
        until(|| self.node.open_sessions() == count).await;
    }
}

#[tokio::test]
async fn a_player_is_answered_trickles_and_leaves() {
    let house = House::open().await;
    let response = house.play(house.ann(), OFFER).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "content-type")), (201, "application/sdp"));
    let (at, tag) = (header(&response, "location").to_owned(), header(&response, "etag").to_owned());
    assert!(at.starts_with(&format!("{}/", house.endpoint())), "{at}");
    assert_eq!(header(&response, "accept-patch"), "application/trickle-ice-sdpfrag");
    let link = r#"<turn:turn.example:3478>; rel="ice-server"; username="u"; credential="pw""#;
    assert_eq!(header(&response, "link"), link);
    assert_eq!(response.text().await.unwrap(), ANSWER);
    house.until_sessions(1).await;

    assert_eq!(house.patch(&at, &tag, FRAGMENT).send().await.unwrap().status(), 204);
    assert_eq!(house.ask(Method::DELETE, &at).bearer_auth(house.ann()).send().await.unwrap().status(), 200);
    house.until_sessions(0).await;
    problem(house.ask(Method::DELETE, &at).bearer_auth(house.ann()).send().await.unwrap(), 404).await;
    problem(house.patch(&at, &tag, FRAGMENT).send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn what_a_player_may_send_is_told_and_ice_servers_to_those_who_are_known() {
    let house = House::open().await;
    let asked = house.ask(Method::OPTIONS, &house.endpoint());
    let stranger = asked.try_clone().unwrap().send().await.unwrap();
    assert_eq!((stranger.status().as_u16(), header(&stranger, "accept-post")), (204, "application/sdp"));
    assert_eq!(header(&stranger, "link"), "");
    let known = asked.bearer_auth(house.ann()).send().await.unwrap();
    assert!(header(&known, "link").contains("rel=\"ice-server\""));
}

#[tokio::test]
async fn what_is_no_offer_is_refused_with_the_status_that_players_understand() {
    let house = House::open().await;
    let send = |request: RequestBuilder| async move { request.send().await.unwrap() };
    let json = house.ask(Method::POST, &house.endpoint()).bearer_auth(house.ann()).json(&OFFER);
    assert!(problem(send(json).await, 415).await.contains("application/sdp"));
    problem(send(house.play(house.ann(), OFFER).header("accept", "text/html")).await, 406).await;
    problem(send(house.play(house.ann(), &"x".repeat(70_000))).await, 413).await;
    problem(send(house.play(house.ann(), "v=0")).await, 422).await;
    problem(send(house.play(house.ben(), OFFER)).await, 404).await;
    problem(send(house.play("guess", OFFER)).await, 401).await;
    problem(send(house.ask(Method::POST, &house.endpoint()).body(OFFER)).await, 401).await;
    problem(send(house.ask(Method::POST, "/whep/x").bearer_auth(house.ann()).body(OFFER)).await, 404).await;
    problem(send(house.ask(Method::GET, &house.endpoint()).bearer_auth(house.ann())).await, 405).await;
    let fits = house.play(house.ann(), OFFER).header("accept", "text/html, application/SDP;q=0.5");
    assert_eq!(send(fits).await.status(), 201);
    assert_eq!(house.node.open_sessions(), 1);
}

#[tokio::test]
async fn a_fragment_has_to_fit_its_session() {
    let house = House::open().await;
    let (at, tag) = house.playing().await;
    let another = FRAGMENT.replace("abcd", "efgh");
    for (request, status) in [
        (house.patch(&at, "\"another\"", FRAGMENT), 412),
        (house.patch(&at, "*", FRAGMENT), 422),
        (house.patch(&at, &tag, &another), 422),
        (house.patch(&at, &tag, "hello"), 400),
        (house.ask(Method::PATCH, &at).bearer_auth(house.ben()).body(FRAGMENT), 404),
        (house.ask(Method::PATCH, &at).bearer_auth(house.ann()).body(FRAGMENT), 415),
    ] {
        let answered = request.send().await.unwrap().status().as_u16();
        assert_eq!(answered, status);
    }
    let without = house.ask(Method::PATCH, &at).bearer_auth(house.ann());
    let without = without.header("content-type", "application/trickle-ice-sdpfrag").body(FRAGMENT);
    problem(without.send().await.unwrap(), 428).await;
    problem(house.ask(Method::DELETE, &at).bearer_auth(house.ben()).send().await.unwrap(), 404).await;
    assert_eq!(house.node.open_sessions(), 1);
}

#[tokio::test]
async fn a_full_machine_says_when_to_try_again_and_a_session_that_ends_makes_room() {
    let sockets = Cap { each: 1, total: 1 };
    let house = House::tuned(Tuning { sockets, ..Tuning::default() }).await;
    let (at, tag) = house.playing().await;
    let full = house.play(house.ann(), OFFER).send().await.unwrap();
    assert_eq!(header(&full, "retry-after"), "10");
    problem(full, 503).await;
    house.until_sessions(1).await;
    house.node.orders.send(Order::EndSessions).unwrap();
    house.until_sessions(0).await;
    until(|| house.gateway.app.open_now().sockets == 0).await;
    assert_eq!(house.patch(&at, &tag, FRAGMENT).send().await.unwrap().status(), 404);
    house.playing().await;
}
