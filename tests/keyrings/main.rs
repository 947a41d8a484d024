//! The keyrings that people have, as real ones: each walks the whole road, and those with dialogs show them on a screen.
//!
//! They need big packages: `cargo xtask keyrings` installs them.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod dialog;
mod keepassxc;
mod road;
