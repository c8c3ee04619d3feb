//! Plans beside real restic: what its dry run says, and what is there after a restore.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use restic_manager_agent::{
    index::{Index, Indexes, Kind},
    restore::{Class, LocalDisk, Plan, Run, Target, Wanted, plan, runs},
};
use restic_manager_proto::Timestamp;
use restic_manager_restic::{
    Version,
    command::{Command as _, Overwrite, Restore, RestoreSelection, SnapshotName, include_argument},
    event::{Action, Event},
    process::Input,
};

use crate::{
    index::real::Bench,
    support::{find_every_restic, folder},
};

const OVERWRITE: Version = Version::new(0, 17, 0);
const MODES: [Overwrite; 4] = [Overwrite::Always, Overwrite::IfChanged, Overwrite::IfNewer, Overwrite::Never];
/// When every file of a tree was changed last, in seconds.
const THEN: u64 = 1_750_000_000;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn date(path: &Path, seconds: u64) {
    let file = File::open(path).expect("it opens");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("it can be dated");
}

/// Files, folders, links and pipes, three deep; gives back their paths, parents first.
fn make(dice: &mut Dice, folder: &Path, depth: u64, all: &mut Vec<PathBuf>) {
    for number in 0..3 + dice.below(6) {
        let path = folder.join(format!("{}{number}", ["a", "b*", "c d", "\u{e9}"][dice.below(4) as usize]));
        all.push(path.clone());
        match dice.below(10) {
            0..3 if depth < 3 => {
                fs::create_dir(&path).expect("a folder");
                make(dice, &path, depth + 1, all);
                date(&path, THEN);
            }
            3 => symlink("somewhere", &path).expect("a link"),
            4 => {
                let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
                assert!(made.success(), "{}", path.display());
            }
            _ => {
                fs::write(&path, vec![b'x'; dice.below(50) as usize]).expect("a file");
                date(&path, THEN);
            }
        }
    }
}

fn remove(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(path).expect("it goes");
    } else {
        drop(fs::remove_file(path));
    }
}

/// Does something to what is there.
fn disturb(dice: &mut Dice, path: &Path, elsewhere: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    let spare = elsewhere.join(format!("{}", dice.below(u64::MAX)));
    match dice.below(16) {
        0 if metadata.is_file() => date(path, THEN + 1000),
        1 if metadata.is_file() => {
            fs::write(path, "what was written later, and is longer than all the others are")
                .expect("it writes");
        }
        2 if metadata.is_file() => {
            fs::write(path, "what was written earlier, and is longer than all the others are")
                .expect("it writes");
            date(path, THEN - 1000);
        }
        3 if metadata.is_file() => {
            fs::hard_link(path, spare).expect("a link");
            fs::write(path, "what has two names, and is longer than all the others are alone")
                .expect("it writes");
        }
        4 if !metadata.is_symlink() => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o711)).expect("it can be set");
        }
        5 => remove(path),
        6 => {
            remove(path);
            symlink("elsewhere", path).expect("a link");
        }
        7 => {
            remove(path);
            fs::create_dir(path).expect("a folder");
            if dice.below(2) == 0 {
                fs::write(path.join("in the way"), "x").expect("a file");
            }
        }
        8 => {
            remove(path);
            fs::write(path, "a file now").expect("a file");
        }
        9 if metadata.is_dir() => {
            fs::rename(path, &spare).expect("it moves");
            symlink(spare, path).expect("a link");
        }
        10 if metadata.is_dir() => {
            fs::create_dir_all(path.join("extra/deep")).expect("a folder");
            fs::write(path.join("extra/deep/file"), "x").expect("a file");
            fs::write(path.join("extra file"), "xyz").expect("a file");
        }
        _ => {}
    }
}

