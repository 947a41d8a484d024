//! A key that seals: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) under 32 random bytes, each time with a nonce of its own.

use crate::vault::VaultError;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use blake2::Blake2bMac;
use blake2::digest::Mac;
use blake2::digest::consts::U32;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// In bytes.
pub(super) const KEY: usize = 32;
const NONCE: usize = 24;
const SALT: usize = 16;

/// What a header may ask for at most: whoever can write to the file must not be able to use up the machine.
const MOST: Stretching = Stretching { memory_kib: 2 * 1024 * 1024, passes: 64, lanes: 64, salt: [0; SALT] };

/// A key, wiped when it is dropped.
pub(in crate::vault) struct Key(Zeroizing<[u8; KEY]>);

/// How a passphrase becomes a key (Argon2id, RFC 9106). It stands in the vault's header, so that later vaults can ask for
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::vault) struct Stretching {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT],
}

/// What a sealed text is for. It opens as that alone.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    /// What kind of thing it is.
    pub(super) kind: &'static str,
    /// The vault that it lies in.
    pub(super) vault: &'a str,
    /// Which of its kind.
    pub(super) id: &'a str,
    /// The how-manieth change of the vault wrote it.
    pub(super) generation: u64,
}

impl Key {
    /// A new one.
    pub(super) fn random() -> Key {
        let mut bytes = Zeroizing::new([0; KEY]);
        fill(&mut *bytes);
        Key(bytes)
    }

    /// One of these bytes, if they are as many as a key has.
    pub(super) fn of(bytes: &[u8]) -> Option<Key> {
        Some(Key(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Its bytes, to be kept somewhere else.
    pub(super) fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// Seals a text: the nonce, and what came of the text.
    pub(super) fn seal(&self, purpose: Purpose<'_>, text: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce);
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), Payload { msg: text, aad: &purpose.bytes() });
        let sealed = sealed.map_err(|_| VaultError::TooLarge("over what can be sealed".to_owned()))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// What was sealed with this key for this purpose, or nothing.
    pub(super) fn open(&self, purpose: Purpose<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &purpose.bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    /// A number that only the key's holder can find for this purpose (keyed BLAKE2b, RFC 7693).
    pub(super) fn mark(&self, purpose: Purpose<'_>) -> [u8; KEY] {
        let mac: Blake2bMac<U32> =
            Blake2bMac::new_from_slice(&*self.0).expect("BLAKE2b takes keys of up to 64 bytes, and this has 32");
        mac.chain_update(purpose.bytes()).finalize().into_bytes().into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

impl Purpose<'_> {
    /// So that no two purposes have the same bytes: each text with its length before it.
    fn bytes(self) -> Vec<u8> {
        let texts = [self.kind, self.vault, self.id].map(|text| [&length(text)[..], text.as_bytes()].concat());
        [texts.concat(), self.generation.to_be_bytes().to_vec()].concat()
    }
}

impl Stretching {
    /// What a new vault asks for: the second of the recommended choices (RFC 9106 §4), 64 MiB.
    pub(in crate::vault) fn of_today() -> Stretching {
        let mut salt = [0; SALT];
        fill(&mut salt);
        Stretching { memory_kib: 64 * 1024, passes: 3, lanes: 4, salt }
    }

    /// The key that a passphrase makes. It takes a good part of a second on purpose, and much memory.
    pub(in crate::vault) fn stretch(&self, passphrase: &SecretString) -> Result<Key, VaultError> {
        let unfit = || VaultError::Damaged("its header asks for a passphrase in a way that can't be".to_owned());
        if self.memory_kib > MOST.memory_kib || self.passes > MOST.passes || self.lanes > MOST.lanes {
            return Err(unfit());
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY)).map_err(|_| unfit())?;
        let mut memory = vec![Block::default(); params.block_count()];
        let mut bytes = Zeroizing::new([0; KEY]);
        let passphrase = passphrase.expose_secret().as_bytes();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stretched = argon.hash_password_into_with_memory(passphrase, &self.salt, &mut *bytes, &mut memory);
        memory.iter_mut().for_each(Zeroize::zeroize);
        stretched.map_err(|_| unfit())?;
        Ok(Key(bytes))
    }
}

fn length(text: &str) -> [u8; 8] {
    u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes()
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("an operating system without chance can't keep secrets either");
}
