//! Fuzzes the state machine of a connection.

#![no_main]

use keybearer_ipc_fuzz::session;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| session::check(bytes));
