//! What the page sends where more than a word is needed. Two of these carry a secret, inwards alone: none is written
//! out again, printed, or part of any answer.

use keybearer_protocol::auth::{AuthStartParams, CallbackKind};
use keybearer_protocol::exception::Exception;
use keybearer_protocol::profile::{AuthType, ProfileAddParams, ProfileUpdateParams};
use secrecy::SecretString;
use serde::Deserialize;
use specta::Type;

/// A profile to add.
#[derive(Deserialize, Type)]
pub struct NewAccount {
    /// The MCP server's address.
    pub url: String,
    /// The profile's name; made from the address where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// How it authorizes itself.
    pub auth: AuthType,
    /// A client ID that was registered by hand.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Scopes to ask for instead of those that the server names.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The header's name, for `header`.
    #[serde(default)]
    pub header: Option<String>,
    /// The user's name, for `basic`.
    #[serde(default)]
    pub username: Option<String>,
    /// Client secret, bearer token, header value or password.
    #[serde(default)]
    #[specta(type = Option<String>)]
    pub secret: Option<SecretString>,
}

/// How a profile authorizes itself from now on; what is absent stays.
#[derive(Deserialize, Type)]
pub struct AccountChange {
    /// The profile's name.
    pub profile: String,
    /// A client ID that was registered by hand; an empty one means that Keybearer finds one again.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The scopes to ask for; none means those that the server names.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// What is accepted of its authorization server, beside what was; none takes all of that back.
    #[serde(default)]
    pub exceptions: Option<Vec<Exception>>,
    /// Client secret, bearer token, header value or password.
    #[serde(default)]
    #[specta(type = Option<String>)]
    pub secret: Option<SecretString>,
}

/// A sign-in to start or to join.
#[derive(Debug, Deserialize, Type)]
pub struct SignInRequest {
    /// The profile's name.
    pub profile: String,
    /// How the browser is to come back; absent means that Keybearer chooses.
    #[serde(default)]
    pub callback: Option<CallbackKind>,
    /// On any device, with a code to type there.
    #[serde(default)]
    pub device: bool,
    /// Register anew at the authorization server.
    #[serde(default)]
    pub register_again: bool,
}

impl SignInRequest {
    /// A plain sign-in.
    pub fn of(profile: String) -> SignInRequest {
        SignInRequest { profile, callback: None, device: false, register_again: false }
    }
}

impl From<NewAccount> for ProfileAddParams {
    fn from(account: NewAccount) -> ProfileAddParams {
        let NewAccount { url, name, auth, client_id, scopes, header, username, secret } = account;
        let (issuer, redirect_uri, parameters, omit_resource, exceptions) = Default::default();
        ProfileAddParams {
            url,
            name,
            auth,
            client_id,
            issuer,
            redirect_uri,
            scopes,
            parameters,
            omit_resource,
            exceptions,
            header,
            username,
            assertion_file: None,
            identity_provider: None,
            secret,
            subject_token: None,
        }
    }
}

impl From<AccountChange> for ProfileUpdateParams {
    fn from(change: AccountChange) -> ProfileUpdateParams {
        let AccountChange { profile, client_id, scopes, exceptions, secret } = change;
        let (issuer, redirect_uri, parameters, omit_resource, subject_token) = Default::default();
        ProfileUpdateParams {
            profile,
            client_id,
            issuer,
            redirect_uri,
            scopes,
            parameters,
            omit_resource,
            exceptions,
            secret,
            subject_token,
        }
    }
}

impl From<SignInRequest> for AuthStartParams {
    fn from(request: SignInRequest) -> AuthStartParams {
        let SignInRequest { profile, callback, device, register_again } = request;
        // The agent opens the browser, and this desktop's screen is where the user sits.
        let environment = crate::display::variables();
        AuthStartParams { profile, no_open: false, callback, device, register_again, environment }
    }
}
