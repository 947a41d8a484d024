//! Client ID Metadata Documents: a client id that is an address, at which the client's metadata stand.

use reqwest::Response;
use thiserror::Error;
use url::Url;

use crate::{
    client::{Client, ClientAuthentication},
    redirect_uri,
    registration::ClientMetadata,
};

/// The draft recommends that servers read no more than this (§6.6).
const LONGEST_DOCUMENT: usize = 5 * 1024;

/// Why a document was not accepted; the text is shown on the error page.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// The address itself is not one a client id may have.
    #[error("the client id is not an https address with a path")]
    Address,
    /// The address did not answer.
    #[error("the client's metadata document could not be fetched")]
    Fetch(#[from] reqwest::Error),
    /// It answered something other than 200; a redirect is not followed.
    #[error("the address of the client's metadata document answered {0}")]
    Status(reqwest::StatusCode),
    /// More than five kilobytes.
    #[error("the client's metadata document is too long")]
    TooLong,
    /// Not JSON, or without what is required.
    #[error("the client's metadata document is not one")]
    Content(#[from] serde_json::Error),
    /// It speaks of another client.
    #[error("the client's metadata document names another client id")]
    OtherClient,
    /// It has no redirect URI, or an authentication method that needs a secret.
    #[error("the client's metadata document has no redirect URI or wants a secret")]
    Metadata,
}

/// Whether this client id is an address, rather than one given at registration.
pub fn is_address(client_id: &str) -> bool {
    client_id.starts_with("https://") || client_id.starts_with("http://")
}

/// Fetches and checks the document of the client `client_id`.
///
/// # Errors
/// If the address may not be one, does not answer, or what it answers is not the document of this client.
pub async fn fetch(http: &reqwest::Client, client_id: &str) -> Result<Client, DocumentError> {
    let address = Url::parse(client_id).map_err(|_| DocumentError::Address)?;
    if !is_allowed(&address) {
        return Err(DocumentError::Address);
    }
    let response = http.get(address).header("accept", "application/json").send().await?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(DocumentError::Status(response.status()));
    }
    let metadata: ClientMetadata = serde_json::from_slice(&short_body(response).await?)?;
    // Simple string comparison, so not the parsed address (draft §4.1).
    if metadata.client_id.as_deref() != Some(client_id) {
        return Err(DocumentError::OtherClient);
    }
    let is_public = matches!(metadata.token_endpoint_auth_method.as_deref(), None | Some("none"));
    if metadata.redirect_uris.is_empty() || !is_public {
        return Err(DocumentError::Metadata);
    }
    Ok(Client {
        client_id: client_id.to_owned(),
        name: metadata.client_name,
        redirect_uris: metadata.redirect_uris,
        authentication: ClientAuthentication::None,
    })
}

/// https with a path, without fragment and user information; http is for documents that a test serves on loopback.
fn is_allowed(address: &Url) -> bool {
    let scheme = address.scheme() == "https" || (address.scheme() == "http" && redirect_uri::is_loopback(address));
    scheme
        && address.path() != "/"
        && address.fragment().is_none()
        && address.username().is_empty()
        && address.password().is_none()
}

async fn short_body(mut response: Response) -> Result<Vec<u8>, DocumentError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_DOCUMENT {
            return Err(DocumentError::TooLong);
        }
    }
    Ok(body)
}
