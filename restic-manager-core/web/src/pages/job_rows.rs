//! Jobs as other pages show them: a row, a running one with its progress, why one ended or waits.

use restic_manager_proto::{
    Progress,
    api::jobs::Job,
    vocabulary::{Cause, JobKind, JobState},
};
use serde::Serialize;

use super::context::Cx;
use crate::{
    text,
    view::{Banner, Moment, Pill, ProgressView, Size, Tone, job_pill, kind_word, trigger_word},
};

/// A job as a row of a table.
#[derive(Serialize)]
pub(crate) struct JobRow {
    href: String,
    kind: &'static str,
    host: String,
    what: Option<String>,
    state: Pill,
    why: Option<String>,
    created: Moment,
    by: String,
    took: Option<String>,
    added: Option<Size>,
}

impl JobRow {
    pub(crate) fn new(cx: &Cx, job: &Job) -> Self {
        Self {
            href: format!("/jobs/{}", job.id),
            kind: kind_word(job.kind),
            host: job.host.name.clone(),
            what: job.source_group.as_ref().map(|group| group.name.clone()),
            state: job_pill(job.state),
            why: why(job),
            created: cx.moment(job.created_at),
            by: by(job),
            took: took(job),
            added: job
                .statistics
                .as_ref()
                .filter(|_| job.kind == JobKind::Backup)
                .map(|done| Size::new(done.bytes_added)),
        }
    }
}

/// A running job with its progress.
#[derive(Serialize)]
pub(crate) struct RunningRow {
    href: String,
    title: String,
    #[serde(rename = "where")]
    place: String,
    progress: ProgressView,
}

impl RunningRow {
    pub(crate) fn new(cx: &Cx, job: &Job) -> Self {
        Self {
            href: format!("/jobs/{}", job.id),
            title: title(job),
            place: place(job),
            progress: progress(cx, job),
        }
    }
}

/// "Backup of web-01".
pub(super) fn title(job: &Job) -> String {
    format!("{} of {}", kind_word(job.kind), job.host.name)
}

pub(super) fn place(job: &Job) -> String {
    let group = job.source_group.as_ref().map(|group| group.name.as_str());
    let repository = job.repository.as_ref().map(|repository| repository.name.as_str());
    [group, repository].into_iter().flatten().collect::<Vec<_>>().join(" → ")
}

pub(super) fn by(job: &Job) -> String {
    match &job.requested_by {
        Some(name) => format!("by {name}"),
        None => trigger_word(job.trigger).to_owned(),
    }
}

pub(super) fn took(job: &Job) -> Option<String> {
    Some(text::duration(job.ended_at?.since(job.started_at?)))
}

fn why(job: &Job) -> Option<String> {
    if !job.waiting_for.is_empty() && !job.state.is_end() {
        return waiting(job);
    }
    (!matches!(job.cause, Cause::None)).then(|| job.cause.as_str().replace('-', " "))
}

pub(super) fn progress(cx: &Cx, job: &Job) -> ProgressView {
    let elapsed = job.started_at.map(|started| cx.now.since(started).as_secs()).unwrap_or_default();
    match &job.progress {
        Some(progress) => ProgressView::new(&title(job), progress),
        None => {
            let mut unknown = Progress::default();
            unknown.seconds_elapsed = elapsed;
            ProgressView {
                main: "working".to_owned(),
                detail: None,
                ..ProgressView::new(&title(job), &unknown)
            }
        }
    }
}

/// What a job waits for, and its place in the queue.
pub(crate) fn waiting(job: &Job) -> Option<String> {
    let reason = Some(&job.waiting_for).filter(|reason| !job.state.is_end() && !reason.is_empty())?;
    Some(match job.queue_position {
        Some(1) => format!("for {reason}; it is next"),
        Some(place) => format!("for {reason}; it is number {place} in the queue"),
        None => format!("for {reason}"),
    })
}

/// Cause, proof and next step of an end that is not simply good.
pub(crate) fn cause(job: &Job) -> Option<Banner> {
    if !job.state.is_end() || (job.cause == Cause::None && job.detail.is_empty()) {
        return None;
    }
    let (tone, icon) = match job.state {
        JobState::Failed => (Tone::Bad, "circle-x"),
        JobState::Incomplete => (Tone::Warn, "triangle-alert"),
        _ => (Tone::Unknown, "info"),
    };
    let mut title = job.cause.as_str().replace('-', " ");
    if let Some(first) = title.get(..1) {
        title.replace_range(..1, &first.to_uppercase());
    }
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Some(Banner { tone, icon, title, detail: said(&job.advice), proof: said(&job.detail), action: None })
}
