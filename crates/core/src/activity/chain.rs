//! The chain: each row's hash covers the row before it, so that none can be changed, taken out or moved unseen.

use sha2::{Digest, Sha256};

/// The length of a hash, in bytes.
const LENGTH: usize = 32;

/// A row's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The number of the row.
    pub(super) number: u32,
    /// SHA-256 over the hash of the row before, this number and the row's bytes.
    pub(super) hash: [u8; LENGTH],
}

impl Link {
    /// What stands before the first row.
    pub(super) const START: Link = Link { number: 0, hash: [0; LENGTH] };

    /// The link of the row with these bytes, right behind this one.
    pub(super) fn next(&self, content: &str) -> Link {
        let number = self.number.wrapping_add(1);
        let digest = Sha256::new().chain_update(self.hash).chain_update(number.to_be_bytes()).chain_update(content);
        Link { number, hash: digest.finalize().into() }
    }

    /// The link that was written down like this.
    pub(super) fn read(number: u32, hash: &[u8]) -> Option<Link> {
        Some(Link { number, hash: hash.try_into().ok()? })
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What tells a token from others without telling anything of it: the first eight hexadecimal digits of its SHA-256.
pub(super) fn mark(token: &str) -> String {
    hexadecimal(&Sha256::digest(token)[..4])
}
