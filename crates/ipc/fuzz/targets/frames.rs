//! Fuzzes the taking apart of a stream into lines.

#![no_main]

use keybearer_ipc_fuzz::frames;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| frames::check(bytes));
