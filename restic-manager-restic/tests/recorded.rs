//! Nothing that a real restic printed is lost, misread or misjudged.

use restic_manager_restic::document::{
    self, Config, Elements, FindDecoder, FindEvent, FindMatches, ForgetGroup, FoundObject, Key,
    SnapshotGroup, Stats, Tree,
};
use restic_manager_restic::event::Snapshot;
use restic_manager_restic::exit::{Evidence, Outcome};
use restic_manager_restic::{Capability, Cause, DocumentError, Event, Version};
use serde_json::Value;

use crate::corpus::{CORPUS, Recording, each, events, scenarios, versions};
use crate::reference;

#[test]
fn every_listed_recording_is_there_and_no_other() {
    let versions = versions();
    let mut listed = 0;
    for (scenario, exits) in scenarios() {
        assert_eq!(exits.len(), versions.len(), "{scenario}");
        for (version, exit) in versions.iter().zip(exits) {
            let recorded = CORPUS[version].get(&scenario).map(|recording| recording.exit.as_str());
            assert_eq!(recorded, (exit != "-").then_some(exit.as_str()), "{version} {scenario}");
            listed += usize::from(exit != "-");
        }
    }
    assert_eq!(listed, each().count(), "a recording is not listed in scenarios.tsv");
    assert!(listed >= 1397, "the corpus only grows: {listed}");
}

#[test]
fn no_line_is_lost_however_it_arrives() {
    for (version, scenario, recording) in each() {
        for stream in [&recording.stdout, &recording.stderr] {
            let whole = events(stream, 1 << 20);
            let lines: Vec<&[u8]> = whole.iter().map(|(_, line)| line.as_slice()).collect();
            let text = stream.strip_suffix(b"\n").unwrap_or(stream);
            assert!(lines.join(&b'\n') == text, "{version} {scenario}");
            if stream.len() < 100_000 {
                assert!(events(stream, 13) == whole, "{version} {scenario}");
            }
        }
    }
}

#[test]
fn no_known_message_is_left_unrecognised() {
    for (version, scenario, recording) in each().filter(|(_, _, recording)| !recording.is_data) {
        for (event, line) in streams(recording) {
            match event {
                Event::Unrecognized { .. } | Event::Overlong { .. } => {
                    panic!("{version} {scenario}: {event:?}")
                }
                Event::Text { text, .. } => {
                    let is_json =
                        text.starts_with(['{', '[']) && serde_json::from_str::<Value>(&text).is_ok();
                    assert!(!is_json, "{version} {scenario}: {text}");
                }
                Event::Document { json } => {
                    let value: Value = serde_json::from_str(&json).expect("a document is JSON");
                    assert!(value.get("message_type").is_none() && value.get("struct_type").is_none());
                }
                typed => reference::assert_read_as_serde_does(&typed, &line),
            }
        }
    }
}

#[test]
fn documents_are_read_and_written_the_same() {
    let mut count = 0;
    for (version, scenario, recording) in each() {
        let read = match recording.verb() {
            verb if !recording.has_json() && !verb.starts_with("cat") => continue,
            "snapshots" if recording.command.contains("--group-by") => {
                round_trip::<Vec<SnapshotGroup>>(recording)
            }
            "snapshots" => round_trip::<Vec<Snapshot>>(recording),
            "stats" => round_trip::<Stats>(recording),
            "forget" => round_trip::<Vec<ForgetGroup>>(recording),
            "key list" => round_trip::<Vec<Key>>(recording),
            "find" if scenario.starts_with("find-blob") || scenario.starts_with("find-tree") => {
                round_trip::<Vec<FoundObject>>(recording)
            }
            "find" => round_trip::<Vec<FindMatches>>(recording),
            "cat config" => round_trip::<Config>(recording),
            "cat snapshot" => round_trip::<Snapshot>(recording),
            "cat tree" => round_trip::<Tree>(recording),
            _ => continue,
        };
        match read {
            Ok(()) => count += 1,
            Err(DocumentError::NoJson) => {
                let is_silent = recording.exit != "0" || recording.verb() == "forget";
                assert!(is_silent, "{version} {scenario}: {}", recording.command);
            }
            Err(error) => panic!("{version} {scenario}: {error}"),
        }
    }
    assert!(count >= 240, "{count} documents");
}

