//! How the authorization server knows us: by hand, by metadata document, or by dynamic registration (RFC 7591).

use crate::challenge::bounded;
use crate::client_metadata::{ClientMetadata, DocumentAddress};
use crate::http::{Http, HttpError, host, json};
use crate::readable::readable;
use crate::secret::expose_option;
use crate::server_metadata::ServerMetadata;
use crate::signing_key::{KeyError, SigningKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// The most that a client ID or a client's secret may hold, in bytes.
const CLIENT_LIMIT: usize = 2048;

/// A client as one authorization server knows it; worthless at any other (`BIND-1..3`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registration {
    /// The authorization server that it belongs to.
    pub issuer: String,
    /// The client's ID there.
    pub client_id: String,
    /// The client's secret there, if it got one.
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretString>,
    /// When that secret ends, in seconds since 1970, where it does (RFC 7591 §3.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at: Option<i64>,
    /// The private key that it proves itself with instead, in PEM (RFC 7523).
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    pub client_key: Option<SecretString>,
    /// What it signs with, where the server has a say in that and the key a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_algorithm: Option<String>,
    /// How it authenticates at the token endpoint (`TOK-3`).
    pub auth_method: AuthMethod,
    /// How it came to be.
    pub origin: RegistrationOrigin,
    /// The redirect addresses it may use.
    pub redirect_uris: Vec<String>,
    /// Whether it was registered for device authorization.
    #[serde(default)]
    pub device: bool,
}

impl Registration {
    /// Whether it would have to prove itself with a secret that has ended by now, in seconds since 1970.
    pub fn has_ended(&self, now: i64) -> bool {
        let by_secret = matches!(self.auth_method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
        by_secret && self.secret_expires_at.is_some_and(|end| end <= now)
    }
}

/// Ways of a client to authenticate at the token endpoint (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A public client: the ID alone.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
    /// With a JWT that it signs (RFC 7523 §2.2).
    PrivateKeyJwt,
}

/// Ways to a client ID, in the order of preference (`REG-2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationOrigin {
    /// The user brought it.
    PreRegistered,
    /// It is the address of a document that describes us.
    MetadataDocument,
    /// The authorization server gave it on request.
    Dynamic,
}

/// What the user or the product brings along.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// A client that was registered by hand: its ID and, for confidential clients, what proves that it is this client.
    pub pre_registered: Option<(String, Option<Credential>)>,
    /// Where our client metadata document lies.
    pub metadata_document: Option<DocumentAddress>,
    /// Whether it is to sign in by device authorization, for which it needs no redirect addresses.
    pub device: bool,
}

/// What a client that was registered by hand proves itself with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A secret that the authorization server knows as well.
    Secret(SecretString),
    /// A private key in PEM, whose public half it knows.
    PrivateKey(SecretString),
}

impl Registration {
    /// A client of this ID that proves nothing; with an empty one it doesn't even say who it is, as where an assertion
    /// stands for itself (RFC 7523 §3.1).
    pub fn public(issuer: &str, client_id: &str) -> Registration {
        Registration {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: None,
            secret_expires_at: None,
            client_key: None,
            signing_algorithm: None,
            auth_method: AuthMethod::None,
            origin: RegistrationOrigin::PreRegistered,
            redirect_uris: Vec::new(),
            device: false,
        }
    }
}

impl Credential {
    /// What the user brought: PEM is a private key, all else a secret.
    pub fn of(text: SecretString) -> Credential {
        let is_key = text.expose_secret().contains("-----BEGIN ");
        if is_key { Credential::PrivateKey(text) } else { Credential::Secret(text) }
    }
}

