//! One binary for all integration tests of the crate.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod handshake;
mod keyring;
mod passkeys;
mod passwords;
mod replay;
mod secrets;
mod signatures;
mod tokens;
mod vectors;

/// A module that is not listed above would never run.
#[test]
fn no_file_is_forgotten() {
    let listed = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(listed.contains(&format!("mod {module};")), "{name}");
        }
    }
}
