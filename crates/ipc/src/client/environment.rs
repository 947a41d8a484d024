//! Where the caller's programs have their files. The agent may have been born elsewhere, so whoever asks about them says it.

use keybearer_protocol::clients::PLACE_VARIABLES;
use std::collections::BTreeMap;
use std::env;

/// Those of the caller's variables by which programs find their files.
pub fn environment() -> BTreeMap<String, String> {
    let set = PLACE_VARIABLES.into_iter().filter_map(|name| Some((name.to_owned(), env::var(name).ok()?)));
    set.filter(|(_, value)| !value.is_empty()).collect()
}
