//! The whole product from outside: the real executables, a real keyring, a real authorization server.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod assertions;
mod bad_input;
mod binding;
mod callback;
mod client_credentials;
mod client_key;
mod consent;
mod device;
mod doctor;
mod doors;
mod executables;
mod fixed_credentials;
mod hostile;
mod hostile_answers;
mod identity;
mod keyring;
mod locked;
mod moved;
mod profiles;
mod redirect;
mod refresh;
mod restart;
mod revisions;
mod road;
mod secrets;
mod startup;
mod step_up;
