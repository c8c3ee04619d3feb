//! The table of limits against the sources: what holds to each, and what shows so.

use restic_manager_server::{
    config::Limits,
    limits::{ALL, SHARED},
};
use std::{collections::BTreeSet, fs, path::Path};

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_limit_is_held_to_where_the_table_says_and_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    for folder in ["src", "tests", "../../restic-manager-proto/src", "../../restic-manager-proto/tests"] {
        sources(&root.join(folder), &mut tests);
    }
    let has = |test: &str| tests.contains(&format!("fn {test}("));
    let chosen = Limits::default().rows();
    for limit in ALL.iter().chain(&chosen) {
        let place = fs::read_to_string(root.join("src").join(limit.place));
        let place = place.unwrap_or_else(|_| panic!("there is no {}", limit.place));
        let is_held_to = place.contains(limit.name) || place.contains("share.has_room");
        assert!(is_held_to, "{} says nothing of {}", limit.place, limit.name);
        assert!(has(limit.test), "{} has no test {}", limit.name, limit.test);
    }
    for limit in SHARED {
        assert!(has(limit.test), "{} has no test {}", limit.name, limit.test);
    }
    let names =
        ALL.iter().chain(&chosen).map(|limit| limit.name).chain(SHARED.iter().map(|limit| limit.name));
    let names: Vec<_> = names.collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}
