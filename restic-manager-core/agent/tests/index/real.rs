//! An index made by real restic holds what is on the disk, whatever the names are.

use super::model::key;
use crate::support::{find_every_restic, folder};
use restic_manager_agent::{
    SystemClock,
    index::{Commands, Index, IndexError, Indexes, Kind, Moment, SnapshotKey, Totals, View, build},
};
use restic_manager_proto::Timestamp;
use restic_manager_restic::{
    Version,
    command::{
        Backup, Command as _, Connection, Environment, Filter, Init, Local, Ls, Password, Repository, Secret,
        SnapshotName, Snapshots,
    },
    event::Snapshot,
    process::{Input, Program, Runner},
};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// One restic and a repository of its own.
pub(crate) struct Bench {
    pub(crate) runner: Runner,
    pub(crate) version: Version,
    pub(crate) connection: Connection,
}

impl Bench {
    pub(crate) async fn new(program: &Path, place: &Path) -> Self {
        let runner = Runner::new(Program::at(program).expect("an executable file"));
        let environment =
            Environment::from_lookup(|name| (name == "PATH").then(|| std::env::var_os(name)).flatten());
        let version = runner.version(&environment).await.expect("a version");
        let password = Password::Text(Secret::new("correct horse battery"));
        let repository = Repository::new(Local::new(place.join(format!("repository-{version}"))), password);
        let bench = Self { runner, version, connection: Connection::new(repository, environment) };
        let init = Init::new().prepare(&bench.connection, &bench.version).expect("a command");
        bench.run(&init).await;
        bench
    }

    pub(crate) async fn run(&self, invocation: &restic_manager_restic::command::Invocation) {
        let running = self.runner.spawn(invocation, Input::Null).await.expect("restic starts");
        let finished = running.wait().await;
        assert!(finished.outcome.cause.is_success(), "{finished:?}");
    }

    pub(crate) async fn back_up(&self, source: &Path) -> SnapshotKey {
        let backup = Backup::paths([source]).prepare(&self.connection, &self.version).expect("a command");
        self.run(&backup).await;
        let mut snapshots = Snapshots::new();
        snapshots.filter = Filter::all();
        let list = snapshots.prepare(&self.connection, &self.version).expect("a command");
        let captured = self.runner.capture(&list, 1 << 20).await.expect("restic starts");
        let listed: Vec<Snapshot> =
            restic_manager_restic::document::parse(&captured.stdout).expect("a listing");
        let newest = listed.last().and_then(|snapshot| snapshot.id.clone()).expect("a snapshot");
        SnapshotKey { snapshot: newest.parse().expect("an id"), ..key(0) }
    }

    fn commands(&self, key: SnapshotKey) -> Commands {
        let mut ls = Ls::new(SnapshotName::id(key.snapshot.to_string()));
        let entries = ls.prepare(&self.connection, &self.version).expect("a command");
        ls.bare = true;
        let names = ls.prepare(&self.connection, &self.version).expect("a command");
        Commands { entries, names }
    }

    pub(crate) async fn index(&self, indexes: &Arc<Indexes>, key: SnapshotKey) -> Result<Totals, String> {
        let commands = self.commands(key);
        let built = build(&self.runner, &commands, indexes, key, &SystemClock, |_| ()).await;
        built.map_err(|error| error.to_string())
    }
}

/// Everything below a folder of the disk, by path.
fn on_disk(folder: &Path, all: &mut BTreeMap<PathBuf, fs::Metadata>) {
    for entry in fs::read_dir(folder).expect("the folder reads") {
        let path = entry.expect("an entry").path();
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        if metadata.is_dir() {
            on_disk(&path, all);
        }
        all.insert(path, metadata);
    }
}

/// Everything below a folder of an index, by path.
fn in_index(index: &Index, folder: &[u8], all: &mut BTreeMap<PathBuf, restic_manager_agent::index::Meta>) {
    let mut view = View { limit: 7, ..View::default() };
    loop {
        let page = index.page(folder, &view).expect("blocks read").expect("the folder is there");
        for entry in &page.entries {
            let path = [folder, b"/", &entry.name].concat();
            if entry.meta.is_dir() {
                in_index(index, &path, all);
            }
            all.insert(PathBuf::from(OsStr::from_bytes(&path)), entry.meta);
        }
        match page.next {
            Some(next) => view.after = next,
            None => return,
        }
    }
}

fn assert_same(source: &Path, index: &Index) {
    let (mut disk, mut found) = (BTreeMap::new(), BTreeMap::new());
    on_disk(source, &mut disk);
    in_index(index, source.as_os_str().as_bytes(), &mut found);
    assert!(
        disk.keys().eq(found.keys()),
        "{:#?}",
        disk.keys().filter(|path| !found.contains_key(*path)).collect::<Vec<_>>()
    );
    for (path, metadata) in &disk {
        let meta = found[path];
        let mtime = Moment { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() as u32 };
        let expected = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid(), mtime);
        assert_eq!((u32::from(meta.mode), meta.uid, meta.gid, meta.mtime), expected, "{}", path.display());
        assert_eq!(
            (meta.kind == Kind::File).then_some(meta.size),
            metadata.is_file().then_some(metadata.len())
        );
        assert_eq!(meta.is_dir(), metadata.is_dir());
        assert_eq!(meta.kind == Kind::Symlink, metadata.is_symlink());
        assert_eq!(index.entry(path.as_os_str().as_bytes()).expect("blocks read"), Some(meta));
    }
}

