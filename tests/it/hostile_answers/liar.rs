//! A server that is MCP server and authorization server for many accounts at once, honest to each in all places but one.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Where the server is asked something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The MCP endpoint, by somebody without a token.
    Challenge,
    /// The protected resource metadata.
    Resource,
    /// The authorization server's metadata.
    Server,
    /// The registration of clients.
    Register,
    /// The token endpoint, with a code.
    Token,
    /// The token endpoint, with a refresh token.
    Refresh,
    /// The revocation of tokens.
    Revoke,
    /// The MCP endpoint, by somebody with a token: `tools/list`.
    Tools,
}

/// An answer. In its texts `BASE` stands for the account's own address at this server, and `ID` for the request's id.
#[derive(Clone, Debug)]
pub(super) enum Lie {
    /// A status, headers, and a body of its length.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Bytes that may be no HTTP at all; then the connection ends.
    Raw(Vec<u8>),
    /// Bytes, and one piece after the other with a pause between, as long as anybody reads.
    Endless(&'static str, Vec<u8>, Duration),
}

/// The server; it answers as long as the process runs.
pub(super) struct Liar {
    origin: String,
}

impl Liar {
    /// Starts it with the lies of each account.
    pub(super) fn start(lies: HashMap<(String, Place), Lie>) -> Liar {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (lies, at) = (Arc::new(lies), origin.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (lies, origin) = (lies.clone(), at.clone());
                // Whoever hangs up in the middle has heard enough.
                thread::spawn(move || answer(stream, &origin, &lies).ok());
            }
        });
        Liar { origin }
    }

    /// The MCP endpoint of an account.
    pub(super) fn mcp_url(&self, account: &str) -> String {
        format!("{}/{account}/mcp", self.origin)
    }
}

/// A request, as far as it matters.
struct Request {
    account: String,
    place: Option<Place>,
    rpc: Value,
}

fn answer(stream: TcpStream, origin: &str, lies: &HashMap<(String, Place), Lie>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let request = read(&mut reader)?;
    let lie = request.place.and_then(|place| lies.get(&(request.account.clone(), place)));
    let told = lie.cloned().unwrap_or_else(|| honest(&request));
    let base = format!("{origin}/{}", request.account);
    let fill = |text: &str| text.replace("BASE", &base).replace("ID", &request.rpc["id"].to_string());
    tell(stream, told, fill)
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body)?;
    let (body, path) = (String::from_utf8_lossy(&body).into_owned(), head.split(' ').nth(1).unwrap_or_default());
    let is_authorized = lower.contains("\r\nauthorization: bearer");
    let (account, place) = match path.trim_start_matches('/').split('/').collect::<Vec<_>>()[..] {
        [".well-known", "oauth-authorization-server", account] => (account, Some(Place::Server)),
        [".well-known", "oauth-protected-resource", account, "mcp"] | [account, "resource"] => {
            (account, Some(Place::Resource))
        }
        [account, "mcp"] => (account, Some(if is_authorized { Place::Tools } else { Place::Challenge })),
        [account, "register"] => (account, Some(Place::Register)),
        [account, "token"] if body.contains("grant_type=refresh_token") => (account, Some(Place::Refresh)),
        [account, "token"] => (account, Some(Place::Token)),
        [account, "revoke"] => (account, Some(Place::Revoke)),
        _ => ("", None),
    };
    let rpc: Value = serde_json::from_str(&body).unwrap_or_default();
    // A handshake is kept to honestly: what a server lies about is what it offers.
    let is_handshake = place == Some(Place::Tools) && rpc["method"] != "tools/list";
    Ok(Request { account: account.to_owned(), place: place.filter(|_| !is_handshake), rpc })
}

/// What a good server says.
fn honest(request: &Request) -> Lie {
    let Some(place) = request.place else {
        return match request.rpc["method"].as_str() {
            Some("initialize") => rpc(json!({ "protocolVersion": "2025-11-25" })),
            Some(_) => Lie::Whole(202, Vec::new(), Vec::new()),
            None => Lie::Whole(404, Vec::new(), Vec::new()),
        };
    };
    match place {
        Place::Challenge => challenge(r#"Bearer resource_metadata="BASE/resource""#),
        Place::Resource => json(200, resource()),
        Place::Server => json(200, server()),
        Place::Register => json(201, json!({ "client_id": "c" })),
        Place::Token | Place::Refresh => json(200, tokens()),
        Place::Revoke => Lie::Whole(200, Vec::new(), Vec::new()),
        Place::Tools => rpc(json!({ "tools": [{ "name": "one" }] })),
    }
}

/// A 401 with this header.
pub(super) fn challenge(line: &str) -> Lie {
    Lie::Whole(401, vec![("WWW-Authenticate", line.to_owned())], Vec::new())
}

/// Good resource metadata.
pub(super) fn resource() -> Value {
    json!({ "resource": "BASE/mcp", "authorization_servers": ["BASE"] })
}

/// Good metadata of an authorization server.
pub(super) fn server() -> Value {
    json!({
        "issuer": "BASE", "authorization_endpoint": "BASE/authorize", "token_endpoint": "BASE/token",
        "registration_endpoint": "BASE/register", "revocation_endpoint": "BASE/revoke",
        "code_challenge_methods_supported": ["S256"],
    })
}

/// Good tokens.
pub(super) fn tokens() -> Value {
    json!({ "access_token": super::SECRET, "refresh_token": super::SECRET, "token_type": "Bearer", "expires_in": 3600 })
}

/// A JSON body.
pub(super) fn json(status: u16, body: Value) -> Lie {
    text(status, "application/json", &body.to_string())
}

/// A body of this type.
pub(super) fn text(status: u16, kind: &str, body: &str) -> Lie {
    Lie::Whole(status, vec![("Content-Type", kind.to_owned())], body.as_bytes().to_vec())
}

/// The result of the JSON-RPC request that was made.
pub(super) fn rpc(result: Value) -> Lie {
    let body = json!({ "jsonrpc": "2.0", "result": result }).to_string();
    text(200, "application/json", &body.replacen('{', r#"{"id":ID,"#, 1))
}

fn tell(mut stream: TcpStream, lie: Lie, fill: impl Fn(&str) -> String) -> std::io::Result<()> {
    match lie {
        Lie::Whole(status, headers, body) => {
            let body = match std::str::from_utf8(&body) {
                Ok(text) => fill(text).into_bytes(),
                Err(_) => body,
            };
            let mut head = format!("HTTP/1.1 {status} Told\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
            headers.iter().for_each(|(name, value)| head += &format!("{name}: {}\r\n", fill(value)));
            stream.write_all((head + "\r\n").as_bytes())?;
            stream.write_all(&body)?;
        }
        Lie::Raw(bytes) => stream.write_all(&bytes)?,
        Lie::Endless(begin, piece, pause) => {
            stream.write_all(begin.as_bytes())?;
            loop {
                stream.write_all(&piece)?;
                // The server's own pace.
                thread::sleep(pause);
            }
        }
    }
    Ok(())
}
