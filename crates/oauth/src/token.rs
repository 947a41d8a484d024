//! The token endpoint: what is traded for tokens there, and how.

use crate::asked::Asked;
use crate::authorization::{Code, PendingAuthorization};
use crate::client::{Client, Form};
use crate::client_metadata::DEVICE_CODE;
use crate::http::{HttpError, host};
use crate::token_answer::{TokenError, TokenType, Tokens, read};
use ::http::Response;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The grant of a JWT that somebody else signed (RFC 7523 §2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token endpoint, as one client asks it about one protected resource.
#[derive(Clone, Debug)]
pub struct TokenEndpoint<'a> {
    /// Who asks.
    pub client: Client<'a>,
    /// Where.
    pub url: &'a Url,
    /// The protected resource, in every request (RFC 8707 §2.2, `AUTHZ-4`, `TOK-2`, `REF-5`, `CC-3`); none where the user
    /// says that the server can't bear it.
    pub resource: Option<&'a str>,
}

/// What is traded for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    /// A code that a browser brought (RFC 6749 §4.1.3 with RFC 7636 §4.5).
    Code(&'a Code, &'a PendingAuthorization),
    /// A refresh token (RFC 6749 §6). Scopes are left out: the same ones are meant, and no others can be had (`STEP-6`).
    RefreshToken(&'a SecretString),
    /// The code of a device whose person signs in elsewhere (RFC 8628 §3.4).
    DeviceCode(&'a SecretString),
    /// A JWT that somebody else signed: who its subject is, is who the tokens are for (RFC 7523 §2.1, `EMA-2`, `WIF-1`).
    Assertion {
        /// The JWT.
        assertion: &'a SecretString,
        /// The scopes to ask for.
        scopes: &'a [String],
    },
    /// The client itself, without a person (RFC 6749 §4.4, `CC-1`).
    ClientCredentials {
        /// The scopes to ask for.
        scopes: &'a [String],
    },
}

impl<'a> TokenEndpoint<'a> {
    /// The one where that becomes tokens which was asked for.
    pub fn of(client: Client<'a>, asked: &'a Asked) -> TokenEndpoint<'a> {
        TokenEndpoint { client, url: &asked.token_endpoint, resource: asked.sent_resource() }
    }

    /// Trades a grant for tokens; where the client proves that it holds a key, for such as are bound to it (`DPOP-1`).
    pub async fn trade(&self, grant: Grant<'_>) -> Result<Tokens, TokenError> {
        understand(self.url, self.client.is_bound(), &self.ask(grant).await?)
    }

    /// Sends a grant, and gives the answer as it came: for whoever makes it durable before anything else is done with it.
    pub async fn ask(&self, grant: Grant<'_>) -> Result<Response<Vec<u8>>, HttpError> {
        let scope = grant.scope();
        let mut form: Form<'_> = match grant {
            // OAuth 2.1 has no redirect_uri here; servers of OAuth 2.0 want it (TOK-5).
            Grant::Code(code, pending) => vec![
                ("grant_type", "authorization_code"),
                ("code", code.0.expose_secret()),
                ("redirect_uri", &pending.redirect_uri),
                ("code_verifier", pending.code_verifier.expose_secret()),
            ],
            Grant::RefreshToken(token) => {
                vec![("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())]
            }
            Grant::DeviceCode(code) => vec![("grant_type", DEVICE_CODE), ("device_code", code.expose_secret())],
            Grant::Assertion { assertion, .. } => {
                vec![("grant_type", JWT_BEARER), ("assertion", assertion.expose_secret())]
            }
            Grant::ClientCredentials { .. } => vec![("grant_type", "client_credentials")],
        };
        form.extend(self.resource.map(|resource| ("resource", resource)));
        form.extend(scope.as_ref().map(|scope| ("scope", scope.as_str())));
        self.client.post(self.url, &form).await
    }
}

/// Reads what a token endpoint answered to a client that proved to hold a key, or didn't.
pub fn understand(endpoint: &Url, is_bound: bool, answer: &Response<Vec<u8>>) -> Result<Tokens, TokenError> {
    let tokens = read(&host(endpoint), answer)?;
    match (is_bound, tokens.token_type) {
        (true, TokenType::Bearer) => Err(TokenError::Unbound(host(endpoint))),
        (false, TokenType::Dpop) => Err(TokenError::StrangelyBound(host(endpoint))),
        (true, TokenType::Dpop) | (false, TokenType::Bearer) => Ok(tokens),
    }
}

impl Grant<'_> {
    /// The scopes that are asked for with it, as one text; none where none are.
    fn scope(&self) -> Option<String> {
        let scopes = match self {
            Grant::Code(..) | Grant::RefreshToken(_) | Grant::DeviceCode(_) => return None,
            Grant::ClientCredentials { scopes } | Grant::Assertion { scopes, .. } => scopes,
        };
        Some(scopes.join(" ")).filter(|scope| !scope.is_empty())
    }
}
