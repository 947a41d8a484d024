//! What prints itself holds no secret that would be printed along: a log line with `{:?}` is written quickly.

use crate::tree::{File, expect_none, files};

/// How the name of a field ends that holds a secret.
const SECRETS: &[&str] = &[
    "token",
    "tokens",
    "secret",
    "password",
    "passphrase",
    "verifier",
    "assertion",
    "pem",
    "key",
    "credential",
    "cookie",
];
/// Types that print what they hold. `SecretString` prints that it is one.
const OPEN: &[&str] = &["String", "u8"];
/// Types that wipe what they hold, and print it before.
const WIPED: &[&str] = &["Zeroizing<"];

#[test]
fn what_prints_itself_holds_no_open_secret() {
    let mut offences = Vec::new();
    // The practice server makes the secrets that it hands out.
    let ours = files(&["crates", "src-tauri"], &["rs"]).into_iter();
    for file in ours.filter(|file| file.path.contains("/src/") && !file.path.starts_with("crates/practice/")) {
        offences.extend(printed_secrets(&file).into_iter().map(|field| format!("{}: {field}", file.path)));
    }
    expect_none(
        &offences,
        "Give the field a type that prints nothing of itself, such as `SecretString`, or write `Debug` for this type by \
         hand. If it is no secret, give it a name that doesn't say so.",
    );
}

/// The fields of types with a derived `Debug` that would print a secret.
fn printed_secrets(file: &File) -> Vec<String> {
    let code = file.code();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("#[derive(") {
        let Some((derived, rest)) = code[at..].split_once(")]") else { continue };
        if !derived.contains("Debug") {
            continue;
        }
        let body = item(rest);
        for field in body.split([',', '{', '}']).map(str::trim) {
            let field = field.rsplit("]\n").next().unwrap_or_default().trim();
            let (name, kind) = field.split_once(": ").unwrap_or(("", field));
            if prints_a_secret(name, kind) {
                found.push(field.to_owned());
            }
        }
    }
    found
}

/// The type that begins here, to its end.
fn item(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' if depth == 1 => return &text[..at],
            '}' | ')' | ']' => depth -= 1,
            ';' if depth == 0 => return &text[..at],
            _ => {}
        }
    }
    text
}

fn prints_a_secret(name: &str, kind: &str) -> bool {
    let last = name.rsplit(['_', ' ']).next().unwrap_or_default();
    let is_open = kind.split(|c: char| !c.is_alphanumeric()).any(|word| OPEN.contains(&word));
    WIPED.iter().any(|wiped| kind.contains(wiped)) || (SECRETS.contains(&last) && is_open)
}

#[test]
fn secrets_are_seen_in_every_kind_of_type() {
    let text = "#[derive(Clone, Debug)]\npub struct A {\n    /// A sentence: with a colon.\n    pub token: SecretString,\n\
        #[serde(default)]\n    pub refresh_token: Option<String>,\n    token_endpoint: String,\n}\n\
        #[derive(Debug)]\nstruct B(Zeroizing<Vec<u8>>);\n#[derive(Clone)]\nstruct C {\n    key: [u8; 32],\n}\n\
        #[derive(Debug)]\nstruct Unit;\nfn f(key: &[u8]) -> Zeroizing<Vec<u8>> {}\n#[derive(Debug)]\nenum D {\n    E { key: Vec<u8>, at: u8 },\n    F(u8),\n}\n";
    let file = File { path: String::new(), text: text.to_owned() };
    assert_eq!(
        printed_secrets(&file),
        ["pub refresh_token: Option<String>", "struct B(Zeroizing<Vec<u8>>)", "key: Vec<u8>"]
    );
}
