//! Every recorded run and what is made of it, against a table that a person reads: `recorded/judgements.tsv`.
//!
//! After new recordings or another judgement, `JUDGEMENTS=write` writes the table anew; read what changed before you
//! keep it.

use std::collections::BTreeMap;

use restic_manager_restic::Cause;
use restic_manager_restic::exit::{Evidence, Outcome};

use crate::corpus::{CORPUS, Recording, each, events, folder};

#[test]
fn every_run_is_judged_as_the_table_says() {
    let path = folder().join("judgements.tsv");
    let judged = judgements();
    if std::env::var("JUDGEMENTS").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, &judged).expect("the table is written");
    }
    let table = std::fs::read_to_string(&path).expect("the table of judgements");
    for (found, wanted) in judged.lines().zip(table.lines()) {
        assert_eq!(found, wanted);
    }
    assert_eq!(judged.lines().count(), table.lines().count());
}

/// One row for all versions that make the same of a scenario.
fn judgements() -> String {
    let mut rows: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for (version, scenario, recording) in each() {
        let outcome = judge(recording);
        let hint = outcome.hint.map_or("-", Cause::as_str);
        let message = outcome.message.as_deref().map_or_else(|| "-".to_owned(), without_particulars);
        let verdict = format!("{}\t{}\t{hint}\t{message}", recording.exit, outcome.cause.as_str());
        rows.entry((scenario, verdict)).or_default().push(version.minor().to_string());
    }
    let mut table = "scenario\tversions\texit\tcause\thint\tmessage\n".to_owned();
    for ((scenario, verdict), versions) in rows {
        table += &format!("{scenario}\t0.{{{}}}\t{verdict}\n", versions.join(","));
    }
    table
}

/// Ids, process numbers and times differ from recording to recording.
fn without_particulars(message: &str) -> String {
    let mut text = String::new();
    for word in message.split_inclusive(|char: char| !char.is_ascii_alphanumeric() && char != '.') {
        let bare = word.trim_end_matches(|char: char| !char.is_ascii_alphanumeric());
        let is_id = bare.len() >= 8 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = bare.len() > 3 && bare.starts_with(|char: char| char.is_ascii_digit());
        text += if is_id || is_number { "N" } else { bare };
        text += &word[bare.len()..];
    }
    text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

fn judge(recording: &Recording) -> Outcome {
    let mut evidence = Evidence::new();
    for (event, _) in events(&recording.stderr, 4096) {
        evidence.note(&event);
    }
    evidence.conclude(recording.termination())
}

#[test]
fn every_judgement_has_words_and_no_secret() {
    for (version, scenario, recording) in each() {
        let outcome = judge(recording);
        assert!(!outcome.advice().is_empty());
        assert_eq!(outcome.lock.is_some(), outcome.cause == Cause::Locked, "{version} {scenario}");
        let needs_no_message = matches!(outcome.cause, Cause::Success | Cause::Killed | Cause::Interrupted);
        assert!(outcome.message.is_some() || needs_no_message, "{version} {scenario}");
        assert!(!String::from_utf8_lossy(&recording.stderr).contains("demo-pass"));
    }
}

#[test]
fn what_a_cancelled_run_waited_for_is_told() {
    let outcome = judge(&CORPUS["0.19.1"]["rest-refused"]);
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