fn round_trip<T>(recording: &Recording) -> Result<(), DocumentError>
where
    T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug,
{
    let document: T = document::parse(&recording.stdout)?;
    let written = serde_json::to_vec(&document).expect("JSON");
    assert_eq!(document::parse::<T>(&written).as_ref(), Ok(&document));
    Ok(())
}

#[test]
fn arrays_are_read_element_by_element() {
    let mut count = 0;
    for (version, scenario, recording) in each() {
        if recording.verb() != "snapshots" || recording.command.contains("--group-by") {
            continue;
        }
        let Ok(all) = document::parse::<Vec<Snapshot>>(&recording.stdout) else { continue };
        for piece_bytes in [1, 100, 1 << 20] {
            let mut elements = Elements::new();
            let mut read = Vec::new();
            for piece in recording.stdout.chunks(piece_bytes) {
                elements.push(piece);
                while let Some(element) = elements.next_element::<Snapshot>() {
                    read.push(element.expect("a snapshot"));
                }
            }
            assert_eq!(read, all, "{version} {scenario}");
            assert_eq!(elements.finish(), Ok(()), "{version} {scenario}");
        }
        count += 1;
    }
    assert!(count > 100, "{count} arrays");
}

#[test]
fn find_is_read_match_by_match() {
    let mut count = 0;
    for (version, scenario, recording) in each() {
        if recording.verb() != "find" || recording.exit != "0" || !recording.has_json() {
            continue;
        }
        for piece_bytes in [1, 100, 1 << 20] {
            let mut decoder = FindDecoder::new();
            let mut found = Found::default();
            for piece in recording.stdout.chunks(piece_bytes) {
                decoder.push(piece);
                while let Some(event) = decoder.next_event() {
                    found.add(event.expect("a find event"));
                }
            }
            assert_eq!(decoder.finish(), Ok(()), "{version} {scenario}");
            if found.objects.is_empty() {
                assert!(document::parse(&recording.stdout) == Ok(found.matches), "{version} {scenario}");
            } else {
                assert_eq!(document::parse(&recording.stdout), Ok(found.objects));
            }
        }
        count += 1;
    }
    assert!(count > 15, "{count} searches");
}

#[derive(Default)]
struct Found {
    matches: Vec<FindMatches>,
    objects: Vec<FoundObject>,
    pending: Vec<Value>,
}

