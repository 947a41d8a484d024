//! What looks like a secret, and what is shown in its place.

use url::Url;

/// What stands where a value is not shown.
pub(crate) const MASK: &str = "••••";

/// Words in the names of what is secret.
const NAMES: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "key",
    "auth",
    "cookie",
    "credential",
    "session",
    "bearer",
    "pat",
];

/// Whether a header, variable or parameter of this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_short = |word: &str| word.len() <= 3;
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    // `pat` and `key` are in many innocent words.
    NAMES.iter().any(|secret| {
        if is_short(secret) {
            words.clone().any(|word| word == *secret || word.ends_with("key") && *secret == "key")
        } else {
            lower.contains(secret)
        }
    }) || words.any(|word| word == "sig" || word == "code")
}

/// Whether a value only says where the secret is to be taken from, such as `${TOKEN}`, or is an example's filler.
pub(crate) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    let value = ["Bearer ", "bearer ", "Basic ", "token "]
        .iter()
        .find_map(|scheme| value.strip_prefix(scheme))
        .unwrap_or(value);
    let encloses = |start: &str, end: &str| value.starts_with(start) && value.ends_with(end);
    let is_variable = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    value.trim().is_empty()
        || encloses("${", "}")
        || encloses("{env:", "}")
        || encloses("{file:", "}")
        || encloses("<", ">")
        || encloses("%", "%")
        || value.strip_prefix('$').is_some_and(is_variable)
}

/// An address without what may be secret in it: user, query, fragment, and long words of its path.
pub(crate) fn shown_address(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| url.has_host())?;
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let segments = url.path().split('/').map(|segment| if is_random(segment) { MASK } else { segment });
    let path = segments.collect::<Vec<_>>().join("/");
    let query = if url.query().is_some() { format!("?{MASK}") } else { String::new() };
    Some(format!("{}://{host}{port}{path}{query}", url.scheme()))
}

/// Whether a word is long and mixed enough to be a key.
pub(crate) fn is_random(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= 40 || (word.len() >= 16 && digits >= 2)
}
