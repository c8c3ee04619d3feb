//! Frames from a peer, one per line, as a server that has just accepted a connection gets them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_proto::{
    Timestamp,
    session::{Limits, Session},
};

fuzz_target!(|text: &str| {
    let mut session = Session::accept(Timestamp::from_milliseconds(0), Limits::default());
    for line in text.lines() {
        session.receive(Timestamp::from_milliseconds(0), line);
        while session.poll().is_some() {}
    }
});
