use proptest::prelude::*;
use restic_manager_crypto::{
    Context, KeyFileProblem, Keyring, Mark, OpenError, Sealed, SecretBytes, SeededRandom,
};
use std::{fs, path::PathBuf};

const ROW: [u8; 16] = [7; 16];

fn ring(seed: u64) -> Keyring {
    Keyring::generate(&SeededRandom::new(seed))
}

fn context() -> Context {
    Context::repository_password(&ROW)
}

proptest! {
    #[test]
    fn what_was_sealed_opens_in_its_place(secret in any::<Vec<u8>>(), row in any::<Vec<u8>>(), seed: u64) {
        let place = Context::new("table", &row, "field");
        let keyring = ring(1);
        let sealed = keyring.seal(&place, &secret, &SeededRandom::new(seed));
        let stored = Sealed::from_bytes(sealed.into_bytes());
        let opened = keyring.open(&place, &stored).unwrap();
        prop_assert_eq!(opened.expose(), secret);
    }

    #[test]
    fn one_changed_bit_is_enough(secret in prop::collection::vec(any::<u8>(), 0..64), at: prop::sample::Index, bit in 0..8u8) {
        let keyring = ring(1);
        let mut bytes = keyring.seal(&context(), &secret, &SeededRandom::new(2)).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(keyring.open(&context(), &Sealed::from_bytes(bytes)), Err(OpenError::default()));
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in any::<Vec<u8>>()) {
        prop_assert!(ring(1).open(&context(), &Sealed::from_bytes(bytes)).is_err());
    }
}

#[test]
fn a_blob_opens_nowhere_else() {
    let keyring = ring(1);
    let sealed = keyring.seal(&context(), b"open sesame", &SeededRandom::new(2));
    for elsewhere in [
        Context::repository_password(&[8; 16]),
        Context::everyday_credential(&ROW),
        Context::maintenance_credential(&ROW),
        Context::new("repository", ROW, "Password"),
        Context::new("repository ", ROW, "password"),
        Context::new("repositor", [&b"y"[..], &ROW].concat(), "password"),
        Context::new("repository", "07070707-0707-0707-0707-070707070707", "password"),
        Context::new("repository", [], "password"),
        Context::new("", [], ""),
    ] {
        assert!(keyring.open(&elsewhere, &sealed).is_err(), "{elsewhere:?}");
    }
}

#[test]
fn a_blob_of_another_key_does_not_open() {
    let sealed = ring(1).seal(&context(), b"open sesame", &SeededRandom::new(2));
    assert!(ring(2).open(&context(), &sealed).is_err());
}

#[test]
fn a_blob_that_names_another_key_does_not_open() {
    let (mine, other) = (ring(1), ring(2));
    let mut bytes = mine.seal(&context(), b"open sesame", &SeededRandom::new(3)).into_bytes();
    bytes[1..9].copy_from_slice(other.newest_id().as_bytes());
    let forged = Sealed::from_bytes(bytes);
    assert_eq!(forged.key_id(), Some(other.newest_id()));
    assert!(mine.open(&context(), &forged).is_err());
    assert!(other.open(&context(), &forged).is_err());
}

#[test]
fn every_shortened_or_lengthened_blob_is_refused() {
    let keyring = ring(1);
    let bytes = keyring.seal(&context(), b"open sesame", &SeededRandom::new(2)).into_bytes();
    for length in 0..bytes.len() {
        assert!(keyring.open(&context(), &Sealed::from_bytes(&bytes[..length])).is_err(), "{length}");
    }
    assert!(keyring.open(&context(), &Sealed::from_bytes([&bytes[..], &[0]].concat())).is_err());
}

