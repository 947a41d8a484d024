//! Carries a program's requests to the server of an account: with what authorizes them, and without what is nobody's but
//! the program's, or nobody's but the server's.

use crate::endpoint::endpoint;
use crate::exchange::exchange;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, header};
use keybearer_core::api::Pass;
use keybearer_core::error::Error;
use keybearer_core::upstream::UpstreamError;
use keybearer_oauth::http::{Answer as Opened, host};
use keybearer_oauth::reach::challenge;
use keybearer_oauth::{Http, HttpError, ServerUrl};
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most that the body of a request holds, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// Servers to which connections are kept at one time; the one that was used longest ago makes room.
const LINES: usize = 64;
/// A server that refuses a token which was just renewed is believed for so long: it would refuse the next as well.
const BELIEVED: Duration = Duration::from_secs(30);

/// What a program says of itself or its way here, and what belongs to one connection alone (RFC 9110 §7.6.1). Its own
/// `Authorization` is for nobody; `Accept-Encoding` stays here since a packed stream can't be read as it comes.
const NOT_FOR_SERVERS: [HeaderName; 18] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::FORWARDED,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("keybearer-key"),
    header::ORIGIN,
    header::REFERER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::VIA,
    HeaderName::from_static("dpop"),
];
/// How the names of more such headers begin.
const NOT_FOR_SERVERS_FROM: [&str; 5] = ["proxy-", "x-forwarded-", "x-real-", "sec-", "access-control-"];

/// What an answer may say to a program. All else is between the server and us: challenges, cookies, permissions for web
/// pages, other addresses.
const FOR_PROGRAMS: [HeaderName; 8] = [
    header::ALLOW,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
];
/// How the names of more such headers begin.
const FOR_PROGRAMS_FROM: [&str; 3] = ["mcp-", "ratelimit", "x-ratelimit-"];

/// Carries requests. One for all programs: they share connections and TLS sessions.
#[derive(Debug, Default)]
pub struct Relay {
    /// By account, the one that was used last at the end.
    lines: Mutex<VecDeque<Line>>,
    /// Accounts whose server refused a token that was just renewed, with its number.
    hopeless: Mutex<HashMap<String, (u32, Instant)>>,
}

/// The connections to one account's server.
#[derive(Debug)]
struct Line {
    account: String,
    server: ServerUrl,
    http: Http,
}

/// Why there is no answer of the server's.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RelayError {
    /// The program may not, or the account can't be used now.
    #[error(transparent)]
    Account(#[from] Error),
    /// The server refuses what opens it, also right after a renewal.
    #[error("the server refuses the sign-in of {0}, so nothing was done")]
    Refused(String),
    /// The server leads elsewhere, and what authorizes goes nowhere else.
    #[error(
        "{host} answered {status}, which leads elsewhere, and Keybearer sends an account's access nowhere but to its address"
    )]
    LeadsElsewhere {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server of the old transport named an endpoint that isn't its own.
    #[error(
        "{0} named another server's address for its messages, and Keybearer sends an account's access nowhere else"
    )]
    EndpointElsewhere(String),
    /// A request is larger than [`BODY_LIMIT`].
    #[error("the request is larger than 64 MiB")]
    TooLarge,
    /// A request isn't as long as it says, or breaks off.
    #[error("the request broke off, or isn't as long as it says")]
    Malformed,
    /// A request takes too long to come in.
    #[error("the request took too long to come in")]
    Slow,
    /// Too much is under way.
    #[error("too many requests are under way")]
    Busy,
}

impl From<HttpError> for RelayError {
    fn from(error: HttpError) -> RelayError {
        RelayError::Account(error.into())
    }
}

impl RelayError {
    /// The words of the protocol for it: code, sentence, exact reason, way out. MCP clients show the sentence alone, so
    /// that has the way out as well.
    pub fn to_object(&self) -> ErrorObject {
        let mut object = self.object();
        if let Some(action) = &object.data.action {
            object.message = format!("{} (what to do: {action})", object.message);
        }
        object
    }

