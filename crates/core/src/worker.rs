//! The process that asks for tokens: one for each request whose grant is good once, and no longer than that.
//!
//! It makes the answer durable before anybody reads it, and whoever kills the agent doesn't kill it: it has a session of
//! its own, and nothing but this request. Its standard input is the errand, its standard output the journal's entry,
//! locked as long as it lives.

use crate::journal::Entry;
use crate::seal::Key;
use crate::token_request::TokenRequest;
use keybearer_protocol::secret::expose;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use zeroize::Zeroizing;

/// How long a worker is waited for: two requests of half a minute each, and a slow disk.
const PATIENCE: Duration = Duration::from_secs(70);
/// The most that an errand may hold, in bytes.
const ERRAND_LIMIT: u64 = 1024 * 1024;
/// What tells the executable to be one.
pub const ARGUMENT: &str = "--refresh-worker";
/// With what it ends that has an answer, which isn't kept.
pub const NOT_KEPT: u8 = 3;

/// Why no worker did its work. Nothing is said of whether the authorization server was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// It can't be started, so nothing was sent.
    #[error("the process that asks for new tokens can't be started: {0}")]
    NotStarted(String),
    /// It still waits.
    #[error("the process that asks for new tokens doesn't come to an end")]
    Waiting,
}

impl WorkerError {
    /// Whether it is certain that nothing was asked.
    pub fn is_before_asking(&self) -> bool {
        matches!(self, WorkerError::NotStarted(_))
    }
}

/// What a worker has taken upon itself.
pub struct Taken {
    request: TokenRequest,
    key: Key,
    entry: Entry,
    runtime: tokio::runtime::Runtime,
}

/// Starts workers.
#[derive(Clone, Debug)]
pub struct Workers {
    program: PathBuf,
}

/// What a worker is told.
#[derive(Serialize, Deserialize)]
struct Errand {
    /// What the answer is sealed with.
    #[serde(serialize_with = "expose")]
    key: SecretString,
    request: TokenRequest,
}

impl Workers {
    /// Workers that are this program with [`ARGUMENT`].
    pub fn new(program: PathBuf) -> Workers {
        Workers { program }
    }

    /// Has this request sent, and its answer sealed into this entry. Returns when the worker has ended, however.
    pub async fn send(&self, request: TokenRequest, key: &Key, entry: &Entry) -> Result<(), WorkerError> {
        let not_started = |error: io::Error| WorkerError::NotStarted(error.to_string());
        let key = key.to_text();
        let errand = Zeroizing::new(serde_json::to_vec(&Errand { key, request }).map_err(|e| not_started(e.into()))?);
        let file = entry.file().try_clone().map_err(not_started)?;
        let mut command = Command::new(&self.program);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(file).stderr(Stdio::inherit());
        // It has no window, also where the agent has no console that it could share.
        #[cfg(windows)]
        command.creation_flags(CREATE_NO_WINDOW);
        let mut worker = command.spawn().map_err(not_started)?;
        tracing::debug!(pid = worker.id(), "a refresh worker asks");
        let working = async {
            if let Some(mut input) = worker.stdin.take() {
                // One that was killed reads nothing; what it did is in the entry.
                let _ = input.write_all(&errand).await;
            }
            worker.wait().await
        };
        match tokio::time::timeout(PATIENCE, working).await {
            Ok(Ok(status)) => {
                tracing::debug!(%status, "a refresh worker ended");
                match status.code() {
                    Some(code) if code != 0 && code != i32::from(NOT_KEPT) => {
                        Err(WorkerError::NotStarted(format!("it ended with {status}")))
                    }
                    // Of one that was killed, nobody knows what it did.
                    Some(_) | None => Ok(()),
                }
            }
            Ok(Err(_)) | Err(_) => Err(WorkerError::Waiting),
        }
    }
}

#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// The first half of a worker's life: it reads the errand, and makes sure that nobody else asks. If it fails, nothing
/// was asked.
pub fn take(errand: impl Read, entry: File) -> io::Result<Taken> {
    let mut text = Zeroizing::new(Vec::new());
    errand.take(ERRAND_LIMIT).read_to_end(&mut text)?;
    // Whoever was killed while it wrote the errand leaves half of one: nothing is sent then.
    let errand: Errand = serde_json::from_slice(&text).map_err(|_| io::Error::other("the errand isn't whole"))?;
    let key = Key::from_text(&errand.key).ok_or_else(|| io::Error::other("the key isn't whole"))?;
    let entry = Entry::of(entry)?.ok_or_else(|| io::Error::other("the entry isn't whole"))?;
    // Another agent that has found the entry asks itself.
    entry.lock().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(Taken { request: errand.request, key, entry, runtime })
}

impl Taken {
    /// The second half: it asks, and seals the answer. It has no second thread, so that what can happen between two of
    /// its steps can be counted.
    pub fn work(mut self) -> io::Result<()> {
        let answer = self.runtime.block_on(self.request.send());
        self.entry.keep(&self.key, &answer)
    }
}
