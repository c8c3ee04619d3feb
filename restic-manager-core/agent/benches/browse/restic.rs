//! The same folder asked of real restic.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{NOW, key, percentiles, timed};
use restic_manager_agent::index::{Indexes, Listing, SnapshotKey, View};

const FOLDERS: usize = 200;
const FILES: usize = 100;
const LOOKS: usize = 9;

/// Prints how long a page of a folder takes by restic, and by an index of the same snapshot.
pub(crate) fn beside(place: &Path) {
    let Some(program) = program() else {
        println!("\nrestic was not found: cargo xtask bench installs it");
        return;
    };
    let source = place.join("source");
    for folder in 0..FOLDERS {
        let folder = source.join(format!("folder-{folder:03}"));
        fs::create_dir_all(&folder).expect("a folder");
        (0..FILES).for_each(|file| fs::write(folder.join(format!("file-{file}.txt")), b"x").expect("a file"));
    }
    let run = |arguments: &[&str]| run(&program, place, arguments);
    run(&["init"]);
    run(&["backup", "--quiet", source.to_str().expect("a path of text")]);
    let folder = source.join("folder-100");
    let folder = folder.to_str().expect("a path of text");
    let mut by_restic: Vec<_> =
        (0..LOOKS).map(|_| timed(|| run(&["ls", "--json", "latest", folder])).0).collect();
    println!("\na page of {} files by restic ls: {}", FOLDERS * FILES, percentiles(&mut by_restic));

    let listed = run(&["ls", "--json", "latest"]);
    let line = listed.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let snapshot: serde_json::Value = serde_json::from_slice(line).expect("a snapshot");
    let id = snapshot["id"].as_str().expect("an id").parse().expect("an id");
    let key = SnapshotKey { snapshot: id, ..key(0) };
    let indexes = Indexes::open(&place.join("beside"), u64::MAX).expect("it opens");
    let mut listing = Listing::new(key, indexes.keeper());
    listing.push(&listed).expect("it is a listing");
    let (catalogue, keeper) = listing.finish().expect("it is whole");
    indexes.commit(&catalogue, keeper, NOW).expect("the disk takes it");
    let view = View { limit: 500, ..View::default() };
    let mut by_index: Vec<_> = (0..LOOKS)
        .map(|_| {
            // As if nothing had been looked at before.
            let indexes = Indexes::open(&place.join("beside"), u64::MAX).expect("it opens");
            timed(|| indexes.index(key, NOW).and_then(|index| index.page(folder.as_bytes(), &view))).0
        })
        .collect();
    println!("the same by its index, opened anew: {}", percentiles(&mut by_index));
    let ratio = by_restic[LOOKS / 2].as_secs_f64() / by_index[LOOKS / 2].as_secs_f64();
    println!("restic takes {ratio:.0} x as long");
}

fn run(program: &Path, place: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("RESTIC_REPOSITORY", place.join("repository"))
        .env("RESTIC_PASSWORD", "correct horse battery")
        .env("RESTIC_CACHE_DIR", place.join("cache"))
        .stdin(Stdio::null())
        .output()
        .expect("restic runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The newest restic that was installed for tests.
fn program() -> Option<PathBuf> {
    let folder = std::env::var_os("RESTIC_MANAGER_RESTIC_DIR")?;
    let entries = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let of_restic =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("restic-"));
    entries.filter(of_restic).max()
}
