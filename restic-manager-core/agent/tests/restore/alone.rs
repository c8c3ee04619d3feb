//! A plan by itself: one entry at a time, and what its id is made of.

use std::fs;

use restic_manager_agent::{
    index::{Index, Kind, Meta, Moment},
    restore::{Class, Found, LocalDisk, Plan, PlanError, ROWS, Target, Wanted, classify, plan, runs},
};
use restic_manager_restic::command::Overwrite;

use crate::{
    index::model::{Memory, Model},
    support::folder,
};

const MODES: [Overwrite; 4] = [Overwrite::Always, Overwrite::IfChanged, Overwrite::IfNewer, Overwrite::Never];

fn file(size: u64, seconds: i64) -> Meta {
    let mtime = Moment { seconds, nanoseconds: 7 };
    Meta { mode: 0o644, size, mtime, ..Meta::new(Kind::File) }
}

fn found(meta: &Meta) -> Found {
    let Meta { kind, mode, uid, gid, size, mtime, .. } = *meta;
    Found { kind, mode, uid, gid, size, mtime, links: 1 }
}

/// What happens in each mode, to an entry where this is.
fn in_all_modes(meta: &Meta, there: &Found, is_empty: bool) -> [Class; 4] {
    MODES.map(|mode| classify(meta, Some(there), mode, true, || is_empty))
}

#[test]
fn what_happens_to_an_entry() {
    use Class::{AttributesReset, Blocked, BreaksHardLink, LeftAlone, NewerReplaced, Replaced, Unchanged};
    let meta = file(10, 1000);
    let same = found(&meta);
    let at = |seconds| Moment { seconds, nanoseconds: 7 };
    let older = Found { mtime: at(900), ..same };
    let dir = Found { kind: Kind::Dir, ..older };
    let cases: [(&str, Found, bool, [Class; 4]); 9] = [
        ("the same", same, false, [Unchanged; 4]),
        (
            "mode",
            Found { mode: 0o600, ..same },
            false,
            [AttributesReset, AttributesReset, LeftAlone, LeftAlone],
        ),
        ("owner", Found { uid: 5, ..same }, false, [AttributesReset, AttributesReset, LeftAlone, LeftAlone]),
        ("older", older, false, [Replaced, Replaced, Replaced, LeftAlone]),
        (
            "newer",
            Found { mtime: at(1001), ..same },
            false,
            [NewerReplaced, NewerReplaced, LeftAlone, LeftAlone],
        ),
        (
            "linked",
            Found { links: 2, ..older },
            false,
            [BreaksHardLink, BreaksHardLink, BreaksHardLink, LeftAlone],
        ),
        ("a link", Found { kind: Kind::Symlink, ..older }, false, [Replaced, Replaced, Replaced, LeftAlone]),
        ("an empty folder", dir, true, [Replaced, Replaced, Replaced, LeftAlone]),
        ("a folder", dir, false, [Blocked, Blocked, Blocked, LeftAlone]),
    ];
    for (name, there, is_empty, expected) in cases {
        assert_eq!(in_all_modes(&meta, &there, is_empty), expected, "{name}");
    }
    assert_eq!(MODES.map(|mode| classify(&meta, None, mode, true, || false)), [Class::New; 4]);
    let others = Found { uid: 5, gid: 6, ..same };
    assert_eq!(classify(&meta, Some(&others), Overwrite::Always, false, || false), Unchanged);

    let folder = Meta { size: 0, kind: Kind::Dir, ..meta };
    let odd = Found { mode: 0o700, ..found(&folder) };
    assert_eq!(in_all_modes(&folder, &odd, false), [AttributesReset; 4], "whatever the mode says");
    for kind in [Kind::Symlink, Kind::File] {
        assert_eq!(in_all_modes(&folder, &Found { kind, ..same }, false), [Blocked; 4]);
    }
}

fn index(model: &Model) -> Index {
    model.build(1, &Memory::default()).1
}

fn wanted(selection: &[&str], target: &Target) -> Wanted {
    let selection: Vec<_> = selection.iter().map(|path| path.as_bytes().to_vec()).collect();
    let runs = runs(&selection, target).expect("a selection");
    Wanted { runs, overwrite: Overwrite::Always, delete: false, owners: false }
}

fn made(index: &Index, wanted: &Wanted) -> Plan {
    plan(index, wanted, &LocalDisk, || true).expect("the disk can be looked at")
}

#[test]
fn the_id_is_of_all_that_was_asked_and_found() {
    let place = folder();
    let path = |name: &str| place.path().join(name);
    let mut model = Model::default();
    for name in ["a", "b"] {
        model.add(&[b"srv".to_vec(), name.as_bytes().to_vec()], file(10, 1000));
    }
    let (index, target) =
        (index(&model), Target::Folder(place.path().as_os_str().as_encoded_bytes().to_vec()));
    let all = wanted(&["/srv/a", "/srv/b"], &target);
    let first = made(&index, &all);
    assert_eq!(first, made(&index, &all));
    assert_eq!((first.count(Class::New).entries, first.bytes, first.inodes), (2, 20, 2));

    let mut ids = vec![first.id];
    let mut differs = |plan: Plan| {
        assert!(!ids.contains(&plan.id), "{:?}", plan.rows);
        ids.push(plan.id);
    };
    differs(made(&index, &wanted(&["/srv/a"], &target)));
    differs(made(&index, &Wanted { overwrite: Overwrite::Never, ..all.clone() }));
    differs(made(&index, &Wanted { delete: true, ..all.clone() }));
    fs::write(path("a"), "1").expect("a file");
    differs(made(&index, &all));
    // It is replaced as before, but it is another one.
    fs::write(path("a"), "12").expect("a file");
    let replaced = made(&index, &all);
    assert_eq!(replaced.count(Class::NewerReplaced).entries, 1);
    differs(replaced);
}

#[test]
fn rows_are_bounded_and_the_rest_is_counted() {
    let mut model = Model::default();
    for number in 0..ROWS + 50 {
        model.add(&[b"big".to_vec(), format!("{number:06}").into_bytes()], file(1, 1));
    }
    let index = index(&model);
    let big = made(&index, &wanted(&["/"], &Target::Folder(b"/no/such/folder".to_vec())));
    assert_eq!((big.rows.len(), big.more_rows), (ROWS, 51));
    assert_eq!(big.count(Class::New).entries, ROWS as u64 + 51);
    let mut asked = 0;
    let stopped = plan(&index, &wanted(&["/"], &Target::Original), &LocalDisk, || {
        asked += 1;
        asked < 100
    });
    assert!(matches!(stopped, Err(PlanError::Stopped)));
}

#[test]
fn a_path_that_is_not_in_the_snapshot_is_named() {
    let index = index(&Model::default());
    let error = plan(&index, &wanted(&["/gone"], &Target::Original), &LocalDisk, || true)
        .expect_err("it is not there");
    assert!(matches!(&error, PlanError::NotThere { path } if path == b"/gone"), "{error}");
}

#[test]
fn a_file_where_the_target_folder_should_be_is_in_the_way() {
    let place = folder();
    let target = place.path().join("file");
    fs::write(&target, "x").expect("a file");
    let mut model = Model::default();
    model.add(&[b"a".to_vec()], file(1, 1));
    let target = Target::Folder(target.as_os_str().as_encoded_bytes().to_vec());
    assert_eq!(made(&index(&model), &wanted(&["/a"], &target)).count(Class::Blocked).entries, 1);
}
