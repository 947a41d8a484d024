//! A connection: nothing is asked before the hello or without its nonce, nothing twice, and nothing after the end
//! (REQ-H1, REQ-H2, REQ-L1).
//!
//! The input is a play of one line for each event. `>` and a line says that line, in which `$` stands for the nonce and
//! `#` for the one before; `<` and an id says that this request has its answer; `!` lets the connection begin anew, and
//! `-` in the beginning makes it a foreign caller's at the door for Keybearer's own programs.

use keybearer_ipc::frame::{FrameError, LIMIT, parse};
use keybearer_ipc::session::{IN_FLIGHT, Session, Step, Welcome};
use keybearer_protocol::program::ProgramView;
use keybearer_protocol::rpc::{Id, Response};
use keybearer_protocol::session::{CallerView, PROTOCOL, Server, SessionOpenParams};
use keybearer_protocol::{Door, ErrorCode};
use serde_json::Value;
use std::collections::HashSet;

/// What the connection must be by now.
#[derive(Default)]
struct Expected {
    /// The nonces so far; the last one counts while the caller has said hello.
    nonces: Vec<String>,
    is_greeted: bool,
    open: HashSet<Id>,
}

/// What a line must lead to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Said(Option<Id>, Option<ErrorCode>),
    Greeted(Id),
    Asked(Id),
    Cancelled(Id, Id),
    HungUp(Option<Id>, ErrorCode),
}

/// Plays the input.
pub fn check(bytes: &[u8]) {
    let (is_foreign_at_admin, play) = match bytes.split_first() {
        Some((b'-', play)) => (true, play),
        _ => (false, bytes),
    };
    let mut session = Session::new(welcome(is_foreign_at_admin));
    let mut expected = Expected::default();
    for event in play.split(|byte| *byte == b'\n') {
        match event.split_first() {
            Some((b'>', line)) => {
                let line = expected.with_nonces(line);
                let line = if line.len() < LIMIT { Ok(&*line) } else { Err(FrameError::TooLong) };
                let must = expected.hears(line, is_foreign_at_admin);
                let step = session.hear(line);
                let is_over = matches!(step, Step::HangUp(_));
                assert_eq!(expected.saw(step), must);
                assert_eq!(session.is_open(), expected.is_greeted);
                if is_over {
                    return;
                }
            }
            Some((b'<', id)) => {
                let Ok(id) = serde_json::from_slice::<Id>(id) else { continue };
                assert_eq!(session.answered(&id), expected.open.remove(&id));
            }
            Some((b'!', _)) => {
                session.restart(Vec::new());
                (expected.is_greeted, expected.open) = (false, HashSet::new());
                assert!(!session.is_open());
            }
            _ => {}
        }
        assert_eq!(session.open().cloned().collect::<HashSet<Id>>(), expected.open);
        assert!(expected.open.len() <= IN_FLIGHT);
    }
}

impl Expected {
    fn with_nonces(&self, line: &[u8]) -> Vec<u8> {
        let nonce = |back: usize| self.nonces.iter().rev().nth(back).map(|nonce| nonce.as_bytes().to_vec());
        line.iter()
            .flat_map(|byte| match byte {
                b'$' => nonce(0).unwrap_or(vec![b'$']),
                b'#' => nonce(1).unwrap_or(vec![b'#']),
                other => vec![*other],
            })
            .collect()
    }

    /// What the rules say of a line; a request that goes on is open from here.
    fn hears(&mut self, line: Result<&[u8], FrameError>, is_foreign_at_admin: bool) -> Outcome {
        let value = match line.and_then(parse) {
            Ok(value) => value,
            Err(FrameError::NotAnObject) => return Outcome::HungUp(None, ErrorCode::InvalidRequest),
            Err(_) => return Outcome::HungUp(None, ErrorCode::ParseError),
        };
        let id = match &value["id"] {
            Value::String(text) => Some(Id::Text(text.clone())),
            Value::Number(number) => number.as_u64().map(Id::Number),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let has_session = matches!(value["session"], Value::Null | Value::String(_));
        let (Some(id), Some("2.0"), Some(method), true) =
            (id, value["jsonrpc"].as_str(), value["method"].as_str(), has_session)
        else {
            return Outcome::HungUp(None, ErrorCode::InvalidRequest);
        };
        let params = value.get("params").cloned().unwrap_or_else(|| Value::Object(Default::default()));
        if !self.is_greeted {
            let refused = |code| Outcome::HungUp(Some(id.clone()), code);
            if method != "session.open" {
                return refused(ErrorCode::InvalidRequest);
            }
            return match serde_json::from_value::<SessionOpenParams>(params) {
                Err(_) => refused(ErrorCode::InvalidParams),
                Ok(params) if !(params.protocol.min..=params.protocol.max).contains(&PROTOCOL) => {
                    refused(ErrorCode::ProtocolMismatch)
                }
                Ok(_) if is_foreign_at_admin => refused(ErrorCode::CallerUnidentified),
                Ok(_) => Outcome::Greeted(id),
            };
        }
        if value["session"].as_str() != self.nonces.last().map(String::as_str) {
            return Outcome::HungUp(Some(id), ErrorCode::InvalidRequest);
        }
        if method == "request.cancel" {
            return match serde_json::from_value::<Id>(params["id"].clone()) {
                Ok(other) if self.open.remove(&other) => Outcome::Cancelled(other, id),
                Ok(_) => Outcome::Said(Some(id), None),
                Err(_) => Outcome::Said(Some(id), Some(ErrorCode::InvalidParams)),
            };
        }
        if self.open.contains(&id) {
            return Outcome::Said(Some(id), Some(ErrorCode::InvalidRequest));
        }
        if self.open.len() == IN_FLIGHT {
            return Outcome::Said(Some(id), Some(ErrorCode::Busy));
        }
        self.open.insert(id.clone());
        Outcome::Asked(id)
    }

    /// What the connection did.
    fn saw(&mut self, step: Step) -> Outcome {
        let code = |answer: &Response| answer.error.as_ref().map(|error| error.known_code());
        match step {
            Step::Say(answer) => Outcome::Said(answer.id.clone(), code(&answer)),
            Step::Greet { answer, .. } => {
                let reply = answer.result.expect("a greeting is no error");
                let nonce = reply["session"].as_str().expect("a greeting has a nonce").to_owned();
                assert!(nonce.len() == 32 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit()), "{nonce}");
                assert!(!self.nonces.contains(&nonce), "a nonce comes twice");
                self.nonces.push(nonce);
                self.is_greeted = true;
                Outcome::Greeted(answer.id.expect("an id was sent"))
            }
            Step::Ask(request) => Outcome::Asked(request.id),
            Step::Cancel(other, answer) => Outcome::Cancelled(other, answer.id.expect("an id was sent")),
            Step::HangUp(answer) => {
                let error = answer.error.as_ref().expect("whoever is hung up on is told why");
                Outcome::HungUp(answer.id.clone(), error.known_code())
            }
        }
    }
}

fn welcome(is_foreign_at_admin: bool) -> Welcome {
    let caller = CallerView { pid: None, exe: None, foreign: is_foreign_at_admin, program: ProgramView::default() };
    Welcome {
        door: if is_foreign_at_admin { Door::Admin } else { Door::Programs },
        server: Server { name: "agent".into(), version: "0".into(), instance: "i".into() },
        capabilities: Vec::new(),
        caller: caller.into(),
    }
}