/// Why no client ID could be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistrationError {
    /// No usable answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server takes no new clients by itself (`REG-2`: ask the user).
    #[error("{0} doesn't accept new apps by itself; someone has to register Keybearer there once")]
    NotOffered(String),
    /// The server registers only apps that it knows beforehand.
    #[error("{host} admits only apps that are on its own list, and Keybearer isn't on it{}", .description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    NotListed {
        /// The host that refused.
        host: String,
        /// The server's own words.
        description: Option<String>,
    },
    /// The server refused (`DCR-5`).
    #[error("{host} refused to register Keybearer: {error}{}", .description.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    Refused {
        /// The host that refused.
        host: String,
        /// The error code of RFC 7591 §3.2.2.
        error: String,
        /// The server's own words.
        description: Option<String>,
    },
    /// The private key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The server takes nothing that the private key can sign with.
    #[error("the private key signs with {own}, but {issuer} takes only {accepted}")]
    Algorithm {
        /// The authorization server.
        issuer: String,
        /// What the key signs with.
        own: String,
        /// What the server takes.
        accepted: String,
    },
    /// What it gave is no client ID, or no secret for one.
    #[error("{0} registered Keybearer under a client ID or with a secret that can't be used")]
    Unusable(String),
    /// It assigned a way to authenticate that we don't have.
    #[error("{host} wants clients to authenticate by \"{method}\", which Keybearer can't do yet")]
    AuthMethod {
        /// The host that wants it.
        host: String,
        /// What it wants.
        method: String,
    },
}

/// Gets a client ID in the order of `REG-2`.
pub async fn register(
    http: &Http,
    server: &ServerMetadata,
    known: &Known,
    redirect_uris: &[String],
) -> Result<Registration, RegistrationError> {
    let of = |client_id: String, origin| Registration {
        issuer: server.issuer.clone(),
        client_id,
        client_secret: None,
        secret_expires_at: None,
        client_key: None,
        signing_algorithm: None,
        auth_method: AuthMethod::None,
        origin,
        redirect_uris: redirect_uris.to_vec(),
        device: known.device,
    };
    if let Some((id, credential)) = known.pre_registered.clone() {
        let client = of(id, RegistrationOrigin::PreRegistered);
        return Ok(match credential {
            None => client,
            Some(Credential::PrivateKey(key)) => {
                let signing_algorithm = signing_algorithm(&key, server)?;
                let auth_method = AuthMethod::PrivateKeyJwt;
                Registration { client_key: Some(key), signing_algorithm, auth_method, ..client }
            }
            Some(Credential::Secret(secret)) => {
                Registration { client_secret: Some(secret), auth_method: secret_method(server), ..client }
            }
        });
    }
    if let Some(address) = known.metadata_document.clone().filter(|_| server.client_id_metadata_document_supported) {
        return Ok(of(address.to_string(), RegistrationOrigin::MetadataDocument));
    }
    register_dynamically(http, server, redirect_uris, known.device).await
}

/// What the key signs with at this server, where that says what it takes.
fn signing_algorithm(key: &SecretString, server: &ServerMetadata) -> Result<Option<String>, RegistrationError> {
    let Some(accepted) = &server.token_endpoint_auth_signing_alg_values_supported else { return Ok(None) };
    let key = SigningKey::from_pem(key)?;
    let own = key.algorithm();
    let chosen = key.among(accepted).ok_or_else(|| RegistrationError::Algorithm {
        issuer: server.issuer.clone(),
        own,
        accepted: bounded(accepted.iter().cloned()).join(", "),
    })?;
    Ok(Some(chosen.algorithm()))
}

/// Where the secret goes of a client whose assigned method nobody told us.
fn secret_method(server: &ServerMetadata) -> AuthMethod {
    let supports = |name: &str| server.token_endpoint_auth_methods_supported.iter().flatten().any(|m| m == name);
    let in_form_alone = supports("client_secret_post") && !supports("client_secret_basic");
    if in_form_alone { AuthMethod::ClientSecretPost } else { AuthMethod::ClientSecretBasic }
}

/// The answer of RFC 7591 §3.2.1, as far as we use it.
#[derive(Deserialize)]
struct Registered {
    client_id: String,
    #[serde(default)]
    client_secret: Option<SecretString>,
    /// In seconds since 1970, zero for never; some write it as text.
    #[serde(default)]
    client_secret_expires_at: Value,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    redirect_uris: Option<Vec<String>>,
}

/// The answer of RFC 7591 §3.2.2.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

