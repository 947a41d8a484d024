//! Challenges: what is read is in the header, no more of it than there, and reads the same when written anew.

use keybearer_oauth::challenge::Challenge;

/// Takes each line of the input as a `WWW-Authenticate` line.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    let challenges = Challenge::parse_all(lines.iter().copied());

    let alone = lines.iter().flat_map(|line| Challenge::parse_all([*line]));
    assert!(challenges.iter().cloned().eq(alone), "one line changes how another is read");

    let size: usize = challenges.iter().map(size).sum();
    assert!(size <= text.len(), "{size} bytes came out of {}", text.len());
    challenges.iter().for_each(check_one);

    let written: Vec<String> = challenges.iter().map(write).collect();
    assert_eq!(Challenge::parse_all([&*written.join(", ")]), challenges, "in one line");
    assert_eq!(Challenge::parse_all(written.iter().map(String::as_str)), challenges, "in a line for each");

    let first = |scheme: &str| challenges.iter().find(|challenge| challenge.is_scheme(scheme));
    let expected = first("bearer").or_else(|| first("dpop"));
    assert_eq!(Challenge::for_token(lines).as_ref(), expected, "the first Bearer challenge, else the first DPoP one");
}

fn check_one(challenge: &Challenge) {
    let names = challenge.parameters().map(|(name, _)| name);
    for token in names.chain([challenge.scheme()]) {
        assert!(!token.is_empty() && token.bytes().all(|c| c.is_ascii_graphic()), "{token:?} is no token");
    }
    for (name, _) in challenge.parameters() {
        let first = challenge.parameters().find(|(other, _)| other.eq_ignore_ascii_case(name));
        assert_eq!(challenge.parameter(&name.to_ascii_uppercase()), first.map(|(_, value)| value), "{name}");
    }
    let scopes = challenge.scopes();
    assert!(scopes.len() <= 100, "{} scopes", scopes.len());
    for scope in scopes {
        assert!(is_scope(&scope), "{scope:?} is no scope");
        assert!(challenge.parameter("scope").is_some_and(|all| all.contains(&scope)), "{scope:?} comes from nowhere");
    }
}

/// A scope token of RFC 6749 §3.3, and of a length that is meant seriously.
pub(crate) fn is_scope(scope: &str) -> bool {
    let allowed = |c: u8| matches!(c, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=256).contains(&scope.len()) && scope.bytes().all(allowed)
}

fn size(challenge: &Challenge) -> usize {
    challenge.scheme().len() + challenge.parameters().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

/// The challenge with every value as a quoted string (RFC 9110 §5.6.4).
fn write(challenge: &Challenge) -> String {
    let quoted = |value: &str| value.replace('\\', r"\\").replace('"', r#"\""#);
    let parameters = challenge.parameters().map(|(name, value)| format!("{name}=\"{}\"", quoted(value)));
    format!("{} {}", challenge.scheme(), parameters.collect::<Vec<_>>().join(", "))
}