#[test]
fn no_two_blobs_share_salt_or_ciphertext() {
    let (keyring, random) = (ring(1), SeededRandom::new(2));
    let one = keyring.seal(&context(), b"same secret", &random).into_bytes();
    let two = keyring.seal(&context(), b"same secret", &random).into_bytes();
    assert_ne!(one[9..41], two[9..41]);
    assert_ne!(one[41..], two[41..]);
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    let keys = |lengths: &[usize]| {
        Keyring::from_keys(lengths.iter().map(|length| SecretBytes::new(vec![1; *length]))).is_ok()
    };
    assert!(keys(&[32]));
    assert!(!keys(&[]));
    assert!(!keys(&[31]));
    assert!(!keys(&[33]));
    assert!(!keys(&[32, 0]));
}

#[test]
fn rotation_writes_with_the_new_key_and_reads_with_both() {
    let (folder, path) = folder();
    let random = SeededRandom::new(1);
    let before = Keyring::open_or_create(&path, &random).unwrap();
    let old_blob = before.seal(&context(), b"open sesame", &random);

    let after = Keyring::rotate_file(&path, &random).unwrap();
    let again = Keyring::open_file(&path).unwrap();
    assert_eq!(after.key_ids().collect::<Vec<_>>(), [before.newest_id(), after.newest_id()]);
    assert!(again.key_ids().eq(after.key_ids()));
    assert_eq!(again.open(&context(), &old_blob).unwrap().expose(), b"open sesame");

    let new_blob = again.reseal(&context(), &old_blob, &random).unwrap().expect("it was under the old key");
    assert_eq!(new_blob.key_id(), Some(after.newest_id()));
    assert_eq!(again.open(&context(), &new_blob).unwrap().expose(), b"open sesame");
    assert_eq!(again.reseal(&context(), &new_blob, &random).unwrap(), None);
    assert!(before.open(&context(), &new_blob).is_err());
    assert_eq!(names_in(&folder), ["secret.key"]);
}

#[test]
fn an_interrupted_rotation_is_noticed() {
    let (folder, path) = folder();
    let before = Keyring::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    let leftover = folder.path().join("secret.key.new");
    fs::write(&leftover, "half a file").unwrap();
    let refused = Keyring::rotate_file(&path, &SeededRandom::new(2)).unwrap_err();
    assert_eq!(*refused.problem(), KeyFileProblem::Busy { leftover });
    assert_eq!(Keyring::open_file(&path).unwrap().newest_id(), before.newest_id());
}

#[test]
fn the_file_is_made_once_and_then_only_read() {
    let (folder, path) = folder();
    let made = Keyring::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    let content = fs::read(&path).unwrap();
    let opened = Keyring::open_or_create(&path, &SeededRandom::new(2)).unwrap();
    assert_eq!(opened.newest_id(), made.newest_id());
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(names_in(&folder), ["secret.key"]);
}

#[test]
fn many_processes_at_a_first_start_agree_on_one_key() {
    let (folder, path) = folder();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let start = |seed| {
            let path = &path;
            scope.spawn(move || Keyring::open_or_create(path, &SeededRandom::new(seed)).unwrap().newest_id())
        };
        let threads: Vec<_> = (0..16).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(names_in(&folder), ["secret.key"]);
}

#[test]
fn the_wrong_key_file_is_recognised_at_start() {
    let (_folder, path) = folder();
    let kept_in_database = ring(1).newest_id();
    let other = Keyring::open_or_create(&path, &SeededRandom::new(2)).unwrap();
    assert!(!other.contains(kept_in_database));
    assert!(ring(1).contains(kept_in_database));
}

