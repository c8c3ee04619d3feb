//! The inputs kept from fuzzing, and that they reach what they are for.

use std::{fs, path::Path};

use super::inputs;

#[test]
fn the_laws_hold_for_every_kept_input_and_with_any_byte_changed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/index");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the corpus reads") {
        let input = fs::read(entry.expect("an entry").path()).expect("it reads");
        inputs::hold(&input);
        for at in 0..input.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = input.clone();
                changed[at] ^= flip;
                inputs::hold(&changed);
            }
        }
        count += 1;
    }
    assert!(count >= 4, "{count} inputs");
}
