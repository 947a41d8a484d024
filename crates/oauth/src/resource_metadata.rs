//! Protected resource metadata (RFC 9728): which authorization server guards the server.

use crate::challenge::Challenge;
use crate::http::{Http, HttpError};
use crate::readable::readable;
use crate::server_url::ServerUrl;
use serde::Deserialize;
use url::Url;

/// What the server publishes about itself (RFC 9728 §2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResourceMetadata {
    /// The resource's name, kept byte for byte: it is sent as published (`AUTHZ-6`).
    pub resource: String,
    /// The issuers of its authorization servers.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// The scopes it knows.
    #[serde(default)]
    pub scopes_supported: Option<Vec<String>>,
    /// Its name for people.
    #[serde(default)]
    pub resource_name: Option<String>,
}

/// The most that the name of a resource or an issuer may hold, in bytes.
pub(crate) const NAME_LIMIT: usize = 2048;

/// Why the metadata can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ResourceMetadataError {
    /// No usable answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The challenge names something that is no address.
    #[error("the server names \"{0}\" as its metadata, which is no address")]
    BadAddress(String),
    /// The challenge names a document that isn't there.
    #[error("the server says that its metadata lies at {0}, but there is none")]
    Missing(Url),
    /// The metadata speaks of another server: a sign-in could serve the wrong party (`DISC-5`).
    #[error("the metadata is about {resource}, not about {server}, so Keybearer stopped")]
    Mismatch {
        /// What the document names.
        resource: String,
        /// What was asked.
        server: String,
    },
}

/// Finds the metadata: where the challenge says (`DISC-3`), otherwise at the two well-known places, the one with the
/// server's path first (`DISC-4`). `None` where the server publishes none.
pub async fn find(
    http: &Http,
    server: &ServerUrl,
    challenge: Option<&Challenge>,
) -> Result<Option<ResourceMetadata>, ResourceMetadataError> {
    if let Some(named) = challenge.and_then(Challenge::resource_metadata) {
        let url = Url::parse(named).map_err(|_| ResourceMetadataError::BadAddress(readable(named)))?;
        let found = http.get_document(&url).await?.ok_or(ResourceMetadataError::Missing(url))?;
        return checked(server, found).map(Some);
    }
    for url in well_known(server.url()) {
        if let Some(found) = http.guess_document(&url).await? {
            return checked(server, found).map(Some);
        }
    }
    Ok(None)
}

fn checked(server: &ServerUrl, found: ResourceMetadata) -> Result<ResourceMetadata, ResourceMetadataError> {
    if found.resource.len() <= NAME_LIMIT && server.is_covered_by(&found.resource) {
        Ok(found)
    } else {
        Err(ResourceMetadataError::Mismatch { resource: readable(&found.resource), server: server.to_string() })
    }
}

/// `/.well-known/oauth-protected-resource{/path}`, then without the path (RFC 9728 §3.1).
fn well_known(server: &Url) -> Vec<Url> {
    const PLACE: &str = "/.well-known/oauth-protected-resource";
    let path = server.path().trim_end_matches('/');
    let with_path = format!("{PLACE}{path}");
    let places = if path.is_empty() { vec![PLACE] } else { vec![with_path.as_str(), PLACE] };
    places
        .into_iter()
        .map(|place| {
            let mut url = server.clone();
            url.set_path(place);
            url.set_query(None);
            url
        })
        .collect()
}
