//! The gateway: MCP clients that can't ask for a token reach an account's server at an address of this machine.

/// A server that does what a test says.
mod upstream;

use crate::step_up;
use keybearer_tests::canary::files_holding;
use keybearer_tests::loopback::{Answer, request_with};
use keybearer_tests::practice::Practice;
use keybearer_tests::prompter::Prompter;
use keybearer_tests::until::until;
use keybearer_tests::world::World;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use upstream::{Upstream, say};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":"seven","method":"tools/call","params":{"name":"echo"}}"#;
const ACCEPT: &str = "Accept: application/json, text/event-stream";
const FINE: &str =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// A Keybearer whose gateway has a port of its own: the common ones are for everybody on this machine.
fn world() -> World {
    at_port(World::new().unwrap())
}

fn at_port(world: World) -> World {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.session.write("kb/config/settings.json", &json!({ "gateway_port": port }).to_string()).unwrap();
    world
}

/// A client with a key.
#[derive(Clone)]
struct Client {
    url: String,
    key: String,
    grant: String,
}

impl Client {
    fn of(world: &World, profile: &str) -> Client {
        let made = world.json(&["gateway", "key", profile, "--client", "Cursor"]).unwrap();
        assert_eq!(made["header"], "Keybearer-Key");
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Client { url: text("url"), key: text("key"), grant: text("grant") }
    }

    /// With an account at this server that signs in with a fixed token.
    fn at(world: &World, upstream: &Upstream) -> Client {
        let add = ["add", &upstream.url(), "--name", "fixed", "--auth", "bearer", "--secret-stdin"];
        assert_eq!(world.run_with(&add, "s3cret").unwrap().code, 0);
        Client::of(world, "fixed")
    }

    fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().split('/').next().unwrap()
    }

    fn send(&self, method: &str, headers: &[&str], body: Option<&str>) -> Answer {
        let key = format!("Keybearer-Key: {}", self.key);
        let lines = [&[key.as_str(), ACCEPT], headers].concat().join("\r\n");
        request_with(method, &self.url, &lines, body).unwrap()
    }

    fn post(&self, body: &str) -> Answer {
        self.send("POST", &[], Some(body))
    }

    /// Says exactly this over a connection of its own; gives all that comes back until the end of the connection.
    fn say(&self, raw: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(raw.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // Where our bytes weren't read the end is a reset.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// The head of a request, to its end.
    fn head(&self, method: &str, path: &str, more: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nKeybearer-Key: {}\r\n{more}\r\n", self.host(), self.key)
    }

    /// Opens a stream; gives what comes on it, line by line, after the head.
    fn stream(&self) -> Lines {
        self.stream_at("/mcp/fixed")
    }

    fn stream_at(&self, path: &str) -> Lines {
        let mut stream = self.connect();
        stream.write_all(self.head("GET", path, "Accept: text/event-stream\r\n").as_bytes()).unwrap();
        Lines::of(stream)
    }
}

/// The lines of an answer.
struct Lines {
    head: String,
    reader: BufReader<TcpStream>,
}

impl Lines {
    fn of(stream: TcpStream) -> Lines {
        let mut lines = Lines { head: String::new(), reader: BufReader::new(stream) };
        while !lines.head.ends_with("\r\n\r\n") {
            assert_ne!(lines.reader.read_line(&mut lines.head).unwrap(), 0, "{}", lines.head);
        }
        lines
    }

    /// The next line that begins so; none if the stream ends, or is cut off, before.
    fn next(&mut self, begin: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            match self.reader.read_line(&mut line) {
                Ok(0) => return None,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                    return None;
                }
                Ok(_) if line.starts_with(begin) => return Some(line.trim_end().to_owned()),
                Ok(_) => {}
            }
        }
    }
}

/// The error in an answer, and its status.
fn refusal(answer: &Answer) -> (u16, Value) {
    let error: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    let head = answer.head.to_ascii_lowercase();
    for telling in ["www-authenticate", "access-control-", "location:", "set-cookie"] {
        assert!(!head.contains(telling), "{}", answer.head);
    }
    (answer.status, error)
}

fn reason(answer: &Answer) -> (u16, String) {
    let (status, error) = refusal(answer);
    (status, error["error"]["data"]["name"].as_str().unwrap().to_owned())
}

fn signed_in(arguments: &[&str]) -> (World, Practice, Client) {
    let (world, practice) = (world(), Practice::start(arguments).unwrap());
    world.sign_in("practice", practice.mcp_url()).unwrap();
    let client = Client::of(&world, "practice");
    (world, practice, client)
}

