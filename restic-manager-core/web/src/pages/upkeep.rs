//! How a repository's upkeep stands, who does it, how often, and the buttons that do it now.

use restic_manager_proto::{
    HostId,
    api::{
        Code, Nothing, Reference,
        hosts::Attachment,
        jobs::{self, ByJob, Job},
        repositories::Repository,
        upkeep::{Duty, UpkeepChange},
    },
    vocabulary::{Cause, DeletionVerdict, JobKind, RepositoryState, UpkeepState},
};
use serde::Serialize;

use super::{context::Cx, form_reader::FormReader, form_state::FormState, job_rows::waiting};
use crate::{
    api::Failure,
    forms::Form,
    text,
    view::{Action, Moment, Pill, SelectOption, Tone, job_pill, kind_word},
};

/// One line of what is known: a question, the answer, since when, and what to do about it.
#[derive(Serialize)]
pub(crate) struct Line {
    label: &'static str,
    state: Pill,
    text: String,
    action: Option<Action>,
}

/// A repository's health at a glance.
pub(crate) fn pill(state: UpkeepState) -> Pill {
    match state {
        UpkeepState::Good => Pill::new(Tone::Good, "shield-check", "healthy"),
        UpkeepState::Failing => Pill::new(Tone::Warn, "triangle-alert", "needs a look"),
        UpkeepState::Overdue => Pill::new(Tone::Bad, "circle-x", "overdue"),
        UpkeepState::Frozen => Pill::new(Tone::Warn, "lock", "retention frozen"),
        UpkeepState::Idle => Pill::new(Tone::Unknown, "circle-dashed", "not used"),
        UpkeepState::Off => Pill::new(Tone::Unknown, "ban", "switched off"),
        _ => Pill::new(Tone::Unknown, "hourglass", "not known yet"),
    }
}

/// What was verified, and only that.
pub(crate) fn health(cx: &Cx, repository: &Repository, users: &Users<'_>) -> Vec<Line> {
    let mut lines = vec![opens(users), backed_up(cx, repository)];
    let judged = |duty: &&Duty| matches!(duty.kind, JobKind::Forget | JobKind::Prune | JobKind::Check);
    lines.extend(repository.upkeep.duties.iter().filter(judged).map(|duty| duty_line(cx, duty)));
    lines.push(deletion(cx, repository));
    lines
}

/// The hosts of a repository, as far as one page of the API has them.
pub(crate) struct Users<'a> {
    pub(crate) attached: &'a [Attachment],
    /// How many there are in all.
    pub(crate) hosts: u64,
}

impl Users<'_> {
    fn are_all(&self) -> bool {
        self.hosts <= self.attached.len() as u64
    }
}

/// What is said of a part of the hosts is never said of all.
fn opens(users: &Users<'_>) -> Line {
    let count = |state| users.attached.iter().filter(|one| one.state == state).count();
    let (seen, ready) = (users.attached.len(), count(RepositoryState::Ready));
    let of = match users.are_all() {
        true => format!("of {seen} hosts"),
        false => format!("of the first {seen} of {} hosts", users.hosts),
    };
    let not_verified = || Pill::new(Tone::Unknown, "circle-dashed", "not verified");
    let (state, text) = match (seen, ready, count(RepositoryState::Unverified)) {
        (0, ..) => (
            Pill::new(Tone::Unknown, "circle-dashed", "unknown"),
            "no host uses it, so nobody can check".to_owned(),
        ),
        (seen, ready, unverified) if ready + unverified < seen => {
            (Pill::new(Tone::Bad, "circle-x", "fails"), format!("opens for {ready} {of}; see below why"))
        }
        (_, ready, 0) if users.are_all() => {
            (Pill::new(Tone::Good, "circle-check", "opens"), format!("for {ready} {of}"))
        }
        (_, ready, _) => (not_verified(), format!("opened by {ready} {of}")),
    };
    Line { label: "Opens with its password", state, text, action: None }
}

