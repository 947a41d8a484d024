//! Asking with a grant that is good once: by a worker, and with the answer in the journal before anybody reads it.

use super::Account;
use crate::clock::now;
use crate::error::Error;
use crate::journal::{Entry, Intent, Journal, JournalError, Traded};
use crate::seal::Key;
use crate::token_request::TokenRequest;
use crate::vault::record::{Pending, Record};
use jiff::Timestamp;
use keybearer_oauth::HttpError;
use keybearer_oauth::dpop::DpopKey;
use keybearer_oauth::http::host;
use keybearer_oauth::token_answer::{TokenError, Tokens};
use std::time::Duration;
use url::Url;

/// How long the worker of an agent that was killed is waited for: longer than one can live.
const PATIENCE: Duration = Duration::from_secs(75);
/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What came of asking for tokens.
pub(super) struct Outcome {
    /// The tokens, or why there are none.
    pub(super) tokens: Result<Tokens, TokenError>,
    /// When that came.
    pub(super) received_at: Timestamp,
    /// The journal's copy, where there is no other.
    pub(super) journaled: Option<Journaled>,
}

/// The journal's copy of an answer. It stays there until it is closed.
pub(super) struct Journaled {
    journal: Journal,
    entry: Entry,
    key: Key,
}

/// What was answered is kept elsewhere now, or is nothing to keep.
pub(super) async fn close(journaled: Option<Journaled>) -> Result<(), Error> {
    match journaled {
        Some(Journaled { journal, entry, .. }) => blocking(move || journal.close(entry)).await,
        None => Ok(()),
    }
}

impl Account {
    /// Has a worker ask. An answer that never came counts as a connection that broke. The keyring keeps this sign-in meanwhile.
    /// Whoever calls this holds `changing`, and has brought to its end what was asked before.
    pub(super) async fn ask_once(&self, pending: Option<Pending>, request: TokenRequest) -> Result<Outcome, Error> {
        let (journal, key, mut record) = (self.context.journal.clone(), Key::generate(), self.record()?);
        record.journal_key = Some(key.to_text());
        let generation = record.generation;
        // Where the keyring doesn't take that, it won't take what is to come.
        self.write(&Record { pending, ..record }).await?;
        self.state().record.iter_mut().for_each(|known| known.journal_key = Some(key.to_text()));
        let intent = Intent::new(&self.id, generation, &request.grant, now());
        let beginning = journal.clone();
        let entry = blocking(move || beginning.begin(intent)).await?;
        self.send(journal, entry, key, request).await
    }

    /// Has another worker ask the same, whose answer takes the place of the one that was lost.
    pub(super) async fn ask_again(&self, lost: Journaled, request: TokenRequest) -> Result<Outcome, Error> {
        self.send(lost.journal, lost.entry, lost.key, request).await
    }

    async fn send(&self, journal: Journal, entry: Entry, key: Key, request: TokenRequest) -> Result<Outcome, Error> {
        let (endpoint, dpop_key) = (request.asked.token_endpoint.clone(), request.dpop_key.clone());
        if let Err(error) = self.context.workers.send(request, &key, &entry).await {
            // One that wasn't started has asked nothing; one that still waits may bring an answer yet.
            if error.is_before_asking() {
                blocking(move || journal.close(entry)).await?;
            }
            return Err(error.into());
        }
        self.read(journal, entry, key, &endpoint, dpop_key.as_ref()).await
    }

    /// What was asked before with such a grant for this token set, with the answer. Whoever calls this holds `changing`.
    pub(super) async fn asked_before(
        &self,
        traded: Traded,
        endpoint: &Url,
        dpop_key: Option<&DpopKey>,
    ) -> Result<Option<Outcome>, Error> {
        let journal = self.context.journal.clone();
        let (looking, id) = (journal.clone(), self.id.clone());
        let Some(entry) = blocking(move || looking.find(&id)).await? else { return Ok(None) };
        if entry.intent.traded != traded {
            return Ok(None);
        }
        wait_for_worker(&entry).await?;
        let record = self.record()?;
        let key = record.journal_key.as_ref().and_then(Key::from_text);
        match key.filter(|_| entry.intent.generation == record.generation) {
            Some(key) => self.read(journal, entry, key, endpoint, dpop_key).await.map(Some),
            None => {
                // What was asked for has come, or a sign-in has.
                blocking(move || journal.close(entry)).await?;
                Ok(None)
            }
        }
    }

    async fn read(
        &self,
        journal: Journal,
        mut entry: Entry,
        key: Key,
        endpoint: &Url,
        dpop_key: Option<&DpopKey>,
    ) -> Result<Outcome, Error> {
        let (reading, opening) = (journal.clone(), key.clone());
        let (answer, entry) = blocking(move || Ok((reading.read(&mut entry, &opening)?, entry))).await?;
        let (received_at, tokens) = match answer {
            Some(answer) => (answer.received_at, answer.tokens(endpoint, self.prover(dpop_key).as_ref())),
            None => (now(), Err(HttpError::Broken(host(endpoint)).into())),
        };
        Ok(Outcome { tokens, received_at, journaled: Some(Journaled { journal, entry, key }) })
    }
}

/// Returns when no worker has this entry any more.
async fn wait_for_worker(entry: &Entry) -> Result<(), JournalError> {
    let waiting = async {
        while entry.lock().is_err() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| JournalError::UnderWay)
}

/// Disks are slow; nobody else waits for this one.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(job).await;
    Ok(done.map_err(|_| Error::Internal("a job of the journal ended without a result"))??)
}
