//! How large the picture is: who says so, and that it stays.

use e2e::{TestNode, api::Socket};
use model::{Size, video::SizeMode};
use protocol::signal::{RefusalReason, ServerMessage, SizeNews, ViewerMessage};

const CHOSEN: SizeMode = SizeMode::Fixed { width: 800, height: 600 };

async fn welcome(socket: &mut Socket) {
    socket.until("welcome", |message| matches!(message, ServerMessage::Welcome { .. })).await.unwrap();
}

async fn refusal(socket: &mut Socket) -> String {
    match socket.until("a refusal", |message| matches!(message, ServerMessage::Refused { .. })).await.unwrap()
    {
        ServerMessage::Refused { reason: RefusalReason::NotAllowed, message, .. } => message,
        other => panic!("{other:?}"),
    }
}

async fn until_size(socket: &mut Socket, mode: SizeMode, (width, height): (u32, u32)) {
    let wanted = |news: &SizeNews| (news.mode, news.width, news.height) == (mode, width, height);
    socket
        .until("the size", |message| matches!(message, ServerMessage::Size(news) if wanted(news)))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_size_is_chosen_by_whoever_steers_and_stays_across_a_kill_of_the_node() {
    let mut node =
        TestNode::start_with(&["stream.width_max=1920", "stream.height_max=1080"], &[]).await.unwrap();
    let (ann, eve) = (node.browser().await.unwrap(), node.browser().await.unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    let mut owner = ann.attend(id, None).await.unwrap();
    welcome(&mut owner).await;
    until_size(&mut owner, SizeMode::Launched, (1280, 720)).await;

    let link = ann.invite(id, "watcher").await.unwrap().url;
    let mut watcher = eve.attend(id, link.split_once("#invite=").map(|(_, secret)| secret)).await.unwrap();
    welcome(&mut watcher).await;
    watcher.say(&ViewerMessage::Size { mode: CHOSEN }).await.unwrap();
    assert!(refusal(&mut watcher).await.contains("Whoever steers"));

    for (width, height) in [(0, 0), (1920, 1081), (u32::MAX, 720)] {
        owner.say(&ViewerMessage::Size { mode: SizeMode::Fixed { width, height } }).await.unwrap();
        let sentence = refusal(&mut owner).await;
        assert!(sentence.contains("from 320 × 180 to 1920 × 1080"), "{sentence}");
    }
    owner.say(&ViewerMessage::Size { mode: CHOSEN }).await.unwrap();
    until_size(&mut owner, CHOSEN, (800, 600)).await;
    until_size(&mut watcher, CHOSEN, (800, 600)).await;

    let admin = node.admin().unwrap();
    let of_display = |size: Size| (size.width, size.height) == (800, 600);
    admin
        .until_snapshot("the size", |all| all.instances.iter().find(|row| of_display(row.size)).map(drop))
        .await
        .unwrap();
    node.kill().unwrap();
    node.up().await.unwrap();
    let mut again = ann.attend(id, None).await.unwrap();
    welcome(&mut again).await;
    until_size(&mut again, CHOSEN, (800, 600)).await;
    ann.stop(id).await.unwrap();
}
