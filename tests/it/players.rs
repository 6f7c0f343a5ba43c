//! Players (WHEP) that ask one machine for an instance of another one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Api, Crowd, TestFleet, TestNode};
use model::{InstanceId, InstanceState, Secret};
use protocol::admin::{AdminCommand, NodeSnapshot};
use reqwest::{Method, Response, StatusCode};

/// Two machines, and an instance of the second one that somebody has launched on the first one's page.
async fn watched_elsewhere() -> Result<(TestFleet, Api, InstanceId)> {
    let fleet = TestFleet::start(&["Dome", "Foyer"], &["instances.slots=2"]).await?;
    let ann = fleet.nodes[0].browser().await?;
    let id = ann.launch_once_known("demo", fleet.ids[1]).await?;
    ann.until(id, InstanceState::Ready).await?;
    Ok((fleet, ann, id))
}

fn with_token(node: &TestNode, token: &str) -> Result<Api> {
    Ok(Api::new(node.ports.http, Secret::parse(token)?))
}

/// As its own machine's panel counts them.
async fn until_viewers(node: &TestNode, id: InstanceId, count: usize) -> Result<()> {
    let seen = |s: &NodeSnapshot| {
        let row = s.instances.iter().find(|row| row.instance.instance_id == id)?;
        (row.viewers.len() == count).then_some(())
    };
    node.admin()?.until_snapshot(&format!("{count} viewers"), seen).await
}

async fn trickle(by: &Api, node: &TestNode, location: &str) -> Result<Response> {
    let viewer = location.rsplit_once('/').context("it ends with an id")?.1;
    let url = format!("http://127.0.0.1:{}{location}", node.ports.http);
    let request = reqwest::Client::new().patch(url).bearer_auth(by.bearer().reveal());
    let request = request.header("if-match", format!("\"{viewer}\""));
    let request = request.header("content-type", "application/trickle-ice-sdpfrag");
    Ok(request.body("a=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\n").send().await?)
}

/// The session is over at the machine that was asked, too.
async fn until_over(by: &Api, node: &TestNode, location: &str) -> Result<()> {
    let over = async {
        loop {
            let answer = trickle(by, node, location).await?;
            if answer.status() == StatusCode::NOT_FOUND {
                return answer.text().await.map_err(anyhow::Error::from);
            }
            ensure!(answer.status() == StatusCode::NO_CONTENT, "{}", answer.status());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let words = tokio::time::timeout(Duration::from_secs(60), over).await.context("it is over")??;
    ensure!(words.contains("no such WHEP session"), "{words}");
    Ok(())
}

#[tokio::test]
async fn a_player_gets_another_machine_s_picture_by_the_address_of_the_one_that_it_asked() -> Result<()> {
    let (fleet, ann, id) = watched_elsewhere().await?;
    let [here, there] = &fleet.nodes[..] else { unreachable!("there are two") };

    // One that reaches the other machine, and one that does not.
    let mut crowd = Crowd::of(here, id, &ann)?;
    let direct = crowd.join_by(|candidate| !candidate.contains("typ relay")).await?;
    crowd.join_by(|candidate| candidate.contains("typ relay")).await?;
    crowd.until_frames(5).await?;
    until_viewers(there, id, 2).await?;
    ensure!(here.log().contains("media of another machine goes through this one"), "{}", here.log());

    // Its session's address is the asked machine's, and so are its rules.
    let location = crowd.session(direct);
    ensure!(location.starts_with(&format!("/whep/{id}/")), "{location}");
    ensure!(trickle(&ann, here, location).await?.status() == StatusCode::NO_CONTENT);
    let eve = here.browser().await?;
    for (by, node) in [(&eve, here), (&there.browser().await?, there)] {
        ensure!(trickle(by, node, location).await?.status() == StatusCode::NOT_FOUND);
    }
    let (status, _) = ann.call(Method::OPTIONS, &format!("/whep/{id}"), None).await?;
    ensure!(status == StatusCode::NO_CONTENT, "{status}");
    ensure!(ann.call(Method::DELETE, location, None).await?.0 == StatusCode::OK);
    until_over(&ann, here, location).await?;
    until_viewers(there, id, 1).await
}

#[tokio::test]
async fn who_may_watch_is_judged_by_the_machine_that_has_the_instance() -> Result<()> {
    let (fleet, ann, id) = watched_elsewhere().await?;
    let [here, there] = &fleet.nodes[..] else { unreachable!("there are two") };
    let other = ann.launch_once_known("demo", fleet.ids[1]).await?;
    let invite = ann.invite(id, "watcher").await?.url;
    let secret = invite.split_once("#invite=").context("an invite")?.1;
    let guest = with_token(here, secret)?;
    let (ben, admin) = (there.browser().await?, here.admin()?);

    guest.play(id).await?;
    admin.play(id).await?;
    // Whom only the other machine knows: its own administrator.
    with_token(here, there.admin()?.bearer().reveal())?.play(id).await?;

    let eve = here.browser().await?;
    for (by, instance, status, words) in [
        (&guest, other, "403", "for another instance"),
        (&eve, id, "404", "not yours"),
        (&with_token(here, ben.bearer().reveal())?, id, "404", "not yours"),
        (&with_token(here, &"A".repeat(43))?, id, "401", "no session, no invitation"),
        (&ann, InstanceId::random(), "404", "no such instance"),
    ] {
        let refused = by.play(instance).await.unwrap_err().to_string();
        ensure!(refused.starts_with(status) && refused.contains(words), "{status}: {refused}");
    }
    let no_video = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    let long = format!("v=0{}", "\u{1}".repeat(60_000));
    for (offer, status, words) in [
        ("hello", "400", "no session description"),
        (no_video, "422", "asks for no video"),
        (&long, "413", "too long to be passed on to the machine Foyer"),
    ] {
        let refused = ann.offer(&format!("/whep/{id}"), offer).await.unwrap_err().to_string();
        ensure!(refused.starts_with(status) && refused.contains(words), "{status}: {refused}");
    }
    for node in &fleet.nodes {
        ensure!(!node.log().contains(secret), "a secret is in no log");
    }

    ann.stop(id).await?;
    there.admin()?.until_gone(id).await?;
    let refused = ann.play(id).await.unwrap_err().to_string();
    ensure!(refused.starts_with("404"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_player_s_session_ends_with_the_link_and_it_is_told_which_machine_is_away() -> Result<()> {
    let (mut fleet, ann, id) = watched_elsewhere().await?;
    let mut crowd = Crowd::of(&fleet.nodes[0], id, &ann)?;
    let first = crowd.join().await?;
    until_viewers(&fleet.nodes[1], id, 1).await?;

    fleet.nodes[1].kill()?;
    until_over(&ann, &fleet.nodes[0], crowd.session(first)).await?;
    let refused = ann.play(id).await.unwrap_err().to_string();
    ensure!(refused.starts_with("502") && refused.contains("The machine Foyer does not answer"), "{refused}");

    fleet.nodes[1].up().await?;
    ann.until(id, InstanceState::Ready).await?;
    let again = async {
        loop {
            match ann.play(id).await {
                Ok(_) => return Ok(()),
                Err(error) if error.to_string().starts_with("502") => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.context("it is back")??;
    let second = crowd.join().await?;
    // The one without media has ended by itself.
    until_viewers(&fleet.nodes[1], id, 1).await?;

    // Both machines live, and what is between them ends.
    fleet.nodes[0].admin()?.command(&AdminCommand::LeaveFleet).await?;
    until_over(&ann, &fleet.nodes[0], crowd.session(second)).await?;
    until_viewers(&fleet.nodes[1], id, 0).await
}
