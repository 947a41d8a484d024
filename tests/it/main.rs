//! The whole product from outside: the real executables, a real keyring, a real authorization server.

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod account;
mod activity;
mod assertions;
mod authorization_servers;
mod auto_lock;
mod bad_input;
mod binding;
mod bridge;
mod callback;
mod change;
mod client_credentials;
mod client_home;
mod client_key;
mod clients;
mod consent;
mod copy_token;
mod cut_off;
mod device;
mod diagnostics;
mod doctor;
mod doors;
mod dpop;
mod events;
mod exceptions;
mod executables;
mod exit_codes;
mod far;
mod fixed_credentials;
mod gateway;
mod headers;
mod hostile;
mod hostile_answers;
mod identity;
mod import;
mod install;
mod keyring;
mod locked;
mod manual;
mod memory;
mod moved;
mod own_grants;
mod pause;
mod profiles;
mod pushed_authorization;
mod redirect;
mod refresh;
mod registration;
mod renewals;
mod restart;
mod revisions;
mod restricted;
mod road;
mod run;
mod secrets;
mod server_faults;
mod settings;
mod startup;
mod step_up;
mod timeline;
mod transfer;
mod undo;
mod vault;
