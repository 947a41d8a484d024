//! The endpoint for messages that a server of the old transport (HTTP+SSE, 2024-11-05) names on its stream.

use keybearer_oauth::ServerUrl;
use url::Url;

/// The address that a server named, if it is its own: what authorizes goes nowhere else.
pub(crate) fn endpoint(server: &ServerUrl, named: &str) -> Option<Url> {
    let url = server.url().join(named).ok()?;
    let is_own = url.origin() == server.url().origin() && url.username().is_empty() && url.password().is_none();
    is_own.then_some(url)
}
