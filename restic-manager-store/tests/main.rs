//! All backends under the public suite, and what each promises beyond it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod damage;
mod durability;
mod files;
mod frozen;
mod gone;
mod memory;
mod postgres;
mod properties;
mod schemas;
mod sqlite;

/// Cargo would not notice a file that this one does not name.
#[test]
fn no_file_is_forgotten() {
    let contents = include_str!("main.rs");
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(name == "main" || contents.contains(&format!("mod {name};")), "{name} is forgotten");
    }
}
