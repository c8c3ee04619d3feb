//! The inputs kept from fuzzing.

use std::path::PathBuf;

use crate::laws;

fn replay(target: &str, law: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a corpus") {
        law(&std::fs::read(entry.expect("an input").path()).expect("its bytes"));
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

#[test]
fn restic_decoder() {
    replay("restic_decoder", laws::decoder);
}

#[test]
fn restic_document() {
    replay("restic_document", laws::document);
}

#[test]
fn restic_version() {
    replay("restic_version", laws::version);
}
