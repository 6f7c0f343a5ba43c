//! A real pipe and the real encoder.

#![allow(clippy::unwrap_used)]

use std::{f64::consts::TAU, io};

use tokio::net::unix::pipe;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn fifo() -> (tempfile::TempDir, PathBuf, pipe::Sender) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pcm");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    // As the sound server has it open: for both, so that it need not wait for a reader.
    let sender = pipe::OpenOptions::new().read_write(true).open_sender(&path).unwrap();
    (dir, path, sender)
}

fn pieces(count: usize, loudness: f64) -> Vec<u8> {
    let sample = |n: usize| (loudness * (n as f64 * 440.0 * TAU / f64::from(SOUND_HZ)).sin()) as i16;
    (0..count * PACKET_SAMPLES).flat_map(|n| [sample(n); CHANNELS]).flat_map(i16::to_le_bytes).collect()
}

async fn write(sender: &pipe::Sender, bytes: &[u8]) {
    let mut left = bytes;
    while !left.is_empty() {
        sender.writable().await.unwrap();
        match sender.try_write(left) {
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn heard(feed: &mut SoundFeed) -> Arc<SoundPacket> {
    tokio::time::timeout(PATIENCE, feed.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_tone_is_heard_by_all_from_one_encode_and_silence_is_not_sent() {
    let (_dir, path, sender) = fifo();
    let sound = Sound::of(path);
    let (mut ann, mut ben) = (sound.listen(), sound.listen());
    assert_eq!(sound.listeners(), 2);
    // The first pieces may be taken for the past.
    while ann.0.is_empty() {
        write(&sender, &pieces(1, 3000.0)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let first = heard(&mut ann).await;
    assert!(first.begins && first.data.len() > 20, "{first:?}");
    assert!(Arc::ptr_eq(&first, &heard(&mut ben).await));

    write(&sender, &pieces(200, 0.0)).await;
    write(&sender, &pieces(1, 3000.0)).await;
    let mut count = 0;
    loop {
        count += 1;
        if heard(&mut ann).await.begins {
            break;
        }
    }
    assert!(count < 120, "of two seconds of silence only the first half is sent: {count}");
}

#[tokio::test]
async fn what_was_played_while_nobody_listened_is_never_heard() {
    let (_dir, path, sender) = fifo();
    write(&sender, &pieces(30, 3000.0)).await;
    let sound = Sound::of(path);
    let mut ann = sound.listen();
    // Its own reader is the only one: an empty pipe has been read.
    while rustix::io::ioctl_fionread(&sender).unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(ann.0.is_empty(), "{} packets of the past", ann.0.len());
    write(&sender, &pieces(1, 3000.0)).await;
    assert!(heard(&mut ann).await.begins);
}

/// The machine was too busy to read for a while. All in one thread, so that nothing is read in between.
#[tokio::test]
async fn what_waited_too_long_is_not_heard_late() {
    let (_dir, path, sender) = fifo();
    let mut ann = Sound::of(path).listen();
    while ann.0.is_empty() {
        write(&sender, &pieces(1, 3000.0)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while !ann.0.is_empty() {
        heard(&mut ann).await;
    }
    let before = Instant::now();
    assert_eq!(sender.try_write(&pieces(30, 3000.0)).unwrap(), 30 * PACKET_BYTES);
    let first = heard(&mut ann).await;
    assert!(first.begins, "{first:?}");
    // Whatever else was said comes right behind it, and is the newest only.
    let mut packets = 1;
    while rustix::io::ioctl_fionread(&sender).unwrap() > 0 || !ann.0.is_empty() {
        heard(&mut ann).await;
        packets += 1;
    }
    assert!(packets <= 3, "{packets} packets of {:?}", before.elapsed());
}

#[tokio::test]
async fn a_pipe_that_is_gone_ends_nothing_but_the_sound() {
    let sound = Sound::of("/nonexistent/pcm".into());
    let mut feed = sound.listen();
    let nothing = tokio::time::timeout(Duration::from_millis(200), feed.next()).await;
    assert!(nothing.is_err(), "it is silent");
}
