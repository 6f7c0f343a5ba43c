//! What a program plays on its display, with the real PulseAudio.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use display::{
    Display,
    process::{self, Kill},
};
use tokio::{io::AsyncReadExt, net::unix::pipe, time::timeout};

use crate::open;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_a_program_plays_comes_out_of_its_own_displays_pipe() {
    let (display, _dir) = open().await;
    let (other, _dir_too) = open().await;
    let heard = display::sound(display.record()).unwrap();
    assert_ne!(heard, display::sound(other.record()).unwrap());
    let mut samples = pipe::OpenOptions::new().open_receiver(&heard).unwrap();
    let mut player = Command::new("pacat")
        .args(["--raw", "--format=s16le", "--rate=48000", "--channels=2"])
        .envs(display.env())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let sound: Vec<u8> = [1000_i16; 48_000].into_iter().flat_map(i16::to_le_bytes).collect();
    player.stdin.take().unwrap().write_all(&sound).unwrap();
    let loud = timeout(SOON, async {
        let mut piece = [0; 960];
        while !piece.as_chunks::<2>().0.iter().any(|sample| i16::from_le_bytes(*sample) > 900) {
            samples.read_exact(&mut piece).await.unwrap();
        }
    });
    loud.await.unwrap();
    player.wait().unwrap();
    display.close().await;
    other.close().await;
    assert!(!heard.exists(), "nothing stays");
}

#[tokio::test]
async fn a_sound_server_ends_with_its_display_however_that_ends() {
    let (display, _dir) = open().await;
    let place = place_of(&display);
    assert_eq!(daemons(&place).len(), 1);
    process::end(display.record().server, Kill::Now).unwrap();
    until_gone(&place).await;
    display.close().await;
}

fn place_of(display: &Display) -> PathBuf {
    display::sound(display.record()).unwrap().parent().unwrap().to_owned()
}

async fn until_gone(place: &Path) {
    let gone = async {
        while place.exists() || !daemons(place).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, gone).await.unwrap();
}

/// The processes that carry the place in their command line.
fn daemons(place: &Path) -> Vec<String> {
    let name = place.to_str().unwrap();
    let lines = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("cmdline"));
    lines.filter_map(|line| fs::read_to_string(line).ok()).filter(|line| line.contains(name)).collect()
}
