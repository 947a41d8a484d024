//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0).

use crate::http::{Http, HttpError, without_user_info};
use crate::readable::readable;
use crate::resource_metadata::NAME_LIMIT;
use serde::Deserialize;
use url::Url;

/// What an authorization server publishes about itself (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServerMetadata {
    /// Its name, identical to the one it was looked up by (`DISC-11`).
    pub issuer: String,
    /// Where the user signs in; absent where only clients do, for themselves (RFC 8414 §2).
    #[serde(default)]
    pub authorization_endpoint: Option<Url>,
    /// Where codes and refresh tokens become access tokens.
    pub token_endpoint: Url,
    /// Where clients register themselves (RFC 7591).
    #[serde(default)]
    pub registration_endpoint: Option<Url>,
    /// Where tokens are taken back (RFC 7009).
    #[serde(default)]
    pub revocation_endpoint: Option<Url>,
    /// Where a device asks for a code that a person types elsewhere (RFC 8628 §4).
    #[serde(default)]
    pub device_authorization_endpoint: Option<Url>,
    /// Profiles of grants (ID-JAG §7.2); absent tells nothing.
    #[serde(default)]
    pub authorization_grant_profiles_supported: Option<Vec<String>>,
    /// PKCE methods (RFC 7636); absent means that PKCE is not supported (`AUTHZ-3`).
    #[serde(default)]
    pub code_challenge_methods_supported: Vec<String>,
    /// Ways for a client to authenticate; absent means `client_secret_basic` (RFC 8414 §2).
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// What a client's own JWT may be signed with; absent tells nothing (RFC 8414 §2).
    #[serde(default)]
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// The scopes it knows.
    #[serde(default)]
    pub scopes_supported: Option<Vec<String>>,
    /// Where authorization requests are pushed to (RFC 9126 §5).
    #[serde(default)]
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Whether it takes no others.
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// Whether it names itself in every authorization response (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether a client ID may be the address of a metadata document.
    #[serde(default)]
    pub client_id_metadata_document_supported: bool,
    /// The algorithms of proofs that it takes; none means that it binds no tokens (RFC 9449 §5.1).
    #[serde(default)]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
}

/// What a person has accepted of one authorization server although the rules refuse it. Nothing else is relaxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    /// It knows PKCE and doesn't say so (`AUTHZ-3`). S256 is sent all the same.
    pub pkce_not_advertised: bool,
    /// Its document names it with a slash at the end, or without, where it is looked up the other way (`DISC-11`). From
    /// there on the name in the document counts.
    pub issuer_slash: bool,
}

/// Why an authorization server can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ServerMetadataError {
    /// No usable answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The issuer is no address, or has more than RFC 8414 §2 allows: user info, query, fragment.
    #[error("the server names \"{0}\" as its authorization server, which is no name for one")]
    BadIssuer(String),
    /// An endpoint with a fragment (RFC 6749 §3.1), or too long for any browser or server.
    #[error("the authorization server {issuer} names a {endpoint} that can't be used")]
    BadEndpoint {
        /// The authorization server.
        issuer: String,
        /// Which endpoint.
        endpoint: &'static str,
    },
    /// No document at any of the well-known places.
    #[error("{0} doesn't say how to sign in: it publishes no authorization server metadata")]
    Missing(String),
    /// The server names no authorization server, and its own origin is none either.
    #[error("{0} doesn't say how to sign in: it names no authorization server, and publishes no metadata of one")]
    Nowhere(String),
    /// The document gives another name than it was looked up by (RFC 8414 §3.3).
    #[error("the authorization server {asked} calls itself {found}, so Keybearer stopped")]
    IssuerMismatch {
        /// The issuer that was looked up.
        asked: String,
        /// The issuer in the document.
        found: String,
    },
}

impl ServerMetadata {
    /// The metadata, if they give the name that they were looked up by and endpoints that can be used. The name is compared
    /// as text, not as an address (RFC 8414 §3.3, `DISC-11`).
    pub fn checked(self, issuer: &str, exceptions: Exceptions) -> Result<Self, ServerMetadataError> {
        if self.issuer != issuer && !(exceptions.issuer_slash && differ_by_a_slash(&self.issuer, issuer)) {
            let found = readable(&self.issuer);
            return Err(ServerMetadataError::IssuerMismatch { asked: issuer.to_owned(), found });
        }
        if let Some(endpoint) = unfit_endpoint(&self) {
            return Err(ServerMetadataError::BadEndpoint { issuer: self.issuer, endpoint });
        }
        let is_assumed = exceptions.pkce_not_advertised && self.code_challenge_methods_supported.is_empty();
        let methods = if is_assumed { vec!["S256".to_owned()] } else { self.code_challenge_methods_supported };
        Ok(ServerMetadata { code_challenge_methods_supported: methods, ..self })
    }
}

