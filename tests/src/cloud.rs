//! A stand-in for what a cloud tells its machines about themselves: the protocols of Amazon (version 2, with its token), Google and
//! Azure, and everything that may answer at their address without being any of them.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const TOKEN: &str = "AQAEALb-3Dm_stand-in==";
const PAGE: &str = "<!doctype html><html><body>Welcome to our network. Please sign in.</body></html>";

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In eu-north-1, as 203.0.113.7.
    Amazon,
    /// The same without a public address.
    AmazonInside,
    /// In europe-north1, as 203.0.113.8.
    Google,
    /// In northeurope, as 203.0.113.9.
    Azure,
    /// Everything is a page.
    Portal,
    /// Everything is somewhere else, at a place that would answer well.
    Redirect,
    /// Everything is an endless text.
    Flood,
    Garbage,
    HangsUp,
    /// It takes the question and never answers.
    Silent,
}

/// Gone with it.
#[derive(Debug)]
pub struct Cloud {
    pub base: String,
    task: JoinHandle<()>,
}

impl Cloud {
    pub async fn start(kind: Kind) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let here = Arc::new(base.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let here = here.clone();
                // A client that goes away is no fault of this side.
                tokio::spawn(async move { drop(serve(stream, kind, &here).await) });
            }
        });
        Ok(Self { base, task })
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request as it came.
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.header(name) == Some(value)
    }
}

async fn serve(stream: TcpStream, kind: Kind, here: &str) -> Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let (status, headers, body) = match kind {
            Kind::HangsUp => return Ok(()),
            Kind::Silent => std::future::pending().await,
            Kind::Garbage => {
                stream.write_all(b"\x16\x03\x01 250 this is no web server\r\n\r\n").await?;
                return Ok(());
            }
            Kind::Flood => return flood(&mut stream).await,
            Kind::Portal => (200, "content-type: text/html\r\n".to_owned(), PAGE.to_owned()),
            Kind::Redirect => (302, format!("location: {here}/elsewhere\r\n"), String::new()),
            Kind::Amazon | Kind::AmazonInside => amazon(&request, kind == Kind::Amazon),
            Kind::Google => google(&request),
            Kind::Azure => azure(&request),
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut words = lines.first().map(String::as_str).unwrap_or_default().split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let header = |line: &String| {
        line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
    };
    Ok(Some(Request { method, path, headers: lines[1..].iter().filter_map(header).collect() }))
}

async fn flood(stream: &mut BufReader<TcpStream>) -> Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    loop {
        stream.write_all(&[b'a'; 4096]).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

type Answer = (u16, String, String);

fn said(text: &str) -> Answer {
    (200, "content-type: text/plain\r\n".to_owned(), text.to_owned())
}

fn no(status: u16) -> Answer {
    (status, "content-type: text/html\r\n".to_owned(), "<html>no</html>".to_owned())
}

fn amazon(request: &Request, outside: bool) -> Answer {
    if request.path == "/latest/api/token" {
        let ttl =
            request.header("x-aws-ec2-metadata-token-ttl-seconds").and_then(|ttl| ttl.parse::<u32>().ok());
        return match (request.method.as_str(), ttl) {
            ("PUT", Some(1..=21_600)) => said(TOKEN),
            ("PUT", _) => no(400),
            _ => no(405),
        };
    }
    // Version 1, without a token, is switched off as it should be.
    if !request.has("x-aws-ec2-metadata-token", TOKEN) {
        return no(401);
    }
    match request.path.as_str() {
        "/latest/meta-data/placement/region" => said("eu-north-1"),
        "/latest/meta-data/public-ipv4" if outside => said("203.0.113.7"),
        _ => no(404),
    }
}

fn google(request: &Request) -> Answer {
    if !request.has("metadata-flavor", "Google") || request.method != "GET" {
        return no(403);
    }
    let text = match request.path.strip_prefix("/computeMetadata/v1/instance/") {
        Some("zone") => "projects/123456789/zones/europe-north1-a",
        Some("network-interfaces/0/access-configs/0/external-ip") => "203.0.113.8",
        _ => return no(404),
    };
    (200, "metadata-flavor: Google\r\n".to_owned(), text.to_owned())
}

fn azure(request: &Request) -> Answer {
    if !request.has("metadata", "true") || !request.path.contains("api-version=") {
        return no(400);
    }
    let place = request.path.split('?').next().unwrap_or_default();
    let plain = request.path.contains("format=text");
    match place.strip_prefix("/metadata/") {
        Some("instance/compute/location") if plain => said("northeurope"),
        // An address of the newer kind.
        Some("instance/network/interface/0/ipv4/ipAddress/0/publicIpAddress") if plain => said(""),
        Some("loadbalancer") if !plain => said(
            r#"{"loadbalancer":{"publicIpAddresses":[{"frontendIpAddress":"203.0.113.9","privateIpAddress":"10.0.0.4"}]}}"#,
        ),
        _ => no(404),
    }
}
