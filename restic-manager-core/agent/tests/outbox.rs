//! The outbox against a model of it, and against crashes.

use std::{fs, path::Path};

use crate::support::folder;
use proptest::prelude::*;
use restic_manager_agent::outbox::{Outbox, OutboxLimits};
use restic_manager_proto::{
    JobEnd, JobId, LogLine, OutboxId, Timestamp,
    agent::ReportItem,
    vocabulary::{Cause, JobState, LogStream},
};

const ROOMY: OutboxLimits = OutboxLimits { total_bytes: 1024 * 1024, segment_bytes: 2 * 1024 };

fn open(folder: &Path, limits: OutboxLimits) -> Outbox {
    Outbox::open(folder, limits, || OutboxId::from_bytes([7; 16])).expect("the outbox opens")
}

fn job() -> JobId {
    JobId::from_bytes([1; 16])
}

fn line(sequence: u64, text: &str) -> LogLine {
    LogLine {
        sequence,
        at: Timestamp::from_milliseconds(0),
        stream: LogStream::Stderr,
        text: text.to_owned(),
    }
}

fn log(first: u64, count: u64) -> ReportItem {
    let lines = (first..first + count).map(|sequence| line(sequence, "a line of some length")).collect();
    ReportItem::JobLog { job: job(), lines, dropped: 0 }
}

fn ended() -> ReportItem {
    let end = JobEnd::new(JobState::Succeeded, Cause::None);
    ReportItem::JobEnded { job: job(), at: Timestamp::from_milliseconds(5), end }
}

fn everything(outbox: &Outbox) -> Vec<(u64, ReportItem)> {
    let mut items = Vec::new();
    outbox.visit(|number, item| items.push((number, item))).expect("the outbox reads");
    items
}

/// The items as they would be sent, in reports of at most `bytes`.
fn sent(outbox: &Outbox, bytes: usize) -> Vec<(u64, ReportItem)> {
    let mut items = Vec::new();
    let mut after = 0;
    while let Some(report) = outbox.report(after, bytes).expect("the outbox reads") {
        assert!(!report.items.is_empty(), "a report without items would be sent for ever");
        after = report.last();
        items.extend((report.first..).zip(report.items));
    }
    items
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u64>),
    Acknowledge(u64),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(0..20u64, 1..4).prop_map(Step::Append),
        2 => (0..80u64).prop_map(Step::Acknowledge),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_behaves_like_a_list_with_numbers(steps in steps(), bytes in 1..4000usize) {
        let folder = folder();
        let mut outbox = open(folder.path(), ROOMY);
        let mut model: Vec<(u64, ReportItem)> = Vec::new();
        let (mut next, mut confirmed) = (1, 0);
        for step in steps {
            match step {
                Step::Append(sizes) => {
                    let items: Vec<_> = sizes.iter().map(|&size| log(1, size + 1)).collect();
                    model.extend((next..).zip(items.clone()));
                    next += items.len() as u64;
                    prop_assert_eq!(outbox.append(&items).expect("there is room"), next - 1);
                }
                Step::Acknowledge(through) => {
                    outbox.acknowledge(through).expect("files can be removed");
                    confirmed = confirmed.max(through.min(next - 1));
                    prop_assert_eq!(outbox.acknowledged(), confirmed);
                }
                Step::Reopen => {
                    drop(outbox);
                    outbox = open(folder.path(), ROOMY);
                    // It may have forgotten that something was confirmed, never that something was not.
                    prop_assert!(outbox.acknowledged() <= confirmed);
                    prop_assert_eq!(outbox.last(), next - 1);
                    outbox.acknowledge(confirmed).expect("files can be removed");
                }
            }
            model.retain(|(number, _)| *number > confirmed);
            prop_assert_eq!(&sent(&outbox, bytes), &model);
        }
    }

    #[test]
    fn a_crash_at_any_byte_of_an_append_takes_back_only_that_append(
        kept in 1..6u64, lost in 1..6u64, cut in 0.0..1.0f64,
    ) {
        let folder = folder();
        let file = folder.path().join("00000000000000000001.outbox");
        let mut outbox = open(folder.path(), OutboxLimits { segment_bytes: 1 << 20, ..ROOMY });
        outbox.append(&(0..kept).map(|_| log(1, 2)).collect::<Vec<_>>()).expect("there is room");
        let whole = fs::metadata(&file).expect("the file is there").len();
        outbox.append(&(0..lost).map(|_| log(1, 2)).collect::<Vec<_>>()).expect("there is room");
        drop(outbox);
        let full = fs::metadata(&file).expect("the file is there").len();
        let length = whole + ((full - whole) as f64 * cut) as u64;
        fs::OpenOptions::new().write(true).open(&file).and_then(|file| file.set_len(length)).expect("the file cuts");

        let mut outbox = open(folder.path(), ROOMY);
        prop_assert!((kept..=kept + lost).contains(&outbox.last()));
        let before = everything(&outbox);
        let number = outbox.append(&[ended()]).expect("there is room");
        prop_assert_eq!(number, before.len() as u64 + 1);
        drop(outbox);
        let after = everything(&open(folder.path(), ROOMY));
        prop_assert_eq!(&after[..before.len()], &before[..]);
        prop_assert_eq!(&after[before.len()].1, &ended());
    }

    #[test]
    fn damage_is_an_error_that_names_the_file(at in 0.0..1.0f64, flip in 1..=255u8) {
        let folder = folder();
        let file = folder.path().join("00000000000000000001.outbox");
        let mut outbox = open(folder.path(), OutboxLimits { segment_bytes: 1 << 20, ..ROOMY });
        outbox.append(&[log(1, 3), log(4, 3)]).expect("there is room");
        let judged = fs::metadata(&file).expect("the file is there").len();
        outbox.append(&[ended()]).expect("there is room");
        drop(outbox);
        let mut content = fs::read(&file).expect("the file reads");
        let place = (judged as f64 * at) as usize;
        content[place] ^= flip;
        fs::write(&file, &content).expect("the file writes");

        let error = Outbox::open(folder.path(), ROOMY, || OutboxId::from_bytes([8; 16])).expect_err("it is damaged");
        prop_assert!(error.to_string().contains("00000000000000000001.outbox"), "{error}");
        prop_assert_eq!(fs::read(&file).expect("the file reads"), content, "it was changed");
    }

    #[test]
    fn when_it_is_full_only_log_text_in_the_middle_gives_way(sizes in prop::collection::vec(1..40u64, 30..60)) {
        let limits = OutboxLimits { total_bytes: 48 * 1024, segment_bytes: 1024 };
        let folder = folder();
        let mut outbox = open(folder.path(), limits);
        let mut sequence = 1;
        for size in &sizes {
            outbox.append(&[log(sequence, *size)]).expect("there is room");
            sequence += size;
        }
        outbox.append(&[ended()]).expect("there is room");
        prop_assert!(outbox.bytes() <= limits.total_bytes + 8 * 1024, "{} bytes", outbox.bytes());

        let items = everything(&outbox);
        prop_assert_eq!(items.len(), sizes.len() + 1);
        prop_assert_eq!(&items.last().expect("there are items").1, &ended());
        prop_assert_eq!(&items[0].1, &log(1, sizes[0]), "the beginning stays");
        let mut expected = 1;
        for (_, item) in &items[..sizes.len()] {
            let ReportItem::JobLog { lines, dropped, .. } = item else { panic!("not a log: {item:?}") };
            prop_assert_eq!(lines[0].sequence, expected + dropped, "what is missing is counted exactly");
            expected = lines.last().expect("a line stays").sequence + 1;
            let marked = lines[0].stream == LogStream::Agent;
            prop_assert!(marked || *dropped == 0);
        }
        prop_assert_eq!(expected, sequence);
    }
}