fn backed_up(cx: &Cx, repository: &Repository) -> Line {
    let since = cx.moment_of(repository.last_snapshot_at);
    let seen = format!("{} snapshots seen", text::count(repository.snapshots));
    let (state, text) = match (repository.upkeep.backups, &since) {
        (UpkeepState::Overdue, _) => (
            Pill::new(Tone::Bad, "circle-x", "overdue"),
            format!("{seen}, but none for three days: look at the hosts below"),
        ),
        (_, Some(_)) => (Pill::new(Tone::Good, "circle-check", "seen"), seen),
        (_, None) => {
            (Pill::new(Tone::Unknown, "circle-dashed", "never"), "no snapshot was seen yet".to_owned())
        }
    };
    Line { label: "Backed up", state: state.since(since), text, action: None }
}

/// A part of the upkeep: green only when it was effective lately enough.
fn duty_line(cx: &Cx, duty: &Duty) -> Line {
    let label = match duty.kind {
        JobKind::Forget => "Last forget",
        JobKind::Prune => "Last prune",
        _ => "Last check",
    };
    let unwell = matches!(duty.state, UpkeepState::Failing | UpkeepState::Overdue);
    let why = duty
        .last_job
        .filter(|_| unwell)
        .map(|job| Action { label: "See why".to_owned(), href: format!("/jobs/{job}") });
    let state = duty_pill(duty.state).since(cx.moment_of(duty.last_effective_at));
    Line { label, state, text: duty_text(duty), action: why }
}

fn duty_pill(state: UpkeepState) -> Pill {
    match state {
        UpkeepState::Good => Pill::new(Tone::Good, "circle-check", "done"),
        UpkeepState::Failing => Pill::new(Tone::Warn, "triangle-alert", "last try failed"),
        UpkeepState::Overdue => Pill::new(Tone::Bad, "circle-x", "overdue"),
        UpkeepState::Frozen => Pill::new(Tone::Warn, "lock", "frozen"),
        UpkeepState::Off => Pill::new(Tone::Unknown, "ban", "switched off"),
        UpkeepState::Idle => Pill::new(Tone::Unknown, "circle-dashed", "nothing to do"),
        _ => Pill::new(Tone::Unknown, "hourglass", "not done yet"),
    }
}

fn duty_text(duty: &Duty) -> String {
    match duty.state {
        UpkeepState::Idle => return "no source group has a retention policy; everything is kept".to_owned(),
        UpkeepState::Frozen => return "stopped until an admin lifts the freeze; see below why".to_owned(),
        UpkeepState::Off => return String::new(),
        _ => {}
    }
    let failed = duty.last_cause.filter(|cause| *cause != Cause::None);
    let failed = failed.map(|cause| format!("the last try ended with: {}", cause.as_str().replace('-', " ")));
    let turn = duty.part.zip(duty.parts).zip(duty.full_read_days).map(|((part, parts), days)| {
        format!("part {part} of {parts} is next; everything is read in {days} days")
    });
    failed.into_iter().chain(turn).collect::<Vec<_>>().join("; ")
}

/// Whether the everyday credential may delete, as it was seen.
fn deletion(cx: &Cx, repository: &Repository) -> Line {
    let label = "Safe from its hosts";
    let Some(test) = &repository.upkeep.deletion else {
        let text = if repository.backend == "local" {
            "not tested: whoever has the host can delete what lies in a folder of it"
        } else {
            "not tested since the credential or the location was set"
        };
        let state = Pill::new(Tone::Unknown, "circle-dashed", "not tested");
        return Line { label, state, text: text.to_owned(), action: None };
    };
    let (state, text) = match test.verdict {
        DeletionVerdict::Refused => (
            Pill::new(Tone::Good, "shield-check", "proven refused"),
            format!("{} tried with the everyday credential, and the storage refused", test.host.name),
        ),
        _ => (
            Pill::new(Tone::Bad, "circle-x", "NOT refused"),
            "the everyday slot can delete: who takes over a host can delete every backup here. Make the storage \
             append-only for it, and give what may delete to the maintenance slot alone"
                .to_owned(),
        ),
    };
    let action = Action { label: "The proof".to_owned(), href: format!("/jobs/{}", test.job) };
    Line { label, state: state.since(Some(cx.moment(test.at))), text, action: Some(action) }
}

