//! Keys of the gateway: each lets one client use one account. Whoever has it may, so it is kept as a hash alone, beside what
//! else guards the tokens.

use crate::home::random_id;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use keybearer_protocol::grant::GrantView;
use keybearer_protocol::prompt::Decision;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How many keys there can be: they lie in an item of the keyring.
pub const LIMIT: usize = 64;
/// What a client's name holds at most, in bytes.
const NAME_LIMIT: usize = 64;
/// The chance in a key, in bytes.
const CHANCE: usize = 32;

/// A key, as far as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    id: String,
    account: String,
    /// The account's name when the key was made: it stands in the client's configuration.
    profile: String,
    /// The account's server: a key is for this one.
    server_url: String,
    client: String,
    /// The SHA-256 of the key.
    digest: [u8; 32],
    created_at: Timestamp,
}

/// How often a key was used since the agent started, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// How often.
    pub uses: u32,
    /// When last.
    pub last: Option<Timestamp>,
}

/// A client's name, if it can be one: it is read by people, in lists.
pub fn client_name(name: &str) -> Option<String> {
    let name = name.trim();
    let is_name = !name.is_empty() && name.len() <= NAME_LIMIT && !name.chars().any(char::is_control);
    is_name.then(|| name.to_owned())
}

impl Key {
    /// Makes a key for this client and account; gives what is kept of it, and the key itself.
    pub fn generate(
        account: &str,
        profile: &str,
        server_url: &str,
        client: &str,
        now: Timestamp,
    ) -> (Key, SecretString) {
        let mut chance = Zeroizing::new([0; CHANCE]);
        getrandom::fill(chance.as_mut()).expect("an operating system without chance can't keep secrets either");
        let secret = SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(chance.as_ref()));
        let key = Key {
            id: random_id(),
            account: account.to_owned(),
            profile: profile.to_owned(),
            server_url: server_url.to_owned(),
            client: client.to_owned(),
            digest: digest(secret.expose_secret()),
            created_at: now,
        };
        (key, secret)
    }

    /// Names it in lists.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The account's immutable id.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The account's name when the key was made.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// What the client is called.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Whether it opens this account, with this server.
    pub fn opens(&self, account: &str, server_url: &str) -> bool {
        self.account == account && self.server_url == server_url
    }

    /// As a list shows it, for the account of this name.
    pub fn view(&self, profile: String, used: Used) -> GrantView {
        GrantView {
            grant: self.id.clone(),
            profile,
            program: self.client.clone(),
            exe: None,
            script: None,
            started_by: Vec::new(),
            changed_at: None,
            pid: None,
            inherited: false,
            gateway: true,
            decision: Decision::Always,
            created_at: self.created_at,
            last_used_at: used.last,
            uses: used.uses,
            expires_at: None,
        }
    }
}

/// The key that was presented, if it is one of these. How long it takes tells nothing of any.
pub fn find<'a>(keys: &'a [Key], presented: &str) -> Option<&'a Key> {
    let digest = digest(presented);
    keys.iter().fold(None, |found, key| if bool::from(key.digest.ct_eq(&digest)) { Some(key) } else { found })
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_itself_alone_and_is_not_in_what_is_kept() {
        let make = |account: &str| Key::generate(account, "n", "https://mcp.example/", "Cursor", Timestamp::UNIX_EPOCH);
        let ((first, secret), (second, _)) = (make("a"), make("b"));
        let keys = [first, second];
        let kept = serde_json::to_string(&keys).expect("written");
        assert!(!kept.contains(secret.expose_secret()) && !format!("{keys:?}").contains(secret.expose_secret()));
        let read: Vec<Key> = serde_json::from_str(&kept).expect("read");
        assert_eq!(find(&read, secret.expose_secret()).map(Key::account), Some("a"));
        for other in ["", "x", &secret.expose_secret()[1..], &kept] {
            assert!(find(&read, other).is_none(), "{other}");
        }
        assert!(read[0].opens("a", "https://mcp.example/"));
        assert!(!read[0].opens("b", "https://mcp.example/") && !read[0].opens("a", "https://evil.example/"));
    }

    #[test]
    fn a_clients_name_is_one_that_people_can_read() {
        assert_eq!(client_name("  Cursor "), Some("Cursor".to_owned()));
        for bad in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(65)] {
            assert_eq!(client_name(bad), None);
        }
    }
}
