//! Parameters that a user adds to authorization requests, such as `access_type=offline`: what only one kind of
//! authorization server knows. What the protocol sets itself is not theirs to replace.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most that there may be.
const COUNT_LIMIT: usize = 16;
/// The most that a name may hold, in bytes.
const NAME_LIMIT: usize = 64;
/// The most that a value may hold, in bytes.
const VALUE_LIMIT: usize = 1024;

/// What the protocol sets itself, and what would put a secret into an address.
const RESERVED: [&str; 24] = [
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "dpop_jkt",
    "error",
    "grant_type",
    "iss",
    "nonce",
    "redirect_uri",
    "refresh_token",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
];

/// Parameters by name, each one checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct ExtraParameters(BTreeMap<String, String>);

/// Why a parameter can't be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtraParameterError {
    /// The protocol sets it.
    #[error("the parameter \"{0}\" is set by Keybearer itself, so it can't be given")]
    Reserved(String),
    /// It can't be a name.
    #[error("\"{0}\" can't be the name of a parameter: use at most 64 letters, digits and . _ -")]
    BadName(String),
    /// The value is empty, too long, or holds something that can't be seen.
    #[error("the value of the parameter \"{0}\" can't be used: it has to be one line of at most 1024 bytes")]
    BadValue(String),
    /// There are too many.
    #[error("an account has 16 parameters of its own at most")]
    TooMany,
}

impl ExtraParameters {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Each with its value, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// These with others: one of the same name is replaced, and one with an empty value taken away.
    pub fn with(&self, others: BTreeMap<String, String>) -> Result<ExtraParameters, ExtraParameterError> {
        let mut all = self.0.clone();
        all.extend(others);
        all.retain(|_, value| !value.is_empty());
        all.try_into()
    }
}

impl TryFrom<BTreeMap<String, String>> for ExtraParameters {
    type Error = ExtraParameterError;

    fn try_from(parameters: BTreeMap<String, String>) -> Result<ExtraParameters, ExtraParameterError> {
        if parameters.len() > COUNT_LIMIT {
            return Err(ExtraParameterError::TooMany);
        }
        for (name, value) in &parameters {
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if name.is_empty() || name.len() > NAME_LIMIT || !name.chars().all(fits) {
                return Err(ExtraParameterError::BadName(name.chars().filter(|c| !c.is_control()).take(80).collect()));
            }
            if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(ExtraParameterError::Reserved(name.clone()));
            }
            if value.is_empty() || value.len() > VALUE_LIMIT || value.chars().any(char::is_control) {
                return Err(ExtraParameterError::BadValue(name.clone()));
            }
        }
        Ok(ExtraParameters(parameters))
    }
}

impl From<ExtraParameters> for BTreeMap<String, String> {
    fn from(parameters: ExtraParameters) -> BTreeMap<String, String> {
        parameters.0
    }
}
