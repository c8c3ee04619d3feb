//! Jobs: the list, one job with its log, asking for one, stopping one.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use restic_manager_proto::{
    HostId, LogLine, Statistics, Timestamp,
    api::{
        Cursor, Nothing, Problem,
        jobs::{self, ByJob, Job},
        server,
    },
    vocabulary::{DeletionVerdict, JobKind, JobState, LogFormat, Role},
};
use serde::Serialize;
use std::time::Duration;

use super::{
    bandwidth,
    context::{Caller, Cx},
    form_reader::FormReader,
    host::{HostContext, HostTab},
    job_rows::{JobRow, by, cause, progress, title, took, waiting},
    problem::refusal_of,
    respond::{Answer, html, link, redirect},
    sources,
};
use crate::{
    api::Failure,
    body::Body,
    render::Template,
    text,
    view::{Banner, Chip, LogRow, LogView, Moment, Pager, Pill, ProgressView, Section, job_pill},
};

/// Lines of a log that a page carries for browsers without script.
const STATIC_LINES: usize = 500;
/// Bytes of a log that are read for them.
const STATIC_BYTES: usize = 512 * 1024;

/// What a list of jobs does not show any more.
#[derive(Serialize)]
struct KeptJobs {
    jobs: String,
    most: String,
    logs: String,
}

impl KeptJobs {
    async fn of(cx: &Cx) -> Result<Self, Failure> {
        let kept = cx.api.get::<server::Keeping>(Nothing {}, Nothing {}).await?;
        let time = |seconds| text::duration(Duration::from_secs(seconds));
        Ok(Self {
            jobs: time(kept.jobs_seconds),
            most: text::count(kept.jobs_at_most),
            logs: time(kept.logs_seconds),
        })
    }
}

#[derive(Serialize)]
struct JobsPage {
    chips: Vec<Chip>,
    jobs: Vec<JobRow>,
    pager: Pager,
    filtered: bool,
    kept: KeptJobs,
}

impl Template for JobsPage {
    const FILE: &'static str = "pages/jobs.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let state: Option<JobState> = cx.choice("state");
    let filter = jobs::Filter {
        state,
        host: cx.choice("host"),
        schedule: cx.choice("schedule"),
        after: cx.query.given("after").map(Cursor::new),
        ..jobs::Filter::default()
    };
    let (caller, jobs, kept) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<jobs::List>(Nothing {}, filter.clone()),
        KeptJobs::of(&cx)
    )?;
    let keep = |state: Option<JobState>, after: Option<&Cursor>| {
        let host = filter.host.map(|host| host.to_string());
        // The runs of a schedule are one list, whatever became of them.
        let schedule = filter.schedule.filter(|_| state.is_none()).map(|schedule| schedule.to_string());
        link(
            "/jobs",
            &[
                ("state", state.map(JobState::as_str)),
                ("host", host.as_deref()),
                ("schedule", schedule.as_deref()),
                ("after", after.map(Cursor::as_str)),
            ],
        )
    };
    let chip = |label: &str, value: Option<JobState>| Chip {
        label: label.to_owned(),
        href: keep(value, None),
        current: state == value,
        removable: false,
    };
    let page = JobsPage {
        chips: std::iter::once(chip("all", None))
            .chain(JobState::ALL.iter().map(|state| chip(state.as_str(), Some(*state))))
            .collect(),
        jobs: jobs.items.iter().map(|job| JobRow::new(&cx, job)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| keep(state, None)),
            next: jobs.next.as_ref().map(|next| keep(state, Some(next))),
        },
        filtered: state.is_some() || filter.host.is_some() || filter.schedule.is_some(),
        kept,
    };
    html(&caller.frame(&cx, "Jobs", Section::Jobs).reloads(), &page)
}

#[derive(Serialize)]
struct HostJobsPage<H> {
    head: H,
    jobs: Vec<JobRow>,
    pager: Pager,
    all: String,
    /// The jobs of one day alone, in UTC.
    day: Option<String>,
    kept: KeptJobs,
}

impl<H: Serialize> Template for HostJobsPage<H> {
    const FILE: &'static str = "pages/host_jobs.html";
}