/// Names that are hard to carry: not UTF-8 or nearly, control characters, quotes, patterns, long ones, right to left.
fn hostile(number: usize) -> Vec<u8> {
    const PARTS: &[&[u8]] = &[
        b"\xff",
        b"\x80",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        "\u{fffd}".as_bytes(),
        b"\\ufffd",
        b"\\xff",
        b"\n",
        b"\t",
        b"\x01",
        b"\x7f",
        b"\"",
        b"'",
        b"\\",
        b"*",
        b"?",
        b"[a]",
        b"$HOME",
        b" ",
        "\u{202e}".as_bytes(),
        "\u{2028}".as_bytes(),
        "e\u{301}".as_bytes(),
        "\u{1f600}".as_bytes(),
        b"<&>",
        b"-",
        b".",
        b"%2f",
    ];
    let parts = [number, number / PARTS.len(), number / PARTS.len() / PARTS.len()];
    let mut name: Vec<u8> = parts.iter().flat_map(|part| PARTS[part % PARTS.len()]).copied().collect();
    name.extend_from_slice(number.to_string().as_bytes());
    if number.is_multiple_of(50) {
        name.resize(255, b'L');
    }
    name
}

fn make_hostile(source: &Path) {
    for number in 0..1000 {
        let folder = source.join(OsStr::from_bytes(&hostile(number % 13)));
        let path = folder.join(OsStr::from_bytes(&hostile(number)));
        match number % 7 {
            0 => fs::create_dir_all(path).expect("a folder"),
            1 => {
                fs::create_dir_all(&folder).expect("a folder");
                std::os::unix::fs::symlink(OsStr::from_bytes(&hostile(number + 1)), path).expect("a link");
            }
            _ => {
                fs::create_dir_all(&folder).expect("a folder");
                fs::write(path, vec![b'x'; number]).expect("a file");
            }
        }
    }
    // A path of nearly 4 KiB.
    let deep = (0..14).fold(source.to_owned(), |path, _| path.join("d".repeat(250)));
    fs::create_dir_all(&deep).expect("folders");
    fs::write(deep.join("f".repeat(250)), b"deep").expect("a file");
}

#[tokio::test]
async fn hostile_names_are_in_the_index_byte_for_byte() {
    let place = folder();
    let source = place.path().join("source");
    make_hostile(&source);
    for program in find_every_restic() {
        let bench = Bench::new(&program, place.path()).await;
        let key = bench.back_up(&source).await;
        let indexes = Indexes::open(&place.path().join(format!("index-{}", bench.version)), u64::MAX)
            .expect("it opens");
        let totals = bench.index(&indexes, key).await.expect("it is made");
        let index = indexes.index(key, Timestamp::from_milliseconds(0)).expect("it is there");
        assert_eq!(totals, index.totals());
        assert_same(&source, &index);
    }
}

#[tokio::test]
async fn a_name_with_the_replacement_character_itself_needs_no_second_listing() {
    let place = folder();
    let source = place.path().join("source");
    fs::create_dir_all(&source).expect("a folder");
    fs::write(source.join("\u{fffd} \\ufffd"), b"x").expect("a file");
    let bench = Bench::new(&crate::support::find_restic(), place.path()).await;
    let key = bench.back_up(&source).await;
    let indexes = Indexes::open(&place.path().join("index"), u64::MAX).expect("it opens");
    // A second listing would be of a snapshot that there is not.
    let entries = bench.commands(key).entries;
    let names = bench.commands(super::model::key(9)).names;
    let built = build(&bench.runner, &Commands { entries, names }, &indexes, key, &SystemClock, |_| ()).await;
    built.expect("it is made");
    assert_same(&source, &indexes.index(key, Timestamp::from_milliseconds(0)).expect("it is there"));
}

#[tokio::test]
async fn what_cannot_be_listed_or_was_cancelled_leaves_no_index() {
    let place = folder();
    let source = place.path().join("source");
    make_hostile(&source);
    let bench = Bench::new(&crate::support::find_restic(), place.path()).await;
    let key = bench.back_up(&source).await;
    let indexes = Indexes::open(&place.path().join("index"), u64::MAX).expect("it opens");
    let gone = super::model::key(9);
    assert!(bench.index(&indexes, gone).await.is_err(), "there is no such snapshot");

    let commands = bench.commands(key);
    let begun = tokio::sync::Notify::new();
    let making = build(&bench.runner, &commands, &indexes, key, &SystemClock, |_| begun.notify_one());
    tokio::select! {
        biased;
        () = begun.notified() => {}
        made = making => unreachable!("it was made before it said so: {made:?}"),
    }
    for key in [gone, key] {
        let found = indexes.index(key, Timestamp::from_milliseconds(0));
        assert!(matches!(found, Err(IndexError::Missing)));
    }
    bench.index(&indexes, key).await.expect("it is made after all");
    assert_same(&source, &indexes.index(key, Timestamp::from_milliseconds(0)).expect("it is there"));
}
