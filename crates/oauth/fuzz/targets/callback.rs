//! Fuzzes the reading of a browser's answer.

#![no_main]

use keybearer_oauth_fuzz::callback;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| callback::check(bytes));