/// The jobs of one host, as its tab.
pub(crate) async fn of_host(cx: Cx) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let parse = |day: &&str| format!("{day}T00:00:00Z").parse::<Timestamp>().is_ok();
    let day_word = cx.query.given("day").filter(parse);
    let day = day_word.and_then(|day| format!("{day}T00:00:00Z").parse::<Timestamp>().ok());
    let filter = jobs::Filter {
        host: Some(id),
        from: day,
        until: day.map(|day| day.after(std::time::Duration::from_secs(86_400))),
        after: cx.query.given("after").map(Cursor::new),
        ..jobs::Filter::default()
    };
    let (host, jobs, kept) = tokio::try_join!(
        HostContext::load(&cx, id),
        cx.api.get::<jobs::List>(Nothing {}, filter.clone()),
        KeptJobs::of(&cx)
    )?;
    let address = format!("/hosts/{id}/jobs");
    let page = HostJobsPage {
        head: host.head(&cx, HostTab::Jobs),
        jobs: jobs.items.iter().map(|job| JobRow::new(&cx, job)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| link(&address, &[("day", day_word)])),
            next: jobs
                .next
                .as_ref()
                .map(|next| link(&address, &[("day", day_word), ("after", Some(next.as_str()))])),
        },
        all: address,
        day: day_word.map(str::to_owned),
        kept,
    };
    html(&host.frame(&cx).reloads(), &page)
}

#[derive(Serialize)]
struct JobPage {
    id: String,
    state: Pill,
    ended: bool,
    target: JobTarget,
    created: Moment,
    by: String,
    started: Option<Moment>,
    ended_at: Option<Moment>,
    deadline: Moment,
    took: Option<String>,
    exit_code: Option<String>,
    cause: Option<Banner>,
    waiting: Option<String>,
    progress: Option<ProgressView>,
    figures: Vec<Figure>,
    snapshot: Option<String>,
    command: Option<String>,
    log: LogView,
    dropped: Option<String>,
    more_lines: bool,
    log_forgotten: bool,
    cancel_denied: Option<String>,
    cancel_asked: bool,
    preview: Option<String>,
    again: Option<Again>,
    again_denied: Option<String>,
}

#[derive(Serialize)]
struct JobTarget {
    host: String,
    host_href: String,
    group: Option<String>,
    repository: Option<String>,
    repository_href: Option<String>,
}

#[derive(Serialize)]
struct Figure {
    label: &'static str,
    value: String,
    note: Option<String>,
}

/// What asks for the same job once more.
#[derive(Serialize)]
struct Again {
    action: String,
    host: String,
    kind: &'static str,
    group: Option<String>,
    repository: Option<String>,
    label: &'static str,
}

impl Template for JobPage {
    const FILE: &'static str = "pages/job.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let job = cx.parameter("job")?;
    let query = jobs::LogQuery { format: Some(LogFormat::Ndjson) };
    let (caller, shown, log) =
        tokio::try_join!(cx.caller(), cx.api.get::<jobs::Show>(ByJob { job }, Nothing {}), async {
            first_lines(cx.api.download::<jobs::Log>(ByJob { job }, query, Nothing {}).await?.into_body())
                .await
        },)?;
    let mut frame = caller.frame(&cx, title(&shown), Section::Jobs).crumb("Jobs", "/jobs");
    frame = frame.crumb(shown.host.name.clone(), format!("/hosts/{}", shown.host.id));
    if !shown.state.is_end() {
        frame = frame.reloads();
    }
    html(&frame, &JobPage::new(&cx, &caller, &shown, log))
}

