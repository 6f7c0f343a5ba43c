//! The one flight controller, in both generations: what it moves, and that whatever it moves comes to rest.

use model::{
    ApiGeneration,
    input::Velocities,
    launch::Api,
    scene::{SceneMode, Wish},
};
use openspace::client::{Answer, Client};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use super::{Instance, LONG, judged, running, until, wish};

const TURN: Velocities = Velocities { orbit: [0.4, 0.0], ..Velocities::REST };

#[tokio::test]
async fn a_newer_install_is_flown_and_comes_to_rest() {
    flown(ApiGeneration::New).await;
}

#[tokio::test]
async fn an_older_install_is_flown_and_comes_to_rest() {
    flown(ApiGeneration::Legacy).await;
}

async fn flown(api: ApiGeneration) {
    let Some((_root, mut instance, client)) = running(api).await else { return };

    for velocities in [
        TURN,
        Velocities { zoom: -0.5, ..Velocities::REST },
        Velocities { roll: 0.5, ..Velocities::REST },
        Velocities { pan: [0.0, 0.5], ..Velocities::REST },
    ] {
        let before = camera(&client).await;
        client.fly(velocities);
        moves_on_from(&client, &before).await;
        client.fly(Velocities::REST);
        rests(&client).await;
    }

    let before = camera(&client).await;
    client.fly(TURN);
    moves_on_from(&client, &before).await;
    rests(&client).await;

    let cut = Cut::through(&instance).await;
    let pilot = Client::connect(cut.api, LONG).await.unwrap();
    let before = camera(&client).await;
    pilot.fly(TURN);
    moves_on_from(&client, &before).await;
    pilot.fly(TURN);
    cut.now();
    pilot.closed().await;
    let before = camera(&client).await;
    moves_on_from(&client, &before).await;
    // Where no watchdog reaches it any more, it goes on until the next connection begins.
    let next = Client::connect(instance.plan.api.unwrap(), LONG).await.unwrap();
    next.fly(Velocities::REST);
    rests(&client).await;
    client.shut_down().await.unwrap();
    assert!(instance.exit().await.success());
}

#[tokio::test]
async fn a_program_of_either_kind_says_where_it_flies_to_and_can_be_stopped() {
    for api in [ApiGeneration::New, ApiGeneration::Legacy] {
        let Some((_root, _instance, client)) = running(api).await else { return };
        let mut scene = client.scene();
        wish(&client, Wish::FlyTo { node: "Mars".to_owned(), duration_s: Some(500.0) }).await;
        until(&mut scene, |scene| {
            scene.mode == SceneMode::CameraPath
                && scene.journey.as_ref().is_some_and(|journey| journey.target == "Mars" && !journey.paused)
        })
        .await;
        wish(&client, Wish::StopFlight {}).await;
        until(&mut scene, |scene| scene.mode == SceneMode::UserControl && scene.journey.is_none()).await;
        client.shut_down().await.unwrap();
    }
}

async fn asked(client: &Client, script: &str) -> serde_json::Value {
    let wish = Wish::Lua { script: script.to_owned() };
    let call = judged(client, &wish, &super::Saved::of(std::path::Path::new("/nowhere"))).await;
    match client.perform(call).await.unwrap() {
        Some(Answer::Returned(told)) => told["1"].clone(),
        other => panic!("{other:?}"),
    }
}

async fn camera(client: &Client) -> serde_json::Value {
    asked(client, "return openspace.navigation.getNavigationState()").await
}

async fn moves_on_from(client: &Client, before: &serde_json::Value) {
    let moved = async { while camera(client).await == *before {} };
    timeout(LONG, moved).await.expect("the camera moves");
}

/// Several frames see it at the same place.
async fn rests(client: &Client) {
    let resting = async {
        let mut last = (camera(client).await, 0);
        while last.1 < 6 {
            let clock = async || asked(client, "return openspace.time.currentApplicationTime()").await;
            let start = clock().await;
            while clock().await == start {}
            let now = camera(client).await;
            last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        }
    };
    timeout(LONG, resting).await.expect("the camera rests");
}

/// A way to a program that can be cut.
struct Cut {
    api: Api,
    carrier: JoinHandle<()>,
}

impl Cut {
    async fn through(instance: &Instance) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = instance.plan.api.unwrap();
        let port = listener.local_addr().unwrap().port();
        let carrier = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(("127.0.0.1", api.port)).await.unwrap();
            let _ = copy_bidirectional(&mut near, &mut far).await;
        });
        Self { api: Api { port, ..api }, carrier }
    }

    fn now(self) {
        self.carrier.abort();
    }
}
