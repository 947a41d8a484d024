//! Profiles: what the user wrote down, one server with one account each.

use crate::auth::CallbackKind;
use crate::exception::Exception;
use crate::method::method;
use crate::settings::Approval;
use crate::undo::{UndoParams, Undoable};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

method!(
    /// Writes a new profile.
    ProfileAdd, "profile.add", [Admin], ProfileAddParams => AccountView
);
method!(
    /// Removes a profile and what the keyring holds for it, at once. Its tokens are given back when there is no way back any
    /// more: after half a minute, or when the agent is locked or stops.
    ProfileRemove, "profile.remove", [Admin], ProfileName => Undoable
);
method!(
    /// Brings a removed profile back whole, with its sign-in and what programs may do with it. Only on the prompter's
    /// connection once a desktop has registered.
    ProfileRestore, "profile.restore", [Admin], UndoParams => AccountView
);
method!(
    /// Gives a profile another name; sign-in and tokens stay.
    ProfileRename, "profile.rename", [Admin], ProfileRenameParams => AccountView
);
method!(
    /// Changes how a profile authorizes itself; what is absent stays. An open sign-in is cancelled.
    ProfileUpdate, "profile.update", [Admin], ProfileUpdateParams => AccountDetail
);
method!(
    /// Lists the accounts, sorted by name.
    ProfileList, "profile.list", [Programs, Admin], ProfileListParams => ProfileListReply
);
method!(
    /// Shows one account with all that is not secret.
    ProfileShow, "profile.show", [Admin], ProfileName => AccountDetail
);

/// How an account authorizes itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// Look at the server, then decide.
    #[default]
    Auto,
    /// OAuth 2.1 authorization code with PKCE.
    Oauth,
    /// OAuth 2.0 device authorization: the person signs in on any device, and types a code there.
    Device,
    /// OAuth 2.1 client credentials: the client itself signs in, and no person.
    ClientCredentials,
    /// A workload, which its platform gives a JWT that stands for it (RFC 7523).
    Workload,
    /// A person of a company, whose identity provider vouches for them at the authorization server (ID-JAG).
    Enterprise,
    /// A fixed bearer token.
    Bearer,
    /// A fixed header of any name, such as `X-API-Key`.
    Header,
    /// User name and password (RFC 7617).
    Basic,
    /// The server needs no sign-in.
    None,
}

impl AuthType {
    /// Whether its tokens come from an authorization server, or may.
    pub fn signs_in(self) -> bool {
        match self {
            AuthType::Auto
            | AuthType::Oauth
            | AuthType::Device
            | AuthType::ClientCredentials
            | AuthType::Workload
            | AuthType::Enterprise => true,
            AuthType::Bearer | AuthType::Header | AuthType::Basic | AuthType::None => false,
        }
    }

    /// Whether the secret that the user brings is a client's.
    pub fn has_client_secret(self) -> bool {
        self.signs_in() && self != AuthType::Workload
    }

    /// Every type with the word that people write for it.
    pub const WORDS: [(&'static str, AuthType); 10] = [
        ("auto", AuthType::Auto),
        ("oauth", AuthType::Oauth),
        ("device", AuthType::Device),
        ("client-credentials", AuthType::ClientCredentials),
        ("workload", AuthType::Workload),
        ("enterprise", AuthType::Enterprise),
        ("bearer", AuthType::Bearer),
        ("header", AuthType::Header),
        ("basic", AuthType::Basic),
        ("none", AuthType::None),
    ];
}

/// A company's identity provider, for [`AuthType::Enterprise`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct IdentityProvider {
    /// Its issuer; its endpoints are found by its metadata.
    pub issuer: String,
    /// Our client ID there.
    pub client_id: String,
    /// Its token endpoint, where its metadata are not to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
}

/// Names a profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileName {
    /// The profile's name, or the URL of its server where only one profile has it.
    pub profile: String,
}

/// Parameters of `profile.add`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileAddParams {
    /// The MCP server's address, kept as written.
    pub url: String,
    /// The profile's name; made from the address where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// How it authorizes itself.
    #[serde(default)]
    pub auth: AuthType,
    /// A client ID that was registered by hand.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The authorization server to sign in at, and at no other: where that client is registered, or for a server that
    /// names none. Absent, one that the server names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The redirect address that this client was registered with, where it isn't one of ours: a port of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Scopes to ask for instead of those that the server names.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Further parameters of the authorization request, such as `access_type`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Whether to leave `resource` out of all requests.
    #[serde(default)]
    pub omit_resource: bool,
    /// What is accepted of its authorization server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// The header's name, for [`AuthType::Header`].
    #[serde(default)]
    pub header: Option<String>,
    /// The user's name, for [`AuthType::Basic`].
    #[serde(default)]
    pub username: Option<String>,
    /// The file in which a platform keeps a JWT fresh: the workload's for [`AuthType::Workload`], the person's ID token
    /// for [`AuthType::Enterprise`]. An absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_file: Option<String>,
    /// The identity provider, for [`AuthType::Enterprise`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_provider: Option<IdentityProvider>,
    /// Client secret, workload's JWT, bearer token, header value or password; goes to the keyring.
    #[serde(default, serialize_with = "crate::secret::expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<SecretString>,
    /// The person's ID token, for [`AuthType::Enterprise`]; goes to the keyring.
    #[serde(default, serialize_with = "crate::secret::expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub subject_token: Option<SecretString>,
}

/// Parameters of `profile.rename`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileRenameParams {
    /// The name it has.
    pub profile: String,
    /// The name it gets.
    pub name: String,
}