#[test]
fn nobody_listens_until_a_client_has_a_key_and_the_port_stays_what_it_was() {
    let (world, upstream) = (world(), Upstream::saying(FINE));
    assert_eq!(world.json(&["gateway"]).unwrap()["open"], false);
    let client = Client::at(&world, &upstream);
    let listens = || TcpStream::connect(client.host()).is_ok();
    assert_eq!((client.post(CALL).status, listens()), (200, true));
    world.kill_agent().unwrap();
    world.ok(&["status"]).unwrap();
    until("the gateway", || Ok(listens().then_some(()))).unwrap();
    assert_eq!(client.post(CALL).status, 200, "a key outlives the agent");
    // Another program takes the port meanwhile: no client would find another one, so none is taken.
    world.kill_agent().unwrap();
    let squatter = until("the port", || Ok(TcpListener::bind(client.host()).ok())).unwrap();
    world.ok(&["list"]).unwrap();
    let status = world.json(&["gateway"]).unwrap();
    assert_eq!((&status["open"], &status["url"]), (&json!(false), &json!(format!("http://{}", client.host()))));
    let told = world.run(&["doctor"]).unwrap();
    assert!(told.code == 36 && told.out.contains("another program uses port"), "{told:?}");
    drop(squatter);
    until("the gateway", || Ok((world.json(&["gateway"])?["open"] == true).then_some(()))).unwrap();
    let listed = world.json(&["grants"]).unwrap();
    assert_eq!((&listed[0]["program"], &listed[0]["gateway"]), (&json!("Cursor"), &json!(true)), "{listed}");
    world.ok(&["grants", "revoke", &client.grant]).unwrap();
    until("the end of the gateway", || Ok((!listens()).then_some(()))).unwrap();
    assert_eq!(world.json(&["grants"]).unwrap(), json!([]));
    // A key that leads nowhere isn't made.
    let squatter = TcpListener::bind(client.host()).unwrap();
    let refused = world.run(&["gateway", "key", "fixed", "--client", "Cursor"]).unwrap();
    assert!(refused.code == 22 && refused.err.contains("another program uses port"), "{refused:?}");
    assert_eq!((world.json(&["grants"]).unwrap(), squatter.local_addr().is_ok()), (json!([]), true));
}

#[test]
fn a_request_arrives_with_the_accounts_access_and_without_what_is_the_clients_own() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\nMcp-Session-Id: s1\r\n\
        Retry-After: 3\r\nWWW-Authenticate: Bearer resource_metadata=\"https://evil.example\"\r\nSet-Cookie: a=b\r\n\
        Access-Control-Allow-Origin: *\r\nLocation: https://evil.example/\r\nLink: <x>\r\nAlt-Svc: h3=\":1\"\r\n\
        Refresh: 0;url=https://evil.example\r\nX-Anything: 1\r\n\r\n{}";
    let (world, upstream) = (world(), Upstream::saying(ANSWER));
    let client = Client::at(&world, &upstream);
    let own = [
        "Cookie: c=1",
        "Forwarded: for=1",
        "X-Forwarded-For: 1.2.3.4",
        "Via: 1.1 x",
        "Connection: X-Hop",
        "X-Hop: 1",
        "Proxy-Authorization: Basic eA==",
        "Referer: https://x.example/",
        "DPoP: x",
        "TE: trailers",
        "Authorization: Bearer of-the-client",
    ];
    let through = [
        "Mcp-Session-Id: s0",
        "MCP-Protocol-Version: 2026-07-28",
        "Mcp-Method: tools/call",
        "Mcp-Name: echo",
        "Mcp-Param-Region: us-west1",
        "Mcp-Param-Greeting: =?base64?SGVsbG8sIOS4lueVjA==?=",
        "Last-Event-ID: 9",
        "User-Agent: cursor/1",
        "X-MCP-Toolsets: all",
    ];
    let answer = client.send("POST", &[&own[..], &through].concat(), Some(CALL));
    let [request] = &upstream.requests()[..] else { panic!("{:?}", upstream.requests()) };
    assert_eq!((request.method.as_str(), request.path.as_str(), request.body.as_str()), ("POST", "/mcp", CALL));
    assert_eq!(request.header("authorization"), Some("Bearer s3cret"));
    assert_eq!(Some(request.header("host").unwrap()), upstream.origin.strip_prefix("http://"));
    for line in through {
        let (name, value) = line.split_once(": ").unwrap();
        assert_eq!(request.header(&name.to_ascii_lowercase()), Some(value), "{name}");
    }
    for line in own.iter().filter(|line| !line.starts_with("Authorization")) {
        let name = line.split(':').next().unwrap().to_ascii_lowercase();
        assert_eq!(request.header(&name), None, "{name}");
    }
    assert_eq!(request.header("keybearer-key"), None);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let head = answer.head.to_ascii_lowercase();
    for kept in ["mcp-session-id: s1", "retry-after: 3", "content-type: application/json"] {
        assert!(head.contains(kept), "{}", answer.head);
    }
    for gone in
        ["www-", "set-cookie", "access-control", "location", "link:", "alt-svc", "refresh", "x-anything", "evil"]
    {
        assert!(!head.contains(gone), "{gone}: {}", answer.head);
    }
}