/// Finds the metadata of `issuer`, at the first of its well-known places that has some.
pub async fn find(http: &Http, issuer: &str, exceptions: Exceptions) -> Result<ServerMetadata, ServerMetadataError> {
    for place in well_known(issuer)? {
        let Some(found) = http.guess_document::<ServerMetadata>(&place).await? else { continue };
        return found.checked(issuer, exceptions);
    }
    Err(ServerMetadataError::Missing(issuer.to_owned()))
}

/// The first endpoint that no request could be made to.
fn unfit_endpoint(server: &ServerMetadata) -> Option<&'static str> {
    let is_unfit = |url: &Url| url.fragment().is_some() || url.as_str().len() > NAME_LIMIT;
    let endpoints = [
        ("authorization_endpoint", server.authorization_endpoint.as_ref()),
        ("token_endpoint", Some(&server.token_endpoint)),
        ("registration_endpoint", server.registration_endpoint.as_ref()),
        ("pushed_authorization_request_endpoint", server.pushed_authorization_request_endpoint.as_ref()),
        ("device_authorization_endpoint", server.device_authorization_endpoint.as_ref()),
        ("revocation_endpoint", server.revocation_endpoint.as_ref()),
    ];
    endpoints.into_iter().find(|(_, url)| url.is_some_and(is_unfit)).map(|(name, _)| name)
}

/// Whether two names of an authorization server are the same but for one slash at the end of one of them.
pub fn differ_by_a_slash(one: &str, other: &str) -> bool {
    one.strip_suffix('/') == Some(other) || other.strip_suffix('/') == Some(one)
}

/// Where an authorization server of the 2025-03-26 revision is found that publishes nothing: at the MCP server's origin,
/// with endpoints of fixed names (`LEG-2`). That revision has every client use PKCE, so it is taken to know it.
pub fn assumed(server: &Url) -> ServerMetadata {
    let endpoint = |path: &str| {
        let mut url = server.clone();
        url.set_path(path);
        url.set_query(None);
        url
    };
    ServerMetadata {
        issuer: server.origin().ascii_serialization(),
        authorization_endpoint: Some(endpoint("/authorize")),
        token_endpoint: endpoint("/token"),
        registration_endpoint: Some(endpoint("/register")),
        revocation_endpoint: None,
        device_authorization_endpoint: None,
        authorization_grant_profiles_supported: None,
        code_challenge_methods_supported: vec!["S256".to_owned()],
        token_endpoint_auth_methods_supported: None,
        token_endpoint_auth_signing_alg_values_supported: None,
        scopes_supported: None,
        pushed_authorization_request_endpoint: None,
        require_pushed_authorization_requests: false,
        authorization_response_iss_parameter_supported: false,
        client_id_metadata_document_supported: false,
        dpop_signing_alg_values_supported: None,
    }
}

/// Where the metadata of an issuer may lie, in the order of `DISC-9` and `DISC-10`; nowhere, if that is no name for one.
pub fn well_known(issuer: &str) -> Result<Vec<Url>, ServerMetadataError> {
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OPENID: &str = "/.well-known/openid-configuration";
    let bad = |issuer: &str| ServerMetadataError::BadIssuer(readable(issuer));
    let url = Url::parse(issuer).map_err(|_| bad(issuer))?;
    let is_bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if issuer.len() > NAME_LIMIT || !is_bare || !issuer.bytes().all(|c| c.is_ascii_graphic()) {
        return Err(bad(without_user_info(&url).as_str()));
    }
    let path = url.path().trim_end_matches('/');
    let places = if path.is_empty() {
        vec![OAUTH.to_owned(), OPENID.to_owned()]
    } else {
        vec![format!("{OAUTH}{path}"), format!("{OPENID}{path}"), format!("{path}{OPENID}")]
    };
    let at = |place: String| {
        let mut url = url.clone();
        url.set_path(&place);
        url
    };
    Ok(places.into_iter().map(at).collect())
}