/// A power cut may keep the length of a file and its later blocks, and lose earlier ones.
#[test]
fn an_append_with_holes_is_taken_back_and_damage_before_it_is_not() {
    let folder = folder();
    let file = folder.path().join("00000000000000000001.outbox");
    let limits = OutboxLimits { segment_bytes: 1 << 20, ..ROOMY };
    let mut outbox = open(folder.path(), limits);
    outbox.append(&[log(1, 2), log(3, 2)]).expect("there is room");
    let whole = fs::metadata(&file).expect("the file is there").len() as usize;
    outbox.append(&[log(5, 40), log(45, 40), log(85, 40)]).expect("there is room");
    drop(outbox);
    let full = fs::read(&file).expect("the file reads");
    for (from, to) in
        [(whole, whole + 1), (whole, whole + 512), (whole + 700, whole + 4096), (whole, full.len())]
    {
        let mut holed = full.clone();
        let to = to.min(holed.len());
        holed[from..to].fill(0);
        fs::write(&file, &holed).expect("the file writes");
        let mut outbox = open(folder.path(), limits);
        assert!((2..5).contains(&outbox.last()), "{} of 5", outbox.last());
        let number = outbox.append(&[ended()]).expect("there is room");
        drop(outbox);
        let last = everything(&open(folder.path(), limits)).pop().expect("there are items");
        assert_eq!(last, (number, ended()));
    }
    // The same holes in what was synced before a later append began are damage.
    let mut holed = full;
    holed[whole - 200..whole - 100].fill(0);
    fs::write(&file, &holed).expect("the file writes");
    assert!(Outbox::open(folder.path(), limits, || OutboxId::from_bytes([8; 16])).is_err());
}

