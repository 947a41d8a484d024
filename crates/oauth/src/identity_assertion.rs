//! An identity provider that vouches for a person at another authorization server: it exchanges the person's ID token for
//! an identity assertion (RFC 8693, ID-JAG §4.3), which is good at that one authorization server alone (`EMA-1`).

use crate::client::{Client, Form};
use crate::http::host;
use crate::server_metadata::ServerMetadata;
use crate::token_answer::{TokenError, accepted, malformed};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

/// The grant (RFC 8693 §2.1).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What is wanted.
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
/// What is given for it.
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// What an authorization server is said to know that takes such assertions (ID-JAG §7.2).
const PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// What the assertion is to be good for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The issuer of the authorization server that is to take it.
    pub audience: &'a str,
    /// The protected resource.
    pub resource: &'a str,
    /// The scopes to ask for.
    pub scopes: &'a [String],
}

/// Whether this authorization server takes such assertions, as far as it says so (`EMA-3`).
pub fn is_taken_by(server: &ServerMetadata) -> bool {
    let profiles = server.authorization_grant_profiles_supported.as_ref();
    profiles.is_none_or(|profiles| profiles.iter().any(|profile| profile == PROFILE))
}

/// Has the identity provider vouch. `client` is ours there, `endpoint` its token endpoint.
pub async fn exchange(
    client: &Client<'_>,
    endpoint: &Url,
    subject_token: &SecretString,
    purpose: Purpose<'_>,
) -> Result<SecretString, TokenError> {
    let scope = purpose.scopes.join(" ");
    let mut form: Form<'_> = vec![
        ("grant_type", TOKEN_EXCHANGE),
        ("requested_token_type", ID_JAG),
        ("audience", purpose.audience),
        ("resource", purpose.resource),
        ("subject_token", subject_token.expose_secret()),
        ("subject_token_type", ID_TOKEN),
    ];
    form.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    let answer = client.post(endpoint, &form).await?;
    let host = host(endpoint);
    let fields = accepted(&host, &answer)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    // What else it may have given, such as an access token of its own, is none of the other server's business.
    if text("issued_token_type") != Some(ID_JAG) {
        return Err(malformed(&host, "no identity assertion"));
    }
    let assertion = text("access_token").filter(|token| !token.is_empty());
    assertion.map(|token| token.to_owned().into()).ok_or_else(|| malformed(&host, "no identity assertion"))
}
