//! A state folder has one owner, and its files are whole or not there.

use crate::support::folder;
use restic_manager_agent::files::{self, FileProblem, StateFolder};

#[test]
fn two_agents_never_share_a_folder() {
    let folder = folder();
    assert!(!StateFolder::is_in_use(folder.path()));
    let held = StateFolder::open(folder.path()).expect("nobody has it");
    assert!(StateFolder::is_in_use(folder.path()));
    let error = StateFolder::open(folder.path()).expect_err("somebody has it");
    assert!(matches!(error.problem, FileProblem::InUse), "{error}");
    drop(held);
    StateFolder::open(folder.path()).expect("nobody has it any more");
}

#[test]
fn what_a_crash_left_beside_a_file_is_removed() {
    let folder = folder();
    let path = folder.path().join("jobs.json");
    files::write(&path, b"whole").expect("the file writes");
    std::fs::write(folder.path().join("jobs.json.tmp"), b"ha").expect("the file writes");
    let _held = StateFolder::open(folder.path()).expect("nobody has it");
    assert!(!folder.path().join("jobs.json.tmp").exists());
    assert_eq!(files::read(&path, 100).expect("the file reads").as_deref(), Some("whole"));
}

#[test]
fn a_file_that_is_too_long_or_no_text_is_damaged() {
    let folder = folder();
    let path = folder.path().join("jobs.json");
    assert_eq!(files::read(&path, 100).expect("absent is no error"), None);
    for content in [&[b'x'; 101][..], &[0xff, 0xfe]] {
        files::write(&path, content).expect("the file writes");
        let error = files::read(&path, 100).expect_err("it is damaged");
        assert!(matches!(error.problem, FileProblem::Damaged { .. }));
        assert!(error.to_string().contains("jobs.json"), "{error}");
    }
}

/// Whoever looks whether an agent runs never keeps one from starting.
#[test]
fn a_look_at_a_folder_does_not_take_it() {
    let folder = folder();
    drop(StateFolder::open(folder.path()).expect("nobody has it"));
    let looking = std::fs::File::open(folder.path().join("running")).expect("it was made");
    looking.lock_shared().expect("nobody has it");
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| StateFolder::open(folder.path()));
        drop(looking);
        opening.join().expect("it does not panic").expect("only a look was in the way");
    });
}