/// One duty with its cadence and its button.
#[derive(Serialize)]
pub(crate) struct DutyRow {
    kind: &'static str,
    label: &'static str,
    state: Pill,
    every: Option<String>,
    effective: Option<Moment>,
    next: Option<Moment>,
    last_job: Option<String>,
    active: Option<Active>,
}

/// A job that does it now, or waits for that.
#[derive(Serialize)]
struct Active {
    href: String,
    state: Pill,
    waiting: Option<String>,
}

/// The duties with the jobs that do them now.
pub(crate) async fn duties(cx: &Cx, repository: &Repository) -> Result<Vec<DutyRow>, Failure> {
    let mut rows = Vec::new();
    for duty in &repository.upkeep.duties {
        let active = match duty.job {
            Some(job) => match cx.api.get::<jobs::Show>(ByJob { job }, Nothing {}).await {
                // The host that does it is out of the caller's sight.
                Err(failure) if failure.code() == Some(Code::NotFound) => None,
                found => Some(found?),
            },
            None => None,
        };
        rows.push(DutyRow::new(cx, duty, active.filter(|job| !job.state.is_end())));
    }
    Ok(rows)
}

impl DutyRow {
    fn new(cx: &Cx, duty: &Duty, active: Option<Job>) -> Self {
        Self {
            kind: duty.kind.as_str(),
            label: kind_word(duty.kind),
            state: duty_pill(duty.state),
            every: duty.every_hours.map(every),
            effective: cx.moment_of(duty.last_effective_at),
            next: cx.moment_of(duty.next_at),
            last_job: duty.last_job.map(|job| format!("/jobs/{job}")),
            active: active.map(|job| Active {
                href: format!("/jobs/{}", job.id),
                state: job_pill(job.state),
                waiting: waiting(&job),
            }),
        }
    }
}

/// "every 7 days".
fn every(hours: u32) -> String {
    match (hours, hours % 24) {
        (1, _) => "every hour".to_owned(),
        (24, _) => "every day".to_owned(),
        (hours, 0) => format!("every {} days", hours / 24),
        (hours, _) => format!("every {hours} hours"),
    }
}

/// Who does the upkeep and how often, as a form.
#[derive(Serialize)]
pub(crate) struct UpkeepForm<'a> {
    pub(crate) form: FormState<'a>,
    open: bool,
    runner_name: Option<String>,
    runners: Vec<SelectOption>,
    risk: Option<String>,
    cadences: Vec<Cadence>,
    default_parallel: String,
}

#[derive(Serialize)]
struct Cadence {
    name: String,
    label: &'static str,
    options: Vec<SelectOption>,
}

/// Cadences that are offered, in hours.
const OFFERED: [u32; 9] = [1, 6, 12, 24, 48, 7 * 24, 14 * 24, 30 * 24, 90 * 24];

impl<'a> UpkeepForm<'a> {
    pub(crate) fn new(mut form: FormState<'a>, repository: &Repository, attached: &[Attachment]) -> Self {
        let upkeep = &repository.upkeep;
        let check = upkeep.duties.iter().find(|duty| duty.kind == JobKind::Check);
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let runner = upkeep.runner.as_ref().map(|runner| runner.id.to_string()).unwrap_or_default();
        form.text("runner", &runner)
            .text("check_parts", &number(check.and_then(|duty| duty.parts).map(u64::from)))
            .text("parallel", &number(upkeep.parallel_chosen.then_some(upkeep.parallel)));
        let mut cadence = |duty: &Duty| {
            let name = every_hours(duty.kind);
            form.text(&name, &number(duty.every_hours.map(u64::from)));
            Cadence { options: options(form.value(&name).parse().ok()), label: kind_word(duty.kind), name }
        };
        Self {
            cadences: upkeep.duties.iter().map(&mut cadence).collect(),
            open: form.is_posted(),
            form,
            runner_name: upkeep.runner.as_ref().map(|runner| runner.name.clone()),
            runners: runners(upkeep.runner.as_ref(), attached),
            risk: Some(upkeep.risk.clone()).filter(|risk| !risk.is_empty()),
            default_parallel: upkeep.parallel.to_string(),
        }
    }
}

