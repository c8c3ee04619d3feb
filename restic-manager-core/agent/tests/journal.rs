//! The book of jobs and the outbox tell one story after any crash.

use crate::support::folder;
use restic_manager_agent::{
    files::{self, StateFolder},
    outbox::OutboxLimits,
    state::Journal,
};
use restic_manager_core::schedule::{Mark, Outlook, Slot};
use restic_manager_proto::{
    JobEnd, JobId, OutboxId, RepositoryId, ScheduleId, SourceGroupId, Timestamp,
    agent::{OutboxPosition, ReportItem, SlotJob},
    vocabulary::{Cause, JobKind, JobState},
};

const NOW: Timestamp = Timestamp::from_milliseconds(1_000_000);

fn open(folder: &StateFolder) -> Journal {
    Journal::open(folder, OutboxLimits::default(), NOW, || OutboxId::from_bytes([7; 16])).expect("it opens")
}

fn job(number: u8) -> JobId {
    JobId::from_bytes([number; 16])
}

fn accept(journal: &mut Journal, number: u8) {
    assert!(journal.book_mut().accept(job(number), JobKind::Backup, RepositoryId::from_bytes([1; 16]), None));
}

fn ends(journal: &Journal) -> Vec<(JobId, JobState, Cause)> {
    let mut ends = Vec::new();
    let see = |_, item| {
        if let ReportItem::JobEnded { job, end, .. } = item {
            ends.push((job, end.state, end.cause));
        }
    };
    journal.outbox().visit(see).expect("it reads");
    ends
}

fn succeeded() -> JobEnd {
    JobEnd::new(JobState::Succeeded, Cause::None)
}

#[test]
fn a_job_that_ran_at_the_crash_ends_once_and_one_that_waited_is_forgotten() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    for number in [1, 2, 3] {
        accept(&mut journal, number);
    }
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    journal.start(job(2), NOW, "restic backup").expect("there is room");
    journal.end(job(2), NOW, &succeeded()).expect("there is room");
    drop(journal);

    let expected =
        [(job(2), JobState::Succeeded, Cause::None), (job(1), JobState::Failed, Cause::AgentStopped)];
    for _ in 0..3 {
        let journal = open(&folder);
        assert_eq!(ends(&journal), expected);
        let known: Vec<_> = journal.book().inventory().iter().map(|known| (known.job, known.state)).collect();
        assert_eq!(known, [(job(2), JobState::Succeeded), (job(1), JobState::Failed)]);
    }
}

/// What may be cut off by a crash: the book is written and the outbox is not; the end follows.
#[test]
fn an_end_that_reached_the_book_alone_is_the_end() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    accept(&mut journal, 1);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    let segment = folder.file("outbox").join("00000000000000000001.outbox");
    let outbox = std::fs::read(&segment).expect("the outbox reads");
    journal.end(job(1), NOW, &succeeded()).expect("there is room");
    drop(journal);
    files::write(&segment, &outbox).expect("the outbox as it was before");

    for _ in 0..2 {
        assert_eq!(ends(&open(&folder)), [(job(1), JobState::Succeeded, Cause::None)]);
    }
}

#[test]
fn a_job_is_forgotten_once_its_end_is_confirmed_and_not_before() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    accept(&mut journal, 1);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    journal.end(job(1), NOW, &succeeded()).expect("there is room");
    let (id, last) = (journal.outbox().id(), journal.outbox().last());

    journal.acknowledge(OutboxId::from_bytes([8; 16]), last).expect("nothing to do");
    journal.acknowledge(id, last - 1).expect("there is room");
    assert!(journal.book().knows(job(1)));
    journal.end(job(1), NOW, &JobEnd::new(JobState::Failed, Cause::Other)).expect("it has ended");
    assert_eq!(journal.outbox().last(), last, "a job ends once");
    journal.acknowledge(id, last).expect("there is room");
    assert!(!journal.book().knows(job(1)));
    drop(journal);
    // A file that is small stays, and is reported again: so is the job, until that is confirmed.
    let mut journal = open(&folder);
    assert!(journal.book().knows(job(1)));
    journal.acknowledge(id, last).expect("there is room");
    assert!(!journal.book().knows(job(1)));
}

#[test]
fn a_damaged_book_is_named_and_left_alone() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    files::write(&folder.file("jobs.json"), b"{\"jobs\":[{").expect("the file writes");
    let error = Journal::open(&folder, OutboxLimits::default(), NOW, || OutboxId::from_bytes([7; 16]))
        .expect_err("it is damaged");
    assert!(error.to_string().contains("jobs.json"), "{error}");
    assert_eq!(std::fs::read(folder.file("jobs.json")).expect("it reads"), b"{\"jobs\":[{");
}

