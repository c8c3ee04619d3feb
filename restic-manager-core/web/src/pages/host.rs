//! One host, as all its tabs show it.

use restic_manager_proto::{
    HostId, Timestamp,
    api::{
        Nothing,
        hosts::{self, ByHost, Host},
        jobs, source_groups,
    },
    vocabulary::{Health, JobState, Presence, Role},
};
use serde::Serialize;

use super::{
    context::{Caller, Cx},
    job_rows::RunningRow,
};
use crate::{
    api::Failure,
    text,
    view::{Banner, Day, Frame, Moment, Pill, Section, SelectOption, Tab, Tone, health_pill, presence_pill},
};

/// What each tab of a host shows above itself.
#[derive(Serialize)]
struct Head {
    id: String,
    health: Pill,
    presence: Pill,
    /// What can still be done with a host that was removed.
    removed: Option<Banner>,
    tags: Vec<String>,
    facts: Vec<(&'static str, String)>,
    seen: Option<Moment>,
    snapshot: Option<Moment>,
    groups: Vec<SelectOption>,
    run_denied: Option<String>,
    running: Option<RunningRow>,
    last: Option<Banner>,
    drift: Option<Banner>,
    next_run: Option<Moment>,
    fresh_until: Option<Moment>,
    days: Vec<Day>,
    tabs: Vec<Tab>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostTab {
    Snapshots,
    Sources,
    Schedules,
    Repositories,
    Jobs,
    Trends,
    Settings,
}

/// A host as all its tabs need it.
pub(crate) struct HostContext {
    pub(crate) caller: Caller,
    pub(crate) host: Host,
    pub(crate) groups: Vec<source_groups::SourceGroup>,
    running: Option<jobs::Job>,
}

impl HostContext {
    pub(crate) async fn load(cx: &Cx, id: HostId) -> Result<Self, Failure> {
        let by = ByHost { host: id };
        let (caller, host, groups) = tokio::try_join!(
            cx.caller(),
            cx.api.get::<hosts::Show>(by, Nothing {}),
            cx.api.get::<source_groups::List>(by, Nothing {}),
        )?;
        let running = match host.running_job {
            Some(job) => Some(cx.api.get::<jobs::Show>(jobs::ByJob { job }, Nothing {}).await?),
            None => None,
        };
        Ok(Self { caller, host, groups: groups.items, running })
    }

    /// Why this user may not do what `needed` may; with a removed host nobody does anything.
    pub(crate) fn denied(&self, needed: Role) -> Option<String> {
        let removed = || self.host.deleted_at.map(|_| "this host was removed".to_owned());
        self.caller.denied(needed).or_else(removed)
    }

    pub(crate) fn frame(&self, cx: &Cx) -> Frame {
        self.caller.frame(cx, self.host.name.clone(), Section::Hosts).crumb("Hosts", "/hosts").live()
    }

    /// The frame of a page below the host's own.
    pub(crate) fn inner_frame(&self, cx: &Cx, title: impl Into<String>) -> Frame {
        let frame = self.caller.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts");
        frame.crumb(self.host.name.clone(), format!("/hosts/{}", self.host.id))
    }

    pub(crate) fn head(&self, cx: &Cx, tab: HostTab) -> impl Serialize + use<> {
        let host = &self.host;
        let no_group = || Some("no source group says what to back up".to_owned());
        Head {
            id: host.id.to_string(),
            health: state_pill(cx, host),
            presence: presence_pill(host.presence),
            removed: removed(cx, host),
            tags: host.tags.clone(),
            facts: facts(host),
            seen: cx.moment_of(host.last_seen_at),
            snapshot: cx.moment_of(host.last_snapshot_at),
            groups: self
                .groups
                .iter()
                .map(|group| SelectOption { value: group.id.to_string(), label: group.name.clone() })
                .collect(),
            run_denied: self
                .denied(Role::Operator)
                .or_else(|| if self.groups.is_empty() { no_group() } else { None }),
            running: self.running.as_ref().map(|job| RunningRow::new(cx, job)),
            last: last_failure(cx, host),
            drift: drift(cx, host),
            next_run: cx.moment_of(host.next_run_at),
            fresh_until: cx.moment_of(host.fresh_until),
            days: days(cx.now, host),
            tabs: tabs(host, self.groups.len(), tab),
        }
    }
}

/// Whether a host's data can be restored; of a removed one only that it is.
pub(crate) fn state_pill(cx: &Cx, host: &Host) -> Pill {
    match host.deleted_at {
        Some(when) => Pill::new(Tone::Unknown, "trash-2", "removed").since(Some(cx.moment(when))),
        None => health_pill(host.health),
    }
}

fn removed(cx: &Cx, host: &Host) -> Option<Banner> {
    let when = host.deleted_at?;
    Some(Banner {
        tone: Tone::Unknown,
        icon: "trash-2",
        title: format!("This host was removed {}", text::relative(when, cx.now)),
        detail: Some(
            "Its agent is cut off. Its history stays readable until an admin purges it. To back the machine up again, \
             add it as a new host: its snapshots are still in the repository."
                .to_owned(),
        ),
        proof: None,
        action: None,
    })
}

fn facts(host: &Host) -> Vec<(&'static str, String)> {
    let facts = &host.facts;
    let system = [facts.os_version.as_str(), facts.architecture.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let mut shown = vec![("System", system), ("Agent", facts.agent_version.clone())];
    shown
        .push(("restic", facts.restic_version.clone().unwrap_or_else(|| "not found on the host".to_owned())));
    shown.extend(host.address.clone().map(|address| ("Address", address)));
    shown.extend(facts.time_zone.clone().map(|zone| ("Time zone", zone)));
    shown.retain(|(_, value)| !value.is_empty());
    shown
}

fn last_failure(cx: &Cx, host: &Host) -> Option<Banner> {
    let is_told = host.health == Health::Failing && host.deleted_at.is_none();
    let last = host.worst_backup.as_ref().filter(|_| is_told)?;
    let how = match last.state {
        JobState::Failed => "failed",
        JobState::Incomplete => "was incomplete",
        _ => "did not succeed",
    };
    Some(Banner {
        tone: Tone::Bad,
        icon: "circle-x",
        title: format!("The last backup {how} {}", text::relative(last.ended_at, cx.now)),
        detail: Some(format!("Cause: {}.", last.cause.as_str().replace('-', " "))),
        proof: None,
        action: Some(crate::view::Action {
            label: "See why".to_owned(),
            href: format!("/jobs/{}", last.job),
        }),
    })
}

/// The agent does not have the configuration that it shall have. A moment is no drift: it is just being told.
fn drift(cx: &Cx, host: &Host) -> Option<Banner> {
    let since = host.configuration.drift_since.filter(|_| host.deleted_at.is_none())?;
    let refusal = &host.configuration.refusal;
    if refusal.is_empty() && (cx.now.since(since) < TOLD_WITHIN || host.configuration.wanted.is_none()) {
        return None;
    }
    let detail = match (refusal.is_empty(), host.presence) {
        (false, _) => "The agent did not take them. Update the agent, or change what it does not take.",
        (true, Presence::Online) => "The agent has not confirmed them. If it stays so, update the agent.",
        (true, _) => {
            "They reach the agent when it connects. Until then the host runs by what it was told before."
        }
    };
    Some(Banner {
        tone: Tone::Warn,
        icon: "triangle-alert",
        title: format!(
            "The host does not know its latest settings, changed {}",
            text::relative(since, cx.now)
        ),
        detail: Some(detail.to_owned()),
        proof: Some(refusal.clone()).filter(|refusal| !refusal.is_empty()),
        action: None,
    })
}

/// So long may the word to a connected agent take.
const TOLD_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);
const DAY_SECONDS: u64 = 86_400;
/// So many days a strip shows.
const DAYS: u64 = 30;

/// The last days, oldest first, each with how its backups ended and where its jobs are.
pub(crate) fn days(now: Timestamp, host: &Host) -> Vec<Day> {
    let today = now.as_milliseconds().div_euclid(DAY_SECONDS as i64 * 1000);
    let start = Timestamp::from_milliseconds(today * DAY_SECONDS as i64 * 1000);
    let day = |back: u64| {
        let start = start.before(std::time::Duration::from_secs(back * DAY_SECONDS));
        let date = start.to_string().get(..10).unwrap_or_default().to_owned();
        let tally = host.days.iter().find(|day| day.start == start);
        Day {
            outcome: tally.map_or("none", outcome),
            href: format!("/hosts/{}/jobs?day={date}", host.id),
            date,
        }
    };
    (0..DAYS).rev().map(day).collect()
}

/// What a day shows: the worst that happened; a missed run shows when nothing else did.
fn outcome(day: &hosts::Day) -> &'static str {
    match day {
        day if day.failed > 0 => "failed",
        day if day.incomplete > 0 => "incomplete",
        day if day.good > 0 => "good",
        day if day.missed > 0 => "missed",
        _ => "none",
    }
}

fn tabs(host: &Host, groups: usize, current: HostTab) -> Vec<Tab> {
    let tab = |label, of: HostTab, path: &str, count: Option<String>| Tab {
        label,
        href: format!("/hosts/{}{path}", host.id),
        current: of == current,
        count,
    };
    vec![
        tab("Snapshots", HostTab::Snapshots, "", Some(text::count(host.snapshots))),
        tab("Sources", HostTab::Sources, "/sources", Some(groups.to_string())),
        tab("Schedules", HostTab::Schedules, "/schedules", None),
        tab("Repositories", HostTab::Repositories, "/repositories", None),
        tab("Jobs", HostTab::Jobs, "/jobs", None),
        tab("Trends", HostTab::Trends, "/trends", None),
        tab("Settings", HostTab::Settings, "/settings", None),
    ]
}
