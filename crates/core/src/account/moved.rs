//! What has moved since the sign-in: a server to another authorization server, or that one's own endpoint.

use crate::vault::record::{Record, TokenRecord};
use keybearer_oauth::reach::{Reached, reach};
use keybearer_oauth::readable::readable;
use keybearer_oauth::{Http, HttpError, ServerUrl, resource_metadata, server_metadata};
use std::time::Duration;
use url::Url;

/// The most that looking takes: whoever waits for a token waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The authorization server that the server names now, if that which gave these tokens isn't named any more (`BIND-4`).
/// What can't be read says nothing, and is looked for again the next time.
pub(super) async fn moved_to(server: &ServerUrl, record: &Record, tokens: &TokenRecord) -> Option<String> {
    let named = tokio::time::timeout(PATIENCE, named(server)).await.ok()??;
    let is_there = named.iter().any(|named| record.is_issuer(named, &tokens.issuer));
    if is_there { None } else { named.first().map(|other| readable(other)) }
}

/// Where the authorization server of these tokens renews tokens now, if that is another place than it was. What a sign-in
/// has found out is kept with its tokens, so it is looked for again where nothing answers any more.
pub(super) async fn token_endpoint(server: &ServerUrl, record: &Record, tokens: &TokenRecord) -> Option<Url> {
    let http = Http::for_server(server).ok()?;
    let found = server_metadata::find(&http, &tokens.issuer, record.exceptions_at(&tokens.issuer));
    let found = tokio::time::timeout(PATIENCE, found).await.ok()?.ok()?.token_endpoint;
    (found != tokens.token_endpoint).then_some(found)
}

/// Whether nothing answers at an endpoint any more, so that no request was understood there.
pub(super) fn is_gone(error: &HttpError) -> bool {
    match error {
        HttpError::Dns(_) | HttpError::Connect(_) | HttpError::Status { status: 404 | 405 | 410, .. } => true,
        HttpError::NotAllowed(_)
        | HttpError::TooNear { .. }
        | HttpError::Tls { .. }
        | HttpError::Timeout(_)
        | HttpError::TooLarge(_)
        | HttpError::Broken(_)
        | HttpError::Status { .. }
        | HttpError::NotJson { .. }
        | HttpError::Unusable(_) => false,
    }
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