/// An item of a newer agent, written before this one was put back, is kept and reported as it is.
#[test]
fn an_item_of_a_kind_that_is_not_known_is_kept() {
    let folder = folder();
    let item: ReportItem =
        serde_json::from_str(r#"{"kind":"moon-phase","job":"01010101-0101-0101-0101-010101010101"}"#)
            .expect("JSON");
    open(folder.path(), ROOMY).append(&[log(1, 2), item.clone(), ended()]).expect("there is room");
    let outbox = open(folder.path(), ROOMY);
    assert_eq!(everything(&outbox)[1], (2, item));
    assert_eq!(outbox.report(0, 1 << 20).expect("it reads").expect("items").items.len(), 3);
}

#[test]
fn an_item_that_no_server_takes_gives_way_to_a_word_that_says_so() {
    let folder = folder();
    let mut outbox = open(folder.path(), OutboxLimits::default());
    let lines = (1..=40).map(|sequence| line(sequence, &"\u{1}".repeat(16_000))).collect();
    outbox.append(&[ReportItem::JobLog { job: job(), lines, dropped: 0 }, ended()]).expect("there is room");
    let items = everything(&outbox);
    assert_eq!((items[0].1.kind(), &items[1].1), ("left-out", &ended()));
}

#[test]
fn a_damaged_file_in_the_middle_is_never_taken_for_a_cut() {
    let folder = folder();
    let mut outbox = open(folder.path(), OutboxLimits { segment_bytes: 200, ..ROOMY });
    for _ in 0..4 {
        outbox.append(&[log(1, 3)]).expect("there is room");
    }
    drop(outbox);
    let first = folder.path().join("00000000000000000001.outbox");
    let length = fs::metadata(&first).expect("the file is there").len();
    fs::OpenOptions::new()
        .write(true)
        .open(&first)
        .and_then(|file| file.set_len(length - 5))
        .expect("the file cuts");
    let error =
        Outbox::open(folder.path(), ROOMY, || OutboxId::from_bytes([8; 16])).expect_err("it is damaged");
    assert!(error.to_string().contains("00000000000000000001.outbox"), "{error}");
}

#[test]
fn a_missing_file_in_the_middle_is_noticed() {
    let folder = folder();
    let mut outbox = open(folder.path(), OutboxLimits { segment_bytes: 200, ..ROOMY });
    for _ in 0..4 {
        outbox.append(&[log(1, 3)]).expect("there is room");
    }
    drop(outbox);
    fs::remove_file(folder.path().join("00000000000000000002.outbox")).expect("the file is there");
    assert!(Outbox::open(folder.path(), ROOMY, || OutboxId::from_bytes([8; 16])).is_err());
}

#[test]
fn it_keeps_its_name_and_its_numbers_when_everything_was_confirmed() {
    let folder = folder();
    let limits = OutboxLimits { segment_bytes: 200, ..ROOMY };
    let mut outbox = open(folder.path(), limits);
    let last = outbox.append(&[log(1, 3), ended()]).expect("there is room");
    outbox.acknowledge(last).expect("files can be removed");
    drop(outbox);
    let outbox =
        Outbox::open(folder.path(), limits, || OutboxId::from_bytes([8; 16])).expect("the outbox opens");
    assert_eq!((outbox.id(), outbox.last()), (OutboxId::from_bytes([7; 16]), 2));
    assert_eq!(everything(&outbox), []);
}

#[test]
fn what_the_disk_refused_can_be_tried_again() {
    let folder = folder();
    let mut outbox = open(folder.path(), OutboxLimits { segment_bytes: 200, ..ROOMY });
    outbox.append(&[log(1, 3)]).expect("there is room");
    // The next file cannot be written while something else stands where it is made.
    let obstacle = folder.path().join("00000000000000000002.outbox.tmp");
    fs::create_dir(&obstacle).expect("a folder");
    let error = outbox.append(&[ended()]).expect_err("it cannot be written");
    assert!(error.to_string().contains("00000000000000000002.outbox"), "{error}");
    assert_eq!((outbox.last(), everything(&outbox).len()), (1, 1));
    fs::remove_dir(&obstacle).expect("it is empty");
    assert_eq!(outbox.append(&[ended()]).expect("there is room"), 2);
    assert_eq!(everything(&outbox), [(1, log(1, 3)), (2, ended())]);
}

#[test]
fn a_full_disk_does_not_keep_confirmed_files() {
    let folder = folder();
    let mut outbox = open(folder.path(), OutboxLimits { segment_bytes: 200, ..ROOMY });
    for _ in 0..4 {
        outbox.append(&[log(1, 3)]).expect("there is room");
    }
    fs::create_dir(folder.path().join("00000000000000000005.outbox.tmp")).expect("a folder");
    outbox.acknowledge(4).expect_err("no new file can be made");
    let left = fs::read_dir(folder.path()).expect("the folder reads").count();
    assert_eq!((left, outbox.acknowledged()), (2, 4), "the last file and the obstacle");
}