#[test]
fn damaged_files_are_refused_and_left_alone() {
    let (_folder, path) = folder();
    Keyring::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let key_at = good.rfind(' ').unwrap() + 1;
    let flipped = if &good[key_at..=key_at] == "A" { "B" } else { "A" };
    let damaged = [
        String::new(),
        "# only a comment\n".to_owned(),
        "restic-manager-keyring-v1\n".to_owned(),
        good.replace("keyring-v1", "keyring-v2"),
        good[..good.len() - 2].to_owned(),
        good[..key_at].to_owned(),
        format!("{}{flipped}{}", &good[..key_at], &good[key_at + 1..]),
        format!("{good}AAAA"),
        format!("{}\u{0}", good),
        "\n".repeat(65 * 1024),
    ];
    for content in damaged {
        fs::write(&path, &content).unwrap();
        let refused = Keyring::open_or_create(&path, &SeededRandom::new(2)).unwrap_err();
        assert!(matches!(refused.problem(), KeyFileProblem::Damaged { .. }), "{content:?}: {refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        assert!(Keyring::rotate_file(&path, &SeededRandom::new(2)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let (_folder, path) = folder();
    fs::write(&path, [0xff, 0xfe]).unwrap();
    restrict(&path, 0o600);
    let refused = Keyring::open_file(&path).unwrap_err();
    assert!(matches!(refused.problem(), KeyFileProblem::Damaged { .. }));
}

#[test]
fn a_missing_file_is_an_error_unless_it_may_be_made() {
    let (_folder, path) = folder();
    assert_eq!(*Keyring::open_file(&path).unwrap_err().problem(), KeyFileProblem::Missing);
    assert_eq!(
        *Keyring::rotate_file(&path, &SeededRandom::new(1)).unwrap_err().problem(),
        KeyFileProblem::Missing
    );
    let no_folder = path.join("below").join("secret.key");
    assert!(Keyring::open_or_create(&no_folder, &SeededRandom::new(1)).is_err());
}

#[test]
fn a_folder_in_its_place_is_refused() {
    let (folder, _) = folder();
    assert!(Keyring::open_or_create(folder.path(), &SeededRandom::new(1)).is_err());
}

#[cfg(unix)]
#[test]
fn others_may_not_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_folder, path) = folder();
    Keyring::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    for mode in [0o604, 0o644, 0o620, 0o602, 0o777] {
        restrict(&path, mode);
        let refused = Keyring::open_file(&path).unwrap_err();
        assert_eq!(*refused.problem(), KeyFileProblem::Exposed { mode });
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
    for mode in [0o600, 0o400, 0o440] {
        restrict(&path, mode);
        assert!(Keyring::open_file(&path).is_ok(), "{mode:o}");
    }
}

#[test]
fn debug_shows_ids_alone() {
    let keyring = ring(1);
    assert_eq!(format!("{keyring:?}"), format!("Keyring[KeyId({})]", keyring.newest_id()));
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    (folder, path)
}

fn names_in(folder: &tempfile::TempDir) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(unix)]
fn restrict(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn restrict(_: &std::path::Path, _: u32) {}

#[test]
fn marks_belong_to_one_ring_one_purpose_and_one_subject() {
    let (mine, theirs) = (Keyring::generate(&SeededRandom::new(1)), Keyring::generate(&SeededRandom::new(2)));
    let mark = mine.mark(Mark::KnownDevice, b"alice");
    assert!(mine.is_mark(Mark::KnownDevice, b"alice", mark.expose()));
    assert!(!mine.is_mark(Mark::KnownDevice, b"bob", mark.expose()));
    assert!(!mine.is_mark(Mark::SessionForm, b"alice", mark.expose()));
    assert!(!theirs.is_mark(Mark::KnownDevice, b"alice", mark.expose()));
    for wrong in ["", &mark.expose()[1..], &format!("{}A", mark.expose())] {
        assert!(!mine.is_mark(Mark::KnownDevice, b"alice", wrong));
    }
    assert_eq!(mark.expose(), mine.mark(Mark::KnownDevice, b"alice").expose(), "nothing is kept for it");
}

#[test]
fn marks_outlive_the_rotation_of_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (path, random) = (folder.path().join("keys"), SeededRandom::new(3));
    let before = Keyring::open_or_create(&path, &random).unwrap().mark(Mark::SessionForm, b"7");
    let rotated = Keyring::rotate_file(&path, &random).unwrap();
    assert!(rotated.is_mark(Mark::SessionForm, b"7", before.expose()));
    assert_ne!(
        rotated.mark(Mark::SessionForm, b"7").expose(),
        before.expose(),
        "new ones follow from the new key"
    );
}
