//! One frame from a peer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_proto::frame::Frame;

fuzz_target!(|text: &str| {
    if let Ok(frame) = Frame::decode(text) {
        let again = frame.encode().expect("what was read can be written");
        assert_eq!(Frame::decode(&again), Ok(frame));
    }
});
