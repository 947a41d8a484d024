//! Takes out what may be secret, and whatever looks as if it were: rather too much than too little. No token is ever written
//! to a log; this is for what a library, a server's error text or a person may have brought there.

use keybearer_protocol::examination::ExaminedProfile;

/// What stands in the place of what was taken out.
const REMOVED: &str = "[removed]";
/// So many letters and digits, mixed, may be a token.
const MIXED: usize = 16;
/// So many of any kind may be one.
const LONG: usize = 40;
/// Behind these words and `=` or `:`, or behind a scheme of HTTP and a space, anything may be a secret.
const NAMES: [&str; 11] = [
    "token",
    "secret",
    "password",
    "passphrase",
    "code",
    "verifier",
    "assertion",
    "authorization",
    "cookie",
    "key",
    "proof",
];
const SCHEMES: [&str; 4] = ["bearer", "basic", "dpop", "negotiate"];

/// Cleans texts.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    /// Words to replace, the longest first.
    names: Vec<(String, String)>,
}

impl Cleaner {
    /// One that takes out the names of accounts and servers, too.
    pub(super) fn without_names(profiles: &[ExaminedProfile]) -> Cleaner {
        let mut names: Vec<(String, String)> = Vec::new();
        for (place, profile) in profiles.iter().enumerate() {
            names.push((profile.name.clone(), format!("account-{}", place + 1)));
            let host = host(&profile.url);
            if !names.iter().any(|(known, _)| known == host) {
                names.push((host.to_owned(), format!("server-{}", place + 1)));
            }
        }
        names.retain(|(name, _)| !name.is_empty());
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Cleaner { names }
    }

    /// The text without what may be secret.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(home) = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok())
            && home.len() > 1
        {
            text = replaced(&text, &home, "~");
        }
        for (name, instead) in &self.names {
            text = replaced(&text, name, instead);
        }
        text.lines().map(clean_line).collect::<Vec<_>>().join("\n")
    }
}

/// The part of an address between its scheme and its path.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The text with a word replaced, wherever it stands by itself.
fn replaced(text: &str, word: &str, instead: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut clean, mut rest) = (String::new(), text);
    while let Some(place) = rest.find(word) {
        let (before, after) = (&rest[..place], &rest[place + word.len()..]);
        let begins = before.chars().next_back().or(clean.chars().next_back()).is_none_or(|c| !is_part(c));
        let ends = after.chars().next().is_none_or(|c| !is_part(c));
        clean.push_str(before);
        clean.push_str(if begins && ends { instead } else { word });
        rest = after;
    }
    clean + rest
}

/// A line without what looks like a secret.
fn clean_line(line: &str) -> String {
    let chunks = line.split_inclusive(char::is_whitespace).map(without_query).collect::<String>();
    let (mut clean, mut last, mut between) = (String::new(), "", "");
    let mut rest = chunks.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_of_token(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !word.is_empty() {
            clean.push_str(if is_suspect(last, between, word) { REMOVED } else { word });
            last = word;
        }
        let next = after.find(is_of_token).unwrap_or(after.len());
        (between, rest) = after.split_at(next);
        clean.push_str(between);
    }
    clean
}

/// What tokens are made of, but for the dots and slashes between their parts.
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || ['_', '-', '~', '+', '%'].contains(&c)
}

/// Whether a word may be a secret, by itself or by what stands before it.
fn is_suspect(last: &str, between: &str, word: &str) -> bool {
    if ["true", "false", "null"].contains(&word) {
        return false;
    }
    let (letter, digit) =
        (word.contains(|c: char| c.is_ascii_alphabetic()), word.contains(|c: char| c.is_ascii_digit()));
    let last = last.to_ascii_lowercase();
    let is_named = NAMES
        .iter()
        .any(|name| last.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with(['_', '-'])));
    let assigns = [":", "="].contains(&between.replace(['"', '\'', '\\', ' ', '[', '('], "").as_str());
    // As each object of JSON begins in base64: a part of a JWT.
    let is_object = word.starts_with("eyJ");
    let follows_scheme = SCHEMES.contains(&last.as_str()) && between.trim().is_empty();
    (letter && digit && word.len() >= MIXED)
        || word.len() >= LONG
        || (is_named && assigns)
        || follows_scheme
        || is_object
}

/// An address without its user, its query and its fragment; all else as it is.
fn without_query(chunk: &str) -> String {
    let Some(place) = chunk.find("://").or_else(|| chunk.find(":/")) else { return chunk.to_owned() };
    let (scheme, rest) = chunk.split_at(place);
    let end = rest.find(['"', '\'', '>', ')', ',']).unwrap_or_else(|| rest.trim_end().len());
    let (address, after) = rest.split_at(end);
    let address = match address.find(['?', '#']) {
        Some(query) => format!("{}{REMOVED}", &address[..=query]),
        None => address.to_owned(),
    };
    let address = match address.rsplit_once('@') {
        Some((_, host)) => format!("://{REMOVED}@{host}"),
        None => address,
    };
    format!("{scheme}{address}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_taken_out_and_the_rest_stays() {
        for (text, expected) in [
            ("Authorization: Bearer abc", "Authorization: [removed] [removed]"),
            (
                "at eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl-Zm9vYmFyMTIz",
                "at [removed].[removed].[removed]",
            ),
            (r#""wants_passphrase": false,"#, r#""wants_passphrase": false,"#),
            ("code=x1 state=y", "code=[removed] state=y"),
            (r#"{"client_secret":"hunter two"}"#, r#"{"client_secret":"[removed] two"}"#),
            ("to https://ada:pw@host.example/a?token=1#x now", "to https://[removed]@host.example/a?[removed] now"),
            ("app.keybearer:/oauth/callback?code=x&state=y", "app.keybearer:/oauth/callback?[removed]"),
            (
                "2026-11-24T03:08:00.123456Z INFO keybearer_core::account: ready",
                "2026-11-24T03:08:00.123456Z INFO keybearer_core::account: ready",
            ),
            ("mcp.example.com:8443/mcp answered 200 in 12 ms", "mcp.example.com:8443/mcp answered 200 in 12 ms"),
        ] {
            assert_eq!(clean_line(text), expected);
        }
    }

    #[test]
    fn names_are_taken_out_where_they_stand_by_themselves() {
        let profile = |name: &str, url: &str| ExaminedProfile { name: name.into(), url: url.into() };
        let profiles =
            [profile("work", "https://mcp.work.example/mcp"), profile("work-2", "https://mcp.work.example/b")];
        let cleaner = Cleaner::without_names(&profiles);
        let text = "work, work-2 and network at https://mcp.work.example/mcp";
        assert_eq!(cleaner.clean(text), "account-1, account-2 and network at https://server-1/mcp");
    }
}
