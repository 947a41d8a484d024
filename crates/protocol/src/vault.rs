//! The vault: where secrets lie, and how they are moved to another one.

use crate::method::{Empty, method};
use crate::secret::{expose, expose_option};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

method!(
    /// Which vault is in use, and how it is.
    VaultStatus, "vault.status", [Admin], Empty => VaultStatusReply
);
method!(
    /// Moves everything to another vault. Only on the prompter's connection once a desktop has registered.
    VaultMove, "vault.move", [Admin], VaultMoveParams => VaultStatusReply
);
method!(
    /// Changes the passphrase of a sealed vault. Only on the prompter's connection once a desktop has registered.
    VaultPassphrase, "vault.passphrase", [Admin], VaultPassphraseParams => VaultStatusReply
);

/// Where secrets lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// In the system's keyring.
    Keyring,
    /// In the sealed vault, whose key the system's keyring keeps.
    SealedByKeyring,
    /// In the sealed vault, which a passphrase opens.
    SealedByPassphrase,
}

/// The state of the vault, found by a real write and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum VaultState {
    /// It works.
    Unlocked,
    /// It is there and locked.
    Locked,
    /// It is not there, or doesn't answer.
    Absent,
}

/// The reply to `vault.status`, and to whatever changes the vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VaultStatusReply {
    /// Which vault is in use; absent if that can't be told.
    pub kind: Option<VaultKind>,
    /// Whether a passphrase has to be given before anything can be read.
    pub wants_passphrase: bool,
    /// Whether the service manager gives the passphrase (`$CREDENTIALS_DIRECTORY/keybearer`).
    pub credential: bool,
    /// The keyring that has everything, or the sealed vault's key, as far as it tells.
    #[serde(default)]
    pub keyring: Option<KeyringView>,
    /// How it is.
    pub state: VaultState,
    /// What is wrong with it, if something is.
    pub problem: Option<String>,
    /// What a person can do about it.
    pub advice: Option<String>,
}

/// A keyring, as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct KeyringView {
    /// What its program is called; absent where that isn't known.
    pub program: Option<String>,
    /// Which of its collections new items go to, in the words of whoever made it: for quotes.
    pub collection: Option<String>,
}

/// Parameters of `vault.move`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VaultMoveParams {
    /// Where everything is to lie.
    pub to: VaultKind,
    /// The passphrase of the vault to come, where it is to have one.
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub passphrase: Option<SecretString>,
}

/// Parameters of `vault.passphrase`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VaultPassphraseParams {
    /// The passphrase so far.
    #[serde(serialize_with = "expose")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub current: SecretString,
    /// The one from now on.
    #[serde(serialize_with = "expose")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub new: SecretString,
}
