//! What a sealed text of a vault is for: it opens as that alone.

use crate::seal::{KEY_LENGTH, Key};
use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};

/// What something is for.
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

impl Purpose<'_> {
    /// So that no two purposes have the same bytes: each text with its length before it.
    pub(super) fn bytes(self) -> Vec<u8> {
        let texts = [self.kind, self.vault, self.id].map(|text| [&length(text)[..], text.as_bytes()].concat());
        [texts.concat(), self.generation.to_be_bytes().to_vec()].concat()
    }

    /// A number that only the key's holder can find for it (keyed BLAKE2b, RFC 7693 §2.9).
    pub(super) fn mark(self, key: &Key) -> [u8; KEY_LENGTH] {
        let mac: Blake2bMac<U32> =
            Blake2bMac::new_from_slice(key.expose()).expect("BLAKE2b takes keys of up to 64 bytes, and this has 32");
        mac.chain_update(self.bytes()).finalize().into_bytes().into()
    }
}

fn length(text: &str) -> [u8; 8] {
    u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_purposes_have_the_same_bytes() {
        let purpose = |vault, id, generation| Purpose { kind: "item", vault, id, generation };
        let all = [
            purpose("ab", "c", 1),
            purpose("a", "bc", 1),
            purpose("ab", "c", 2),
            purpose("abc", "", 1),
            Purpose { kind: "tally", ..purpose("ab", "c", 1) },
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|other| other.bytes() != one.bytes()), "{at}");
        }
        let (key, other) = (Key::generate(), Key::generate());
        assert_eq!(all[0].mark(&key), all[0].mark(&key));
        assert!(all[0].mark(&key) != all[0].mark(&other) && all[0].mark(&key) != all[1].mark(&key));
    }
}
