//! Strings nobody can guess: codes, tokens, tickets, client ids and secrets.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// 256 random bits in URL-safe letters, well above the 128 that RFC 6749 §10.10 asks for.
pub fn unguessable() -> String {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("a system without a random source cannot run an authorization server");
    URL_SAFE_NO_PAD.encode(bytes)
}