    fn object(&self) -> ErrorObject {
        let text = self.to_string();
        match self {
            RelayError::Account(error) => error.to_object(),
            RelayError::Refused(profile) => ErrorObject::new(ErrorCode::AuthRequired, text)
                .with_reason("token_rejected")
                .with_action(format!("keybearer sign-in {profile}")),
            RelayError::LeadsElsewhere { .. } => ErrorObject::new(ErrorCode::ProviderError, text)
                .with_reason("redirect")
                .with_action("if the server has moved, add it under its new address"),
            RelayError::EndpointElsewhere(_) => {
                ErrorObject::new(ErrorCode::ProviderError, text).with_reason("endpoint_elsewhere")
            }
            RelayError::TooLarge => ErrorObject::new(ErrorCode::Usage, text).with_reason("too_large"),
            RelayError::Malformed => ErrorObject::new(ErrorCode::InvalidRequest, text),
            RelayError::Slow => ErrorObject::new(ErrorCode::Timeout, text),
            RelayError::Busy => ErrorObject::new(ErrorCode::Busy, text),
        }
    }

    /// The HTTP status for it. Never 401: a program would begin a sign-in of its own.
    pub fn status(&self) -> u16 {
        match self {
            RelayError::Malformed => 400,
            RelayError::Slow => 408,
            RelayError::TooLarge => 413,
            RelayError::LeadsElsewhere { .. } | RelayError::EndpointElsewhere(_) => 502,
            RelayError::Refused(_) | RelayError::Busy => 503,
            RelayError::Account(error) => of_code(error.to_object().known_code()),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all else can be as it should a moment later")]
fn of_code(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::ProfileNotFound | ErrorCode::ProfileAmbiguous => 404,
        ErrorCode::ConsentDenied
        | ErrorCode::ConsentRequired
        | ErrorCode::ScopeUnavailable
        | ErrorCode::ResourceMismatch
        | ErrorCode::CallerUnidentified => 403,
        ErrorCode::ProviderError | ErrorCode::TlsFailure | ErrorCode::NotMcpServer => 502,
        _ => 503,
    }
}

impl Relay {
    /// Sends a request to the server of the pass's account, whatever address it names; `named` is the endpoint that a server
    /// of the old transport has named on its stream (HTTP+SSE, 2024-11-05). A token that the server refuses is renewed
    /// once, and the request sent again.
    pub async fn send(
        &self,
        pass: &Arc<Pass>,
        named: Option<&str>,
        mut request: Request<Bytes>,
    ) -> Result<Answer, RelayError> {
        if request.body().len() > BODY_LIMIT {
            return Err(RelayError::TooLarge);
        }
        leave_behind(request.headers_mut());
        let mut is_renewed = false;
        loop {
            let authorized = pass.authorized().await?;
            let mut over = Over::of(pass);
            let elsewhere = || RelayError::EndpointElsewhere(authorized.url.host().to_owned());
            let url = match named {
                None => authorized.url.url().clone(),
                Some(named) => endpoint(&authorized.url, named).ok_or_else(elsewhere)?,
            };
            *request.uri_mut() = url.as_str().parse().map_err(|_| HttpError::NotAllowed(url.clone()))?;
            let http = self.line(pass.account(), &authorized.url)?;
            let exchanged = tokio::select! {
                biased;
                error = &mut over.0 => return Err(error.into()),
                exchanged = exchange(&http, &authorized.access, &request) => exchanged,
            };
            let answer = match exchanged {
                Ok(answer) => answer,
                Err(error) => {
                    if leads_nowhere(&error) {
                        // Its addresses or the certificates may have changed: the next request looks them up anew.
                        self.hang_up(pass.account());
                    }
                    return Err(Error::from(error).into());
                }
            };
            let generation = authorized.issued.map(|issued| issued.generation);
            let challenged = challenge(answer.headers());
            match answer.status() {
                401 => {
                    let refused = || RelayError::Refused(pass.profile());
                    if is_renewed {
                        self.give_up(pass.account(), generation);
                        return Err(refused());
                    }
                    if self.is_hopeless(pass.account(), generation)
                        || !pass.refused(generation, challenged.as_ref()).await?
                    {
                        return Err(refused());
                    }
                    is_renewed = true;
                }
                403 if challenged.as_ref().is_some_and(|it| it.error() == Some("insufficient_scope")) => {
                    return Err(pass.lacks(generation, challenged.as_ref()).await.into());
                }
                status @ (101 | 300..=399 | 407) => {
                    return Err(RelayError::LeadsElsewhere { host: host(&url), status });
                }
                _ => return Ok(Answer::new(answer, over)),
            }
        }
    }

    /// The connections to this account's server.
    fn line(&self, account: &str, server: &ServerUrl) -> Result<Http, HttpError> {
        let mut lines = self.lines();
        let known = lines.iter().position(|line| line.account == account).and_then(|place| lines.remove(place));
        // An edited address is another server, whose network lies elsewhere.
        let line = match known.filter(|line| line.server == *server) {
            Some(line) => line,
            None => {
                let (account, server, http) = (account.to_owned(), server.clone(), Http::for_traffic(server)?);
                Line { account, server, http }
            }
        };
        let http = line.http.clone();
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
        Ok(http)
    }

    fn hang_up(&self, account: &str) {
        self.lines().retain(|line| line.account != account);
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self, account: &str, generation: Option<u32>) {
        let mut hopeless = self.hopeless.lock().unwrap_or_else(PoisonError::into_inner);
        hopeless.retain(|_, (_, since)| since.elapsed() < BELIEVED);
        if let Some(generation) = generation {
            hopeless.insert(account.to_owned(), (generation, Instant::now()));
        }
    }

    fn is_hopeless(&self, account: &str, generation: Option<u32>) -> bool {
        let hopeless = self.hopeless.lock().unwrap_or_else(PoisonError::into_inner);
        hopeless.get(account).is_some_and(|(refused, since)| Some(*refused) == generation && since.elapsed() < BELIEVED)
    }
}

/// Whether no connection came to be.
fn leads_nowhere(error: &UpstreamError) -> bool {
    matches!(error, UpstreamError::Http(HttpError::Connect(_) | HttpError::Dns(_) | HttpError::Tls { .. }))
}

/// Takes out of a program's headers what isn't for the server.
fn leave_behind(headers: &mut HeaderMap) {
    let of_this_connection: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    retain(headers, |name| {
        !NOT_FOR_SERVERS.contains(name)
            && !NOT_FOR_SERVERS_FROM.iter().any(|start| name.as_str().starts_with(start))
            && !of_this_connection.iter().any(|other| other == name.as_str())
    });
}

fn retain(headers: &mut HeaderMap, keeps: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<HeaderName> = headers.keys().filter(|name| !keeps(name)).cloned().collect();
    gone.iter().for_each(|name| drop(headers.remove(name)));
}

/// Comes when what allowed a request is over.
struct Over(Pin<Box<dyn Future<Output = Error> + Send>>);

impl Over {
    fn of(pass: &Arc<Pass>) -> Over {
        let pass = pass.clone();
        Over(Box::pin(async move { pass.over().await }))
    }
}

/// The answer of a server, as far as a program may have it, whose body is still to come.
pub struct Answer {
    opened: Opened,
    headers: HeaderMap,
    over: Over,
}

impl Answer {
    fn new(opened: Opened, over: Over) -> Answer {
        let mut headers = opened.headers().clone();
        retain(&mut headers, |name| {
            FOR_PROGRAMS.contains(name) || FOR_PROGRAMS_FROM.iter().any(|start| name.as_str().starts_with(start))
        });
        Answer { opened, headers, over }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.opened.status()
    }

    /// The headers that a program may have.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next piece of the body, as it comes; `None` at its end. An error also when what allowed the request is over.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RelayError> {
        tokio::select! {
            biased;
            over = &mut self.over.0 => Err(over.into()),
            chunk = self.opened.chunk() => Ok(chunk?),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status()).finish_non_exhaustive()
    }
}
