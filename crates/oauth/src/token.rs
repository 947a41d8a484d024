//! The token endpoint: code exchange, refresh, client credentials. Read leniently, acted on strictly.

use crate::authorization::{Code, PendingAuthorization};
use crate::challenge::bounded;
use crate::http::{Http, HttpError, host, without_mark};
use crate::readable::readable;
use crate::registration::{AuthMethod, Registration};
use crate::secret::{expose, expose_option};
use ::http::{Request, Response, StatusCode, header};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicRequestTokenError, BasicTokenResponse};
use oauth2::{AuthType, AuthorizationCode, ClientId, ClientSecret, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope};
use oauth2::{EndpointNotSet, EndpointSet, TokenResponse as _, TokenUrl};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;
use url::Url;

/// What the token endpoint gave. Times are relative to the moment of the answer; this crate has no clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tokens {
    /// The access token.
    #[serde(serialize_with = "expose")]
    pub access_token: SecretString,
    /// Seconds it is good for, where the server said so.
    pub expires_in: Option<u64>,
    /// The refresh token, if one was given (`REF-3`).
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretString>,
    /// The scopes, where they differ from those that were asked for (RFC 6749 §5.1).
    pub scopes: Option<Vec<String>>,
}

/// Where and as whom to refresh.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// The client that the refresh token was issued to.
    pub registration: &'a Registration,
    /// The token endpoint of its authorization server.
    pub token_endpoint: &'a Url,
    /// Sent on refresh too (`REF-5`).
    pub resource: &'a str,
}

/// Why there are no new tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// No usable answer. Whether the server has acted is unknown after [`HttpError::Timeout`] and
    /// [`HttpError::Broken`].
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The authorization server said no (RFC 6749 §5.2).
    #[error("{host} refused: {error}{}", .description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// The host that refused.
        host: String,
        /// The error code, such as `invalid_grant`.
        error: String,
        /// The server's own words.
        description: Option<String>,
    },
    /// The answer is neither tokens nor an error.
    #[error("{host} answered something that isn't a token answer ({problem})")]
    Malformed {
        /// The host that answered.
        host: String,
        /// What is wrong, without the content.
        problem: String,
    },
    /// The token is of a type that we don't know how to use, so it must not be used (RFC 6749 §7.1).
    #[error("{host} gave a token of type \"{kind}\", which Keybearer can't use")]
    UnknownType {
        /// The host that answered.
        host: String,
        /// The type.
        kind: String,
    },
    /// A token that no header can carry, or too long for any server to take.
    #[error("{host} gave a token that can't be used: it {problem}")]
    Unusable {
        /// The host that answered.
        host: String,
        /// What is wrong, without the content.
        problem: &'static str,
    },
}

/// The most that a token may hold, in bytes: servers refuse longer headers.
const TOKEN_LIMIT: usize = 16 * 1024;

/// Turns a code into tokens (RFC 6749 §4.1.3 with RFC 7636 §4.5 and RFC 8707 §2.2).
pub async fn exchange(http: &Http, pending: &PendingAuthorization, code: Code) -> Result<Tokens, TokenError> {
    let url = &pending.token_endpoint;
    let redirect = RedirectUrl::new(pending.redirect_uri.clone())
        .map_err(|_| TokenError::Malformed { host: host(url), problem: "redirect address".to_owned() })?;
    let answer = client(&pending.registration, url)
        .set_redirect_uri(redirect)
        .exchange_code(AuthorizationCode::new(code.0.expose_secret().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(pending.code_verifier.expose_secret().to_owned()))
        .add_extra_param("resource", &pending.resource)
        .request_async(&Lenient(http))
        .await;
    tokens(url, answer)
}

/// Turns a refresh token into tokens (RFC 6749 §6). Scopes are left out: the same ones are meant.
pub async fn refresh(http: &Http, grant: &Grant<'_>, refresh_token: &SecretString) -> Result<Tokens, TokenError> {
    let refresh_token = RefreshToken::new(refresh_token.expose_secret().to_owned());
    let answer = client(grant.registration, grant.token_endpoint)
        .exchange_refresh_token(&refresh_token)
        .add_extra_param("resource", grant.resource)
        .request_async(&Lenient(http))
        .await;
    tokens(grant.token_endpoint, answer)
}

/// Gets tokens for the client itself, without a person (RFC 6749 §4.4, `CC-1`, `CC-2`).
pub async fn client_credentials(http: &Http, grant: &Grant<'_>, scopes: &[String]) -> Result<Tokens, TokenError> {
    let answer = client(grant.registration, grant.token_endpoint)
        .exchange_client_credentials()
        .add_scopes(scopes.iter().cloned().map(Scope::new))
        .add_extra_param("resource", grant.resource)
        .request_async(&Lenient(http))
        .await;
    tokens(grant.token_endpoint, answer)
}

type TokenClient = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

fn client(registration: &Registration, token_endpoint: &Url) -> TokenClient {
    let client = BasicClient::new(ClientId::new(registration.client_id.clone()))
        .set_token_uri(TokenUrl::from_url(token_endpoint.clone()));
    let client = match &registration.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
        None => client,
    };
    match registration.auth_method {
        AuthMethod::ClientSecretBasic => client.set_auth_type(AuthType::BasicAuth),
        AuthMethod::ClientSecretPost | AuthMethod::None => client.set_auth_type(AuthType::RequestBody),
    }
}