fn every_hours(kind: JobKind) -> String {
    format!("{}_every_hours", kind.as_str().replace('-', "_"))
}

/// Nobody in particular, the hosts that are known here, and whoever is named now, wherever that host stands.
fn runners(named: Option<&Reference<HostId>>, attached: &[Attachment]) -> Vec<SelectOption> {
    let option = |id: HostId, name: &str| SelectOption { value: id.to_string(), label: name.to_owned() };
    let nobody = SelectOption { value: String::new(), label: "any attached host".to_owned() };
    let elsewhere = named.filter(|named| attached.iter().all(|one| one.host.id != named.id));
    core::iter::once(nobody)
        .chain(elsewhere.map(|named| option(named.id, &named.name)))
        .chain(attached.iter().map(|one| option(one.host.id, &one.host.name)))
        .collect()
}

/// What is offered, and what is set if it is something else.
fn options(set: Option<u32>) -> Vec<SelectOption> {
    let mut hours: Vec<u32> = OFFERED.into_iter().chain(set).collect();
    hours.sort_unstable();
    hours.dedup();
    let option = |hours: u32| SelectOption { value: hours.to_string(), label: every(hours) };
    let never = SelectOption { value: String::new(), label: "never".to_owned() };
    core::iter::once(never).chain(hours.into_iter().map(option)).collect()
}

const NUMBER: &str = "a whole number, such as 20, or nothing";

/// What was chosen. A runner that cannot be read is refused: no runner would mean any host.
pub(crate) fn read(form: &Form) -> Result<UpkeepChange, Failure> {
    let mut reader = FormReader::new(form);
    let runner = reader.optional("runner", "runner", "choose one of the hosts, or any attached host");
    let check_parts = reader.optional("check_parts", "check_parts", NUMBER);
    let parallel = reader.optional("parallel", "parallel", NUMBER);
    let mut every = |kind: JobKind| {
        let name = every_hours(kind);
        reader.optional(&name, &name, NUMBER)
    };
    let change = UpkeepChange {
        runner,
        forget_every_hours: every(JobKind::Forget),
        prune_every_hours: every(JobKind::Prune),
        check_every_hours: every(JobKind::Check),
        statistics_every_hours: every(JobKind::Statistics),
        deletion_test_every_hours: every(JobKind::DeletionTest),
        check_parts,
        parallel,
    };
    reader.finish(Some(change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cadence_of_ones_own_is_offered_too() {
        let values = |set| options(set).into_iter().map(|option| option.value).collect::<Vec<_>>();
        assert_eq!(values(Some(36))[..6], ["", "1", "6", "12", "24", "36"]);
        assert_eq!(values(Some(24)).len(), 1 + OFFERED.len());
        assert_eq!(every(36), "every 36 hours");
    }

    #[test]
    fn nothing_chosen_means_never_and_anybody() {
        let change = read(&Form::parse(b"runner=&forget_every_hours=24&prune_every_hours=&check_parts=10"));
        let change = change.ok().unwrap();
        assert_eq!(
            (change.forget_every_hours, change.prune_every_hours, change.runner),
            (Some(24), None, None)
        );
        assert_eq!((change.check_parts, change.parallel), (Some(10), None));
        for wrong in ["check_parts=ten", "runner=somebody"] {
            let Err(Failure::Refused(problem)) = read(&Form::parse(wrong.as_bytes())) else {
                panic!("{wrong}")
            };
            assert!(wrong.starts_with(&problem.fields[0].field), "{wrong}");
        }
    }
}
