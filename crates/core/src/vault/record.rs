//! What one keyring item holds: all that is secret about one account, and what it is bound to.

use super::{Kept, migration};
use jiff::Timestamp;
use keybearer_oauth::authorization::PendingAuthorization;
use keybearer_oauth::device_authorization::DeviceAuthorization;
use keybearer_oauth::dpop::DpopKey;
use keybearer_oauth::registration::{Registration, RegistrationOrigin};
use keybearer_oauth::server_metadata::{Exceptions, differ_by_a_slash};
use keybearer_protocol::exception::Exception;
use keybearer_protocol::profile::AuthType;
use keybearer_protocol::secret::{expose, expose_map, expose_option};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// How many authorization servers of before are remembered.
const EARLIER: usize = 4;

/// One account's item.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The version of this shape, independent of the product's.
    pub version: u32,
    /// The server that everything here is for. A profile whose address was edited doesn't fit any more, and its
    /// tokens stay where they are, unused.
    pub url: String,
    /// Counts token sets: one more with each sign-in and refresh.
    pub generation: u32,
    /// The secret that the user brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretRecord>,
    /// What a person has accepted of an authorization server. It weakens checks, so it lies here and in no file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<ExceptionRecord>,
    /// What stands for the person at an identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectRecord>,
    /// Whether the server was found to need no sign-in.
    #[serde(default)]
    pub open: bool,
    /// The client at the authorization server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// The clients that were registered at other authorization servers before, the latest last: each is good there and
    /// nowhere else (`BIND-1`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Registration>,
    /// The ID of a client that the last sign-in found no way back with, or that was refused: perhaps the authorization
    /// server has forgotten it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted: Option<String>,
    /// What the last sign-in or refresh gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenRecord>,
    /// What the answer to the last request is sealed with, which the journal has until it is kept here.
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    pub journal_key: Option<SecretString>,
    /// What was kept for the address that the profile had before, until a sign-in for the new one has worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displaced: Option<Box<Record>>,
    /// A sign-in whose person is still out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// A secret that the user brought, and what alone it is for: it is never used as anything else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretRecord {
    /// The secret.
    #[serde(serialize_with = "expose")]
    pub value: SecretString,
    /// The type that it was given for. With [`AuthType::Auto`] and [`AuthType::Oauth`] it is a client's secret.
    pub auth: AuthType,
    /// For a client's secret: the authorization server that it was first used at (`BIND-2`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// What a person has accepted, and of whom alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRecord {
    /// What.
    pub exception: Exception,
    /// The authorization server, by the name that it is looked up by; until a sign-in has found one, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// What stands for the person at an identity provider, and at no other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectRecord {
    /// The ID token.
    #[serde(serialize_with = "expose")]
    pub id_token: SecretString,
    /// The identity provider's issuer.
    pub issuer: String,
}

/// A token set with all that its use and its renewal need.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The access token.
    #[serde(serialize_with = "expose")]
    pub access_token: SecretString,
    /// The refresh token.
    #[serde(default, serialize_with = "expose_option", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretString>,
    /// When the set was received.
    pub received_at: Timestamp,
    /// When the access token ends, where that is known.
    pub expires_at: Option<Timestamp>,
    /// What it covers.
    pub scopes: Vec<String>,
    /// The protected resource that it is for, as published.
    pub resource: String,
    /// Whether the resource was left out of the requests that led to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub omits_resource: bool,
    /// The authorization server that gave it.
    pub issuer: String,
    /// Where it is renewed.
    pub token_endpoint: Url,
    /// Where it is taken back.
    #[serde(default)]
    pub revocation_endpoint: Option<Url>,
    /// When the user signed in.
    pub signed_in_at: Timestamp,
    /// What the authorization server calls the person who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in_as: Option<String>,
    /// Why the authorization server refused to renew this set, if it did: it is not asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_rejected: Option<String>,
    /// Whether it was granted without a person, as to a client for itself (RFC 6749 §4.4): then it is asked for again
    /// instead of renewed.
    #[serde(default)]
    pub unattended: bool,
    /// What else the authorization server said with it.
    #[serde(default, serialize_with = "expose_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, SecretString>,
    /// The key that the set is bound to, if it is (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<DpopKey>,
}

impl TokenRecord {
    /// Whether another token can be had without a person.
    pub fn is_renewable(&self) -> bool {
        (self.refresh_token.is_some() || self.unattended) && self.refresh_rejected.is_none()
    }
}

/// A sign-in that waits for its person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pending {
    /// In a browser, which comes back.
    Browser(Box<PendingRecord>),
    /// On any device, with a code to type there.
    Device(Box<PendingDevice>),
}