/// Parameters of `profile.update`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileUpdateParams {
    /// The profile's name.
    pub profile: String,
    /// A client ID that was registered by hand; an empty one means that Keybearer finds one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The authorization server to sign in at; an empty one means one that the server names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The redirect address that the client was registered with; an empty one means one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The scopes to ask for; none means those that the server names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Further parameters of the authorization request, beside those that there are; an empty one is taken away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Whether to leave `resource` out of all requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omit_resource: Option<bool>,
    /// What is accepted of its authorization server, beside what was; none takes all of that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<Vec<Exception>>,
    /// Client secret, workload's JWT, bearer token, header value or password; goes to the keyring.
    #[serde(default, serialize_with = "crate::secret::expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<SecretString>,
    /// The person's ID token, for [`AuthType::Enterprise`]; goes to the keyring.
    #[serde(default, serialize_with = "crate::secret::expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub subject_token: Option<SecretString>,
}

/// Parameters of `profile.list`. Frames are 64 KiB, so listings come in pages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileListParams {
    /// Only profiles of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_url: Option<String>,
    /// The last name of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A page of accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProfileListReply {
    /// Sorted by name.
    pub accounts: Vec<AccountView>,
    /// How many accounts stand on this page that the caller may not use, and so doesn't see.
    #[serde(default)]
    pub hidden: u32,
    /// Whether another page follows.
    pub more: bool,
}

/// The state of an account; the same words in window, tray and command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// A token is there, or can be had without the user.
    Connected,
    /// The token ends and can't be renewed without the user.
    Expiring,
    /// A sign-in is open.
    SigningIn,
    /// The user has to sign in.
    NeedsSignIn,
    /// It works, and its server wants more than the sign-in gives: the user has to sign in for that.
    NeedsMoreAccess,
    /// The server or its authorization server doesn't answer now; others work.
    Unreachable,
    /// The server is open.
    NoSignIn,
    /// The keyring is locked or away: nothing can be said.
    Locked,
}

/// One account in a list; nothing secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AccountView {
    /// The profile's name.
    pub profile: String,
    /// What the user reads; the name unless the server told better.
    pub label: String,
    /// The MCP server.
    pub server_url: String,
    /// How it authorizes itself.
    pub auth: AuthType,
    /// Its state.
    pub status: AccountStatus,
    /// When the access token ends, where it does.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub expires_at: Option<Timestamp>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// Since when the server or its authorization server doesn't answer, while it doesn't.
    #[serde(default)]
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub unreachable_since: Option<Timestamp>,
}

/// Everything about one account that is not secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AccountDetail {
    /// What the list says.
    #[serde(flatten)]
    pub account: AccountView,
    /// The immutable id under which the keyring and the grants know it.
    pub id: String,
    /// The protected resource, as published (RFC 8707).
    pub resource: Option<String>,
    /// The authorization server.
    pub issuer: Option<String>,
    /// The client ID at that authorization server.
    pub client_id: Option<String>,
    /// How the authorization server came to know that client ID.
    pub registration: Option<RegistrationKind>,
    /// How the browser came back at the last sign-in.
    pub callback: Option<CallbackKind>,
    /// The header's name, for [`AuthType::Header`].
    pub header: Option<String>,
    /// The user's name, for [`AuthType::Basic`].
    pub username: Option<String>,
    /// The file in which a platform keeps a JWT fresh, for [`AuthType::Workload`] and [`AuthType::Enterprise`].
    #[serde(default)]
    pub assertion_file: Option<String>,
    /// The identity provider, for [`AuthType::Enterprise`].
    #[serde(default)]
    pub identity_provider: Option<IdentityProvider>,
    /// When the current access token came.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub received_at: Option<Timestamp>,
    /// When it will be renewed, sooner on request.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub renews_at: Option<Timestamp>,
    /// Who is signed in, in the authorization server's own words: a name or an address of a person, for quotes.
    #[serde(default)]
    pub signed_in_as: Option<String>,
    /// How the server is spoken to, since it was last spoken to.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// The last real `tools/list`.
    pub last_test: Option<LastTest>,
    /// Whether a refresh token is kept.
    pub renewable: bool,
    /// The count of token sets so far; a new one with each sign-in and refresh.
    pub generation: u32,
    /// When the user last signed in.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub signed_in_at: Option<Timestamp>,
    /// Why the last refresh or sign-in failed, if it did.
    pub last_error: Option<crate::ErrorObject>,
    /// The scopes that the server wants and the sign-in doesn't give: the next one asks for them.
    #[serde(default)]
    pub wanted_scopes: Vec<String>,
    /// Further parameters of the authorization request.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Whether `resource` is left out of all requests.
    #[serde(default)]
    pub omit_resource: bool,
    /// What is accepted of its authorization server.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    /// Who gets its tokens without being asked about, where that isn't what the settings say for all accounts.
    #[serde(default)]
    pub approval: Option<Approval>,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Streamable HTTP.
    StreamableHttp,
    /// HTTP with a stream of events beside it, as the first revision of MCP had it.
    HttpSse,
}

/// How an authorization server came to know a client ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RegistrationKind {
    /// Registered by hand.
    PreRegistered,
    /// It is the address of a metadata document.
    MetadataDocument,
    /// Registered by Keybearer (RFC 7591).
    Dynamic,
}

/// A real `tools/list`, made with the account's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LastTest {
    /// When.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// The number of tools that the server offers.
    pub tools: u32,
    /// The MCP revision that was spoken.
    pub protocol: String,
    /// The server's own name and version.
    pub server: String,
}
