//! Light viewers of one instance: the example `crowd` has their WebRTC, this speaks WHEP for them.

use std::{
    collections::BTreeMap,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use model::InstanceId;
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Api, TestNode, programs};

const WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Gone with it.
#[derive(Debug)]
pub struct Crowd {
    whep: String,
    bearer: String,
    client: reqwest::Client,
    hears: ChildStdin,
    says: Lines<BufReader<ChildStdout>>,
    /// The addresses of their sessions.
    sessions: BTreeMap<u32, String>,
    child: Child,
}

/// What one viewer got since it came, or since all began anew.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Seen {
    pub frames: u64,
    pub keyframes: u64,
    /// Packets that never came.
    pub lost: u32,
    /// From one frame's time to the next one's.
    pub longest_step_ms: u64,
    /// Without a frame.
    pub longest_pause_ms: u64,
}

#[derive(Deserialize)]
struct Joining {
    viewer: u32,
    offer: String,
}

impl Crowd {
    /// Nobody yet, of an instance of this caller's.
    pub fn of(node: &TestNode, instance: InstanceId, by: &Api) -> Result<Self> {
        let mut child = Command::new(programs::find("examples/crowd")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the crowd")?;
        Ok(Self {
            whep: format!("http://127.0.0.1:{}/whep/{instance}", node.ports.http),
            bearer: by.bearer().reveal().to_owned(),
            client: reqwest::Client::new(),
            hears: child.stdin.take().context("it was piped")?,
            says: BufReader::new(child.stdout.take().context("it was piped")?).lines(),
            sessions: BTreeMap::new(),
            child,
        })
    }

    /// One more viewer; returns its number.
    pub async fn join(&mut self) -> Result<u32> {
        self.join_by(|_| true).await
    }

    /// One that finds the instance by such candidates of the answer only.
    pub async fn join_by(&mut self, candidate: impl Fn(&str) -> bool) -> Result<u32> {
        let Joining { viewer, offer } = serde_json::from_value(self.say(json!({ "do": "join" })).await?)?;
        let request = self.client.post(&self.whep).bearer_auth(&self.bearer);
        let response = request.header("content-type", "application/sdp").body(offer).send().await?;
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        let (status, answer) = (response.status(), response.text().await?);
        ensure!(status == StatusCode::CREATED, "a viewer was refused: {status} {answer}");
        let found = |line: &&str| line.strip_prefix("a=candidate:").is_none_or(&candidate);
        let answer: String = answer.lines().filter(found).flat_map(|line| [line, "\r\n"]).collect();
        self.say(json!({ "do": "accept", "viewer": viewer, "answer": answer })).await?;
        self.sessions.insert(viewer, location);
        Ok(viewer)
    }

    /// The path of this viewer's session.
    pub fn session(&self, viewer: u32) -> &str {
        &self.sessions[&viewer]
    }

    /// All of them stop as they are: they read nothing any more, and say nothing. It cannot be spoken to from then on.
    pub fn freeze(&self) -> Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(kill_process(pid.context("it runs")?, Signal::STOP)?)
    }

    /// From now on is counted.
    pub async fn begin(&mut self) -> Result<()> {
        self.say(json!({ "do": "begin" })).await.map(drop)
    }

    /// By viewer.
    pub async fn counts(&mut self) -> Result<BTreeMap<u32, Seen>> {
        Ok(serde_json::from_value(self.say(json!({ "do": "counts" })).await?)?)
    }

    /// Until each has so many frames more than it has now.
    pub async fn until_frames(&mut self, more: u64) -> Result<BTreeMap<u32, Seen>> {
        let (before, deadline) = (self.counts().await?, Instant::now() + WITHIN);
        loop {
            let now = self.counts().await?;
            if now.iter().all(|(viewer, seen)| seen.frames >= before[viewer].frames + more) {
                return Ok(now);
            }
            ensure!(Instant::now() < deadline, "somebody gets no frames: {now:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn say(&mut self, command: Value) -> Result<Value> {
        self.hears.write_all(format!("{command}\n").as_bytes()).await?;
        let answer = self.says.next_line().await?.context("the crowd has ended")?;
        Ok(serde_json::from_str(&answer)?)
    }
}
