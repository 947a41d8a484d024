//! The keyrings that people have, as real ones: each walks the whole road, and those with dialogs show them on a screen.
//!
//! They need big packages: `cargo xtask keyrings` installs them.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(target_os = "linux")]

mod dialog;
mod keepassxc;
mod road;
