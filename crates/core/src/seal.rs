//! What is sealed on the disk: unreadable without its key, and unusable anywhere but in its place.

/// How a passphrase becomes a key.
mod stretching;

pub use stretching::{Stretching, Unfit};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// The length of a key, in bytes.
pub const KEY_LENGTH: usize = 32;
/// The length of the nonce in front of what is sealed: long enough to be drawn by chance.
const NONCE_LENGTH: usize = 24;

/// A key. It prints nothing of itself, and is wiped when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Key(Box<[u8; KEY_LENGTH]>);

/// What can't be opened: it was sealed with another key or for another place, or isn't whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was sealed with another key, or isn't whole")]
pub struct Unopened;

impl Key {
    /// A key drawn by chance.
    pub fn generate() -> Key {
        let mut key = Key(Box::new([0; KEY_LENGTH]));
        getrandom::fill(&mut *key.0).expect("an operating system without chance can't keep secrets either");
        key
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Key> {
        let bytes: &[u8; KEY_LENGTH] = bytes.try_into().ok()?;
        Some(Key(Box::new(*bytes)))
    }

    /// Its bytes, for whoever keeps it.
    pub fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// The same as text.
    pub fn to_text(&self) -> SecretString {
        BASE64_STANDARD.encode(self.expose()).into()
    }

    /// The key that was written as this text, if it was one.
    pub fn from_text(text: &SecretString) -> Option<Key> {
        let bytes = BASE64_STANDARD.decode(text.expose_secret()).map(Zeroizing::new).ok()?;
        Key::from_bytes(&bytes)
    }

    /// Seals `content` for the place that `place` names (XChaCha20-Poly1305, with the place as associated data).
    pub fn seal(&self, content: &[u8], place: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LENGTH];
        getrandom::fill(&mut nonce).expect("an operating system without chance can't keep secrets either");
        let payload = Payload { msg: content, aad: place };
        let sealed = self.cipher().encrypt(&nonce.into(), payload).expect("nothing here is as long as 256 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, sealed: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(Unopened)?;
        let payload = Payload { msg: sealed, aad: place };
        self.cipher().decrypt(&(*nonce).into(), payload).map(Zeroizing::new).map_err(|_| Unopened)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_whole_with_its_key_in_its_place_and_never_else() {
        let (key, place) = (Key::generate(), b"account 7".as_slice());
        let sealed = key.seal(b"a token", place);
        assert!(!sealed.windows(7).any(|window| window == b"a token"));
        assert_eq!(key.open(&sealed, place).expect("opened").as_slice(), b"a token");
        let again = Key::from_text(&key.to_text()).expect("a key");
        assert_eq!(again.open(&sealed, place).expect("opened").as_slice(), b"a token");
        assert_eq!(key.open(&sealed, b"account 8"), Err(Unopened));
        assert_eq!(Key::generate().open(&sealed, place), Err(Unopened));
        for length in 0..sealed.len() {
            assert_eq!(key.open(&sealed[..length], place), Err(Unopened), "{length} bytes");
        }
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(key.open(&bent, place), Err(Unopened), "byte {at}");
        }
        assert_ne!(key.seal(b"a token", place), sealed, "no nonce comes twice");
        assert_eq!(format!("{key:?}"), "Key");
    }
}
