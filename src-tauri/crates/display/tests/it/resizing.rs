//! A display that changes its size while a program runs on it.

use std::time::Duration;

use model::Size;

use crate::{client::Client, open};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_main_window_follows_its_display_up_and_down_and_across_an_adoption() {
    let (display, _dir) = open().await;
    let address = display.address().clone();
    let client = Client::open(&address, 600, 300);
    display.window(SOON).await.unwrap();
    let resized = |size| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || display::resize(&address, size))
    };
    for (width, height) in [(1920, 1080), (800, 600), (3840, 2160), (802, 604), (640, 360)] {
        resized(Size::new(width, height)).await.unwrap().unwrap();
        client.until_sized(width as u16, height as u16);
        display.window(SOON).await.unwrap();
    }
    resized(Size::new(1024, 768)).await.unwrap().unwrap();
    let record = display.record().clone();
    drop(display);
    let adopted = display::Display::adopt(record).await.unwrap();
    adopted.window(SOON).await.unwrap();
    assert_eq!(client.size(), (1024, 768), "an earlier node resized it");
    adopted.close().await;
}

#[tokio::test]
async fn a_size_beyond_the_display_is_refused_with_a_sentence_and_changes_nothing() {
    let (display, _dir) = open().await;
    let address = display.address().clone();
    let client = Client::open(&address, 600, 300);
    display.window(SOON).await.unwrap();
    let address_too = address.clone();
    let refused = tokio::task::spawn_blocking(move || display::resize(&address_too, Size::new(5000, 3000)));
    let refused = format!("{:#}", refused.await.unwrap().unwrap_err());
    assert!(refused.contains("cannot be made 5000x3000 large"), "{refused}");
    assert_eq!(client.size(), (640, 360));
    display.close().await;
}
