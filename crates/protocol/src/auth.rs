//! Sign-in: start, follow, cancel, and the one entry of every callback. Behind the admin door only.

use crate::error::ErrorObject;
use crate::method::{Empty, method};
use crate::profile::ProfileName;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

method!(
    /// Starts a sign-in, or joins the one that is open.
    AuthStart, "auth.start", [Admin], AuthStartParams => AuthView
);
method!(
    /// Tells how a sign-in stands; waits for a change where asked to.
    AuthStatus, "auth.status", [Admin], AuthStatusParams => AuthView
);
method!(
    /// Ends an open sign-in.
    AuthCancel, "auth.cancel", [Admin], ProfileName => Empty
);
method!(
    /// The one door for callbacks, whoever brings them: deep link, loopback, pasted address, command.
    AuthComplete, "auth.complete", [Admin], AuthCompleteParams => AuthView
);

/// The scheme that the desktop answers: a domain in reverse, as RFC 8252 §7.1 wants it.
pub const SCHEME: &str = "app.keybearer";

/// The variables that lead a browser to its caller's screen.
pub const DISPLAY_VARIABLES: [&str; 5] =
    ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "BROWSER"];

/// Parameters of `auth.start`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuthStartParams {
    /// The profile's name.
    pub profile: String,
    /// Don't open a browser: the caller shows the address.
    #[serde(default)]
    pub no_open: bool,
    /// How the browser is to come back; absent means that the agent chooses. An open sign-in that would come back in
    /// another way starts anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackKind>,
    /// Sign in on any device, with a code to type there (RFC 8628), and start anew if a sign-in with a browser is open.
    #[serde(default)]
    pub device: bool,
    /// Register anew at the authorization server, and start anew if a sign-in is open.
    #[serde(default)]
    pub register_again: bool,
    /// The caller's [`DISPLAY_VARIABLES`], since the agent may have been born elsewhere. Other names are ignored.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// Parameters of `auth.status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuthStatusParams {
    /// The profile's name.
    pub profile: String,
    /// The `revision` that the caller has seen; the answer waits for another one.
    #[serde(default)]
    pub seen: Option<u32>,
    /// Milliseconds to wait at most; 0 answers at once.
    #[serde(default)]
    pub wait_ms: u32,
}

/// Parameters of `auth.complete`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuthCompleteParams {
    /// The whole callback address; it holds a code, so it is kept like a secret.
    #[serde(serialize_with = "crate::secret::expose")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub url: SecretString,
}

/// How a sign-in stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AuthView {
    /// The profile's name.
    pub profile: String,
    /// Counts the changes of this view.
    pub revision: u32,
    /// Where it is.
    pub phase: AuthPhase,
    /// The steps so far and to come, in order.
    pub steps: Vec<AuthStep>,
    /// The address to open in a browser, while one is awaited.
    pub authorization_url: Option<String>,
    /// The code to type at that address, or to compare with the one that it shows, where there is one.
    #[serde(default)]
    pub user_code: Option<String>,
    /// Whether the authorization server would take a sign-in on another device as well.
    #[serde(default)]
    pub device_offered: bool,
    /// How the browser is to come back, once that is known.
    pub callback: Option<CallbackKind>,
    /// Whether the agent opened a browser itself.
    pub browser_opened: bool,
    /// When the sign-in lapses, while a browser is awaited.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub expires_at: Option<Timestamp>,
    /// Until when that address can be opened, where that is sooner; starting again makes a new one.
    #[serde(default)]
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub page_lapses_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<ErrorObject>,
}

/// How a browser comes back from the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CallbackKind {
    /// The custom scheme, which the desktop answers (RFC 8252 §7.1).
    DeepLink,
    /// A port of this machine (RFC 8252 §7.3).
    Loopback,
}

/// The phases of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AuthPhase {
    /// The agent looks at the server and its authorization server.
    Preparing,
    /// The browser is open, or its address waits to be opened.
    WaitingForBrowser,
    /// The callback came; tokens are fetched and tried.
    Finishing,
    /// Signed in and tried.
    SignedIn,
    /// It failed: see `error`.
    Failed,
    /// No sign-in is open.
    None,
}

impl AuthPhase {
    /// Whether nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        match self {
            AuthPhase::SignedIn | AuthPhase::Failed | AuthPhase::None => true,
            AuthPhase::Preparing | AuthPhase::WaitingForBrowser | AuthPhase::Finishing => false,
        }
    }
}

/// One of the eight steps of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AuthStep {
    /// Which.
    pub name: StepName,
    /// How it stands.
    pub state: StepState,
    /// What was found, such as the issuer.
    pub fact: Option<String>,
    /// How long it took, in milliseconds, once it has ended; absent where it ended together with others.
    #[serde(default)]
    pub took_ms: Option<u32>,
}

/// The eight steps of a sign-in, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The server answers.
    ReachServer,
    /// Its protected resource metadata was read (RFC 9728).
    ResourceMetadata,
    /// The authorization server's metadata was read (RFC 8414).
    AuthorizationServer,
    /// The authorization server knows Keybearer (RFC 7591, or otherwise).
    IdentifyClient,
    /// The browser was opened.
    OpenBrowser,
    /// The callback came.
    ReceiveAnswer,
    /// The code became tokens, and the keyring has them.
    GetTokens,
    /// A real `tools/list` worked.
    TestConnection,
}

impl StepName {
    /// Every step, in order.
    pub const ALL: [StepName; 8] = [
        StepName::ReachServer,
        StepName::ResourceMetadata,
        StepName::AuthorizationServer,
        StepName::IdentifyClient,
        StepName::OpenBrowser,
        StepName::ReceiveAnswer,
        StepName::GetTokens,
        StepName::TestConnection,
    ];
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// To come.
    Todo,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Waits for the user.
    NeedsUser,
    /// Not needed here.
    Skipped,
    /// It failed.
    Stopped,
}
