//! Names that look like patterns select themselves and nothing else.
#![cfg(unix)]

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use restic_manager_restic::Version;
use restic_manager_restic::command::{
    Backup, Connection, Dump, Restore, RestoreSelection, SnapshotName, include_argument, include_line,
};
use restic_manager_restic::event::Event;

use super::support::{Dice, Place, Restic};

const SUBFOLDER: Version = Version::new(0, 16, 0);
const DRY_RUN: Version = Version::new(0, 17, 0);
const NAMES: usize = 300;

/// Pieces of names that mean something to a matcher, a shell, a file of patterns or a decoder.
const PIECES: &[&[u8]] = &[
    b"*",
    b"**",
    b"?",
    b"[",
    b"]",
    b"[a]",
    b"[!a]",
    b"[^",
    b"\\",
    b"\\*",
    b"$",
    b"$HOME",
    b"${PATH}",
    b"!",
    b"#",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    "\u{3000}".as_bytes(),
    "\u{a0}".as_bytes(),
    b"a",
    b"A",
    b"b",
    b"-",
    b".",
    b":",
    b"'",
    b"\"",
    b"{a,b}",
    b"\xff",
    b"\xe2\x82",
    "é".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{1f600}".as_bytes(),
];

/// Different names of one to four pieces, each at least once at an end.
fn names(dice: &mut Dice) -> BTreeSet<OsString> {
    let mut names = BTreeSet::new();
    for piece in PIECES {
        for name in [piece.to_vec(), [b"x", *piece].concat(), [*piece, b"x"].concat()] {
            names.insert(name);
        }
    }
    while names.len() < NAMES {
        let count = 1 + dice.next() as usize % 4;
        let name = (0..count).flat_map(|_| PIECES[dice.next() as usize % PIECES.len()]).copied().collect();
        names.insert(name);
    }
    names.retain(|name| !matches!(name.as_slice(), b"." | b".."));
    names.iter().map(|name| OsStr::from_bytes(name).to_owned()).collect()
}

/// Makes files and folders with a file of these names.
fn make(folder: &Path, names: &BTreeSet<OsString>) {
    fs::create_dir_all(folder).expect("a folder");
    for (number, name) in names.iter().enumerate() {
        let path = folder.join(name);
        if number % 5 == 0 {
            fs::create_dir(&path).expect("a folder");
            fs::write(path.join("in it"), b"x").expect("a file");
        } else {
            fs::write(path, name.as_bytes()).expect("a file");
        }
    }
}

fn there(folder: &Path) -> BTreeSet<OsString> {
    fs::read_dir(folder).map_or_else(
        |_| BTreeSet::new(),
        |entries| entries.map(|entry| entry.expect("an entry").file_name()).collect(),
    )
}

fn path_of(name: &OsStr) -> Vec<u8> {
    [b"/", name.as_bytes()].concat()
}

fn by_argument(names: &BTreeSet<OsString>) -> RestoreSelection {
    let patterns =
        names.iter().map(|name| include_argument(&path_of(name)).expect("it can be told")).collect();
    RestoreSelection::Include { patterns, insensitive_patterns: Vec::new(), files: Vec::new() }
}

/// By a file as far as that can be, else on the command line.
fn by_file(names: &BTreeSet<OsString>, file: &Path) -> RestoreSelection {
    let (mut lines, mut patterns) = (Vec::new(), Vec::new());
    for path in names.iter().map(|name| path_of(name)) {
        match include_line(&path) {
            Some(line) => lines.extend_from_slice(&line),
            None => patterns.push(include_argument(&path).expect("it can be told")),
        }
    }
    fs::write(file, lines).expect("a file");
    RestoreSelection::Include { patterns, insensitive_patterns: Vec::new(), files: vec![file.to_owned()] }
}

async fn restore(restic: &Restic, connection: &Connection, command: &Restore) -> Vec<Event> {
    let mut running = restic.spawn(command, connection).await;
    let mut events = Vec::new();
    while let Some(event) = running.next_event().await {
        events.push(event);
    }
    let finished = running.wait().await;
    assert!(finished.outcome.cause.is_success(), "restic {}: {finished:?}", restic.version);
    events
}

#[tokio::test]
async fn a_selection_restores_exactly_what_it_names() {
    let mut dice = Dice::new(77);
    let names = names(&mut dice);
    for restic in Restic::all().await.into_iter().filter(|restic| restic.version >= SUBFOLDER) {
        let place = Place::new();
        let connection = place.initialized(&restic).await;
        // The folder above is as odd as what is in it.
        let parent = place.path("source").join(OsStr::from_bytes(b"par*nt: [\xff]\n"));
        make(&parent, &names);
        let backup = restic.run(&Backup::paths([place.path("source")]), &connection).await;
        assert!(backup.outcome.cause.is_success(), "{backup:?}");
        let chosen: BTreeSet<_> = names.iter().filter(|_| dice.next().is_multiple_of(3)).cloned().collect();
        let selections =
            [("argument", by_argument(&chosen)), ("file", by_file(&chosen, &place.path("list")))];
        for (way, selection) in selections {
            let target = place.path(way);
            let mut command = Restore::new(SnapshotName::latest().subfolder(&parent), &target);
            command.selection = selection;
            if way == "file" && restic.version < DRY_RUN {
                continue;
            }
            restore(&restic, &connection, &command).await;
            let there = there(&target);
            let wrong: Vec<_> = there.symmetric_difference(&chosen).collect();
            assert!(wrong.is_empty(), "restic {} by {way}: {wrong:?}", restic.version);
        }
    }
}

#[tokio::test]
async fn a_dry_run_names_the_one_entry_that_was_meant() {
    let names = names(&mut Dice::new(5));
    for restic in Restic::all().await.into_iter().filter(|restic| restic.version >= DRY_RUN) {
        let place = Place::new();
        let connection = place.initialized(&restic).await;
        make(&place.path("source"), &names);
        restic.run(&Backup::paths([place.path("source")]), &connection).await;
        for name in names.iter().enumerate().filter(|(number, _)| number % 20 == 1) {
            let mut command =
                Restore::new(SnapshotName::latest().subfolder(place.path("source")), place.path("new"));
            command.selection = by_argument(&BTreeSet::from([name.1.clone()]));
            (command.dry_run, command.verbose) = (true, true);
            let events = restore(&restic, &connection, &command).await;
            let shown: Vec<_> = events
                .iter()
                .filter_map(|event| {
                    if let Event::VerboseStatus(status) = event { Some(status.item.as_str()) } else { None }
                })
                .collect();
            let expected = format!("/{}", name.1.to_string_lossy());
            assert_eq!(shown.len(), 1, "{expected:?}: {shown:?}");
        }
    }
}

#[tokio::test]
async fn a_file_with_an_odd_name_is_dumped() {
    for restic in Restic::all().await.into_iter().filter(|restic| restic.version >= SUBFOLDER) {
        let place = Place::new();
        let connection = place.initialized(&restic).await;
        let name = OsStr::from_bytes(b"\xff*[a]\n$x ");
        fs::write(place.path("source").join(name), b"content").expect("a file");
        restic.run(&Backup::paths([place.path("source")]), &connection).await;
        let path = OsStr::from_bytes(&path_of(name)).to_owned();
        let dump = Dump::new(SnapshotName::latest().subfolder(place.path("source")), path);
        assert_eq!(restic.capture(&dump, &connection).await.stdout, b"content", "restic {}", restic.version);
    }
}
