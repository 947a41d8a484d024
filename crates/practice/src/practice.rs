//! Everything one practice server shares among its requests: its addresses, and one state behind one lock.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderValue},
    response::Response,
};

use crate::{
    addresses::Addresses,
    authorize::AuthorizationRequest,
    client::Client,
    counters::Counters,
    device::DeviceRequest,
    dpop::{self, ProofError, Proofs},
    fault::Fault,
    grants::Grants,
    options::Options,
    pushed_authorization::PushedRequests,
};

/// One running server, as every handler receives it.
pub type Shared = Arc<Practice>;

/// What stays the same while a server runs, and the state that does not.
pub struct Practice {
    /// Where this server is reached.
    pub addresses: Addresses,
    /// The MCP servers elsewhere that its tokens are for as well.
    resources: Vec<String>,
    /// Fetches Client ID Metadata Documents; follows no redirects.
    pub http: reqwest::Client,
    /// A standard mutex, held between two awaits and never across one.
    state: Mutex<State>,
}

/// Everything that changes.
pub struct State {
    /// Registered clients, and those whose document was fetched, by client id.
    pub clients: HashMap<String, Client>,
    /// Authorization requests a person has not decided yet, by ticket.
    pub undecided: HashMap<String, AuthorizationRequest>,
    /// Authorization requests that were pushed.
    pub pushed_requests: PushedRequests,
    /// Device authorizations, by device code.
    pub devices: HashMap<String, DeviceRequest>,
    /// Codes, tokens and the grants behind them.
    pub grants: Grants,
    /// What was proven, where proofs are demanded.
    pub proofs: Option<Proofs>,
    /// How long a token request is under way to this server, and its answer back.
    pub distance: Duration,
    /// The active fault modes.
    pub faults: BTreeSet<Fault>,
    /// What was counted so far.
    pub counters: Counters,
}

impl State {
    /// The key whose holder sent this request; none where no proofs are demanded.
    ///
    /// # Errors
    /// If there is no good proof.
    pub fn proven_key(
        &mut self,
        headers: &HeaderMap,
        request: &dpop::Request<'_>,
    ) -> Result<Option<String>, ProofError> {
        let Some(proofs) = &mut self.proofs else { return Ok(None) };
        let checked = proofs.check(headers, request, dpop::now());
        let checked = checked.and_then(|key| match self.faults.contains(&Fault::NonceNeverFits) {
            true => Err(ProofError::Nonce),
            false => Ok(key),
        });
        match checked {
            Ok(_) => self.counters.proofs += 1,
            Err(ProofError::Nonce) => self.counters.nonces_demanded += 1,
            Err(_) => {}
        }
        checked.map(Some)
    }
}

impl Practice {
    /// A server at `addresses` with nothing in it yet.
    ///
    /// # Errors
    /// If no HTTP client can be built, which means the system has no TLS.
    pub fn new(addresses: Addresses, options: Options) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        let mut grants = Grants::new(
            &options.plant_token,
            Duration::from_secs(options.token_lifetime),
            Duration::from_secs(options.refresh_grace),
        );
        grants.token_length = options.token_length;
        let state = State {
            clients: HashMap::new(),
            undecided: HashMap::new(),
            pushed_requests: PushedRequests::default(),
            devices: HashMap::new(),
            grants,
            proofs: options.dpop.map(Proofs::new),
            distance: Duration::from_millis(options.distance_ms),
            faults: options.faults.into_iter().collect(),
            counters: Counters::default(),
        };
        Ok(Self { addresses, resources: options.resources, http, state: Mutex::new(state) })
    }

    /// Whether tokens are given for this resource: its own MCP server, or one that it was told of.
    pub fn guards(&self, resource: &str) -> bool {
        self.addresses.mcp_url == resource || self.resources.iter().any(|other| other == resource)
    }

    /// The state, locked. A handler that panicked cannot have left it half changed in a way that matters for practice.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer with the nonce for the next proof, where proofs need one (RFC 9449 §8.2).
    pub fn with_nonce(&self, mut response: Response) -> Response {
        let nonce = self.state().proofs.as_mut().and_then(Proofs::next_nonce);
        if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::from_str(&nonce).ok()) {
            response.headers_mut().insert(dpop::NONCE, nonce);
        }
        response
    }

    /// Whether the server misbehaves in this way at the moment.
    pub fn has(&self, fault: Fault) -> bool {
        self.state().faults.contains(&fault)
    }
}
