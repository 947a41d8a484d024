//! Fuzzes the reading of a token endpoint's answer.

#![no_main]

use keybearer_oauth_fuzz::token_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| token_answer::check(bytes));
