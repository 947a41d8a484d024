//! Everything one practice server shares among its requests: its addresses, and one state behind one lock.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    addresses::Addresses, authorize::AuthorizationRequest, client::Client, counters::Counters, device::DeviceRequest,
    fault::Fault, grants::Grants, options::Options,
};

/// One running server, as every handler receives it.
pub type Shared = Arc<Practice>;

/// What stays the same while a server runs, and the state that does not.
pub struct Practice {
    /// Where this server is reached.
    pub addresses: Addresses,
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
    /// Device authorizations, by device code.
    pub devices: HashMap<String, DeviceRequest>,
    /// Codes, tokens and the grants behind them.
    pub grants: Grants,
    /// The active fault modes.
    pub faults: BTreeSet<Fault>,
    /// What was counted so far.
    pub counters: Counters,
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
        let state = State {
            clients: HashMap::new(),
            undecided: HashMap::new(),
            devices: HashMap::new(),
            grants: Grants::new(
                &options.plant_token,
                Duration::from_secs(options.token_lifetime),
                Duration::from_secs(options.refresh_grace),
            ),
            faults: options.faults.into_iter().collect(),
            counters: Counters::default(),
        };
        Ok(Self { addresses, http, state: Mutex::new(state) })
    }

    /// The state, locked. A handler that panicked cannot have left it half changed in a way that matters for practice.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server misbehaves in this way at the moment.
    pub fn has(&self, fault: Fault) -> bool {
        self.state().faults.contains(&fault)
    }
}