fn tokens(
    url: &Url,
    answer: Result<BasicTokenResponse, BasicRequestTokenError<HttpError>>,
) -> Result<Tokens, TokenError> {
    match answer {
        Ok(answer) => usable(url, &answer),
        Err(BasicRequestTokenError::ServerResponse(refusal)) => Err(refused(url, &refusal)),
        Err(BasicRequestTokenError::Request(error)) => Err(error.into()),
        // The parser's own words quote the content, so only the place of the fault is kept.
        Err(BasicRequestTokenError::Parse(error, _)) => {
            Err(TokenError::Malformed { host: host(url), problem: format!("at {}", error.path()) })
        }
        Err(BasicRequestTokenError::Other(_)) => {
            Err(TokenError::Malformed { host: host(url), problem: "empty".to_owned() })
        }
    }
}

/// The tokens of an answer, if they can be used: a Bearer token of visible ASCII (RFC 6750 §2.1), neither of them endless.
fn usable(url: &Url, answer: &BasicTokenResponse) -> Result<Tokens, TokenError> {
    let kind = answer.token_type().as_ref();
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::UnknownType { host: host(url), kind: readable(kind) });
    }
    let access_token = answer.access_token().secret();
    // An empty one means that there is none.
    let refresh_token = answer.refresh_token().map(|token| token.secret()).filter(|token| !token.is_empty());
    let unusable = |problem| Err(TokenError::Unusable { host: host(url), problem });
    if access_token.is_empty() {
        return unusable("is empty");
    } else if !access_token.bytes().all(|c| c.is_ascii_graphic()) {
        return unusable("holds spaces, controls or letters that no header can carry");
    } else if [Some(access_token), refresh_token].into_iter().flatten().any(|token| token.len() > TOKEN_LIMIT) {
        return unusable("is longer than any server takes");
    }
    Ok(Tokens {
        access_token: access_token.clone().into(),
        expires_in: answer.expires_in().map(|duration| duration.as_secs()),
        refresh_token: refresh_token.map(|token| token.clone().into()),
        scopes: answer.scopes().map(|scopes| bounded(scopes.iter().map(|scope| scope.to_string()))),
    })
}

fn refused(url: &Url, refusal: &BasicErrorResponse) -> TokenError {
    TokenError::Refused {
        host: host(url),
        error: readable(refusal.error().as_ref()),
        description: refusal.error_description().map(|text| readable(text)),
    }
}

/// Carries a token request for the `oauth2` crate and brings the answers of real servers into the one form it reads:
/// 201 for 200, an error in a 200, form-encoded bodies, `expires_in` as text, missing `token_type`.
struct Lenient<'a>(&'a Http);

impl<'c> oauth2::AsyncHttpClient<'c> for Lenient<'_> {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async move {
            let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            let answer = self.0.send(request).await?;
            normalise(&host, answer)
        })
    }
}

fn normalise(host: &str, answer: Response<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
    let status = answer.status();
    let Some(mut fields) = fields(&answer) else {
        // An HTML page of a proxy, an empty 500: nothing to read, but the status tells whether to try again.
        let problem = "neither a JSON object nor a form".to_owned();
        return Err(match status.is_success() {
            true => HttpError::NotJson { host: host.to_owned(), problem },
            false => HttpError::Status { host: host.to_owned(), status: status.as_u16() },
        });
    };
    if status.as_u16() == 429 || status.is_server_error() {
        return Err(HttpError::Status { host: host.to_owned(), status: status.as_u16() });
    }
    let refused = fields.contains_key("error");
    if !refused {
        fields.entry("token_type").or_insert_with(|| "Bearer".into());
        let seconds = fields.remove("expires_in").as_ref().and_then(lifetime);
        fields.extend(seconds.map(|seconds| ("expires_in".to_owned(), seconds.into())));
        fields.retain(|_, value| !value.is_null());
    }
    let mut plain = Response::new(Value::Object(fields).to_string().into_bytes());
    let failed = refused || !status.is_success();
    *plain.status_mut() = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(plain)
}

fn fields(answer: &Response<Vec<u8>>) -> Option<Map<String, Value>> {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(without_mark(answer.body())) {
        return Some(fields);
    }
    let kind = answer.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let pairs = url::form_urlencoded::parse(answer.body());
    Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

/// `expires_in` as a number or as text. Zero and less tell nothing: as if it were missing.
fn lifetime(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }?;
    // A century is as good as for ever, and keeps sums with a clock in bounds.
    (seconds >= 1.0).then(|| seconds.min(3_155_760_000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, kind: &str, body: &str) -> String {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().expect("a media type"));
        match normalise("as", response) {
            Ok(plain) => format!("{} {}", plain.status().as_u16(), String::from_utf8_lossy(plain.body())),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn answers_of_real_servers_are_brought_into_one_form() {
        const JSON: &str = "application/json";
        let good = r#"200 {"access_token":"a","token_type":"Bearer","expires_in":60}"#;
        assert_eq!(check(201, JSON, r#"{"access_token":"a","expires_in":"60"}"#), good);
        let form = "access_token=a&expires_in=60";
        assert_eq!(check(200, "application/x-www-form-urlencoded; charset=x", form), good);
        for odd in ["0", "-5", "null", "\"soon\"", "[]"] {
            let body = format!(r#"{{"access_token":"a","expires_in":{odd}}}"#);
            assert_eq!(check(200, JSON, &body), r#"200 {"access_token":"a","token_type":"Bearer"}"#, "{odd}");
        }
        assert_eq!(check(200, JSON, r#"{"error":"invalid_grant"}"#), r#"400 {"error":"invalid_grant"}"#);
        assert_eq!(check(503, "text/html", "<p>busy"), "as answered 503");
        assert_eq!(check(500, JSON, r#"{"error":"server_error"}"#), "as answered 500");
        assert!(!check(200, "text/html", "<p>secret").contains("secret"));
    }
}