async fn register_dynamically(
    http: &Http,
    server: &ServerMetadata,
    redirect_uris: &[String],
    device: bool,
) -> Result<Registration, RegistrationError> {
    let url =
        server.registration_endpoint.as_ref().ok_or_else(|| RegistrationError::NotOffered(server.issuer.clone()))?;
    let wanted = wanted_method(server);
    let body = serde_json::to_vec(&ClientMetadata::to_register(redirect_uris, name(wanted), device))
        .map_err(|error| HttpError::Unusable(error.to_string()))?;
    let answer = http.post(url, "application/json", body).await?;
    if !answer.status().is_success() {
        return Err(refusal(host(url), answer.status().as_u16(), answer.body()));
    }
    let registered: Registered = json(url, answer.body())?;
    let secret = registered.client_secret.as_ref().map(ExposeSecret::expose_secret);
    if registered.client_id.is_empty()
        || ![Some(registered.client_id.as_str()), secret].into_iter().flatten().all(is_fit)
    {
        return Err(RegistrationError::Unusable(host(url)));
    }
    let admitted = admitted(redirect_uris, registered.redirect_uris.as_deref());
    if admitted.is_empty() && !redirect_uris.is_empty() {
        return Err(RegistrationError::Refused {
            host: host(url),
            error: "invalid_redirect_uri".to_owned(),
            description: Some("it registered other redirect addresses than it was asked for".to_owned()),
        });
    }
    let auth_method = match registered.token_endpoint_auth_method.as_deref() {
        // Who gives a secret wants to see it, whatever was asked for.
        None if wanted == AuthMethod::None && registered.client_secret.is_some() => secret_method(server),
        None => wanted,
        Some("none") => AuthMethod::None,
        Some("client_secret_basic") => AuthMethod::ClientSecretBasic,
        Some("client_secret_post") => AuthMethod::ClientSecretPost,
        Some(other) => return Err(RegistrationError::AuthMethod { host: host(url), method: other.to_owned() }),
    };
    Ok(Registration {
        issuer: server.issuer.clone(),
        client_id: registered.client_id,
        client_secret: registered.client_secret,
        secret_expires_at: end_of_secret(&registered.client_secret_expires_at),
        client_key: None,
        signing_algorithm: None,
        auth_method,
        origin: RegistrationOrigin::Dynamic,
        redirect_uris: admitted,
        device,
    })
}

/// When a secret ends, where the server says that it does.
fn end_of_secret(said: &Value) -> Option<i64> {
    let seconds = said.as_i64().or_else(|| said.as_str()?.parse().ok());
    seconds.filter(|seconds| *seconds > 0)
}

/// Of the redirect addresses that were asked for, those that the server registered: all, where it doesn't say. A loopback
/// address without a port stands for every port (RFC 8252 §7.3).
fn admitted(asked: &[String], registered: Option<&[String]>) -> Vec<String> {
    let Some(registered) = registered else { return asked.to_vec() };
    let is_admitted = |uri: &&String| registered.contains(uri) || registered.contains(&without_port(uri));
    asked.iter().filter(is_admitted).cloned().collect()
}

fn without_port(uri: &str) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    match url.set_port(None) {
        Ok(()) => url.into(),
        Err(()) => uri.to_owned(),
    }
}

/// Whether it is short, and of visible ASCII and spaces (RFC 6749 appendix A.1, A.2).
fn is_fit(text: &str) -> bool {
    text.len() <= CLIENT_LIMIT && text.bytes().all(|c| c.is_ascii_graphic() || c == b' ')
}

/// A public client, unless the server's metadata rules that out: some accept the registration and refuse the token. A
/// secret goes into the form, where OAuth 2.1 §2.4.1 has every server read it: servers that offer both ways and look for
/// the client ID in the form alone are in wide use.
fn wanted_method(server: &ServerMetadata) -> AuthMethod {
    let Some(supported) = &server.token_endpoint_auth_methods_supported else { return AuthMethod::None };
    [AuthMethod::None, AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic]
        .into_iter()
        .find(|method| supported.iter().any(|s| s == name(*method)))
        .unwrap_or(AuthMethod::None)
}

fn name(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::None => "none",
        AuthMethod::ClientSecretBasic => "client_secret_basic",
        AuthMethod::ClientSecretPost => "client_secret_post",
        AuthMethod::PrivateKeyJwt => "private_key_jwt",
    }
}

fn refusal(host: String, status: u16, body: &[u8]) -> RegistrationError {
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    let of_metadata = refusal.as_ref().is_some_and(|refusal| refusal.error.starts_with("invalid_"));
    let description = refusal.as_ref().and_then(|refusal| refusal.error_description.as_deref()).map(readable);
    match (status, refusal) {
        (401 | 403, _) if !of_metadata => RegistrationError::NotListed { host, description },
        (_, Some(Refusal { error, .. })) => RegistrationError::Refused { host, error: readable(&error), description },
        (status, None) => HttpError::status(host, status).into(),
    }
}
