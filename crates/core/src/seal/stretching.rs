//! How a passphrase becomes a key: Argon2id (RFC 9106).

use super::{KEY_LENGTH, Key};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// In bytes.
const SALT: usize = 16;
/// The most memory that may be asked for: whoever can write to the file must not be able to use up the machine.
const MEMORY_KIB: u32 = 2 * 1024 * 1024;
/// The most passes.
const PASSES: u32 = 64;
/// The most lanes.
const LANES: u32 = 64;

/// What it takes. It stands beside what is sealed, so that later versions can ask for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretching {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT],
}

/// What asks for a passphrase in a way that can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it asks for a passphrase in a way that can't be")]
pub struct Unfit;

impl Stretching {
    /// What is asked for today: the second of the recommended choices (RFC 9106 §4), 64 MiB.
    pub fn of_today() -> Stretching {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).expect("an operating system without chance can't keep secrets either");
        Stretching { memory_kib: 64 * 1024, passes: 3, lanes: 4, salt }
    }

    /// The key that a passphrase makes. It takes a good part of a second on purpose, and much memory.
    pub fn stretch(&self, passphrase: &SecretString) -> Result<Key, Unfit> {
        if self.memory_kib > MEMORY_KIB || self.passes > PASSES || self.lanes > LANES {
            return Err(Unfit);
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_LENGTH)).map_err(|_| Unfit)?;
        let mut memory = vec![Block::default(); params.block_count()];
        let mut bytes = Zeroizing::new([0; KEY_LENGTH]);
        let passphrase = passphrase.expose_secret().as_bytes();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stretched = argon.hash_password_into_with_memory(passphrase, &self.salt, &mut *bytes, &mut memory);
        memory.iter_mut().for_each(Zeroize::zeroize);
        stretched.map_err(|_| Unfit)?;
        Key::from_bytes(&*bytes).ok_or(Unfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_vault_asks_for_as_much_as_it_should_and_no_header_for_too_much() {
        let today = Stretching::of_today();
        assert!(today.memory_kib >= 64 * 1024 && today.passes >= 3, "{today:?}");
        assert_ne!(today.salt, Stretching::of_today().salt);
        for greedy in [
            Stretching { memory_kib: u32::MAX, ..today },
            Stretching { passes: u32::MAX, ..today },
            Stretching { lanes: u32::MAX, ..today },
            Stretching { memory_kib: 0, ..today },
        ] {
            assert!(matches!(greedy.stretch(&"passphrase".into()), Err(Unfit)), "{greedy:?}");
        }
        let small = Stretching { memory_kib: 64, passes: 1, lanes: 1, salt: [7; SALT] };
        let key = |passphrase: &str, how: Stretching| *how.stretch(&passphrase.into()).expect("a key").expose();
        let other = Stretching { salt: [8; SALT], ..small };
        assert_eq!(key("one", small), key("one", small));
        assert!(key("one", small) != key("two", small) && key("one", small) != key("one", other));
    }
}
