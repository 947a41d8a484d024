//! What all connections share of TLS: the system's certificates, which are read once, and the sessions that servers let
//! us take up again.

use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is agreed on within the handshake (RFC 7301), the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What was read, until [`forget`].
static SHARED: Mutex<Option<ClientConfig>> = Mutex::new(None);

/// How servers are told from whoever pretends to be them: as the system tells (`TLS-1`).
pub(crate) fn configuration() -> Result<ClientConfig, rustls::Error> {
    let mut shared = shared();
    match &*shared {
        Some(configuration) => Ok(configuration.clone()),
        None => Ok(shared.insert(read()?).clone()),
    }
}

/// Has the certificates read anew: a server that isn't trusted may have one that was added since.
pub(crate) fn forget() {
    *shared() = None;
}

fn read() -> Result<ClientConfig, rustls::Error> {
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut configuration = builder.with_platform_verifier()?.with_no_client_auth();
    configuration.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(configuration)
}

fn shared() -> MutexGuard<'static, Option<ClientConfig>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}
