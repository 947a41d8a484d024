//! The whole product from outside: the real executables, a real keyring, a real authorization server.

#![cfg(target_os = "linux")]

mod road;
