//! The book of jobs and the outbox tell one story after any crash.

use crate::support::folder;
use restic_manager_agent::{
    files::{self, StateFolder},
    outbox::OutboxLimits,
    state::Journal,
};
use restic_manager_proto::{
    JobEnd, JobId, OutboxId, RepositoryId, Timestamp,
    agent::ReportItem,
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
    assert!(journal.accept(job(number), JobKind::Backup, RepositoryId::from_bytes([1; 16]), None));
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
        let known: Vec<_> = journal.inventory().iter().map(|known| (known.job, known.state)).collect();
        assert_eq!(known, [(job(1), JobState::Failed), (job(2), JobState::Succeeded)]);
    }
}

#[test]
fn an_end_that_reached_the_outbox_alone_is_the_end() {
    let temporary = folder();
    let folder = StateFolder::open(temporary.path()).expect("it is free");
    let mut journal = open(&folder);
    accept(&mut journal, 1);
    journal.start(job(1), NOW, "restic backup").expect("there is room");
    let book = std::fs::read(folder.file("jobs.json")).expect("the book reads");
    journal.end(job(1), NOW, &succeeded()).expect("there is room");
    drop(journal);
    files::write(&folder.file("jobs.json"), &book).expect("the book as it was before");

    assert_eq!(ends(&open(&folder)), [(job(1), JobState::Succeeded, Cause::None)]);
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
    assert!(journal.knows(job(1)));
    journal.end(job(1), NOW, &JobEnd::new(JobState::Failed, Cause::Other)).expect("it has ended");
    assert_eq!(journal.outbox().last(), last, "a job ends once");
    journal.acknowledge(id, last).expect("there is room");
    assert!(!journal.knows(job(1)));
    drop(journal);
    assert!(!open(&folder).knows(job(1)));
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