impl Pending {
    /// The one that waits for a callback.
    pub fn browser(&self) -> Option<&PendingRecord> {
        match self {
            Pending::Browser(pending) => Some(pending),
            Pending::Device(_) => None,
        }
    }

    /// The address to open in a browser.
    pub fn address(&self) -> &str {
        match self {
            Pending::Browser(pending) => &pending.authorization_url,
            Pending::Device(pending) => pending.device.address().as_str(),
        }
    }

    /// When it lapses.
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Pending::Browser(pending) => pending.expires_at,
            Pending::Device(pending) => pending.expires_at,
        }
    }
}

/// An authorization request that waits for its callback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingRecord {
    /// What the answer is checked against.
    pub authorization: PendingAuthorization,
    /// The address in the browser, to open it again.
    pub authorization_url: String,
    /// Until when that can be opened, where the request was pushed (RFC 9126 §2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_lapses_at: Option<Timestamp>,
    /// For the tokens to come.
    #[serde(default)]
    pub revocation_endpoint: Option<Url>,
    /// The server that it is for.
    pub url: String,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// Whether the user chose this way back: if it works, it is remembered for the authorization server.
    #[serde(default)]
    pub callback_chosen: bool,
    /// The key that the code and the tokens to come are bound to, if they are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<DpopKey>,
}

/// A device authorization that waits for its person (RFC 8628).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingDevice {
    /// What is asked for again and again.
    pub device: DeviceAuthorization,
    /// For the tokens to come.
    #[serde(default)]
    pub revocation_endpoint: Option<Url>,
    /// The server that it is for.
    pub url: String,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// The key that the tokens to come are bound to, if they are to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_key: Option<DpopKey>,
}

impl Record {
    /// An empty record for the server at `url`.
    pub fn new(url: &str) -> Self {
        Record {
            version: Record::newest(),
            url: url.to_owned(),
            generation: 0,
            secret: None,
            exceptions: Vec::new(),
            subject: None,
            open: false,
            registration: None,
            earlier: Vec::new(),
            doubted: None,
            tokens: None,
            journal_key: None,
            displaced: None,
            pending: None,
        }
    }

    /// What can go to another computer; nothing, where nothing is kept that signs in. What is under way here isn't part of it.
    pub fn portable(self) -> Option<Record> {
        let record = Record { pending: None, journal_key: None, displaced: None, ..self };
        let signs_in = record.tokens.is_some() || record.secret.is_some() || record.subject.is_some();
        (signs_in || record.registration.is_some() || !record.exceptions.is_empty()).then_some(record)
    }

    /// Whether checks of an authorization server are weakened by it.
    pub fn weakens(&self) -> bool {
        !self.exceptions.is_empty()
    }

    /// Whether it has what signs in.
    pub fn signs_in(&self) -> bool {
        self.tokens.is_some() || self.secret.is_some()
    }

    /// Every client that there is, for whatever authorization server.
    pub fn clients(&self) -> impl Iterator<Item = &Registration> {
        self.registration.iter().chain(&self.earlier)
    }

    /// The record after a sign-in as this client. One that was registered elsewhere is kept for when the server comes
    /// back to that authorization server.
    pub fn signed_in_as(mut self, client: Registration) -> Record {
        self.earlier.retain(|before| before.issuer != client.issuer);
        let is_elsewhere = |before: &Registration| before.issuer != client.issuer;
        let is_ours = |before: &Registration| before.origin == RegistrationOrigin::Dynamic;
        self.earlier.extend(self.registration.take().filter(|before| is_elsewhere(before) && is_ours(before)));
        let surplus = self.earlier.len().saturating_sub(EARLIER);
        self.earlier.drain(..surplus);
        Record { registration: Some(client), doubted: None, ..self }
    }

    /// The open sign-in ended without an answer: the next one doesn't trust the client that asked in the browser. Of one on
    /// another device the server has said itself that it knows it.
    pub fn doubt_pending(&mut self) {
        if let Some(Pending::Browser(pending)) = self.pending.take() {
            self.doubted = Some(pending.authorization.asked.registration.client_id);
        }
    }

    /// What is accepted of the authorization server that is looked up by this name.
    pub fn exceptions_at(&self, named: &str) -> Exceptions {
        let accepts = |exception: Exception| {
            let is_for = |issuer: &Option<String>| issuer.as_ref().is_none_or(|issuer| issuer == named);
            self.exceptions.iter().any(|record| record.exception == exception && is_for(&record.issuer))
        };
        Exceptions {
            pkce_not_advertised: accepts(Exception::PkceNotAdvertised),
            issuer_slash: accepts(Exception::IssuerSlash),
        }
    }

