//! Device authorization (RFC 8628): a person signs in on any device, and types a code there. Nothing comes back to this
//! machine, which asks for the tokens again and again instead.

use crate::asked::Asked;
use crate::client::{Client, Form};
use crate::http::{Http, host};
use crate::readable::readable;
use crate::secret::expose;
use crate::server_metadata::ServerMetadata;
use crate::server_url::is_protected;
use crate::token_answer::{TokenError, accepted, lifetime, malformed};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// Seconds between two questions, where the server doesn't say (§3.2).
const INTERVAL: u64 = 5;
/// What a server that is asked too often adds to that, in seconds (§3.5).
const SLOWER: u64 = 5;
/// The most seconds between two questions, whatever a server says.
const LONGEST_INTERVAL: u64 = 60;
/// How long a code is good where the server doesn't say, in seconds.
const LIFETIME: u64 = 600;
/// The longest that anybody waits for a person, in seconds.
const LONGEST_LIFETIME: u64 = 1800;
/// The most characters that a person is asked to type.
const USER_CODE_LIMIT: usize = 64;

/// A device authorization that waits for its person. A caller keeps it in a vault until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceAuthorization {
    /// What is asked for.
    #[serde(flatten)]
    pub asked: Asked,
    /// What is traded for tokens once the person has agreed.
    #[serde(serialize_with = "expose")]
    pub device_code: SecretString,
    /// What the person types, or compares (§5.4).
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: Url,
    /// The same with the code in it, where the server has such an address (§3.3.1).
    pub verification_uri_complete: Option<Url>,
    /// Seconds between two questions.
    pub interval: u64,
}

/// Why a device authorization comes to nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceError {
    /// No usable answer, or a refusal.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The authorization server has no such thing.
    #[error("{0} doesn't offer a sign-in with a code")]
    NotOffered(String),
    /// Where the person is to go is an address that isn't shown (`URL-1`).
    #[error("{0} is not a public https address, so nobody is sent there")]
    NotAllowed(Url),
    /// The person said no (§3.5).
    #[error("the sign-in was refused at {0}")]
    Denied(String),
    /// The person took too long (§3.5).
    #[error("the code wasn't used in time, so this sign-in lapsed")]
    Expired,
}

/// What an answer without tokens means for the next question (§3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// The person isn't done yet.
    Pending,
    /// That was too soon.
    SlowDown,
    /// The server wasn't reached.
    NotReached,
}

/// Asks for a code. Gives it with the seconds that it is good for.
pub async fn request(
    client: &Client<'_>,
    server: &ServerMetadata,
    asked: Asked,
) -> Result<(DeviceAuthorization, u64), DeviceError> {
    let not_offered = || DeviceError::NotOffered(server.issuer.clone());
    let endpoint = server.device_authorization_endpoint.as_ref().ok_or_else(not_offered)?;
    let scope = asked.scopes.join(" ");
    let mut form: Form<'_> = Vec::new();
    form.extend(asked.sent_resource().map(|resource| ("resource", resource)));
    form.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    let host = host(endpoint);
    let answer = client.post(endpoint, &form).await.map_err(TokenError::from)?;
    let fields = accepted(&host, &answer)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let needed = |name: &str, value: Option<&str>| {
        value.map(str::to_owned).ok_or_else(|| malformed(&host, &format!("no {name}")))
    };
    let user_code = readable(&needed("user_code", text("user_code"))?);
    if user_code.chars().count() > USER_CODE_LIMIT {
        return Err(malformed(&host, "user_code").into());
    }
    // The draft's name for it lives on.
    let place = needed("verification_uri", text("verification_uri").or(text("verification_url")))?;
    // A comfort, which may be missing: the code can be typed.
    let complete = match text("verification_uri_complete").or(text("verification_url_complete")) {
        Some(complete) => shown(client.http, &host, complete).await.ok(),
        None => None,
    };
    let authorization = DeviceAuthorization {
        device_code: needed("device_code", text("device_code"))?.into(),
        user_code,
        verification_uri: shown(client.http, &host, &place).await?,
        verification_uri_complete: complete,
        interval: fields.get("interval").and_then(lifetime).unwrap_or(INTERVAL).min(LONGEST_INTERVAL),
        asked,
    };
    let expires_in = fields.get("expires_in").and_then(lifetime).unwrap_or(LIFETIME).min(LONGEST_LIFETIME);
    Ok((authorization, expires_in))
}

/// An address that a person is sent to: the rule is the authorization endpoint's (`URL-1`).
async fn shown(http: &Http, host: &str, address: &str) -> Result<Url, DeviceError> {
    let url = Url::parse(address).map_err(|_| malformed(host, "verification_uri"))?;
    if !is_protected(&url) {
        return Err(DeviceError::NotAllowed(url));
    }
    http.check(&url).await.map_err(TokenError::from)?;
    Ok(url)
}

impl DeviceAuthorization {
    /// The address to open in a browser.
    pub fn address(&self) -> &Url {
        self.verification_uri_complete.as_ref().unwrap_or(&self.verification_uri)
    }
}

/// What an answer without tokens means. An error if there is nothing to wait for any more.
pub fn meanwhile(error: TokenError) -> Result<Meanwhile, DeviceError> {
    match &error {
        TokenError::Http(unanswered) if unanswered.is_transient() => Ok(Meanwhile::NotReached),
        TokenError::Refused { error: name, host, .. } => match name.as_str() {
            "authorization_pending" => Ok(Meanwhile::Pending),
            "slow_down" => Ok(Meanwhile::SlowDown),
            "access_denied" => Err(DeviceError::Denied(host.clone())),
            "expired_token" => Err(DeviceError::Expired),
            _ => Err(error.into()),
        },
        TokenError::Http(_)
        | TokenError::Malformed { .. }
        | TokenError::UnknownType { .. }
        | TokenError::Unusable { .. }
        | TokenError::Unbound(_)
        | TokenError::StrangelyBound(_) => Err(error.into()),
    }
}

impl Meanwhile {
    /// The seconds until the next question, after so many before this one.
    pub fn next_interval(self, interval: u64) -> u64 {
        match self {
            Meanwhile::Pending => interval,
            Meanwhile::SlowDown => interval + SLOWER,
            Meanwhile::NotReached => interval.max(1).saturating_mul(2).min(interval.max(LONGEST_INTERVAL)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpError;

    fn refused(error: &str) -> TokenError {
        TokenError::Refused { host: "as".to_owned(), error: error.to_owned(), description: None }
    }

    #[test]
    fn questions_become_rarer_where_the_server_wants_it_or_is_not_reached() {
        let interval = |error: TokenError| meanwhile(error).map(|meanwhile| meanwhile.next_interval(5)).ok();
        assert_eq!(interval(refused("authorization_pending")), Some(5));
        assert_eq!(interval(refused("slow_down")), Some(10));
        assert_eq!(interval(HttpError::Timeout("as".to_owned()).into()), Some(10));
        assert_eq!(interval(HttpError::status("as".to_owned(), 503).into()), Some(10));
        assert_eq!(Meanwhile::NotReached.next_interval(50), LONGEST_INTERVAL);
        assert_eq!(Meanwhile::NotReached.next_interval(90), 90);
        for end in ["access_denied", "expired_token", "invalid_grant", "odd"] {
            assert_eq!(interval(refused(end)), None, "{end}");
        }
        assert_eq!(interval(HttpError::TooLarge("as".to_owned()).into()), None);
    }
}
