//! What a person allowed: which client may act for which account, within which scopes.

use crate::grant_error::GrantError;

/// The people who have an account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The first account, chosen unless the person picks another.
    Ada,
    /// The second account, to try two accounts at one server.
    Grace,
}

impl Account {
    /// Both, in the order the consent page shows them.
    pub const ALL: [Self; 2] = [Self::Ada, Self::Grace];

    /// The name, as people and programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Grace => "grace",
        }
    }

    /// The account of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.name() == name)
    }
}

/// The permission itself; codes and tokens stand for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The client.
    pub client_id: String,
    /// The account.
    pub account: Account,
    /// The scopes, in the order they were asked for.
    pub scopes: Vec<String>,
}

impl Authorization {
    /// The wanted scopes, or all of them where the client does not say; never more than were allowed (RFC 6749 §6).
    ///
    /// # Errors
    /// If one of them was not allowed.
    pub fn narrowed(&self, wanted: Option<Vec<String>>) -> Result<Vec<String>, GrantError> {
        let wanted = wanted.unwrap_or_else(|| self.scopes.clone());
        if wanted.iter().all(|scope| self.scopes.contains(scope)) { Ok(wanted) } else { Err(GrantError::ScopeExceeded) }
    }
}
