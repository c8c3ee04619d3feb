//! Schedules: when a host is backed up.

use restic_manager_proto::{
    HostId, Misfire, SourceGroupId,
    api::{
        Nothing, Problem,
        hosts::{self, ByHost},
        jobs,
        schedules::{self, BySchedule, NextRuns, Schedule, ScheduleChange},
        source_groups::{self, SourceGroup},
    },
    vocabulary::{JobKind, Role},
};
use serde::Serialize;

use super::{
    bandwidth,
    context::{Caller, Cx},
    form_state::FormState,
    host::{HostContext, HostTab},
    problem::{not_the_name, refusal_of},
    respond::{Answer, html, html_with, redirect},
    schedule_form::{self, NextRun, Preset, Preview, times},
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Pill, Section, SelectOption, Tone},
};

#[derive(Serialize)]
struct SchedulesPage<H> {
    head: H,
    host: String,
    schedules: Vec<ScheduleCard>,
    has_groups: bool,
    denied: Option<String>,
}

#[derive(Serialize)]
struct ScheduleCard {
    id: String,
    name: String,
    state: Pill,
    times: String,
    zone: String,
    next: Option<NextRun>,
    late: String,
    spread: Option<String>,
    limits: Option<String>,
    groups: Vec<SelectOption>,
    jobs_href: String,
}

impl<H: Serialize> Template for SchedulesPage<H> {
    const FILE: &'static str = "pages/host_schedules.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let (host, schedules) = tokio::try_join!(
        HostContext::load(&cx, id),
        cx.api.get::<schedules::List>(ByHost { host: id }, Nothing {}),
    )?;
    let page = SchedulesPage {
        head: host.head(&cx, HostTab::Schedules),
        host: id.to_string(),
        schedules: schedules.items.iter().map(|schedule| ScheduleCard::new(&cx, schedule)).collect(),
        has_groups: !host.groups.is_empty(),
        denied: host.denied(Role::Operator),
    };
    html(&host.frame(&cx), &page)
}

impl ScheduleCard {
    fn new(cx: &Cx, schedule: &Schedule) -> Self {
        let spread = schedule.jitter_seconds > 0;
        Self {
            id: schedule.id.to_string(),
            name: schedule.name.clone(),
            state: match schedule.enabled {
                true => Pill::new(Tone::Good, "circle-check", "on"),
                false => Pill::new(Tone::Unknown, "circle-dashed", "off"),
            },
            times: times(&schedule.cron),
            zone: schedule.zone.clone(),
            next: schedule.next_run.as_ref().map(|run| NextRun::new(cx.now, run)),
            late: late(schedule.misfire),
            spread: spread.then(|| {
                let width = std::time::Duration::from_secs(schedule.jitter_seconds.into());
                format!("up to {} after its time", text::duration(width))
            }),
            limits: bandwidth::words(schedule.bandwidth),
            groups: schedule
                .source_groups
                .iter()
                .map(|group| SelectOption { value: group.id.to_string(), label: group.name.clone() })
                .collect(),
            jobs_href: format!("/jobs?schedule={}", schedule.id),
        }
    }
}

/// What a missed run means, in plain words.
fn late(misfire: Misfire) -> String {
    match misfire {
        Misfire::Skip => "skip it".to_owned(),
        Misfire::RunIfOlder { seconds } => {
            let age = text::duration(std::time::Duration::from_secs(seconds));
            format!("run once, if the last success is older than {age}")
        }
        _ => "run once, as soon as the host is on".to_owned(),
    }
}

#[derive(Serialize)]
struct SchedulePage<'a> {
    action: String,
    back: String,
    sources: String,
    form: FormState<'a>,
    presets: Vec<Preset>,
    groups: Vec<GroupChoice>,
    zones: Vec<String>,
    host_zone: Option<String>,
    version: i64,
    preview: Preview,
    delete: Option<Delete>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct GroupChoice {
    id: String,
    /// Of its box.
    input: String,
    name: String,
}

#[derive(Serialize)]
struct Delete {
    action: String,
    name: String,
    error: Option<String>,
}

impl Template for SchedulePage<'_> {
    const FILE: &'static str = "pages/schedule.html";
}

/// What went wrong with what was sent.
#[derive(Clone, Copy, Default)]
struct Wrong<'a> {
    problem: Option<&'a Problem>,
    confirm: Option<&'a str>,
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, cx.parameter("host")?, None, Wrong::default()).await
}

pub(crate) async fn edit(cx: Cx) -> Answer {
    edit_with(&cx, Wrong::default()).await
}

async fn edit_with(cx: &Cx, wrong: Wrong<'_>) -> Answer {
    let schedule = by(cx).await?;
    form(cx, schedule.host.id, Some(&schedule), wrong).await
}

async fn by(cx: &Cx) -> Result<Schedule, Failure> {
    cx.api.get::<schedules::Show>(BySchedule { schedule: cx.parameter("schedule")? }, Nothing {}).await
}

