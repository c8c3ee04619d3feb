//! Tests of the agent engine.

mod announce;
mod config;
mod enrol;
mod files;
mod hooks;
mod host;
mod index;
mod jobs;
mod journal;
mod link;
mod outbox;
mod planner;
mod restore;
mod restores;
mod schedules;
mod simulation;
mod support;
mod upkeep;
mod versions;

/// A file beside this one that nobody declares would be a test that nobody runs.
#[test]
fn no_file_is_forgotten() {
    let declared = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for entry in std::fs::read_dir(folder).expect("the folder reads") {
        let path = entry.expect("the folder reads").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(name == "main" || declared.contains(&format!("mod {name};")), "{name} is not declared");
    }
}
