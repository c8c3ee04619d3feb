//! One host, as all its tabs show it.

use restic_manager_proto::{
    HostId,
    api::{
        Nothing,
        hosts::{self, ByHost, Host},
        jobs, source_groups,
    },
    vocabulary::{Health, JobState, Role},
};
use serde::Serialize;

use super::{
    context::{Cx, Desk},
    jobs::RunningRow,
};
use crate::{
    api::Failure,
    text,
    view::{Banner, Frame, Moment, Pill, Section, SelectOption, Tab, Tone, health_pill, presence_pill},
};

/// What each tab of a host shows above itself.
#[derive(Serialize)]
struct Head {
    id: String,
    health: Pill,
    presence: Pill,
    tags: Vec<String>,
    facts: Vec<(&'static str, String)>,
    seen: Option<Moment>,
    snapshot: Option<Moment>,
    groups: Vec<SelectOption>,
    run_denied: Option<String>,
    running: Option<RunningRow>,
    last: Option<Banner>,
    tabs: Vec<Tab>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostTab {
    Snapshots,
    Sources,
    Repositories,
    Jobs,
    Settings,
}

/// A host as all its tabs need it.
pub(crate) struct HostDesk {
    pub(crate) desk: Desk,
    pub(crate) host: Host,
    pub(crate) groups: Vec<source_groups::SourceGroup>,
    running: Option<jobs::Job>,
}

impl HostDesk {
    pub(crate) async fn load(cx: &Cx, id: HostId) -> Result<Self, Failure> {
        let by = ByHost { host: id };
        let (desk, host, groups) = tokio::try_join!(
            cx.desk(),
            cx.api.get::<hosts::Show>(by, Nothing {}),
            cx.api.get::<source_groups::List>(by, Nothing {}),
        )?;
        let running = match host.running_job {
            Some(job) => Some(cx.api.get::<jobs::Show>(jobs::ByJob { job }, Nothing {}).await?),
            None => None,
        };
        Ok(Self { desk, host, groups: groups.items, running })
    }

    pub(crate) fn frame(&self, cx: &Cx) -> Frame {
        self.desk.frame(cx, self.host.name.clone(), Section::Hosts).crumb("Hosts", "/hosts").live()
    }

    pub(crate) fn head(&self, cx: &Cx, tab: HostTab) -> impl Serialize + use<> {
        let host = &self.host;
        let no_group = || Some("no source group says what to back up".to_owned());
        Head {
            id: host.id.to_string(),
            health: health_pill(host.health),
            presence: presence_pill(host.presence),
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
                .desk
                .denied(Role::Operator)
                .or_else(|| if self.groups.is_empty() { no_group() } else { None }),
            running: self.running.as_ref().map(|job| RunningRow::new(cx, job)),
            last: last_failure(cx, host),
            tabs: tabs(host, self.groups.len(), tab),
        }
    }
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
    let last = host.last_backup.as_ref().filter(|_| host.health == Health::Failing)?;
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
        tab("Repositories", HostTab::Repositories, "/repositories", None),
        tab("Jobs", HostTab::Jobs, "/jobs", None),
        tab("Settings", HostTab::Settings, "/settings", None),
    ]
}
