//! Fuzzes the reading of metadata documents.

#![no_main]

use keybearer_oauth_fuzz::metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| metadata::check(bytes));
