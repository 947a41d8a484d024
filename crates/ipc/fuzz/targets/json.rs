//! Fuzzes the reading of a line.

#![no_main]

use keybearer_ipc_fuzz::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| json::check(bytes));
