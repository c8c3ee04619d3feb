use proptest::prelude::*;
use restic_manager_crypto::{
    Fingerprint, Identity, KeyFileProblem, Label, PublicKey, SeededRandom, Signature,
};
use std::fs;

const LABELS: [Label; 6] = [
    Label::ServerChallenge,
    Label::AgentProof,
    Label::Enrolment,
    Label::EnrolmentAnswer,
    Label::AuditCheckpoint,
    Label::Release,
];

fn identity(seed: u64) -> Identity {
    Identity::generate(&SeededRandom::new(seed))
}

#[test]
fn a_signature_counts_for_its_purpose_alone() {
    let identity = identity(1);
    for made_for in LABELS {
        let signature = identity.sign(made_for, b"message");
        for shown_for in LABELS {
            let verified = identity.public_key().verify(shown_for, b"message", &signature);
            assert_eq!(verified.is_ok(), made_for == shown_for, "{made_for:?} as {shown_for:?}");
        }
    }
}

#[test]
fn anything_else_is_no_signature() {
    let (mine, other) = (identity(1), identity(2));
    let signature = mine.sign(Label::Release, b"message");
    let verify =
        |key: PublicKey, message: &[u8], signature| key.verify(Label::Release, message, &signature).is_ok();
    assert!(verify(mine.public_key(), b"message", signature));
    assert!(!verify(other.public_key(), b"message", signature));
    assert!(!verify(mine.public_key(), b"", signature));
    assert!(!verify(mine.public_key(), b"message ", signature));
    assert!(!verify(mine.public_key(), b"message", other.sign(Label::Release, b"message")));
    assert!(!verify(mine.public_key(), b"message", Signature::from_bytes([0; 64])));
    assert!(!verify(mine.public_key(), b"message", Signature::from_bytes([0xff; 64])));
    assert!(!verify(PublicKey::from_bytes([0xff; 32]), b"message", signature));
}

#[test]
fn the_label_cannot_be_moved_into_the_message() {
    let identity = identity(1);
    let signature = identity.sign(Label::Enrolment, b" answer");
    assert!(identity.public_key().verify(Label::EnrolmentAnswer, b"", &signature).is_err());
}

#[test]
fn the_file_is_made_once_and_then_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.key");
    assert_eq!(*Identity::open_file(&path).unwrap_err().problem(), KeyFileProblem::Missing);
    let made = Identity::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    let content = fs::read(&path).unwrap();
    let opened = Identity::open_or_create(&path, &SeededRandom::new(2)).unwrap();
    assert_eq!(opened.public_key(), made.public_key());
    let signature = opened.sign(Label::AgentProof, b"message");
    assert!(made.public_key().verify(Label::AgentProof, b"message", &signature).is_ok());
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn damaged_files_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.key");
    Identity::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let replaced = |at: usize| {
        let letter = if &good[at..=at] == "A" { "B" } else { "A" };
        format!("{}{letter}{}", &good[..at], &good[at + 1..])
    };
    let body = good.find('\n').unwrap() + 1;
    let seed_only = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n-----END PRIVATE KEY-----\n";
    for content in [
        String::new(),
        good.replace("BEGIN PRIVATE", "BEGIN PUBLIC"),
        good.replace("-----END PRIVATE KEY-----", ""),
        good[..good.len() - 40].to_owned(),
        replaced(body),       // structure
        replaced(body + 30),  // private part
        replaced(body + 100), // public part
        seed_only.to_owned(), // nothing to check the private part against
        format!("{good}{good}"),
    ] {
        fs::write(&path, &content).unwrap();
        let refused = Identity::open_or_create(&path, &SeededRandom::new(2)).unwrap_err();
        assert!(matches!(refused.problem(), KeyFileProblem::Damaged { .. }), "{content:?}: {refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()));
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[cfg(unix)]
#[test]
fn others_may_not_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.key");
    Identity::open_or_create(&path, &SeededRandom::new(1)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Identity::open_file(&path).unwrap_err();
    assert_eq!(*refused.problem(), KeyFileProblem::Exposed { mode: 0o644 });
}

#[test]
fn fingerprints_are_16_groups_and_forgive_how_they_are_typed() {
    let fingerprint = identity(1).public_key().fingerprint();
    let shown = fingerprint.to_string();
    assert_eq!(shown.split('-').map(str::len).collect::<Vec<_>>(), [4; 16]);
    let colons = shown
        .replace('-', "")
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8(pair.to_vec()).unwrap())
        .collect::<Vec<_>>()
        .join(":");
    for typed in [
        shown.clone(),
        shown.to_uppercase(),
        shown.replace('-', ""),
        shown.replace('-', " "),
        colons,
        format!(" {shown}\n"),
    ] {
        assert_eq!(typed.parse(), Ok(fingerprint), "{typed}");
    }
    for wrong in [
        "",
        &shown[1..],
        &shown[..78],
        &format!("{shown}0"),
        &shown.replace(&shown[..4], "wxyz"),
        &shown.replace('-', "_"),
        "é",
    ] {
        assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn fingerprints_survive_their_text(bytes: [u8; 32]) {
        let fingerprint = Fingerprint::from_bytes(bytes);
        prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }

    #[test]
    fn signatures_verify_and_one_changed_bit_breaks_them(message: Vec<u8>, at in 0..64usize, bit in 0..8u8) {
        let identity = identity(1);
        let mut signature = identity.sign(Label::Release, &message);
        prop_assert!(identity.public_key().verify(Label::Release, &message, &signature).is_ok());
        let mut bytes = *signature.as_bytes();
        bytes[at] ^= 1 << bit;
        signature = Signature::from_bytes(bytes);
        prop_assert!(identity.public_key().verify(Label::Release, &message, &signature).is_err());
    }
}
