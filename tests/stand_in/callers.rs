//! Many callers in one process: each asks for tokens at its pace on a connection of its own, and uses each at once.

use anyhow::{Context, ensure};
use keybearer_tests::wire::Wire;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one caller saw.
#[derive(Debug, Default)]
struct Seen {
    /// Microseconds of calls that were answered from what was at hand.
    at_hand: Vec<u64>,
    /// Microseconds of those that waited for a renewal.
    renewed: Vec<u64>,
    /// Tokens that the server refused.
    refused: u64,
    /// Errors in the place of tokens.
    errors: Vec<String>,
}

/// So many callers for so many seconds, each for one of these accounts at the pace of so many milliseconds. Prints what
/// they saw together.
pub(crate) fn call(
    socket: &Path,
    gate: &str,
    callers: usize,
    seconds: u64,
    pace: u64,
    accounts: &[&str],
) -> anyhow::Result<()> {
    ensure!(!accounts.is_empty(), "no account to ask for");
    let end = Instant::now() + Duration::from_secs(seconds);
    let all: Vec<anyhow::Result<Seen>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..callers)
            .map(|number| {
                // They begin one after the other, and don't ask in step.
                let first = Duration::from_millis(pace * number as u64 / callers as u64);
                let account = accounts[number % accounts.len()];
                scope.spawn(move || ask_all_the_time(socket, gate, account, first, Duration::from_millis(pace), end))
            })
            .collect();
        started.into_iter().map(|one| one.join().expect("a caller doesn't panic")).collect()
    });
    let mut sum = Seen::default();
    for one in all {
        let one = one?;
        sum.at_hand.extend(one.at_hand);
        sum.renewed.extend(one.renewed);
        sum.refused += one.refused;
        sum.errors.extend(one.errors);
    }
    sum.errors.truncate(10);
    let Seen { at_hand, renewed, refused, errors } = sum;
    println!("{}", json!({ "at_hand": at_hand, "renewed": renewed, "refused": refused, "errors": errors }));
    Ok(())
}

fn ask_all_the_time(
    socket: &Path,
    gate: &str,
    account: &str,
    first: Duration,
    pace: Duration,
    end: Instant,
) -> anyhow::Result<Seen> {
    let (mut wire, mut server, mut seen) = (Wire::open(socket)?, Gate::open(gate)?, Seen::default());
    std::thread::sleep(first);
    while Instant::now() < end {
        let began = Instant::now();
        let reply = wire.call("token.get", &json!({ "profile": account, "interactive": false }))?;
        let took = u64::try_from(began.elapsed().as_micros())?;
        match reply["result"]["access_token"].as_str() {
            Some(token) => {
                seen.refused += u64::from(!server.lets_in(token)?);
                match reply["result"]["from_cache"] == Value::Bool(true) {
                    true => seen.at_hand.push(took),
                    false => seen.renewed.push(took),
                }
            }
            None => seen.errors.push(reply["error"].to_string()),
        }
        // The pace of a program, not a wait for anything.
        std::thread::sleep(pace.saturating_sub(began.elapsed()));
    }
    Ok(seen)
}

/// A connection to the gate before a server that stays open.
struct Gate {
    stream: BufReader<TcpStream>,
    host: String,
    path: String,
}

impl Gate {
    fn open(url: &str) -> anyhow::Result<Gate> {
        let rest = url.strip_prefix("http://").context("plain http")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Gate { stream: BufReader::new(stream), host: host.to_owned(), path: format!("/{path}") })
    }

    fn lets_in(&mut self, token: &str) -> anyhow::Result<bool> {
        let (host, path) = (&self.host, &self.path);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        // Neither answer has a body.
        let mut line = String::new();
        while self.stream.read_line(&mut line)? > 2 {
            line.clear();
        }
        Ok(status.split(' ').nth(1) == Some("204"))
    }
}
