//! The streams of a server: the answer to one request, what it says of its own accord, and the one stream of the old
//! transport. One that breaks off is taken up again where the server lets us.

use crate::events::{Event, Events};
use crate::relay::Answer;
use crate::stdio::carrying::{LONGEST, too_long};
use crate::stdio::link::Transport;
use crate::stdio::{Bridge, no_answer, no_room};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use keybearer_oauth::reach::media_type;
use keybearer_protocol::envelope::MessageId;
use keybearer_protocol::{ErrorCode, ErrorObject};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};

/// How often a stream is taken up again that brings nothing.
const TRIES: u32 = 5;
/// How long to wait before that, where the server doesn't say.
const RETRY: Duration = Duration::from_secs(1);
/// How long at most.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// How long a server may take to end a stream on which it has said all.
const ENDING: Duration = Duration::from_secs(1);

/// Where a stream is.
#[derive(Debug, Default)]
struct Cursor {
    last_id: Option<String>,
    retry: Option<Duration>,
    /// Events so far.
    count: usize,
    /// Tries in a row that brought nothing.
    failures: u32,
    /// Where the last one began.
    before: (usize, Option<String>),
}

impl Cursor {
    /// How long to wait for the next try.
    fn wait(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.min(16));
        self.retry.unwrap_or(RETRY).saturating_mul(doubled).min(LONGEST_RETRY)
    }

    /// Takes note of how a try has ended. A server that wants to be polled brings nothing but the next id.
    fn tried(&mut self) {
        let after = (self.count, self.last_id.clone());
        self.failures = if after == self.before { self.failures.saturating_add(1) } else { 0 };
        self.before = after;
    }
}

/// What is to be listened to.
enum Wish {
    Nothing,
    /// What the server says of its own accord.
    Stream,
    /// The stream of the old transport; its endpoint goes there.
    Legacy(oneshot::Sender<String>),
}

impl Bridge {
    /// Listens to what the server says beside its answers, as long as there is something to listen to.
    pub(super) async fn listen(&self, mut changes: watch::Receiver<u32>) {
        loop {
            changes.borrow_and_update();
            let wish = {
                let mut link = self.link();
                let has_stream = link.has_stream();
                match &mut link.transport {
                    Transport::Streamable if has_stream => Wish::Stream,
                    Transport::Opening(tell) => tell.take().map_or(Wish::Nothing, Wish::Legacy),
                    Transport::Streamable | Transport::Legacy(_) | Transport::Lost => Wish::Nothing,
                }
            };
            let listening = async {
                match wish {
                    Wish::Nothing => {}
                    Wish::Stream => self.follow_server().await,
                    Wish::Legacy(tell) => self.follow_legacy(tell).await,
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = listening => {}
            }
        }
    }

    /// The answer to a request as a stream.
    pub(super) async fn follow_answer(&self, opened: Answer, asks: &[MessageId]) -> Result<(), ErrorObject> {
        let (mut cursor, mut opened) = (Cursor::default(), Some(opened));
        loop {
            let broke = match opened.take() {
                Some(opened) => self.read(opened, &mut cursor, asks, None).await?,
                None => None,
            };
            if !self.waiting.has_one_of(asks) {
                return Ok(());
            }
            cursor.tried();
            if cursor.last_id.is_none() || cursor.failures > TRIES {
                return Err(broke.unwrap_or_else(no_answer));
            }
            tokio::time::sleep(cursor.wait()).await;
            match self.take_up(&cursor).await {
                Ok(again) if is_stream(&again) => opened = Some(again),
                Ok(again) if again.status() < 500 => return Err(broke.unwrap_or_else(no_answer)),
                Ok(_) => {}
                Err(error) if error.data.retryable => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What the server says of its own accord, if it does.
    async fn follow_server(&self) {
        let mut cursor = Cursor::default();
        loop {
            match self.take_up(&cursor).await {
                Ok(opened) if is_stream(&opened) => {
                    if let Err(error) = self.read(opened, &mut cursor, &[], None).await {
                        tracing::debug!(%error, "a server's stream can't be read");
                    }
                }
                // It has none.
                Ok(opened) if opened.status() < 500 && opened.status() != 429 => return,
                Ok(_) | Err(_) => {}
            }
            cursor.tried();
            tokio::time::sleep(cursor.wait()).await;
        }
    }

    /// The stream of the old transport (2024-11-05). When it ends, the session has ended.
    async fn follow_legacy(&self, tell: oneshot::Sender<String>) {
        let accept = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        match self.ask(Method::GET, None, accept, Bytes::new()).await {
            Ok(opened) if is_stream(&opened) => {
                let read = self.read(opened, &mut Cursor::default(), &[], Some(tell)).await;
                self.link().transport = Transport::Lost;
                let lost = ErrorObject::new(
                    ErrorCode::ProviderUnreachable,
                    "the server's stream ended, so nobody knows what it did; try again",
                );
                self.fail_all(&read.err().unwrap_or(lost)).await;
            }
            Ok(opened) => tracing::debug!(status = opened.status(), "the server has no stream either"),
            Err(error) => tracing::debug!(%error, "the server has no stream either"),
        }
    }

    /// Opens a stream where it was left.
    async fn take_up(&self, cursor: &Cursor) -> Result<Answer, ErrorObject> {
        let mut headers = self.link().headers();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = cursor.last_id.as_ref().and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(HeaderName::from_static("last-event-id"), id);
        }
        self.ask(Method::GET, None, headers, Bytes::new()).await
    }

    /// Reads a stream to its end, or until `asks` are answered; tells what broke it, if something did.
    async fn read(
        &self,
        mut opened: Answer,
        cursor: &mut Cursor,
        asks: &[MessageId],
        mut endpoint: Option<oneshot::Sender<String>>,
    ) -> Result<Option<ErrorObject>, ErrorObject> {
        let (mut events, mut held) = (Events::default(), self.budget.nothing());
        let mut until = None;
        loop {
            if until.is_none() && !asks.is_empty() && !self.waiting.has_one_of(asks) {
                until = Some(Instant::now() + ENDING);
            }
            let chunk = match until {
                Some(until) => timeout_at(until, opened.chunk()).await.unwrap_or(Ok(None)),
                None => opened.chunk().await,
            };
            let chunk = match chunk {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error.to_object())),
            };
            let complete = events.push(&chunk);
            cursor.last_id = events.last_id().map(str::to_owned).or(cursor.last_id.take());
            cursor.retry = events.retry().or(cursor.retry);
            for event in complete {
                cursor.count += 1;
                match endpoint.take_if(|_| event.name == "endpoint") {
                    Some(tell) => self.enter(&event, tell),
                    None if event.is_message() => drop(self.pass_on(event.data).await),
                    None => {}
                }
            }
            match events.held() {
                0 => held = self.budget.nothing(),
                length if length > LONGEST => return Err(too_long()),
                length => {
                    if !held.grow(length) {
                        return Err(no_room());
                    }
                }
            }
        }
    }

    /// Takes the endpoint that a server of the old transport names.
    fn enter(&self, event: &Event, tell: oneshot::Sender<String>) {
        let endpoint = String::from_utf8_lossy(&event.data).trim().to_owned();
        let mut link = self.link();
        // Whoever waited for it may have given up.
        if matches!(link.transport, Transport::Opening(_)) {
            link.transport = Transport::Legacy(endpoint.clone());
            let _ = tell.send(endpoint);
        }
    }
}

fn is_stream(opened: &Answer) -> bool {
    opened.status() == 200 && media_type(opened.headers()).as_deref() == Some("text/event-stream")
}