/// What restic says that it would do, by the path on the disk.
async fn dry_run(bench: &Bench, id: &str, run: &Run, wanted: &Wanted) -> BTreeMap<PathBuf, Action> {
    let mut command = restore(id, run, wanted);
    (command.dry_run, command.verbose) = (true, true);
    let invocation = command.prepare(&bench.connection, &bench.version).expect("a command");
    let mut running = bench.runner.spawn(&invocation, Input::Null).await.expect("restic starts");
    let mut said = BTreeMap::new();
    while let Some(event) = running.next_event().await {
        let Event::VerboseStatus(status) = event else { continue };
        let path = match status.action {
            Action::Deleted => PathBuf::from(&status.item),
            _ => native(&run.into).join(status.item.trim_start_matches('/')),
        };
        said.insert(path, status.action);
    }
    running.wait().await;
    said
}

fn restore(id: &str, run: &Run, wanted: &Wanted) -> Restore {
    let snapshot = SnapshotName::id(id).subfolder(native(&run.parent));
    let mut command = Restore::new(snapshot, native(&run.into));
    (command.overwrite, command.delete) = (Some(wanted.overwrite), wanted.delete);
    let patterns: Vec<_> = run
        .names
        .iter()
        .map(|name| include_argument(&[b"/", name.as_slice()].concat()).expect("it can be told"))
        .collect();
    if !patterns.is_empty() {
        command.selection =
            RestoreSelection::Include { patterns, insensitive_patterns: Vec::new(), files: Vec::new() };
    }
    command
}

fn native(path: &[u8]) -> PathBuf {
    std::ffi::OsStr::from_bytes(path).into()
}

/// Whether what the plan says of a path that restic names is what restic says. `unread` says whether only a look into
/// the file tells that its content is the same.
fn agrees(class: Class, kind: Kind, action: &Action, was_file: bool, unread: bool, mode: Overwrite) -> bool {
    use Class::{
        AttributesReset, Blocked, BreaksHardLink, LeftAlone, New, NewerReplaced, Removed, Replaced, Unchanged,
    };
    let is_quiet = matches!(mode, Overwrite::Never | Overwrite::IfNewer);
    match (action, class) {
        (Action::Deleted, class) => class == Removed,
        (Action::Restored, New | Blocked) => true,
        (Action::Restored, class) if kind == Kind::Dir => matches!(class, AttributesReset | Unchanged),
        (Action::Restored, Replaced | NewerReplaced | AttributesReset) => kind != Kind::File || !was_file,
        (Action::Restored, Unchanged) => kind != Kind::File && !is_quiet,
        (Action::Updated, Replaced | NewerReplaced | BreaksHardLink) => kind == Kind::File && was_file,
        (Action::Unchanged, LeftAlone) => is_quiet,
        (Action::Unchanged, Unchanged | AttributesReset) => kind == Kind::File || is_quiet,
        (Action::Unchanged, Replaced | NewerReplaced | BreaksHardLink) => unread,
        _ => false,
    }
}

struct Case<'a> {
    index: &'a Index,
    source: &'a Path,
    /// What each file held when it was backed up.
    held: &'a BTreeMap<PathBuf, Vec<u8>>,
}

impl Case<'_> {
    /// Whether plan and dry run say the same of every path.
    fn compare(&self, plan: &Plan, said: &BTreeMap<PathBuf, Action>, mode: Overwrite) {
        let classes: BTreeMap<_, _> = plan.rows.iter().map(|row| (native(&row.path), row.class)).collect();
        assert_eq!(plan.more_rows, 0);
        // What is below something that is in the way is not gone into by both alike.
        let blocked: BTreeSet<_> =
            classes.iter().filter(|(_, class)| **class == Class::Blocked).map(|(path, _)| path).collect();
        let is_below =
            |path: &Path| path.ancestors().skip(1).any(|above| blocked.contains(&above.to_path_buf()));
        for (path, action) in said.iter().filter(|(path, _)| !is_below(path)) {
            let class = classes.get(path).copied().unwrap_or(Class::Unchanged);
            let meta = self.index.entry(path.as_os_str().as_bytes()).expect("blocks read");
            let kind = meta.map_or(Kind::Other, |meta| meta.kind);
            let was_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
            let unread = was_file && fs::read(path).ok().as_ref() == self.held.get(path);
            let agrees = agrees(class, kind, action, was_file, unread, mode);
            assert!(agrees, "{}: {class:?}, and restic: {action:?} ({kind:?}, {mode:?})", path.display());
        }
        for (path, class) in
            classes.iter().filter(|(path, class)| **class != Class::Blocked && !is_below(path))
        {
            assert!(
                said.contains_key(path),
                "{}: {class:?}, and restic says nothing ({mode:?})",
                path.display()
            );
        }
    }

    fn wanted(&self, dice: &mut Dice, all: &[PathBuf], overwrite: Overwrite) -> Wanted {
        let mut selection = vec![self.source.to_owned()];
        if dice.below(2) == 0 {
            selection = (0..3).map(|_| all[dice.below(all.len() as u64) as usize].clone()).collect();
        }
        let bytes: Vec<_> = selection.iter().map(|path| path.as_os_str().as_bytes().to_vec()).collect();
        let runs = runs(&bytes, &Target::Original).expect("a selection");
        let owners = fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
        Wanted { runs, overwrite, delete: dice.below(2) == 0, owners }
    }
}