#[test]
fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
    let (_world, practice, client) = signed_in(&[]);
    assert_eq!(client.post(INITIALIZE).status, 200);
    practice.control(&json!({ "expire_all": true })).unwrap();
    let answer = client.post(INITIALIZE);
    assert_eq!((answer.status, practice.count("refreshes_ok").unwrap()), (200, 1), "{answer:?}");
    // A server that refuses the new one as well would refuse the next.
    practice.control(&json!({ "faults": ["reject-tokens"] })).unwrap();
    for _ in 0..5 {
        let (status, error) = refusal(&client.post(CALL));
        assert_eq!((status, &error["id"]), (503, &json!("seven")));
        assert_eq!(error["error"]["data"]["action"], "keybearer sign-in practice", "{error}");
    }
    assert_eq!(practice.count("refreshes_ok").unwrap(), 2);
}

#[test]
fn an_account_that_has_to_sign_in_is_said_to_and_never_by_401() {
    let (world, practice, client) = signed_in(&[]);
    practice.control(&json!({ "revoke_all": true })).unwrap();
    let (status, error) = refusal(&client.post(CALL));
    assert_eq!((status, &error["error"]["data"]["name"]), (503, &json!("auth_required")), "{error}");
    assert_eq!(error["error"]["data"]["action"], "keybearer sign-in practice");
    assert!(error["error"]["message"].as_str().unwrap().contains("keybearer sign-in practice"), "{error}");
    assert_eq!(world.json(&["show", "practice"]).unwrap()["status"], "needs_sign_in");
    world.ok(&["sign-in", "practice"]).unwrap();
    assert_eq!(client.post(INITIALIZE).status, 200, "the key is for the account, whoever signs in to it");
    drop(practice);
    assert_eq!(reason(&client.post(CALL)), (503, "provider_unreachable".to_owned()));
}

#[test]
fn more_access_than_the_sign_in_gave_is_an_error_that_a_person_understands() {
    let (world, hostile) = (world(), step_up::server());
    world.add("s", &hostile.url("/mcp")).unwrap();
    step_up::sign_in(&world);
    let client = Client::of(&world, "s");
    let refuse = Mock::given(method("POST")).and(path("/mcp"));
    let challenge = r#"Bearer error="insufficient_scope", scope="write""#;
    let refusal_of_server = ResponseTemplate::new(403).insert_header("WWW-Authenticate", challenge);
    hostile.runtime.block_on(refuse.respond_with(refusal_of_server).with_priority(1).mount(&hostile.server));
    let (status, error) = refusal(&client.post(CALL));
    assert_eq!((status, &error["error"]["data"]["reason"]), (403, &json!("more_access_needed")), "{error}");
    assert!(error["error"]["message"].as_str().unwrap().contains("wants more access"), "{error}");
    assert_eq!(error["error"]["data"]["action"], "keybearer sign-in s");
    assert_eq!(world.json(&["show", "s"]).unwrap()["wanted_scopes"], json!(["write"]));
}

#[test]
fn a_bound_token_goes_with_a_proof_for_each_request() {
    let (_world, practice, client) = signed_in(&["--dpop", "nonce"]);
    for _ in 0..3 {
        assert_eq!(client.post(INITIALIZE).status, 200);
    }
    assert_eq!(practice.count("refreshes").unwrap(), 0);
    practice.control(&json!({ "faults": ["nonce-never-fits"] })).unwrap();
    assert_eq!(refusal(&client.post(CALL)).0, 503);
    assert_eq!(practice.count("refreshes").unwrap(), 0, "the token isn't what the server refuses");
}

#[test]
fn a_server_that_leads_elsewhere_is_not_followed_and_nobody_is_told_where() {
    let aim = TcpListener::bind("127.0.0.1:0").unwrap();
    aim.set_nonblocking(true).unwrap();
    let target = aim.local_addr().unwrap();
    let upstream = Upstream::start(move |request, stream| {
        let to =
            if request.body.contains("near") { format!("http://{target}/") } else { "https://10.1.2.3/".to_owned() };
        say(
            stream,
            &format!(
                "HTTP/1.1 {} X\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n",
                &request.body[..3]
            ),
        );
    });
    let world = world();
    let client = Client::at(&world, &upstream);
    for (status, place) in [("301", "near"), ("302", "far"), ("307", "near"), ("308", "far"), ("303", "near")] {
        let answer = client.post(&format!("{status} {place}"));
        assert_eq!(refusal(&answer).1["error"]["data"]["reason"], "redirect", "{answer:?}");
        assert!(answer.status == 502 && !answer.body.contains("10.1.2.3"), "{answer:?}");
    }
    assert_eq!((aim.accept().unwrap_err().kind(), upstream.requests().len()), (ErrorKind::WouldBlock, 5));
}

