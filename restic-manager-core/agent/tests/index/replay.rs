//! The inputs kept from fuzzing, and that they reach what they are for.

use std::{fs, path::Path};

use super::inputs;

#[test]
fn the_laws_hold_for_every_kept_input() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/index");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the corpus reads") {
        inputs::hold(&fs::read(entry.expect("an entry").path()).expect("it reads"));
        count += 1;
    }
    assert!(count >= 4, "{count} inputs");
}
