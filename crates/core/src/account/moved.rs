//! Whether a server has moved to another authorization server since the sign-in.

use crate::vault::record::TokenRecord;
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::readable::readable;
use keybearer_oauth::{Http, ServerUrl, resource_metadata};
use std::time::Duration;

/// The most that looking takes: whoever waits for a token waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The authorization server that the server names now, if that which gave these tokens isn't named any more (`BIND-4`).
/// What can't be read says nothing, and is looked for again the next time.
pub(super) async fn moved_to(server: &ServerUrl, tokens: &TokenRecord) -> Option<String> {
    let named = tokio::time::timeout(PATIENCE, named(server)).await.ok()??;
    if named.contains(&tokens.issuer) { None } else { named.first().map(|other| readable(other)) }
}

/// Every authorization server that the server's own metadata name now.
async fn named(server: &ServerUrl) -> Option<Vec<String>> {
    let http = Http::for_server(server).ok()?;
    let challenge = match reach(&http, server).await {
        Ok(Reached::Challenged(challenge)) => challenge,
        Ok(Reached::Open) | Err(_) => None,
    };
    let metadata = resource_metadata::find(&http, server, challenge.as_ref()).await.ok()??;
    Some(metadata.authorization_servers)
}
