//! The restricted door: which accounts containers and forwarded connections may ask for. It is open as long as there is one.

use crate::method::{Empty, method};
use serde::{Deserialize, Serialize};

method!(
    /// The accounts that are named for the restricted door.
    RestrictedList, "restricted.list", [Admin], Empty => RestrictedView
);
method!(
    /// Names one. Once a desktop has registered, only on the prompter's connection.
    RestrictedAllow, "restricted.allow", [Admin], RestrictedParams => RestrictedView
);
method!(
    /// Takes that back.
    RestrictedDisallow, "restricted.disallow", [Admin], RestrictedParams => RestrictedView
);

/// Parameters of `restricted.allow` and `restricted.disallow`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestrictedParams {
    /// The account: its name, or its server's address.
    pub profile: String,
}

/// The restricted door as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RestrictedView {
    /// The accounts behind it, sorted by name.
    pub profiles: Vec<String>,
    /// Whether it is open.
    pub open: bool,
    /// Why it isn't, although there are accounts behind it.
    pub problem: Option<String>,
}
