//! What is said to be a version of restic.
#![no_main]
#![expect(dead_code, reason = "the laws of the other targets")]

#[path = "../../restic-manager-restic/tests/laws.rs"]
mod laws;
#[path = "../../restic-manager-restic/tests/reference.rs"]
mod reference;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| laws::version(input));
