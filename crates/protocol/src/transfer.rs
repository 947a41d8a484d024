//! Accounts in a file, for another computer: as they are written down, or with their sign-ins, sealed under a passphrase.

use crate::method::method;
use crate::secret::expose_option;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

method!(
    /// Writes all accounts into a file. With a passphrase their sign-ins are in it too, sealed; once a desktop has
    /// registered, that is done on the prompter's connection only.
    TransferExport, "transfer.export", [Admin], TransferParams => TransferExportReply
);
method!(
    /// Adds the accounts of such a file. What is here already stays as it is. A file in which checks of a sign-in service
    /// were weakened is taken on the prompter's connection only, once a desktop has registered.
    TransferImport, "transfer.import", [Admin], TransferParams => TransferImportReply
);

/// Parameters of `transfer.export` and `transfer.import`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransferParams {
    /// The file, as a whole path.
    pub file: String,
    /// What seals the sign-ins, or opens them.
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub passphrase: Option<SecretString>,
}

/// What was written into a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TransferExportReply {
    /// The file.
    pub file: String,
    /// How many accounts are in it.
    pub accounts: u32,
    /// How many of them with what signs them in.
    pub signed_in: u32,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TransferImportReply {
    /// How many accounts were added.
    pub added: u32,
    /// The names of the first of them.
    pub names: Vec<String>,
    /// How many of them with what signs them in.
    pub signed_in: u32,
    /// How many were here already, and stayed as they were.
    pub known: u32,
}