    /// Whether the authorization server that is looked up by this name is the one that is called `issuer`.
    pub fn is_issuer(&self, named: &str, issuer: &str) -> bool {
        named == issuer || (self.exceptions_at(named).issuer_slash && differ_by_a_slash(named, issuer))
    }
}

impl Kept for Record {
    const STEPS: &[fn(&mut Map<String, Value>)] = &[to_2];
    // Its user signs in again.
    const EMPTY_IS_NONE: bool = true;
}

/// Tokens that are granted without a person were those of a client for itself at first, and called after that.
fn to_2(record: &mut Map<String, Value>) {
    if let Some(Value::Object(tokens)) = record.get_mut("tokens")
        && let Some(unattended) = tokens.remove("by_client")
    {
        tokens.insert("unattended".to_owned(), unattended);
    }
    if let Some(Value::Object(displaced)) = record.get_mut("displaced") {
        migration::bring(displaced, &[to_2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::VaultError;
    use secrecy::ExposeSecret;

    /// What version 1 wrote: a record that has another one within, for the address of before.
    const VERSION_1: &str = r#"{"version":1,"url":"https://b.example/mcp","generation":5,"open":false,
        "secret":{"value":"s3cret","auth":"client_credentials","issuer":"https://as.example"},
        "exceptions":[{"exception":"issuer_slash","issuer":"https://as.example"}],
        "tokens":{"access_token":"t0k3n","received_at":"2026-11-01T10:00:00Z","expires_at":"2026-11-01T11:00:00Z",
            "scopes":["read"],"resource":"https://b.example/mcp","issuer":"https://as.example",
            "token_endpoint":"https://as.example/token","revocation_endpoint":null,
            "signed_in_at":"2026-10-01T10:00:00Z","by_client":true,"extra":{"id_token":"1d"}},
        "displaced":{"version":1,"url":"https://a.example/mcp","generation":4,"open":false,
            "tokens":{"access_token":"0ld","refresh_token":"r3fresh","received_at":"2026-10-01T10:00:00Z",
                "expires_at":null,"scopes":[],"resource":"https://a.example/mcp","issuer":"https://as.example",
                "token_endpoint":"https://as.example/token","revocation_endpoint":null,
                "signed_in_at":"2026-10-01T10:00:00Z","by_client":false}}}"#;

    #[test]
    fn a_record_of_version_1_is_read_as_what_it_was_and_written_in_the_present_shape() {
        let record = Record::from_bytes(VERSION_1.as_bytes()).expect("read");
        let tokens = record.tokens.as_ref().expect("tokens");
        assert!(tokens.unattended && tokens.is_renewable());
        let displaced = record.displaced.as_ref().expect("one within");
        assert!(displaced.tokens.as_ref().is_some_and(|tokens| !tokens.unattended));
        // All else is as it was, but for the version and the one name.
        let mut expected: Value = serde_json::from_str(&VERSION_1.replace("by_client", "unattended")).expect("JSON");
        (expected["version"], expected["displaced"]["version"]) = (Record::newest().into(), Record::newest().into());
        let written = record.to_bytes().expect("written");
        let written: Value = serde_json::from_slice(&written).expect("JSON");
        assert_eq!(written, expected);
        assert!(Record::from_bytes(written.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn a_record_comes_back_whole_and_a_newer_one_is_left_alone() {
        let mut record = Record::new("https://a.example/mcp");
        let value = "s3cret".to_owned().into();
        record.secret = Some(SecretRecord { value, auth: AuthType::Bearer, issuer: None });
        let bytes = record.to_bytes().expect("written");
        let back = Record::from_bytes(&bytes).expect("read");
        assert_eq!(back.secret.map(|s| s.value.expose_secret().to_owned()), Some("s3cret".to_owned()));
        let newer = String::from_utf8_lossy(&bytes).replace("\"version\":2", "\"version\":3");
        assert!(matches!(Record::from_bytes(newer.as_bytes()), Err(VaultError::Unreadable(_))));
        // Without a version, or with one before the first, it isn't one of ours.
        for foreign in [r#"{"url":"https://a.example/mcp"}"#, r#"{"version":0,"generation":"s3cret"}"#, "[]", "{}"] {
            assert!(matches!(Record::from_bytes(foreign.as_bytes()), Err(VaultError::Unreadable(_))), "{foreign}");
        }
        let broken = Record::from_bytes(b"{\"secret\": s3cret}").expect_err("broken").to_string();
        assert!(!broken.contains("s3cret"));
    }
}
