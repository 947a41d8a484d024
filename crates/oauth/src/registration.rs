//! How the authorization server knows us: by hand, by metadata document, or by dynamic registration (RFC 7591).

use crate::challenge::bounded;
use crate::http::{Http, HttpError, host, json};
use crate::readable::readable;
use crate::secret::expose_option;
use crate::server_metadata::ServerMetadata;
use crate::signing_key::{KeyError, SigningKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The name that authorization servers show to the user.
pub const CLIENT_NAME: &str = "Keybearer";

/// The grant of a device (RFC 8628 §3.4).
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

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
    /// The https address of our client metadata document.
    pub metadata_document: Option<String>,
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
        return Ok(of(address, RegistrationOrigin::MetadataDocument));
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
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
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
    let body = json!({
        "client_name": CLIENT_NAME,
        "redirect_uris": redirect_uris,
        "grant_types": grant_types(redirect_uris, device),
        "response_types": if redirect_uris.is_empty() { &[][..] } else { &["code"] },
        "token_endpoint_auth_method": name(wanted),
        "application_type": "native",                               // DCR-2, DCR-3
        "software_id": "app.keybearer",
        "software_version": env!("CARGO_PKG_VERSION"),
    });
    let answer = http.post(url, "application/json", body.to_string().into_bytes()).await?;
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
    let auth_method = match registered.token_endpoint_auth_method.as_deref() {
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
        client_key: None,
        signing_algorithm: None,
        auth_method,
        origin: RegistrationOrigin::Dynamic,
        redirect_uris: redirect_uris.to_vec(),
        device,
    })
}

/// The grants that a client asks to be registered for (`DCR-6`): without redirect addresses none that needs one.
fn grant_types(redirect_uris: &[String], device: bool) -> Vec<&'static str> {
    let code = (!redirect_uris.is_empty()).then_some("authorization_code");
    code.into_iter().chain(device.then_some(DEVICE_CODE)).chain(["refresh_token"]).collect()
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
    match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { error, error_description }) => {
            let description = error_description.as_deref().map(readable);
            RegistrationError::Refused { host, error: readable(&error), description }
        }
        Err(_) => HttpError::Status { host, status }.into(),
    }
}
