//! One connection as a state machine: what was said on it so far decides what its next line means. It reads and writes
//! nothing; lines go in, and what is to be done comes out (REQ-H1..H4, REQ-L1).

use crate::frame::{self, FrameError};
use keybearer_protocol::method::Method;
use keybearer_protocol::request::{RequestCancel, RequestCancelParams, RequestCancelReply};
use keybearer_protocol::rpc::{Id, Request, Response, VERSION};
use keybearer_protocol::session::{
    CallerView, PROTOCOL, Server, SessionOpen, SessionOpenParams, SessionOpenReply, VersionRange,
};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Requests at one time of one connection.
pub const IN_FLIGHT: usize = 64;

/// What a caller is told when it says hello.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// Where it came in.
    pub door: Door,
    /// The agent.
    pub server: Server,
    /// The methods that are answered here, beside those of the session itself.
    pub capabilities: Vec<String>,
    /// How it is seen.
    pub caller: Arc<CallerView>,
}

/// What is to be done about a line.
#[derive(Debug)]
pub enum Step {
    /// Say this, and go on.
    Say(Response),
    /// Say this to a caller that has said hello, and go on.
    Greet {
        /// The name that it gives itself: untrusted, for quotes (REQ-H4).
        claimed_name: String,
        /// The hello in return.
        answer: Response,
    },
    /// Find the answer to this; [`Session::answered`] follows.
    Ask(Request),
    /// Stop looking for the answer to that request, and say this.
    Cancel(Id, Response),
    /// Say this, and hang up.
    HangUp(Response),
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    welcome: Welcome,
    /// What every request carries, once the caller has said hello (REQ-H2).
    nonce: Option<String>,
    /// The requests that are under way.
    open: HashSet<Id>,
    /// Whether it was given to whoever holds its descriptor, one after another: each says hello.
    is_shared: bool,
}

impl Session {
    /// A connection on which nothing was said.
    pub fn new(welcome: Welcome) -> Session {
        Session { welcome, nonce: None, open: HashSet::new(), is_shared: false }
    }

    /// Whether the caller has said hello.
    pub fn is_open(&self) -> bool {
        self.nonce.is_some()
    }

    /// Takes the next line, without its end.
    pub fn hear(&mut self, line: Result<&[u8], FrameError>) -> Step {
        // After a broken line nothing tells where the next one begins.
        let request = match line.map_err(broken).and_then(request) {
            Ok(request) => request,
            Err(answer) => return Step::HangUp(*answer),
        };
        if self.is_shared && request.method == SessionOpen::NAME {
            // The next holder. What the one before asked has no answer any more.
            self.nonce = None;
            self.open.clear();
        }
        let Some(nonce) = &self.nonce else { return self.greet(request) };
        if request.session.as_ref() != Some(nonce) {
            // Whoever doesn't know the nonce hasn't read our reply: another process may be writing (REQ-H2).
            let message = "the request doesn't carry this connection's session";
            return Step::HangUp(refusal(request.id, ErrorCode::InvalidRequest, message));
        }
        if request.method == RequestCancel::NAME {
            return self.cancel(request);
        }
        if self.open.contains(&request.id) {
            let message = "a request with this id is under way on this connection";
            return Step::Say(refusal(request.id, ErrorCode::InvalidRequest, message));
        }
        if self.open.len() >= IN_FLIGHT {
            let message = "too many requests at one time on this connection";
            return Step::Say(refusal(request.id, ErrorCode::Busy, message));
        }
        self.open.insert(request.id.clone());
        Step::Ask(request)
    }

    /// The request has its answer; whether somebody still wants it.
    pub fn answered(&mut self, id: &Id) -> bool {
        self.open.remove(id)
    }

    /// The requests that are under way.
    pub fn open(&self) -> impl Iterator<Item = &Id> {
        self.open.iter()
    }

    /// The connection goes on as another caller's, who has to say hello: what was asked before has no answer any more.
    pub fn restart(&mut self, capabilities: Vec<String>) {
        self.welcome.capabilities = capabilities;
        self.nonce = None;
        self.open.clear();
        self.is_shared = true;
    }

    /// The handshake: `session.open` first, with a version that both speak.
    fn greet(&mut self, request: Request) -> Step {
        let Request { id, method, params, .. } = request;
        let refuse = |code, message: &str| Step::HangUp(refusal(id.clone(), code, message));
        if method != SessionOpen::NAME {
            return refuse(ErrorCode::InvalidRequest, "the first request must be session.open");
        }
        let Some(SessionOpenParams { protocol, client }) = read(params) else {
            return refuse(ErrorCode::InvalidParams, "the parameters don't fit session.open");
        };
        if !protocol.contains(PROTOCOL) {
            let VersionRange { min, max } = VersionRange::OURS;
            return refuse(ErrorCode::ProtocolMismatch, &format!("this agent speaks protocol {min} to {max}"));
        }
        let Welcome { door, server, capabilities, caller } = &self.welcome;
        if *door == Door::Admin && caller.foreign {
            let message = "the admin door is closed to programs in sandboxes, containers and other namespaces";
            return refuse(ErrorCode::CallerUnidentified, message);
        }
        let nonce = nonce();
        let reply = SessionOpenReply {
            protocol: PROTOCOL,
            session: nonce.clone(),
            server: server.clone(),
            capabilities: capabilities.iter().cloned().chain([RequestCancel::NAME.to_owned()]).collect(),
            caller: caller.as_ref().clone(),
        };
        self.nonce = Some(nonce);
        Step::Greet { claimed_name: client.name, answer: written(id, &reply) }
    }

    fn cancel(&mut self, request: Request) -> Step {
        let Request { id, params, .. } = request;
        let Some(RequestCancelParams { id: other }) = read(params) else {
            let message = "the parameters don't fit request.cancel";
            return Step::Say(refusal(id, ErrorCode::InvalidParams, message));
        };
        let cancelled = self.open.remove(&other);
        let answer = written(id, &RequestCancelReply { cancelled });
        if cancelled { Step::Cancel(other, answer) } else { Step::Say(answer) }
    }
}

/// The request in a line.
fn request(line: &[u8]) -> Result<Request, Box<Response>> {
    let value = frame::parse(line).map_err(broken)?;
    read::<Request>(value).filter(|request| request.jsonrpc == VERSION).ok_or_else(|| {
        let error = ErrorObject::new(ErrorCode::InvalidRequest, "this isn't a JSON-RPC 2.0 request");
        Box::new(Response::new(None, Err(error)))
    })
}

fn broken(error: FrameError) -> Box<Response> {
    let code = match error {
        FrameError::NotAnObject => ErrorCode::InvalidRequest,
        FrameError::TooLong | FrameError::ControlCharacter | FrameError::NotJson => ErrorCode::ParseError,
    };
    Box::new(Response::new(None, Err(ErrorObject::new(code, error.to_string()))))
}

fn refusal(id: Id, code: ErrorCode, message: &str) -> Response {
    Response::new(Some(id), Err(ErrorObject::new(code, message)))
}

fn read<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn written<T: Serialize>(id: Id, reply: &T) -> Response {
    let unwritten = |_| ErrorObject::new(ErrorCode::Internal, "the answer can't be written");
    Response::new(Some(id), serde_json::to_value(reply).map_err(unwritten))
}

/// 128 bits of chance.
fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("an operating system without chance can't keep secrets either");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