impl Found {
    fn add(&mut self, event: FindEvent) {
        match event {
            FindEvent::Match(node) => self.pending.push(serde_json::to_value(node).expect("JSON")),
            FindEvent::Snapshot { id, hits } => {
                let matches = std::mem::take(&mut self.pending);
                let whole = serde_json::json!({ "matches": matches, "hits": hits, "snapshot": id });
                self.matches.push(serde_json::from_value(whole).expect("matches"));
            }
            FindEvent::Object(object) => self.objects.push(object),
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn versions_and_ids_are_read() {
    for (version, scenario, recording) in each().filter(|(_, _, recording)| recording.exit == "0") {
        match recording.verb() {
            "version" => assert_eq!(Version::from_output(&recording.stdout), Ok(version), "{scenario}"),
            "list" if !recording.command.contains("blobs") => {
                let lines =
                    recording.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
                assert_eq!(document::ids(&recording.stdout).count(), lines, "{version} {scenario}");
            }
            _ => {}
        }
    }
}

#[test]
fn what_a_version_prints_is_what_the_table_says() {
    for (version, scenario, recording) in each() {
        let events = streams(recording);
        let says_why = events.iter().any(|(event, _)| matches!(event, Event::ExitError(_)));
        assert!(!says_why || version.has(Capability::ExitErrorMessage), "{version} {scenario}");
        for (event, _) in events {
            match event {
                Event::BackupSummary(summary) => {
                    assert_eq!(summary.backup_start.is_some(), version.has(Capability::BackupTimes));
                    let id_bytes = summary.snapshot_id.map_or(64, |id| id.len());
                    assert_eq!(id_bytes == 64, version.has(Capability::FullSnapshotId));
                }
                Event::CheckSummary(_) => assert!(version.has(Capability::CheckJson)),
                Event::TagSummary(_) | Event::TagChange(_) => assert!(version.has(Capability::TagJson)),
                Event::RestoreSummary(_) => assert!(version.has(Capability::RestoreJson)),
                Event::Initialized(_) => assert!(version.has(Capability::InitJson)),
                Event::Failure(failure) if version.has(Capability::ErrorText) => {
                    assert!(!failure.text().ends_with("without text"));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn every_run_is_judged_rightly() {
    for (version, scenario, recording) in each() {
        let outcome = judge(recording);
        let expected = expected_cause(scenario, recording);
        assert_eq!(
            outcome.cause, expected,
            "{version} {scenario} exit {}: {:?}",
            recording.exit, outcome.message
        );
        assert!(!outcome.advice().is_empty());
        assert_eq!(outcome.lock.is_some(), expected == Cause::Locked, "{version} {scenario}");
        assert!(
            outcome.message.is_some() || matches!(expected, Cause::Success | Cause::Killed),
            "{version} {scenario}"
        );
        for line in recording.stderr.split(|byte| *byte == b'\n') {
            assert!(!String::from_utf8_lossy(line).contains("demo-pass"));
        }
    }
}

fn judge(recording: &Recording) -> Outcome {
    let mut evidence = Evidence::new();
    for (event, _) in events(&recording.stderr, 4096) {
        evidence.note(&event);
    }
    evidence.conclude(recording.termination())
}

/// Scenario and the cause it has whenever it fails (or, with [`Cause::Refused`], pretends not to). The first row counts.
const CAUSES: &[(&str, Cause)] = &[
    ("ao-init-existing", Cause::RepositoryExists),
    ("ao-*", Cause::Refused),
    ("backup-compression-bad-env", Cause::Misuse),
    ("backup-disk-full", Cause::OutOfSpace),
    ("backup-exclude-bad-pattern", Cause::Misuse),
    ("backup-exclude-file-missing", Cause::Misuse),
    ("backup-missing-all", Cause::SourceMissing),
    ("backup-parent-unknown", Cause::SnapshotMissing),
    ("backup-sig*", Cause::Interrupted),
    ("backup-stdin-from-command-fail", Cause::Other),
    ("backup-tmpdir-full", Cause::OutOfSpace),
    ("backup-tmpdir-missing", Cause::Other),
    ("backup-unreadable*", Cause::Incomplete),
    ("backup-missing-some", Cause::Incomplete),
    ("cat-unknown", Cause::SnapshotMissing),
    ("check-read-data-subset-bad", Cause::Misuse),
    ("check-sigint", Cause::Interrupted),
    ("copy-wrong-from-password", Cause::WrongPassword),
    ("damaged-*", Cause::Damaged),
    ("diff-unknown", Cause::SnapshotMissing),
    ("dump-missing", Cause::SnapshotMissing),
    ("find-pack-unknown", Cause::SnapshotMissing),
    ("forget-*", Cause::Misuse),
    ("init-existing", Cause::RepositoryExists),
    ("init-no-permission", Cause::Permission),
    ("key-remove-current", Cause::Misuse),
    ("key-remove-unknown", Cause::SnapshotMissing),
    ("lock-file-garbage", Cause::Interrupted),
    ("locked-*", Cause::Locked),
    ("ls-*", Cause::SnapshotMissing),
    ("missing-*-backup", Cause::Incomplete),
    ("missing-*", Cause::Damaged),
    ("no-keys-*", Cause::WrongPassword),
    ("no-repo-given", Cause::Misuse),
    ("no-repo-*", Cause::RepositoryMissing),
    ("password-*", Cause::Misuse),
    ("prune-max-unused-bad", Cause::Misuse),
    ("rclone-not-installed", Cause::Misuse),
    ("repo-readonly-*", Cause::Permission),
    ("repo-unreadable-*", Cause::Permission),
    ("rest-401-*", Cause::Permission),
    ("rest-dns-failure", Cause::Unreachable),
    ("rest-https-to-http", Cause::Unreachable),
    ("rest-init-plain-existing", Cause::RepositoryExists),
    ("rest-no-repo", Cause::RepositoryMissing),
    ("rest-other-users-repo", Cause::Permission),
    ("rest-refused*", Cause::Unreachable),
    ("rest-server-dies", Cause::Interrupted),
    ("rest-wrong-repo-password", Cause::WrongPassword),
    ("restore-disk-full", Cause::OutOfSpace),
    ("restore-file-blocked-by-dir", Cause::Other),
    ("restore-id-unknown", Cause::SnapshotMissing),
    ("restore-no-match-host", Cause::SnapshotMissing),
    ("restore-no-target", Cause::Misuse),
    ("restore-overwrite-bad", Cause::Misuse),
    ("restore-sigint", Cause::Interrupted),
    ("restore-special-nonroot", Cause::Permission),
    ("restore-subfolder*", Cause::SnapshotMissing),
    ("restore-target-unwritable", Cause::Permission),
    ("snapshots-group-by-bad", Cause::Misuse),
    ("stale-*", Cause::Locked),
    ("stats-mode-bad", Cause::Misuse),
    ("stats-sigint", Cause::Interrupted),
    ("truncated-pack-check", Cause::Damaged),
    ("usage-no-args", Cause::Misuse),
    ("usage-*", Cause::TooOld),
    ("*wrong-password*", Cause::WrongPassword),
];

/// On storage that only takes additions, these want to remove something even where restic exits with 0.
const REFUSED_THOUGH_SUCCESSFUL: &[&str] =
    &["ao-forget", "ao-forget-plain", "ao-forget-prune", "ao-prune", "ao-tag"];

fn expected_cause(scenario: &str, recording: &Recording) -> Cause {
    let text = String::from_utf8_lossy(&recording.stderr);
    let is_cut_short = recording.command.contains("# note: still running after");
    if recording.exit.starts_with("signal") {
        return Cause::Killed;
    }
    if recording.exit == "0" {
        let is_refused = REFUSED_THOUGH_SUCCESSFUL.contains(&scenario);
        return if is_refused { Cause::Refused } else { Cause::Success };
    }
    // The recorder stopped what hung for too long.
    if is_cut_short || recording.exit == "130" {
        return Cause::Interrupted;
    }
    if text.contains("unknown flag") || text.contains("unknown command") || text.contains("is experimental") {
        return Cause::TooOld;
    }
    // Before 0.17 the message is that of any file.
    if scenario == "backup-exclude-file-missing" && !text.contains("failed to read patterns") {
        return Cause::Other;
    }
    let row = CAUSES.iter().find(|(pattern, _)| fits(pattern, scenario));
    row.map(|(_, cause)| *cause).ok_or(scenario).expect("an expected cause for every scenario that fails")
}

/// A `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).any(|skipped| fits(tail, &rest[skipped..]))),
    }
}

#[test]
fn what_a_cancelled_run_waited_for_is_told() {
    let waiting = CORPUS["0.19.1"]["rest-refused"].termination();
    let outcome = judge(&CORPUS["0.19.1"]["rest-refused"]);
    assert_eq!(outcome.termination, waiting);
    assert_eq!((outcome.cause, outcome.hint), (Cause::Interrupted, Some(Cause::Unreachable)));
}

#[test]
fn the_holder_of_a_lock_is_named() {
    for (version, scenario, recording) in
        each().filter(|(_, scenario, _)| scenario.starts_with("locked-excl-backup"))
    {
        let holder = judge(recording).lock.unwrap_or_else(|| panic!("{version} {scenario}"));
        assert_eq!((holder.host.as_str(), holder.user.as_str()), ("demo-host", "demo"));
        assert_eq!((holder.uid, holder.gid), (Some(1000), Some(1000)));
        assert!(holder.is_exclusive && holder.pid > 0);
        assert!(holder.age.is_some_and(|age| age.as_secs() < 60), "{version} {scenario}");
        assert_eq!(holder.lock_id.as_deref().map(str::len), Some(8));
        assert!(holder.created.is_some_and(|created| created.starts_with("2026-11-22 ")));
    }
}

#[test]
fn refused_files_are_named() {
    let refusals = judge(&CORPUS["0.18.0"]["ao-forget"]).refusals;
    assert!(refusals.count > 0);
    assert!(refusals.files.iter().all(|file| file.starts_with("snapshot/")), "{refusals:?}");
}

fn streams(recording: &Recording) -> Vec<(Event, Vec<u8>)> {
    let mut all = events(&recording.stdout, 4096);
    all.extend(events(&recording.stderr, 4096));
    all
}
