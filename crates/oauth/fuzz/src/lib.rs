//! What must hold of the OAuth library whatever strangers send. The fuzzer and the test of the seeds both ask here: each
//! `check` panics where a promise is broken.

#![forbid(unsafe_code)]

/// Challenges: what is read is in the header, no more of it than there, and reads the same when written anew.
pub mod challenge;
/// Metadata: only what is about this server, by the right name and safely reached, gets through.
pub mod metadata;
/// The browser's answer: a code comes out of the right answer alone, and no secret out of any.
pub mod callback;
/// The token endpoint's answer: tokens come out of a good answer alone, within bounds, and no error tells them.
pub mod token_answer;