/// So many trees are made for each restic; `RM_TEST_TREES` asks for more.
fn trees() -> u64 {
    std::env::var("RM_TEST_TREES").ok().and_then(|number| number.parse().ok()).unwrap_or(2)
}

fn planned(index: &Index, wanted: &Wanted) -> Plan {
    plan(index, wanted, &LocalDisk, || true).expect("the disk can be looked at")
}

#[tokio::test]
async fn the_classes_are_those_of_a_dry_run_and_a_restore_leaves_nothing_to_do() {
    for program in find_every_restic() {
        for seed in 1..=trees() {
            let place = folder();
            let bench = Bench::new(&program, place.path()).await;
            if bench.version < OVERWRITE {
                break;
            }
            let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (source, elsewhere) = (place.path().join("source"), place.path().join("elsewhere"));
            let mut all = Vec::new();
            for folder in [&source, &elsewhere] {
                fs::create_dir(folder).expect("a folder");
            }
            make(&mut dice, &source, 0, &mut all);
            let files =
                all.iter().filter(|path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()));
            let held = files.map(|path| (path.clone(), fs::read(path).expect("it reads"))).collect();
            let key = bench.back_up(&source).await;
            let indexes = Indexes::open(&place.path().join("index"), u64::MAX).expect("it opens");
            bench.index(&indexes, key).await.expect("it is made");
            let index = indexes.index(key, Timestamp::from_milliseconds(0)).expect("it is there");
            all.iter().for_each(|path| disturb(&mut dice, path, &elsewhere));

            let id = key.snapshot.to_string();
            let case = Case { index: &index, source: &source, held: &held };
            for mode in MODES {
                let wanted = case.wanted(&mut dice, &all, mode);
                for run in &wanted.runs {
                    let one = Wanted { runs: vec![run.clone()], ..wanted.clone() };
                    let said = dry_run(&bench, &id, run, &one).await;
                    case.compare(&planned(&index, &one), &said, mode);
                }
            }
            settle(&bench, &id, &case, &mut dice, &all).await;
        }
    }
}

/// Clears the way, restores all of it, and plans again: everything is as in the snapshot.
async fn settle(bench: &Bench, id: &str, case: &Case<'_>, dice: &mut Dice, all: &[PathBuf]) {
    let everything = [case.source.to_owned()].map(|path| path.as_os_str().as_bytes().to_vec());
    let runs = runs(&everything, &Target::Original).expect("a selection");
    let wanted = Wanted { runs, delete: true, ..case.wanted(dice, all, Overwrite::Always) };
    let plan = planned(case.index, &wanted);
    plan.rows.iter().filter(|row| row.class == Class::Blocked).for_each(|row| remove(&native(&row.path)));
    let command = restore(id, &wanted.runs[0], &wanted).prepare(&bench.connection, &bench.version);
    bench.run(&command.expect("a command")).await;
    let after = planned(case.index, &wanted);
    assert_eq!(after.rows, [], "restic {}", bench.version);
    assert_eq!((after.bytes, after.inodes), (0, 0));
}
