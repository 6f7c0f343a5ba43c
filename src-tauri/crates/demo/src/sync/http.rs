//! As much of HTTP as a repository of files needs: GET without encryption, one request a connection.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write},
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Lines of an answer's head.
const HEAD_LINES_MAX: usize = 100;

/// Writes the body of the answer. One that is shorter than it was said to be is an error.
pub fn get(url: &str, into: &mut impl Write) -> io::Result<()> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("'{url}' is no http address"));
    let rest = url.strip_prefix("http://").ok_or_else(bad)?;
    let (host, path) = rest.split_once('/').ok_or_else(bad)?;
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let address = address.to_socket_addrs()?.next().ok_or_else(bad)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = BufReader::new(stream);
    let length = head(&mut answer)?;
    let got = io::copy(&mut answer.take(length.unwrap_or(u64::MAX)), into)?;
    match length {
        Some(length) if got < length => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => into.flush(),
    }
}

/// The length of the body, if it is said.
fn head(answer: &mut BufReader<TcpStream>) -> io::Result<Option<u64>> {
    let mut line = String::new();
    answer.read_line(&mut line)?;
    if line.split_whitespace().nth(1) != Some("200") {
        return Err(io::Error::other(format!("the answer is '{}'", line.trim())));
    }
    let mut length = None;
    for _ in 0..HEAD_LINES_MAX {
        line.clear();
        if answer.read_line(&mut line)? <= 2 {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    Err(io::Error::other("the head of the answer does not end"))
}
