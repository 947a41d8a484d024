//! The least HTTP that talks to servers on loopback: one request, one connection, the whole answer.

use anyhow::{Context, anyhow};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Everything before the body, as text.
    pub head: String,
    /// The body, as text.
    pub body: String,
}

/// Sends a request to `http://host:port/path` and reads its answer.
pub fn request(method: &str, url: &str, json: Option<&str>) -> anyhow::Result<Answer> {
    request_with(method, url, "Accept: */*", json)
}

/// The same with header lines of the caller's own.
pub fn request_with(method: &str, url: &str, headers: &str, json: Option<&str>) -> anyhow::Result<Answer> {
    let rest = url.strip_prefix("http://").ok_or_else(|| anyhow!("{url} isn't plain http"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).with_context(|| format!("{host} doesn't answer"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let body = json.unwrap_or_default();
    let kind = if json.is_some() { "Content-Type: application/json\r\n" } else { "" };
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // At once: a server that refuses by the head alone may close before a body that comes later, and reset the connection.
    stream.write_all(request.as_bytes())?;
    let (mut answer, mut piece) = (Vec::new(), [0; 16 * 1024]);
    while !is_whole(&answer) {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => break,
            Err(error) => return Err(error.into()),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("{url} gave half an answer"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| anyhow!("{url} gave no status"))?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// Whether the answer says of itself that it is all here: not every server hangs up when it is asked to.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let body = &answer[end + 4..];
    if head.contains("\r\ntransfer-encoding: chunked") {
        return body.ends_with(b"0\r\n\r\n") && (body.len() == 5 || body.ends_with(b"\r\n0\r\n\r\n"));
    }
    let length = head.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}
