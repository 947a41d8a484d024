//! What must hold of the socket's reading whatever callers send. The fuzzer, the test of the seeds and the property test all
//! ask here: each `check` panics where a promise is broken.

#![forbid(unsafe_code)]

/// A stream of bytes: the same lines come out however it came in pieces.
pub mod frames;
/// A line: what is read is what JSON says, and all that the rules refuse is refused.
pub mod json;
/// A connection: nothing is asked before the hello or without its nonce, nothing twice, and nothing after the end.
pub mod session;
