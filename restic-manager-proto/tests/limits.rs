//! Each thing that one end may say, at its largest, fits into what the other end takes.

use restic_manager_proto::{
    JobEnd, JobId, LogLine, Opaque, OutboxId, PreviewedSnapshot, QuestionId, RawPath, RepositoryId,
    RestoreOptions, RestoreTarget, ScheduleId, SnapshotEntry, SnapshotSeen, SourceGroupId, Timestamp,
    agent::{
        Answer, AnswerPart, JobOrder, KnownJob, Message, Report, ReportItem, RepositoryOrder, SlotJob, Task,
        parts,
    },
    frame::{Frame, Payload},
    limits::{
        ANSWER_BYTES, FOLDER_PAGE, FRAME_BYTES, INVENTORY_PART, ITEM_BYTES, LISTING_BYTES, LISTING_PARTS,
        NAME_BYTES, PATH_BYTES, REPORT_BYTES, RESTORE_PATHS_BYTES,
    },
    vocabulary::{Cause, EntryKind, JobState, LogStream, RepositoryState},
};

const AT: Timestamp = Timestamp::from_milliseconds(1_795_316_400_123);
const JOB: JobId = JobId::from_bytes([0xff; 16]);
const REPOSITORY: RepositoryId = RepositoryId::from_bytes([0xff; 16]);

/// The text that grows most on its way into JSON.
fn long() -> String {
    "\u{1}".repeat(2 * FRAME_BYTES)
}

fn snapshot() -> SnapshotSeen {
    let mut seen = SnapshotSeen::new(long(), AT);
    (seen.hostname, seen.username) = (long(), long());
    (seen.parent, seen.program_version) = (Some(long()), Some(long()));
    seen.paths = vec!["\u{1}".repeat(1000); 5000];
    seen.tags = vec!["\u{1}".repeat(1000); 5000];
    seen
}

/// One of each kind, as large as an agent could make it.
fn largest() -> Vec<ReportItem> {
    let mut end = JobEnd::new(JobState::Failed, Cause::Other);
    (end.detail, end.statistics.snapshot) = (long(), Some(long()));
    let line = LogLine { sequence: u64::MAX, at: AT, stream: LogStream::Stderr, text: long() };
    let group = SourceGroupId::from_bytes([0xff; 16]);
    let schedule = ScheduleId::from_bytes([0xff; 16]);
    let previewed = PreviewedSnapshot { id: long(), time: AT, kept_by: vec![long(); 9] };
    vec![
        ReportItem::JobStarted { job: JOB, at: AT, command: long() },
        ReportItem::JobLog { job: JOB, lines: vec![line; 40], dropped: u64::MAX },
        ReportItem::JobEnded { job: JOB, at: AT, end },
        ReportItem::RepositoryChecked {
            repository: REPOSITORY,
            at: AT,
            state: RepositoryState::WrongPassword,
            detail: long(),
        },
        ReportItem::Snapshots {
            repository: REPOSITORY,
            at: AT,
            snapshots: vec![snapshot()],
            part: 0,
            last: true,
        },
        ReportItem::SlotDue {
            schedule,
            slot: AT,
            at: AT,
            jobs: vec![SlotJob { job: JOB, group, repository: REPOSITORY }; 20_000],
        },
        ReportItem::SlotSkipped {
            schedule,
            from: AT,
            through: AT,
            count: u64::MAX,
            at: AT,
            cause: Cause::SlotMissed,
            groups: vec![group; 20_000],
        },
        ReportItem::RetentionPreviewed { job: JOB, snapshots: vec![previewed; 300] },
        ReportItem::SnapshotsForgotten {
            job: JOB,
            repository: REPOSITORY,
            group,
            snapshots: vec![long(); 500],
        },
        ReportItem::OutboxBegan {
            at: AT,
            before: OutboxId::from_bytes([0xff; 16]),
            last: u64::MAX,
            confirmed: u64::MAX,
        },
        serde_json::from_value(serde_json::json!({ "kind": "of-a-newer-agent", "text": long() })).unwrap(),
    ]
}

#[test]
fn each_item_at_its_largest_fits_into_a_frame() {
    let mut kinds = Vec::new();
    for item in largest() {
        let kind = item.kind().to_owned();
        let was_end = matches!(item, ReportItem::JobEnded { .. });
        let parts = item.parts();
        assert!(!parts.is_empty(), "{kind} is lost");
        for part in parts {
            let bytes = serde_json::to_vec(&part).unwrap().len();
            assert!(bytes <= ITEM_BYTES, "{kind}: {bytes} bytes");
            assert_eq!(was_end, matches!(part, ReportItem::JobEnded { .. }), "an end stays an end");
            let report = Report::new(OutboxId::from_bytes([0xff; 16]), u64::MAX - 1, vec![part]);
            let frame = Frame::new(u64::MAX, Payload::Message(Message::Report(report)));
            assert_eq!(Frame::decode(&frame.encode().unwrap()).unwrap(), frame, "{kind}");
        }
        kinds.push(kind);
    }
    // A kind that is added is tried here, too: `kind` has an arm for each.
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 11);
}