/// The form as it was typed, or else as it is stored.
async fn form(cx: &Cx, host: HostId, stored: Option<&Schedule>, wrong: Wrong<'_>) -> Answer {
    let (caller, host, groups, zones) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<source_groups::List>(ByHost { host }, Nothing {}),
        cx.api.get::<schedules::Zones>(Nothing {}, Nothing {}),
    )?;
    let host_zone = host.facts.time_zone.clone().filter(|zone| zones.zones.contains(zone));
    let back = format!("/hosts/{}/schedules", host.id);
    let action =
        stored.map_or_else(|| format!("{back}/new"), |schedule| format!("/schedules/{}", schedule.id));
    let mut form = cx.form_at(&[&action], wrong.problem);
    schedule_form::fill(&mut form, stored, host_zone.as_deref());
    let page = SchedulePage {
        action,
        sources: format!("/hosts/{}/sources", host.id),
        groups: fill_groups(&mut form, &groups.items, stored),
        presets: schedule_form::presets(),
        preview: preview_of(cx, &caller, &form).await?,
        form,
        zones: zones.zones,
        host_zone,
        version: stored.map(|schedule| schedule.version).unwrap_or_default(),
        delete: stored.map(|schedule| Delete {
            action: format!("/schedules/{}/delete", schedule.id),
            name: schedule.name.clone(),
            error: wrong.confirm.map(str::to_owned),
        }),
        denied: caller.denied(Role::Operator),
        back,
    };
    let title = stored.map_or_else(|| "New schedule".to_owned(), |schedule| schedule.name.clone());
    let frame =
        caller.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name, page.back.clone());
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

/// Adds a box for each group of the host; a new schedule backs up all of them.
fn fill_groups(
    form: &mut FormState<'_>,
    groups: &[SourceGroup],
    stored: Option<&Schedule>,
) -> Vec<GroupChoice> {
    form.secret("source_groups");
    let mut choice = |group: &SourceGroup| {
        let chosen =
            stored.is_none_or(|schedule| schedule.source_groups.iter().any(|one| one.id == group.id));
        let input = group_input(group.id);
        form.flag(&input, chosen);
        GroupChoice { id: group.id.to_string(), input, name: group.name.clone() }
    };
    groups.iter().map(&mut choice).collect()
}

fn group_input(group: SourceGroupId) -> String {
    format!("group-{group}")
}

/// The next runs of what the form has. Asking for them changes nothing, so it is not kept as something done once.
async fn preview_of(cx: &Cx, caller: &Caller, form: &FormState<'_>) -> Result<Preview, Failure> {
    let api = cx.api.clone().with_csrf(caller.session.csrf_token.expose()).with_once(None);
    let asked =
        api.send::<schedules::Preview>(Nothing {}, schedule_form::times_of(|name| form.value(name))).await;
    Ok(match refusal_of(asked)? {
        Ok(NextRuns { runs }) => {
            Preview { runs: runs.iter().map(|run| NextRun::new(cx.now, run)).collect(), error: None }
        }
        Err(problem) => Preview { runs: Vec::new(), error: Some(problem.detail.clone()) },
    })
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let host: HostId = cx.parameter("host")?;
    if is_preview(&cx) {
        return form(&cx, host, None, Wrong::default()).await;
    }
    let made =
        async { cx.api.send::<schedules::Create>(ByHost { host }, posted(&cx, host, None).await?).await }
            .await;
    match refusal_of(made)? {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/schedules?done=schedule-added"))),
        Err(problem) => form(&cx, host, None, Wrong { problem: Some(&problem), confirm: None }).await,
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    if is_preview(&cx) {
        return edit_with(&cx, Wrong::default()).await;
    }
    let stored = by(&cx).await?;
    let by = BySchedule { schedule: stored.id };
    let changed = async {
        let change = posted(&cx, stored.host.id, Some(&stored)).await?;
        cx.api.change::<schedules::Update>(by, change, cx.version()).await
    }
    .await;
    match refusal_of(changed)? {
        Ok(changed) => Ok(redirect(&format!("/hosts/{}/schedules?done=schedule-updated", changed.host.id))),
        Err(problem) => edit_with(&cx, Wrong { problem: Some(&problem), confirm: None }).await,
    }
}

pub(crate) async fn delete(cx: Cx) -> Answer {
    let schedule = by(&cx).await?;
    if cx.form.text("confirm") != schedule.name {
        let message = not_the_name(&schedule.name);
        return edit_with(&cx, Wrong { problem: None, confirm: Some(&message) }).await;
    }
    cx.api.send::<schedules::Delete>(BySchedule { schedule: schedule.id }, Nothing {}).await?;
    Ok(redirect(&format!("/hosts/{}/schedules?done=schedule-removed", schedule.host.id)))
}

/// Backs up all groups of a schedule now, as somebody who pressed the button for each.
pub(crate) async fn run(cx: Cx) -> Answer {
    let schedule = by(&cx).await?;
    let mut first = None;
    for group in &schedule.source_groups {
        let body = jobs::NewJob {
            host: schedule.host.id,
            kind: JobKind::Backup,
            source_group: Some(group.id),
            repository: None,
            bandwidth: schedule.bandwidth,
        };
        let job = cx.api.send::<jobs::Create>(Nothing {}, body).await?;
        first.get_or_insert(job.id);
    }
    Ok(match first.filter(|_| schedule.source_groups.len() == 1) {
        Some(job) => redirect(&format!("/jobs/{job}")),
        None => redirect(&format!("/hosts/{}/jobs", schedule.host.id)),
    })
}

/// Whether the form was only sent to see the next runs.
fn is_preview(cx: &Cx) -> bool {
    cx.form.given("preview").is_some()
}

/// What was typed; groups that were chosen before keep their order, new ones follow.
async fn posted(cx: &Cx, host: HostId, stored: Option<&Schedule>) -> Result<ScheduleChange, Failure> {
    let groups = cx.api.get::<source_groups::List>(ByHost { host }, Nothing {}).await?.items;
    let is_chosen = |group: &SourceGroup| cx.form.given(&group_input(group.id)).is_some();
    let mut chosen: Vec<_> = groups.iter().filter(|group| is_chosen(group)).map(|group| group.id).collect();
    let before = stored.map(|schedule| schedule.source_groups.as_slice()).unwrap_or_default();
    chosen.sort_by_key(|id| before.iter().position(|one| one.id == *id).unwrap_or(usize::MAX));
    schedule_form::read(&cx.form, chosen)
}