/// A full disk at the start is no reason to stay away: the folder may not be written to, and then may again.
#[test]
fn a_journal_opens_on_a_disk_that_takes_nothing_and_catches_up() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    accept(&mut journal, 1);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    drop(journal);
    let obstacle = folder.file("jobs.json.tmp");
    std::fs::create_dir(&obstacle).expect("a folder where the book is written");

    let mut journal = open(&folder);
    assert_eq!(ends(&journal), []);
    let known = journal.book().inventory();
    assert_eq!((known[0].job, known[0].state), (job(1), JobState::Running), "what ran is not forgotten");
    journal.append(&[]).expect_err("the end comes first");
    std::fs::remove_dir(&obstacle).expect("it is empty");
    journal.append(&[]).expect("there is room");
    assert_eq!(ends(&journal), [(job(1), JobState::Failed, Cause::AgentStopped)]);
}

/// The outbox was moved away, as its own message advises, and the book is as it was.
#[test]
fn a_lost_outbox_ends_what_ran_and_reports_the_slots_that_wait_again() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    let (schedule, group) = (ScheduleId::from_bytes([2; 16]), SourceGroupId::from_bytes([3; 16]));
    let slot = SlotJob { job: job(9), group, repository: RepositoryId::from_bytes([1; 16]) };
    let outlook = Outlook {
        skipped: Vec::new(),
        fire: Some(Slot { schedule, instant: NOW }),
        mark: Mark::new(NOW),
        again_at: None,
    };
    journal.commit(|book| book.decide(schedule, &[group], &outlook, vec![slot], NOW)).expect("there is room");
    accept(&mut journal, 1);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    accept(&mut journal, 2);
    journal.start(job(2), NOW, "restic backup").expect("there is room");
    journal.end(job(2), NOW, &succeeded()).expect("there is room");
    drop(journal);
    std::fs::remove_dir_all(folder.file("outbox")).expect("the outbox is there");

    let fresh = || OutboxId::from_bytes([8; 16]);
    let journal = Journal::open(&folder, OutboxLimits::default(), NOW, fresh).expect("it opens");
    let known: Vec<_> = journal.book().inventory().iter().map(|known| (known.job, known.state)).collect();
    // What was noted last is in the book as well; an older end would be lost, and the server would end that job.
    let expected = [(job(9), JobState::Queued), (job(2), JobState::Succeeded), (job(1), JobState::Failed)];
    assert_eq!(known, expected);
    let mut said = Vec::new();
    journal.outbox().visit(|_, item| said.push(item.kind().to_owned())).expect("it reads");
    assert_eq!(said, ["slot-due", "job-ended", "job-ended"]);
}

/// A machine that was restored from a copy: the server has more than this outbox ever held.
#[test]
fn an_outbox_that_went_back_in_time_begins_anew_and_loses_nothing() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    accept(&mut journal, 1);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    journal.end(job(1), NOW, &succeeded()).expect("there is room");
    let (id, last) = (journal.outbox().id(), journal.outbox().last());
    let fresh = || OutboxId::from_bytes([8; 16]);
    for through in [0, last] {
        let server = OutboxPosition { outbox: id, through };
        assert!(!journal.meet(server, fresh, NOW).expect("there is room"), "nothing is wrong");
    }
    let server = OutboxPosition { outbox: id, through: last + 10 };
    assert!(journal.meet(server, fresh, NOW).expect("there is room"));
    drop(journal);

    for _ in 0..2 {
        let journal = open(&folder);
        assert_eq!(journal.outbox().id(), OutboxId::from_bytes([8; 16]));
        let report = journal.report(0, 1 << 20).expect("it reads").expect("there is something");
        let kinds: Vec<_> = report.items.iter().map(ReportItem::kind).collect();
        assert_eq!(kinds, ["job-started", "job-ended", "outbox-began"]);
        assert!(journal.book().knows(job(1)));
    }
}

/// What a build one version on wrote: fields and job kinds that this one does not know.
#[test]
fn a_book_of_a_newer_agent_is_read_as_far_as_it_goes() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    accept(&mut journal, 1);
    accept(&mut journal, 2);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    journal.start(job(2), NOW, "restic backup").expect("there is room");
    drop(journal);
    let path = folder.file("jobs.json");
    let mut book: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).expect("the book reads")).expect("it is JSON");
    book["moon"] = "full".into();
    book["jobs"][0]["moon"] = "full".into();
    book["jobs"][1]["kind"] = "levitate".into();
    files::write(&path, book.to_string().as_bytes()).expect("the book writes");
    let journal = open(&folder);
    assert!(journal.book().knows(job(1)) && !journal.book().knows(job(2)));
}
