//! Nothing that a real restic printed is lost or misread.

use restic_manager_restic::document::{
    self, Config, Elements, FindDecoder, FindEvent, FindMatches, ForgetGroup, FoundObject, Key,
    SnapshotGroup, Stats, Tree,
};
use restic_manager_restic::event::Snapshot;
use restic_manager_restic::{Capability, DocumentError, Event, Version};
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
    assert!(listed >= 1600, "the corpus only grows: {listed}");
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
            "snapshots" if is_grouped(recording) => round_trip::<Vec<SnapshotGroup>>(recording),
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

/// Snapshots in one group are a plain list.
fn is_grouped(recording: &Recording) -> bool {
    recording.command.contains("--group-by") && !recording.command.contains("--group-by ''")
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
        if recording.verb() != "snapshots" || is_grouped(recording) {
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

fn streams(recording: &Recording) -> Vec<(Event, Vec<u8>)> {
    let mut all = events(&recording.stdout, 4096);
    all.extend(events(&recording.stderr, 4096));
    all
}