#[test]
fn a_report_of_the_largest_size_fits_with_a_largest_item_behind() {
    let filler = ReportItem::JobStarted { job: JOB, at: AT, command: "x".repeat(1000) };
    let one = serde_json::to_vec(&filler).unwrap().len();
    let mut items = vec![filler; REPORT_BYTES / one];
    items.push(largest().swap_remove(4).parts().swap_remove(0));
    let report = Report::new(OutboxId::from_bytes([0xff; 16]), 1, items);
    Frame::new(u64::MAX, Payload::Message(Message::Report(report))).encode().unwrap();
}

#[test]
fn a_part_of_an_inventory_fits_into_a_frame() {
    let known = KnownJob::new(JOB, JobState::Incomplete).with_new(true);
    let jobs = vec![known; INVENTORY_PART];
    let text =
        Frame::new(u64::MAX, Payload::Message(Message::Inventory { jobs, more: true })).encode().unwrap();
    assert!(text.len() < FRAME_BYTES);
}

#[test]
fn lines_of_a_log_that_is_divided_stay_in_order_and_what_was_dropped_is_counted_once() {
    let line =
        |sequence| LogLine { sequence, at: AT, stream: LogStream::Stdout, text: "\u{1}".repeat(16_000) };
    let item = ReportItem::JobLog { job: JOB, lines: (1..=20).map(line).collect(), dropped: 7 };
    let parts = item.parts();
    assert!(parts.len() > 1);
    let (mut sequences, mut dropped) = (Vec::new(), Vec::new());
    for part in parts {
        let ReportItem::JobLog { lines, dropped: before, .. } = part else { panic!("not a log") };
        sequences.extend(lines.iter().map(|line| line.sequence));
        dropped.push(before);
    }
    assert_eq!(sequences, (1..=20).collect::<Vec<_>>());
    assert_eq!((dropped[0], dropped[1..].iter().sum()), (7, 0_u64));
}

/// 2,100 snapshots with 300 paths each are cut to what a server takes; more than it can ever take are refused.
#[test]
fn a_listing_fits_into_what_a_server_holds() {
    let mut seen = SnapshotSeen::new("a".repeat(64), AT);
    seen.paths = (0..300).map(|number| format!("/srv/with/a/name/of/usual/length/{number}")).collect();
    let items = ReportItem::listing(REPOSITORY, AT, &vec![seen; 2100]).unwrap();
    let bytes: usize = items.iter().map(|item| serde_json::to_vec(item).unwrap().len()).sum();
    assert!(items.len() <= LISTING_PARTS && bytes <= LISTING_BYTES + items.len() * 256, "{bytes} bytes");
    let count: usize = items
        .iter()
        .map(|item| match item {
            ReportItem::Snapshots { snapshots, .. } => snapshots.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(count, 2100);
    assert_eq!(ReportItem::listing(REPOSITORY, AT, &[]).unwrap().len(), 1, "an empty listing is news too");
    let mut seen = SnapshotSeen::new("a".repeat(64), AT);
    (seen.hostname, seen.username) = ("h".repeat(NAME_BYTES), "u".repeat(NAME_BYTES));
    let endless = vec![seen; LISTING_BYTES / (2 * NAME_BYTES)];
    assert_eq!(ReportItem::listing(REPOSITORY, AT, &endless), None);
}

#[test]
fn a_restore_and_an_answer_at_their_largest_fit_into_a_frame() {
    // Control characters are written as base64; quotes are what grows most of the rest.
    for letter in ["\u{1}", "\"", "\\"] {
        let path = RawPath::new(format!("/{}", letter.repeat(PATH_BYTES - 1)));
        let target = RestoreTarget::Folder { path: format!("/{}", "\"".repeat(4095)) };
        let mut restore = RestoreOptions::new("a".repeat(64), target);
        restore.paths = vec![path; RESTORE_PATHS_BYTES / PATH_BYTES];
        assert_eq!(restore.check(), Ok(()));
        let repository =
            RepositoryOrder::new(REPOSITORY, "\"".repeat(4096), false, Opaque::new([0xff; 64 * 1024]));
        let task = Task::Restore { restore: Box::new(restore) };
        let order = JobOrder::new(JOB, task, AT, repository, "\"".repeat(64));
        let length = encoded(Message::StartJob(Box::new(order)));
        assert!(length <= FRAME_BYTES, "{letter:?} makes {length} bytes");

        let mut entry = SnapshotEntry::new(RawPath::new(letter.repeat(255)), EntryKind::Symlink);
        entry.link_target = Some(RawPath::new(letter.repeat(4096)));
        (entry.user, entry.group) = ("\"".repeat(256), "\"".repeat(256));
        let all = parts(vec![entry; FOLDER_PAGE], |entries| AnswerPart::Entries { entries });
        let told = all.iter().map(|part| match part {
            AnswerPart::Entries { entries } => entries.len(),
            _ => 0,
        });
        assert_eq!(told.sum::<usize>(), FOLDER_PAGE);
        for part in all {
            let answer = Answer { question: QuestionId::from_bytes([0xff; 16]), part };
            let length = encoded(Message::Answer(answer));
            assert!(length <= ANSWER_BYTES + 1024, "{length} bytes");
        }
    }
}

fn encoded(message: Message) -> usize {
    Frame::new(u64::MAX, Payload::Message(message)).encode().map_or(usize::MAX, |text| text.len())
}
