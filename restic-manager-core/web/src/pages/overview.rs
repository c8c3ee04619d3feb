//! The overview: is everything backed up, and if not, what next.

use restic_manager_proto::{
    api::{
        Nothing, alerts, enrolments,
        fleet::Fleet,
        hosts, jobs,
        repositories::{Filter, List, Repository},
    },
    vocabulary::{AlertState, EnrolmentState, Health, JobState, Severity},
};
use serde::Serialize;

use super::{
    context::Cx,
    enrolments::PendingRow,
    job_rows::{JobRow, RunningRow},
    pending_hosts::{self, AnnouncedRow},
    repositories,
    respond::{Answer, html},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Action, Pill, Section, Tile, Tone, health_pill, severity_pill},
};

/// Rows of each list; what is more is one click away.
const ROWS: u32 = 8;

#[derive(Serialize)]
struct Overview {
    empty: bool,
    tiles: Vec<Tile>,
    attention: Vec<Attention>,
    attention_more: u64,
    /// Every host was seen to be backed up, and no alert is open; a fleet of no hosts is not well.
    well: bool,
    running: Vec<RunningRow>,
    announced: Vec<AnnouncedRow>,
    pending: Vec<PendingRow>,
    repositories: Vec<repositories::Row>,
    newest: Vec<JobRow>,
}

/// A host or an alert that needs somebody, and the first thing to do about it.
#[derive(Serialize)]
struct Attention {
    host: String,
    href: String,
    state: Pill,
    what: String,
    action: Action,
}

impl Template for Overview {
    const FILE: &'static str = "pages/overview.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let caller = cx.caller().await?;
    let fleet = &caller.fleet;
    let (critical, warnings, failing, overdue, unknown, running, announced, pending, stores, recent) = tokio::try_join!(
        open_alerts(&cx, Severity::Critical, fleet.alerts_critical),
        open_alerts(&cx, Severity::Warning, fleet.alerts_warning),
        unwell(&cx, Health::Failing, fleet.failing),
        unwell(&cx, Health::Overdue, fleet.overdue),
        unwell(&cx, Health::Unknown, fleet.unknown),
        jobs_in(&cx, Some(JobState::Running), fleet.jobs_running),
        pending_hosts::rows(&cx, &caller),
        pending(&cx, fleet.enrolments_open),
        some_repositories(&cx, fleet.hosts),
        jobs_in(&cx, None, fleet.hosts),
    )?;
    let alerts = critical.iter().chain(&warnings).map(|alert| raised(&cx, alert));
    let hosts = failing.iter().chain(&overdue).chain(&unknown).map(|host| attention(&cx, host));
    let mut attention: Vec<Attention> = alerts.chain(hosts).collect();
    attention.truncate(ROWS as usize);
    let unwell = fleet.failing + fleet.overdue + fleet.unknown + fleet.alerts_critical + fleet.alerts_warning;
    let page = Overview {
        empty: fleet.hosts == 0 && fleet.enrolments_open == 0 && announced.is_empty() && attention.is_empty(),
        announced,
        tiles: tiles(fleet),
        well: fleet.hosts > 0 && unwell == 0,
        attention_more: unwell.saturating_sub(attention.len() as u64),
        attention,
        running: running.iter().map(|job| RunningRow::new(&cx, job)).collect(),
        pending: pending.iter().map(|enrolment| PendingRow::new(&cx, enrolment)).collect(),
        repositories: stores.iter().map(|one| repositories::Row::new(&cx, one)).collect(),
        newest: recent.iter().map(|job| JobRow::new(&cx, job)).collect(),
    };
    let frame = caller.frame(&cx, "Overview", Section::Overview).reloads();
    html(&frame, &page)
}

async fn unwell(cx: &Cx, health: Health, count: u64) -> Result<Vec<hosts::Host>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let filter = hosts::Filter { health: Some(health), limit: Some(ROWS), ..hosts::Filter::default() };
    Ok(cx.api.get::<hosts::List>(Nothing {}, filter).await?.items)
}