#[test]
fn web_pages_and_strange_hosts_get_nothing_and_no_permission() {
    let (world, upstream) = (world(), Upstream::saying(FINE));
    let client = Client::at(&world, &upstream);
    let (own, port) = (client.host().to_owned(), client.host().split(':').nth(1).unwrap().to_owned());
    let ask = |verb: &str, path: &str, host: &str, more: &str| {
        let key = &client.key;
        let raw = format!(
            "{verb} {path} HTTP/1.1\r\nHost: {host}\r\nKeybearer-Key: {key}\r\nConnection: close\r\n{more}Content-Length: 0\r\n\r\n"
        );
        let answer = client.say(&raw);
        assert!(!answer.to_ascii_lowercase().contains("access-control-"), "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("www-authenticate"), "{answer}");
        answer.split(' ').nth(1).unwrap_or_default().parse::<u16>().unwrap_or_default()
    };
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1".to_owned(),
        format!("127.0.0.1.evil.example:{port}"),
        format!("[::1]:{port}"),
        format!("127.0.0.1:{port}\r\nHost: evil.example"),
        String::new(),
    ];
    for host in &foreign {
        assert_eq!(ask("POST", "/mcp/fixed", host, ""), 403, "{host}");
    }
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "vscode-file://x"] {
        assert_eq!(ask("POST", "/mcp/fixed", &own, &format!("Origin: {origin}\r\n")), 403, "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        assert_eq!(ask("GET", "/mcp/fixed", &own, &format!("Sec-Fetch-Site: {site}\r\n")), 403, "{site}");
    }
    for verb in ["OPTIONS", "HEAD", "PUT", "PATCH", "TRACE"] {
        let asked = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: keybearer-key\r\n";
        assert_eq!(ask(verb, "/mcp/fixed", &own, asked), 405, "{verb}");
    }
    for path in [
        "/",
        "/mcp",
        "/mcp/",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp/fixed",
        "/.well-known/oauth-authorization-server",
        "/mcp/fixed/.well-known/openid-configuration",
        "/register",
        "/authorize",
        "/mcp/nobody",
        "/mcp/fixed/messages/1",
    ] {
        assert_eq!(ask("GET", path, &own, ""), 404, "{path}");
    }
    assert_eq!(upstream.requests().len(), 0);
    for host in [&own, &format!("LOCALHOST:{port}")] {
        assert_eq!(ask("POST", "/mcp/fixed", host, &format!("Origin: http://{own}\r\n")), 200);
    }
}

#[test]
fn a_key_is_for_one_account_until_it_is_taken_back() {
    let (world, upstream) = (world(), Upstream::saying(FINE));
    let client = Client::at(&world, &upstream);
    world.add("other", &upstream.url()).unwrap();
    let with = |headers: &str, path: &str| {
        request_with("POST", &format!("http://{}{path}", client.host()), headers, Some(CALL)).unwrap()
    };
    let (key, own) = (&client.key, format!("Keybearer-Key: {}", client.key));
    for (headers, path) in [
        (own.clone(), "/mcp/fixed".to_owned()),
        (format!("Authorization: Bearer {key}"), "/mcp/fixed".to_owned()),
        ("Authorization: Bearer of-the-client".to_owned(), format!("/key/{key}/mcp/fixed")),
    ] {
        assert_eq!(with(&headers, &path).status, 200, "{headers}");
    }
    let missing = with("Accept: */*", "/mcp/fixed");
    assert_eq!(reason(&missing), (403, "caller_unidentified".to_owned()));
    assert!(missing.body.contains("Keybearer-Key"), "{}", missing.body);
    for wrong in ["", "x", &key[1..], &format!("{key}x"), &client.grant] {
        let refused = with(&format!("Keybearer-Key: {wrong}"), "/mcp/fixed");
        assert_eq!(reason(&refused), (403, "caller_unidentified".to_owned()), "{wrong}");
    }
    for elsewhere in ["/mcp/other", "/mcp/nobody"] {
        assert_eq!(reason(&with(&own, elsewhere)), (404, "profile_not_found".to_owned()));
    }
    // The name stands in the client's configuration. Another account's it never means.
    world.ok(&["rename", "fixed", "renamed"]).unwrap();
    assert_eq!([with(&own, "/mcp/fixed").status, with(&own, "/mcp/renamed").status], [200, 200]);
    world.ok(&["rename", "other", "fixed"]).unwrap();
    assert_eq!(with(&own, "/mcp/fixed").status, 404);
    let sent = upstream.requests().len();
    // An edited address is another server.
    let servers = fs::read_to_string(world.servers_file()).unwrap();
    let edited = servers.replace(&upstream.url(), "http://127.0.0.1:9/mcp");
    world.session.write("kb/config/servers.json", &edited).unwrap();
    assert_eq!(with(&own, "/mcp/renamed").status, 403);
    world.session.write("kb/config/servers.json", &servers).unwrap();
    assert_eq!(with(&own, "/mcp/renamed").status, 200);
    // With its account a key is gone.
    let second = Client::of(&world, "fixed");
    world.ok(&["remove", "renamed"]).unwrap();
    assert_eq!(reason(&second.send("POST", &[], Some("{}"))).0, 503, "an account without a sign-in");
    assert_eq!(reason(&with(&own, "/mcp/renamed")).0, 403);
    assert_eq!(upstream.requests().len(), sent + 1);
}

