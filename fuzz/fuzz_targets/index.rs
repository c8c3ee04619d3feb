//! Files of an index, and listings that one is made of.
#![no_main]

#[path = "../../restic-manager-core/agent/tests/index/inputs.rs"]
mod inputs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| inputs::hold(input));