async fn open_alerts(cx: &Cx, severity: Severity, count: u64) -> Result<Vec<alerts::Alert>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let filter = alerts::Filter {
        state: Some(AlertState::Open),
        severity: Some(severity),
        limit: Some(ROWS),
        ..alerts::Filter::default()
    };
    Ok(cx.api.get::<alerts::List>(Nothing {}, filter).await?.items)
}

fn raised(cx: &Cx, alert: &alerts::Alert) -> Attention {
    let href = format!("/alerts#{}", alert.id);
    let name = if alert.subject.is_empty() { &alert.subject_kind } else { &alert.subject };
    Attention {
        host: name.clone(),
        state: severity_pill(alert.severity),
        what: format!("{} {}", alert.summary, crate::text::relative(alert.last_seen_at, cx.now)),
        action: Action { label: "See what to do".to_owned(), href: href.clone() },
        href,
    }
}

async fn jobs_in(cx: &Cx, state: Option<JobState>, count: u64) -> Result<Vec<jobs::Job>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let filter = jobs::Filter { state, limit: Some(ROWS), ..jobs::Filter::default() };
    Ok(cx.api.get::<jobs::List>(Nothing {}, filter).await?.items)
}

async fn pending(cx: &Cx, count: u64) -> Result<Vec<enrolments::Enrolment>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let filter = enrolments::Filter {
        state: Some(EnrolmentState::Open),
        limit: Some(ROWS),
        ..enrolments::Filter::default()
    };
    Ok(cx.api.get::<enrolments::List>(Nothing {}, filter).await?.items)
}

async fn some_repositories(cx: &Cx, hosts: u64) -> Result<Vec<Repository>, Failure> {
    if hosts == 0 {
        return Ok(Vec::new());
    }
    let filter = Filter { limit: Some(ROWS), after: None };
    Ok(cx.api.get::<List>(Nothing {}, filter).await?.items)
}

fn tiles(fleet: &Fleet) -> Vec<Tile> {
    let tile = |label, icon, tone, value: u64, href: &str| Tile {
        label,
        icon,
        tone: if value == 0 { Tone::Unknown } else { tone },
        value: value.to_string(),
        unit: None,
        note: None,
        href: Some(href.to_owned()),
    };
    vec![
        Tile {
            unit: Some(format!("of {}", fleet.hosts)),
            note: Some("a fresh snapshot was seen".to_owned()),
            ..tile("Backed up", "shield-check", Tone::Good, fleet.good, "/hosts?health=good")
        },
        Tile {
            note: Some(match fleet.maintenance {
                0 => "the newest snapshot is too old".to_owned(),
                maintained => format!("and {maintained} under maintenance"),
            }),
            ..tile("Overdue", "hourglass", Tone::Warn, fleet.overdue, "/hosts?health=overdue")
        },
        Tile {
            note: Some("the last backup did not succeed".to_owned()),
            ..tile("Failing", "circle-x", Tone::Bad, fleet.failing, "/hosts?health=failing")
        },
        Tile {
            note: Some(match fleet.jobs_queued {
                0 => "nothing waits".to_owned(),
                queued => format!("{queued} waiting"),
            }),
            ..tile("Running now", "activity", Tone::Running, fleet.jobs_running, "/jobs?state=running")
        },
    ]
}

fn attention(cx: &Cx, host: &hosts::Host) -> Attention {
    let href = format!("/hosts/{}", host.id);
    let to = |label: &str, href: String| Action { label: label.to_owned(), href };
    let (what, action) = match (host.health, &host.worst_backup) {
        (Health::Failing, Some(last)) => (
            format!(
                "last backup {}: {}, {}",
                last.state,
                last.cause.as_str().replace('-', " "),
                crate::text::relative(last.ended_at, cx.now)
            ),
            to("See why", format!("/jobs/{}", last.job)),
        ),
        (Health::Overdue, _) => (
            match host.last_snapshot_at {
                Some(at) => format!("newest snapshot {}", crate::text::relative(at, cx.now)),
                None => "the newest snapshot is too old".to_owned(),
            },
            to("Back up", href.clone()),
        ),
        _ => ("no snapshot was seen yet".to_owned(), to("Set up", href.clone())),
    };
    Attention { host: host.name.clone(), href, state: health_pill(host.health), what, action }
}
