//! What a person may accept of an authorization server although the rules refuse it.

use serde::{Deserialize, Serialize};

/// One exception. It weakens a check, so once a desktop has registered, only its connection may give one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// It knows PKCE and doesn't say so.
    PkceNotAdvertised,
    /// Its metadata name it with a slash at the end, or without, where the server names it the other way.
    IssuerSlash,
}

impl Exception {
    /// Every exception with the word that people write for it.
    pub const WORDS: [(&'static str, Exception); 2] =
        [("pkce-not-advertised", Exception::PkceNotAdvertised), ("issuer-slash", Exception::IssuerSlash)];

    /// The word that people write for it.
    pub fn word(self) -> &'static str {
        match self {
            Exception::PkceNotAdvertised => "pkce-not-advertised",
            Exception::IssuerSlash => "issuer-slash",
        }
    }
}
