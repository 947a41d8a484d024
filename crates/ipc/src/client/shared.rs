//! One connection for many askers: a thread reads, and hands each answer to whoever waits for it. So a question that
//! waits for news keeps no other from being answered, and all are asked by one and the same caller.

use super::{Client, ClientError, Stream, broken, is_news, outcome, pages, read, response, write};
use keybearer_protocol::Method;
use keybearer_protocol::profile::{AccountView, ProfileList};
use keybearer_protocol::rpc::{Id, Request, Response};
use keybearer_protocol::session::SessionOpenReply;
use serde_json::Value;
use std::collections::HashMap;
use std::io::BufReader;
use std::net::Shutdown;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most that a healthy agent takes to read a line.
const WRITING: Duration = Duration::from_secs(5);

/// A connection that any thread may ask over, also while others wait for their answers. It ends when this is dropped.
#[derive(Debug)]
pub struct SharedClient {
    writer: Mutex<Writer>,
    session: Option<String>,
    /// What the agent said of itself and of us.
    hello: Option<SessionOpenReply>,
    waiting: Arc<Waiting>,
}

#[derive(Debug)]
struct Writer {
    stream: Stream,
    next_id: u64,
}

/// Who waits for which answer; `None` once the connection has ended.
#[derive(Debug)]
struct Waiting(Mutex<Option<HashMap<u64, SyncSender<Response>>>>);

impl Client {
    /// Lets many ask over this connection.
    pub fn share(self) -> Result<SharedClient, ClientError> {
        let Client { stream: reader, next_id, session, hello, news: _ } = self;
        let stream = reader.get_ref().try_clone().map_err(|error| broken(&error))?;
        stream.set_write_timeout(Some(WRITING)).map_err(|error| broken(&error))?;
        let waiting = Arc::new(Waiting(Mutex::new(Some(HashMap::new()))));
        let hands_out = Arc::clone(&waiting);
        let thread = thread::Builder::new().name("agent answers".to_owned());
        thread.spawn(move || hands_out.hand_out(reader)).map_err(|error| broken(&error))?;
        Ok(SharedClient { writer: Mutex::new(Writer { stream, next_id }), session, hello, waiting })
    }
}

impl SharedClient {
    /// Makes a request and waits for its reply, as long as said at most.
    pub fn call<M: Method>(&self, params: &M::Params, patience: Duration) -> Result<M::Reply, ClientError> {
        let params = serde_json::to_value(params).map_err(|_| ClientError::Garbled)?;
        let reply = self.call_by_name(M::NAME, params, patience)?;
        serde_json::from_value(reply).map_err(|_| ClientError::Garbled)
    }

    /// Every account, sorted by name.
    pub fn accounts(&self, patience: Duration) -> Result<Vec<AccountView>, ClientError> {
        pages::accounts(|page| self.call::<ProfileList>(page, patience))
    }

    /// What the agent said of itself and of us.
    pub fn hello(&self) -> Option<&SessionOpenReply> {
        self.hello.as_ref()
    }

    fn call_by_name(&self, method: &str, params: Value, patience: Duration) -> Result<Value, ClientError> {
        let (answer, answered) = sync_channel(1);
        let id = self.send(method, params, answer)?;
        match answered.recv_timeout(patience) {
            Ok(response) => outcome(response),
            Err(RecvTimeoutError::Disconnected) => Err(ClientError::HungUp),
            Err(RecvTimeoutError::Timeout) => {
                self.waiting.forget(id);
                Err(ClientError::Timeout)
            }
        }
    }

    /// Sends a request, whose answer goes to `answer`.
    fn send(&self, method: &str, params: Value, answer: SyncSender<Response>) -> Result<u64, ClientError> {
        let mut writer = lock(&self.writer);
        writer.next_id += 1;
        let id = writer.next_id;
        // Before the request is sent: its answer may be faster than this thread.
        self.waiting.all().as_mut().ok_or(ClientError::HungUp)?.insert(id, answer);
        let request = Request::new(Id::Number(id), method, params, self.session.clone());
        let sent = write(&mut writer.stream, &request);
        if sent.is_err() {
            // Part of a line may have been sent, after which no other would be understood.
            self.waiting.end();
            let _ = writer.stream.shutdown(Shutdown::Both);
        }
        sent.map(|()| id)
    }
}

impl Drop for SharedClient {
    fn drop(&mut self) {
        // Ends the thread as well, which holds the other half.
        let _ = lock(&self.writer).stream.shutdown(Shutdown::Both);
    }
}

impl Waiting {
    /// Reads until the connection ends.
    fn hand_out(&self, mut reader: BufReader<Stream>) {
        // An answer without a known id belongs to nobody: whoever asked has stopped waiting.
        while let Ok(line) = read(&mut reader) {
            if is_news(&line) {
                continue;
            }
            let Ok(response) = response(line) else { break };
            let Some(Id::Number(id)) = response.id else { continue };
            let asker = self.all().as_mut().and_then(|waiting| waiting.remove(&id));
            if let Some(asker) = asker {
                let _ = asker.send(response);
            }
        }
        self.end();
    }

