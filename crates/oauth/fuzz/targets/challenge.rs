//! Fuzzes the reading of a `WWW-Authenticate` header.

#![no_main]

use keybearer_oauth_fuzz::challenge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| challenge::check(bytes));
