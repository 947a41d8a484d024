//! The caller's side: blocking. A `Client` makes one request at a time; a `SharedClient` serves many askers.

mod environment;
mod pages;
mod shared;
pub use environment::environment;
pub use pages::{clients, grants, servers};
pub use shared::SharedClient;

use crate::frame::{self, LIMIT};
use crate::place::{Place, PlaceError};
use crate::socket::{self, ConnectError, Stream};
use keybearer_protocol::method::Method;
use keybearer_protocol::profile::{AccountView, ProfileList};
use keybearer_protocol::rpc::{Id, Request, Response};
use keybearer_protocol::session::{SessionOpen, SessionOpenParams, SessionOpenReply, Software, VersionRange};
use keybearer_protocol::{Door, ErrorCode, ErrorObject};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::time::Duration;
use zeroize::Zeroizing;

/// The most that a healthy agent takes to say hello.
const HELLO: Duration = Duration::from_secs(5);

/// The most news that are kept for whoever asks for them later; the oldest make room.
const KEPT_NEWS: usize = 1024;

/// A connection to the agent.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Stream>,
    next_id: u64,
    /// News that came while an answer was awaited.
    news: VecDeque<Value>,
    session: Option<String>,
    /// What the agent said of itself and of us; set by the handshake.
    hello: Option<SessionOpenReply>,
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no place for a socket.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The socket can't be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The agent ended or hung up in mid-conversation.
    #[error("the agent ended the connection")]
    HungUp,
    /// It took longer than the caller wants to wait.
    #[error("the agent didn't answer in time")]
    Timeout,
    /// It answered something that isn't the protocol.
    #[error("the agent answered something that isn't Keybearer's protocol")]
    Garbled,
    /// It answered with an error.
    #[error("{0}")]
    Refused(ErrorObject),
}

impl From<ClientError> for ErrorObject {
    fn from(error: ClientError) -> ErrorObject {
        let code = match &error {
            ClientError::Refused(object) => return object.clone(),
            ClientError::Place(_) | ClientError::Connect(_) | ClientError::HungUp => ErrorCode::AgentUnreachable,
            ClientError::Timeout => ErrorCode::Timeout,
            ClientError::Garbled => ErrorCode::ProtocolMismatch,
        };
        ErrorObject::new(code, error.to_string())
    }
}

impl Client {
    /// Connects to a door of the environment's Keybearer; `name` is shown in quotes and decides nothing.
    pub fn connect(door: Door, name: &str) -> Result<Client, ClientError> {
        Client::connect_at(&Place::of_environment()?, door, name)
    }

    /// Connects to a door at this place.
    pub fn connect_at(place: &Place, door: Door, name: &str) -> Result<Client, ClientError> {
        let stream = BufReader::new(socket::connect(place, door)?);
        let mut client = Client { stream, next_id: 0, news: VecDeque::new(), session: None, hello: None };
        client.set_timeout(Some(HELLO));
        let software = Software { name: name.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        let hello =
            client.call::<SessionOpen>(&SessionOpenParams { protocol: VersionRange::OURS, client: software })?;
        client.session = Some(hello.session.clone());
        client.hello = Some(hello);
        client.set_timeout(None);
        Ok(client)
    }

    /// The connection itself, for whoever it is handed on to; all that the agent said was read.
    pub fn into_stream(self) -> Stream {
        self.stream.into_inner()
    }

    /// What the agent said of itself and of us.
    pub fn hello(&self) -> Option<&SessionOpenReply> {
        self.hello.as_ref()
    }

    /// The most that a reply may take from now on.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        // Only a zero duration is refused, and it means "at once" to whoever asks for it.
        let timeout = timeout.map(|timeout| timeout.max(Duration::from_millis(1)));
        let _ = self.stream.get_ref().set_read_timeout(timeout);
    }

    /// Makes a request and waits for its reply.
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Reply, ClientError> {
        let params = serde_json::to_value(params).map_err(|_| ClientError::Garbled)?;
        let reply = self.call_by_name(M::NAME, params)?;
        serde_json::from_value(reply).map_err(|_| ClientError::Garbled)
    }

    /// The same for a method that only its caller knows.
    pub fn call_by_name(&mut self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.next_id += 1;
        let id = Id::Number(self.next_id);
        let request = Request::new(id.clone(), method, params, self.session.clone());
        write(self.stream.get_mut(), &request)?;
        loop {
            let line = read(&mut self.stream)?;
            if is_news(&line) {
                if self.news.len() == KEPT_NEWS {
                    self.news.pop_front();
                }
                self.news.push_back(line);
                continue;
            }
            let response = response(line)?;
            // Another id: an answer to a request that this caller stopped waiting for.
            if response.id.is_none() || response.id.as_ref() == Some(&id) {
                return outcome(response);
            }
        }
    }

    /// The next news of what this connection has subscribed to: `method` and `params` of a notification.
    pub fn next_news(&mut self) -> Result<Value, ClientError> {
        while self.news.is_empty() {
            // An answer here is one that its caller stopped waiting for.
            self.news.extend(Some(read(&mut self.stream)?).filter(is_news));
        }
        self.news.pop_front().ok_or(ClientError::HungUp)
    }

    /// Every account, sorted by name.
    pub fn accounts(&mut self) -> Result<Vec<AccountView>, ClientError> {
        pages::accounts(|page| self.call::<ProfileList>(page))
    }
}

/// Sends a request as one line.
fn write(stream: &mut Stream, request: &Request) -> Result<(), ClientError> {
    let mut line = Zeroizing::new(serde_json::to_vec(request).map_err(|_| ClientError::Garbled)?);
    line.push(b'\n');
    stream.write_all(&line).map_err(|error| broken(&error))
}

/// Waits for the next line: an answer to whichever request, or news.
fn read(stream: &mut BufReader<Stream>) -> Result<Value, ClientError> {
    let mut line = Zeroizing::new(Vec::new());
    let limit = u64::try_from(LIMIT).unwrap_or(u64::MAX);
    stream.by_ref().take(limit).read_until(b'\n', &mut line).map_err(|error| broken(&error))?;
    match line.pop() {
        Some(b'\n') => frame::parse(&line).map_err(|_| ClientError::Garbled),
        Some(_) => Err(ClientError::Garbled),
        None => Err(ClientError::HungUp),
    }
}

/// Whether a line answers nothing.
fn is_news(line: &Value) -> bool {
    line.get("method").is_some()
}

fn response(line: Value) -> Result<Response, ClientError> {
    serde_json::from_value(line).map_err(|_| ClientError::Garbled)
}

/// What an answer says.
fn outcome(response: Response) -> Result<Value, ClientError> {
    match response {
        Response { error: Some(error), .. } => Err(ClientError::Refused(error)),
        Response { result: Some(result), id: Some(_), .. } => Ok(result),
        Response { .. } => Err(ClientError::Garbled),
    }
}

fn broken(error: &std::io::Error) -> ClientError {
    let late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    if late { ClientError::Timeout } else { ClientError::HungUp }
}