impl JobPage {
    fn new(cx: &Cx, caller: &Caller, job: &Job, lines: Vec<LogRow>) -> Self {
        let ended = job.state.is_end();
        let path = format!("/api/v1/jobs/{}", job.id);
        Self {
            id: job.id.to_string(),
            state: job_pill(job.state),
            ended,
            target: JobTarget {
                host: job.host.name.clone(),
                host_href: format!("/hosts/{}", job.host.id),
                group: job.source_group.as_ref().map(|group| group.name.clone()),
                repository: job.repository.as_ref().map(|repository| repository.name.clone()),
                repository_href: job
                    .repository
                    .as_ref()
                    .map(|repository| format!("/repositories/{}", repository.id)),
            },
            created: cx.moment(job.created_at),
            by: by(job),
            started: cx.moment_of(job.started_at),
            ended_at: cx.moment_of(job.ended_at),
            deadline: cx.moment(job.deadline_at),
            took: took(job),
            exit_code: job.exit_code.map(|code| code.to_string()),
            cause: cause(job),
            waiting: waiting(job),
            progress: (job.state == JobState::Running).then(|| progress(cx, job)),
            figures: job.statistics.as_ref().map(|done| figures(job.kind, done)).unwrap_or_default(),
            snapshot: job.statistics.as_ref().and_then(|done| done.snapshot.clone()),
            command: Some(job.command.clone()).filter(|command| !command.is_empty()),
            more_lines: (lines.len() as u64) < job.log_lines && !job.log_forgotten,
            log_forgotten: job.log_forgotten,
            log: LogView {
                stream: format!("{path}/stream"),
                live: !ended,
                total: text::count(job.log_lines),
                text_href: format!("{path}/log?format=text"),
                ndjson_href: format!("{path}/log?format=ndjson"),
                lines,
            },
            dropped: (job.log_lines_dropped > 0).then(|| text::count(job.log_lines_dropped)),
            cancel_denied: caller.denied(Role::Operator),
            cancel_asked: job.cancel_requested_at.is_some(),
            again: again(job).filter(|_| ended),
            preview: (job.kind == JobKind::PreviewForget).then(|| format!("/jobs/{}/preview", job.id)),
            again_denied: caller.denied(Role::Operator),
        }
    }
}

/// The first lines of a log, without reading the rest of it.
async fn first_lines(mut body: Body) -> Result<Vec<LogRow>, Failure> {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let data: Bytes =
            frame.map_err(|error| Failure::Unreachable(error.into()))?.into_data().unwrap_or_default();
        text.extend_from_slice(&data);
        if text.len() > STATIC_BYTES {
            break;
        }
    }
    let lines =
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<LogLine>(line).ok());
    Ok(lines.take(STATIC_LINES).map(|line| LogRow::new(&line)).collect())
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let asked = async { cx.api.send::<jobs::Create>(Nothing {}, posted(&cx)?).await }.await;
    let job = match refusal_of(asked)? {
        Ok(job) => job,
        Err(problem) => return refused(&cx, problem).await,
    };
    Ok(redirect(&format!("/jobs/{}", job.id)))
}

fn posted(cx: &Cx) -> Result<jobs::NewJob, Failure> {
    let mut reader = FormReader::new(&cx.form);
    let (host, kind) = (reader.choice("host"), reader.choice("kind"));
    let source_group = reader.optional("source_group", "source_group", "choose one of the host’s groups");
    let repository = reader.optional("repository", "repository", "choose one of the host’s repositories");
    let bandwidth = bandwidth::read(&mut reader);
    reader.finish(host.zip(kind).map(|(host, kind)| jobs::NewJob {
        host,
        kind,
        source_group,
        repository,
        bandwidth,
    }))
}

/// What was typed for a run is typed on the page of the host's groups; all else is a button somewhere.
async fn refused(cx: &Cx, problem: Box<Problem>) -> Answer {
    let typed = ["upload_kib", "download_kib"].iter().any(|name| cx.form.given(name).is_some());
    match cx.form.text("host").parse() {
        Ok(host) if typed => sources::list_with(cx, host, Some(&problem)).await,
        _ => Err(Failure::Refused(problem)),
    }
}

pub(crate) async fn cancel(cx: Cx) -> Answer {
    let job = cx.parameter("job")?;
    cx.api.send::<jobs::Cancel>(ByJob { job }, Nothing {}).await?;
    Ok(redirect(&format!("/jobs/{job}?done=cancelled")))
}