    /// Tells all who wait that there will be no answer, by letting go of their channels.
    fn end(&self) {
        self.all().take();
    }

    fn forget(&self, id: u64) {
        self.all().as_mut().and_then(|waiting| waiting.remove(&id));
    }

    fn all(&self) -> MutexGuard<'_, Option<HashMap<u64, SyncSender<Response>>>> {
        lock(&self.0)
    }
}

/// Nothing is left half done under these locks, so one that a panicking thread held is as good as another.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use keybearer_protocol::agent::{AgentPing, AgentStop, AgentWatch, AgentWatchParams};
    use keybearer_protocol::method::Empty;
    use keybearer_protocol::{ErrorCode, ErrorObject};
    use serde_json::json;
    use std::collections::VecDeque;
    use std::io::{BufRead, Write as _};
    use std::sync::mpsc::{Receiver, Sender, channel};

    const PATIENCE: Duration = Duration::from_secs(10);

    /// The agent's end: tells the methods that were asked for with their ids, and says what it is told to say.
    fn agent() -> (SharedClient, Receiver<(u64, String)>, Sender<Option<Response>>) {
        let (ours, theirs) = Stream::pair().expect("a pair of sockets");
        let client = Client {
            stream: BufReader::new(ours),
            next_id: 1,
            news: VecDeque::new(),
            session: Some("s".to_owned()),
            hello: None,
        };
        let (asked, questions) = channel();
        let lines = BufReader::new(theirs.try_clone().expect("a second half"));
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let request: Request = serde_json::from_str(&line).expect("a request");
                let Id::Number(id) = request.id else { panic!("ids are numbers") };
                asked.send((id, request.method)).expect("a test");
            }
        });
        let (answers, told) = channel::<Option<Response>>();
        thread::spawn(move || {
            let mut theirs = theirs;
            while let Ok(Some(response)) = told.recv() {
                writeln!(theirs, "{}", serde_json::to_string(&response).expect("JSON")).expect("a client");
            }
            let _ = theirs.shutdown(Shutdown::Both);
        });
        (client.share().expect("a thread"), questions, answers)
    }

    fn says(id: u64, outcome: Result<Value, ErrorObject>) -> Option<Response> {
        Some(Response::new(Some(Id::Number(id)), outcome))
    }

    #[test]
    fn each_asker_gets_its_own_answer_whichever_comes_first() {
        let (client, questions, answers) = agent();
        thread::scope(|scope| {
            let news = scope.spawn(|| client.call::<AgentWatch>(&AgentWatchParams::default(), PATIENCE));
            let (watch, _) = questions.recv().expect("a question");
            let ping = scope.spawn(|| client.call::<AgentPing>(&Empty {}, PATIENCE));
            let (pong, method) = questions.recv().expect("a question");
            assert_eq!(method, "agent.ping");
            answers.send(says(pong, Err(ErrorObject::new(ErrorCode::Busy, "later")))).expect("an agent");
            let busy = ping.join().expect("no panic").expect_err("the refusal");
            assert!(matches!(busy, ClientError::Refused(error) if error.known_code() == ErrorCode::Busy));
            answers.send(says(watch, Ok(json!({ "revision": 7 })))).expect("an agent");
            assert_eq!(news.join().expect("no panic").expect("a reply").revision, 7);
        });
    }

    #[test]
    fn an_answer_that_comes_too_late_is_nobodys() {
        let (client, questions, answers) = agent();
        let late = client.call::<AgentPing>(&Empty {}, Duration::from_millis(1));
        assert!(matches!(late, Err(ClientError::Timeout)));
        let (late, _) = questions.recv().expect("a question");
        answers.send(says(late, Ok(json!({})))).expect("an agent");
        thread::scope(|scope| {
            let ping = scope.spawn(|| client.call::<AgentPing>(&Empty {}, PATIENCE));
            let (id, _) = questions.recv().expect("a question");
            answers.send(says(id, Ok(json!({})))).expect("an agent");
            assert!(ping.join().expect("no panic").is_ok());
        });
    }

    #[test]
    fn an_agent_that_hangs_up_wakes_all_who_wait() {
        let (client, questions, answers) = agent();
        thread::scope(|scope| {
            let asked = [(); 3].map(|()| scope.spawn(|| client.call::<AgentStop>(&Empty {}, PATIENCE)));
            for _ in &asked {
                questions.recv().expect("a question");
            }
            answers.send(None).expect("an agent");
            for asker in asked {
                assert!(matches!(asker.join().expect("no panic"), Err(ClientError::HungUp)));
            }
        });
        assert!(matches!(client.call::<AgentPing>(&Empty {}, PATIENCE), Err(ClientError::HungUp)));
    }
}