#[test]
fn what_is_made_to_be_read_in_two_ways_is_read_in_one_or_not_at_all() {
    let (world, upstream) = (world(), Upstream::saying(FINE));
    let client = Client::at(&world, &upstream);
    let key = format!("Keybearer-Key: {}", client.key);
    let inner = client.head("POST", "/mcp/fixed", "Content-Length: 8\r\n") + "smuggled";
    let length = inner.len();
    let begin = |more: &str| client.head("POST", "/mcp/fixed", more);
    for (what, raw) in [
        (
            "a length and pieces",
            begin(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n")) + "0\r\n\r\n" + &inner,
        ),
        (
            "pieces and a length",
            begin(&format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n")) + "0\r\n\r\n" + &inner,
        ),
        ("two lengths", begin(&format!("Content-Length: 0\r\nContent-Length: {length}\r\n")) + &inner),
        ("a list of lengths", begin(&format!("Content-Length: 0, {length}\r\n")) + &inner),
        ("a signed length", begin("Content-Length: +0\r\n") + &inner),
        ("a negative length", begin("Content-Length: -1\r\n") + &inner),
        ("a folded line", begin("X: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") + &inner),
        ("a space before the colon", begin("Content-Length : 0\r\n") + &inner),
        ("an unknown coding", begin("Transfer-Encoding: xchunked\r\n") + "0\r\n\r\n" + &inner),
        ("chunked and something after it", begin("Transfer-Encoding: chunked, identity\r\n") + "0\r\n\r\n" + &inner),
        ("a piece with a bad length", begin("Transfer-Encoding: chunked\r\n") + "0x0\r\n\r\n" + &inner),
        ("a piece longer than it says", begin("Transfer-Encoding: chunked\r\n") + "1\r\nabc\r\n0\r\n\r\n" + &inner),
        (
            "pieces in HTTP/1.0",
            begin("Transfer-Encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0") + "0\r\n\r\n" + &inner,
        ),
        (
            "a whole address",
            format!(
                "POST http://{}/mcp/fixed HTTP/1.1\r\nHost: {}\r\n{key}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                client.host(),
                client.host()
            ),
        ),
        ("a tunnel", format!("CONNECT {} HTTP/1.1\r\nHost: {}\r\n{key}\r\n\r\n{inner}", client.host(), client.host())),
        (
            "another protocol",
            begin(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTransfer-Encoding: chunked\r\n",
            ) + "0\r\n\r\n"
                + &inner,
        ),
        (
            "a line that ends in a bare return",
            begin("X: 1\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n") + &inner,
        ),
        ("a zero byte", begin("X: \0\r\nContent-Length: 0\r\n") + &inner),
        ("too many lines", begin(&"X: 1\r\n".repeat(100)) + &inner),
        ("a long line", begin(&format!("X: {}\r\n", "x".repeat(64 * 1024))) + &inner),
    ] {
        let before = upstream.requests().len();
        let answer = client.say(&raw);
        let after: Vec<String> = upstream.requests()[before..].iter().map(|request| request.body.clone()).collect();
        assert!(!after.iter().any(|body| body.contains("smuggled")), "{what}: {after:?}\n{answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1 && after.len() <= 1, "{what}: {after:?}\n{answer}");
        assert!(!answer.contains("HTTP/1.1 101"), "{what}: {answer}");
        if ["a whole address", "a tunnel"].contains(&what) {
            assert!(answer.starts_with("HTTP/1.1 4") && after.is_empty(), "{what}: {after:?}\n{answer}");
        }
    }
    // One after the other, as they are meant.
    let two = client.head("POST", "/mcp/fixed", "Content-Length: 1\r\n") + "1";
    let last = client.head("POST", "/mcp/fixed", "Content-Length: 1\r\nConnection: close\r\n") + "2";
    assert_eq!(client.say(&(two + &last)).matches("HTTP/1.1 200").count(), 2);
}

#[test]
fn events_go_out_as_they_come_and_a_client_that_leaves_ends_the_servers_request() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let (next, events) = mpsc::channel::<&str>();
    let (left, client_left) = mpsc::channel();
    let events = Mutex::new(events);
    let upstream = Upstream::start(move |_, stream| {
        say(stream, HEAD);
        for event in events.lock().unwrap().iter() {
            say(stream, event);
        }
        // The client's end is the end of this connection, which says nothing else.
        let _ = left.send(stream.read(&mut [0]).map(|read| read == 0).unwrap_or(true));
    });
    let world = world();
    let client = Client::at(&world, &upstream);
    next.send("id: 1\ndata: {\"first\":1}\n\n").unwrap();
    let mut lines = client.stream();
    assert!(lines.head.contains("text/event-stream"), "{}", lines.head);
    // The stream is open, and stays so.
    assert_eq!(lines.next("data:").unwrap(), "data: {\"first\":1}");
    next.send("id: 2\ndata: {\"second\":2}\n\n").unwrap();
    assert_eq!(lines.next("data:").unwrap(), "data: {\"second\":2}");
    drop((lines, next));
    assert!(client_left.recv_timeout(Duration::from_secs(60)).unwrap());
}

/// A server whose streams stay open: each has told one event.
fn streaming() -> Upstream {
    Upstream::start(|request, stream| match request.method.as_str() {
        "GET" => {
            say(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
            let _ = stream.read(&mut [0]);
        }
        _ => say(stream, FINE),
    })
}

#[test]
fn what_is_open_ends_when_its_key_is_taken_back_or_the_agent_is_locked() {
    let (world, upstream) = (world(), streaming());
    let (client, other) = (Client::at(&world, &upstream), Client::of(&world, "fixed"));
    let mut open = [client.stream(), other.stream()];
    assert!(open.iter_mut().all(|lines| lines.next("data:").is_some()));
    world.ok(&["grants", "revoke", &client.grant]).unwrap();
    let [mut taken_back, mut still_open] = open;
    assert_eq!(taken_back.next("data:"), None);
    assert_eq!(reason(&client.post(CALL)), (403, "caller_unidentified".to_owned()));
    assert_eq!(other.post(CALL).status, 200);
    world.ok(&["lock"]).unwrap();
    assert_eq!(still_open.next("data:"), None);
    assert_eq!(reason(&other.post(CALL)), (503, "agent_locked".to_owned()));
    world.ok(&["unlock"]).unwrap();
    assert_eq!(other.post(CALL).status, 200);
}

#[test]
fn what_a_server_still_works_on_reaches_nobody_after_the_key_was_taken_back() {
    let (begun, begins) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let goes_on = Mutex::new(goes_on);
    let upstream = Upstream::start(move |_, stream| {
        begun.send(()).unwrap();
        let _ = goes_on.lock().unwrap().recv();
        say(stream, FINE);
    });
    let world = world();
    let client = Client::at(&world, &upstream);
    std::thread::scope(|scope| {
        let calling = scope.spawn(|| client.post(CALL));
        begins.recv_timeout(Duration::from_secs(60)).unwrap();
        world.ok(&["grants", "revoke", &client.grant]).unwrap();
        // Nobody waits for the server.
        let answer = calling.join().unwrap();
        assert_eq!((reason(&answer).0, answer.body.contains("taken back")), (403, true), "{answer:?}");
    });
    drop(go_on);
}

#[test]
fn a_session_is_kept_resumed_and_ended_as_the_server_says() {
    let (_world, _practice, client) = signed_in(&[]);
    let hello = client.post(INITIALIZE);
    let session = hello.head.lines().find(|line| line.to_ascii_lowercase().starts_with("mcp-session-id")).unwrap();
    let told = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(client.send("POST", &[session], Some(told)).status, 202);
    let echo =
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}"#;
    let answer = client.send("POST", &[session], Some(echo));
    assert!(answer.status == 200 && answer.body.contains("hello"), "{answer:?}");
    let mut stream = client.connect();
    let head =
        client.head("GET", "/mcp/practice", &format!("Accept: text/event-stream\r\nLast-Event-ID: 0\r\n{session}\r\n"));
    stream.write_all(head.as_bytes()).unwrap();
    assert!(Lines::of(stream).head.starts_with("HTTP/1.1 200"));
    assert!(client.send("DELETE", &[session], None).status < 300);
    assert_eq!(
        client.send("POST", &[session], Some(echo)).status,
        404,
        "what the server says of a lost session comes through"
    );
}

#[test]
fn the_endpoint_of_an_old_server_is_reached_over_one_of_ours_as_long_as_its_stream_lasts() {
    let (to_client, messages) = mpsc::channel::<String>();
    let messages = Mutex::new(messages);
    let named = Arc::new(Mutex::new("/messages?session=abc".to_owned()));
    let names = named.clone();
    let upstream = Upstream::start(move |request, stream| match request.method.as_str() {
        "GET" => {
            let named = names.lock().unwrap().clone();
            say(
                stream,
                &format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\ndata: {named}\n\n"
                ),
            );
            for message in messages.lock().unwrap().iter() {
                say(stream, &format!("event: message\ndata: {message}\n\n"));
            }
            if !named.starts_with("/messages") {
                let _ = stream.read(&mut [0]);
            }
        }
        _ => say(stream, "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    });
    let world = world();
    let client = Client::at(&world, &upstream);
    let mut lines = client.stream_at(&format!("/key/{}/mcp/fixed", client.key));
    assert_eq!(lines.next("event:").unwrap(), "event: endpoint");
    let endpoint = lines.next("data:").unwrap().split_off("data: ".len());
    assert!(endpoint.starts_with(&format!("/key/{}/mcp/fixed/messages/", client.key)), "{endpoint}");
    let post = |endpoint: &str| {
        request_with("POST", &format!("http://{}{endpoint}", client.host()), "Accept: */*", Some(CALL)).unwrap()
    };
    assert_eq!(post(&endpoint).status, 202);
    let last = upstream.requests().pop().unwrap();
    assert_eq!((last.path.as_str(), last.header("authorization")), ("/messages?session=abc", Some("Bearer s3cret")));
    to_client.send("{\"answer\":7}".to_owned()).unwrap();
    assert_eq!(lines.next("data:").unwrap(), "data: {\"answer\":7}");
    drop((lines, to_client));
    until("the end of the stream", || Ok((post(&endpoint).status == 404).then_some(()))).unwrap();
    // An endpoint elsewhere gets nothing.
    for elsewhere in ["http://127.0.0.1:9/messages", "//evil.example/messages", "https://10.1.2.3/messages"] {
        *named.lock().unwrap() = elsewhere.to_owned();
        let upstream_requests = upstream.requests().len();
        let mut lines = client.stream_at("/mcp/fixed");
        let endpoint = lines.next("data:").map(|line| line[6..].to_owned());
        let Some(endpoint) = endpoint else { panic!("no endpoint") };
        let answer = request_with(
            "POST",
            &format!("http://{}{endpoint}", client.host()),
            &format!("Keybearer-Key: {}", client.key),
            Some(CALL),
        )
        .unwrap();
        assert_eq!((answer.status, upstream.requests().len()), (502, upstream_requests + 1), "{answer:?}");
    }
}

#[test]
fn a_key_is_kept_as_a_hash_and_stands_in_no_log() {
    let (world, upstream) = (world(), Upstream::saying(FINE));
    let client = Client::at(&world, &upstream);
    client.post(CALL);
    let by_path = format!("http://{}/key/{}/mcp/fixed", client.host(), client.key);
    assert_eq!(request_with("POST", &by_path, "Accept: */*", Some(CALL)).unwrap().status, 200);
    request_with("POST", &format!("{by_path}/nowhere"), "Accept: */*", Some(CALL)).unwrap();
    let activity = world.ok(&["activity", "--json"]).unwrap();
    let carried = activity.lines().find(|line| line.contains("request_carried")).expect("a row");
    assert!(carried.contains("Cursor") && !carried.contains("s3cret"), "{carried}");
    let log = world.log();
    assert!(log.contains("TRACE"), "the log isn't talkative");
    assert!(!activity.contains(&client.key) && !log.contains(&client.key));
    assert!(!world.ok(&["grants", "--json"]).unwrap().contains(&client.key));
    assert!(!world.session.read_item("protection").unwrap().contains(&client.key));
    assert_eq!(files_holding(&world.session.folder(), &[&client.key]), Vec::<String>::new());
}

#[test]
fn once_a_desktop_was_there_keys_are_made_on_its_connection_alone() {
    let (world, upstream) = (at_port(World::with_desktop().unwrap()), Upstream::saying(FINE));
    let before = Client::at(&world, &upstream);
    let mut prompter = Prompter::register(&world).unwrap();
    let refused = world.run(&["gateway", "key", "fixed", "--client", "Cursor"]).unwrap();
    assert_eq!(refused.code, 34, "{refused:?}");
    let made = prompter.0.ok("gateway.add_key", &json!({ "profile": "fixed", "client": "Codex" })).unwrap();
    assert_eq!(made["url"], json!(before.url));
    // What was allowed before goes on: a person did that.
    assert_eq!(before.post(CALL).status, 200);
    let long = "x".repeat(65);
    for bad in ["", "a\nb", &long] {
        let answer = prompter.0.call("gateway.add_key", &json!({ "profile": "fixed", "client": bad })).unwrap();
        assert_eq!(answer["error"]["data"]["name"], "usage", "{bad:?}");
    }
}

#[test]
fn a_client_of_the_socket_needs_no_key_and_is_asked_about() {
    let (world, upstream) = (at_port(World::with_desktop().unwrap()), streaming());
    Client::at(&world, &upstream);
    let socket = world.json(&["gateway"]).unwrap()["socket"].as_str().unwrap().to_owned();
    let connect = || {
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        stream
    };
    let ask = |stream: &mut UnixStream| {
        let length = CALL.len();
        let head = format!("POST /mcp/fixed HTTP/1.1\r\nHost: unix\r\nContent-Length: {length}\r\n\r\n{CALL}");
        stream.write_all(head.as_bytes()).unwrap();
        let mut piece = vec![0; 64 * 1024];
        let read = stream.read(&mut piece).unwrap();
        String::from_utf8_lossy(&piece[..read]).split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    assert_eq!(ask(&mut connect()), 200, "as long as nobody is asked");
    let mut prompter = Prompter::register(&world).unwrap();
    let answered = |prompter: &mut Prompter, stream: &mut UnixStream, decision: &str| {
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| ask(stream));
            let prompt = prompter.answer(decision).unwrap();
            assert_eq!(prompt["program"]["pid"], std::process::id(), "{prompt}");
            asking.join().unwrap()
        })
    };
    // Once: for the connection.
    let mut first = connect();
    assert_eq!(answered(&mut prompter, &mut first, "once"), 200);
    assert_eq!(ask(&mut first), 200);
    assert!(prompter.prompts().unwrap().is_empty());
    // And no longer than until the next lock.
    prompter.0.ok("agent.lock", &json!({})).unwrap();
    prompter.0.ok("agent.unlock", &json!({})).unwrap();
    assert_eq!(answered(&mut prompter, &mut first, "once"), 200);
    let mut second = connect();
    assert_eq!(answered(&mut prompter, &mut second, "while_running"), 200);
    assert_eq!(ask(&mut connect()), 200);
    let grants = prompter.0.ok("grant.list", &json!({})).unwrap();
    let grant = grants["grants"].as_array().unwrap().iter().find(|grant| grant["gateway"] == false).unwrap().clone();
    prompter.0.ok("grant.revoke", &json!({ "grant": grant["grant"] })).unwrap();
    assert_eq!(answered(&mut prompter, &mut second, "deny"), 403);
    assert_eq!(ask(&mut connect()), 403);
}

#[test]
fn a_client_has_so_many_requests_at_a_time_and_bodies_so_large_and_no_more() {
    let (world, upstream) = (world(), streaming());
    let (client, other) = (Client::at(&world, &upstream), Client::of(&world, "fixed"));
    let mut open: Vec<Lines> = (0..64).map(|_| client.stream()).collect();
    assert_eq!(reason(&client.post(CALL)), (503, "busy".to_owned()));
    assert_eq!(other.post(CALL).status, 200, "another client has its own");
    open.pop();
    until("room", || Ok((client.post(CALL).status == 200).then_some(()))).unwrap();
    let announced = client.head("POST", "/mcp/fixed", &format!("Content-Length: {}\r\n", 64 * 1024 * 1024 + 1));
    assert!(client.say(&announced).starts_with("HTTP/1.1 413"));
}

#[test]
fn the_bodies_of_all_clients_hold_so_much_of_the_agent_together_and_give_it_back() {
    let (world, upstream) = (world(), Upstream::saying(FINE));
    let client = Client::at(&world, &upstream);
    let more = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", 64 * 1024 * 1024);
    let announced = client.head("POST", "/mcp/fixed", &more);
    // What is announced is kept free as soon as the agent says go on, whether or not it ever comes.
    let open = || {
        let mut stream = client.connect();
        stream.write_all(announced.as_bytes()).unwrap();
        let mut said = [0; 12];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 100");
        stream
    };
    let mut open: Vec<TcpStream> = (0..4).map(|_| open()).collect();
    assert_eq!(reason(&client.post(CALL)), (503, "busy".to_owned()));
    open.pop();
    until("room", || Ok((client.post(CALL).status == 200).then_some(()))).unwrap();
}
