//! A repository of files as OpenSpace downloads them from: it lists two files for each resource, and gives them, or not.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use anyhow::Result;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What it does with whoever asks for a file. Lists are always given, but by one that is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Gives,
    /// Takes the question, and answers once it gives again.
    HoldsBack,
    /// Says that the second file of each resource is not there.
    LacksSome,
    /// Hangs up on everybody.
    Away,
}

#[derive(Debug)]
pub struct Repository {
    address: std::net::SocketAddr,
    mood: watch::Sender<Mood>,
    given: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Repository {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Repository {
    pub async fn start(mood: Mood) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (mood, moods) = watch::channel(mood);
        let given = Arc::default();
        let log: Arc<Mutex<Vec<String>>> = Arc::clone(&given);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (moods, log) = (moods.clone(), log.clone());
                // Whoever hangs up has got what it wanted, or nothing.
                tokio::spawn(async move { answer(stream, address, moods, &log).await.ok() });
            }
        });
        Ok(Self { address, mood, given, task })
    }

    pub fn url(&self) -> String {
        format!("http://{}/request", self.address)
    }

    pub fn becomes(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// The files that were given, each time that they were.
    pub fn given(&self) -> Vec<String> {
        self.given.lock().expect("nobody panicked with it").clone()
    }

    /// Those that were given more than once.
    pub fn given_again(&self) -> BTreeSet<String> {
        let mut once = BTreeSet::new();
        self.given().into_iter().filter(|file| !once.insert(file.clone())).collect()
    }
}

async fn answer(
    stream: TcpStream,
    address: std::net::SocketAddr,
    mut moods: watch::Receiver<Mood>,
    log: &Mutex<Vec<String>>,
) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    // What is left unread when a connection is closed takes the answer with it.
    while stream.read_line(&mut line).await? > 2 {}
    if *moods.borrow() == Mood::Away {
        return Ok(());
    }
    let (status, body) = match path.strip_prefix("/request?identifier=") {
        Some(question) => {
            let resource = question.split('&').next().unwrap_or_default();
            let files = ["a.bin", "b.bin"].map(|file| format!("http://{address}/files/{resource}-{file}"));
            ("200 OK", files.join("\n").into_bytes())
        }
        None => {
            moods.wait_for(|mood| *mood != Mood::HoldsBack).await?;
            match *moods.borrow() {
                Mood::LacksSome if path.ends_with("-b.bin") => ("404 Not Found", Vec::new()),
                _ => ("200 OK", vec![7; 100_000]),
            }
        }
    };
    if status == "200 OK"
        && let Some(file) = path.strip_prefix("/files/")
    {
        log.lock().expect("nobody panicked with it").push(file.to_owned());
    }
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await?;
    Ok(())
}