fn figures(kind: JobKind, done: &Statistics) -> Vec<Figure> {
    let figure = |label, value: String| Figure { label, value, note: None };
    let mut figures = Vec::new();
    if kind == JobKind::Backup {
        let rate =
            (u128::from(done.bytes_processed) * 1000).checked_div(u128::from(done.duration_milliseconds));
        figures.extend([
            figure("Files new", text::count(done.files_new)),
            figure("Files changed", text::count(done.files_changed)),
            figure("Files unmodified", text::count(done.files_unmodified)),
            Figure {
                note: rate
                    .and_then(|rate| u64::try_from(rate).ok())
                    .map(|rate| format!("{}/s", text::size(rate))),
                ..figure("Processed", text::size(done.bytes_processed))
            },
            Figure {
                note: done.bytes_stored.map(|stored| format!("{} stored", text::size(stored))),
                ..figure("Added", text::size(done.bytes_added))
            },
        ]);
        if done.errors > 0 {
            figures.push(figure("Unreadable files", text::count(done.errors)));
        }
    }
    let counted = [
        ("Snapshots kept", done.snapshots_kept),
        ("Snapshots removed", done.snapshots_removed),
        ("Problems", done.problems),
        ("Locks removed", done.locks_removed),
        ("Locks left", done.locks_left),
    ];
    for (label, count) in counted {
        figures.extend(count.map(|count| figure(label, text::count(count))));
    }
    if let Some(measured) = &done.measured {
        figures.extend([
            figure("Stored", text::size(measured.raw_bytes)),
            figure("To restore all", text::size(measured.restore_bytes)),
            figure("Snapshots", text::count(measured.snapshots)),
            figure("Locks", text::count(measured.locks)),
        ]);
    }
    if let Some(restored) = &done.restored {
        figures.push(Figure {
            note: Some(format!("of {}", text::count(restored.files_total))),
            ..figure("Files restored", text::count(restored.files_written))
        });
        figures.push(figure("Written", text::size(restored.bytes_written)));
        figures.extend(restored.files_left.map(|left| figure("Left as they were", text::count(left))));
        figures.extend(restored.files_removed.map(|removed| figure("Removed", text::count(removed))));
        if restored.files_failed > 0 {
            let note = (restored.owners_failed > 0)
                .then(|| format!("{} by their owner alone", text::count(restored.owners_failed)));
            figures.push(Figure { note, ..figure("Failed", text::count(restored.files_failed)) });
        }
    }
    if let Some(verdict) = done.deletion {
        let told = match verdict {
            DeletionVerdict::Refused => "refused",
            _ => "NOT refused",
        };
        figures.push(figure("Deletion", told.to_owned()));
    }
    if let Some(seen) = done.snapshots_seen {
        figures.push(figure("Snapshots seen", text::count(seen)));
    }
    if done.duration_milliseconds > 0 {
        let processor = done
            .cpu_milliseconds
            .map(|spent| format!("{} processor", text::duration(Duration::from_millis(spent))));
        figures.push(Figure {
            note: processor,
            ..figure("restic ran", text::duration(Duration::from_millis(done.duration_milliseconds)))
        });
    }
    if let Some(memory) = done.peak_memory_bytes {
        figures.push(figure("Most memory", text::size(memory)));
    }
    figures
}

/// What is tried is not asked for again from here: its policy or its secrets are typed elsewhere.
fn again(job: &Job) -> Option<Again> {
    let action = match (job.kind, &job.repository) {
        (JobKind::PreviewForget | JobKind::ConnectionTest | JobKind::Restore, _) => return None,
        (kind, Some(repository)) if kind.is_upkeep() => format!("/repositories/{}/upkeep/run", repository.id),
        _ => "/jobs".to_owned(),
    };
    Some(Again {
        action,
        host: job.host.id.to_string(),
        kind: job.kind.as_str(),
        group: job.source_group.as_ref().map(|group| group.id.to_string()),
        repository: job
            .repository
            .as_ref()
            .filter(|_| job.kind != JobKind::Backup)
            .map(|repository| repository.id.to_string()),
        label: if job.state == JobState::Succeeded { "Run again" } else { "Retry" },
    })
}
