//! Schedules: when a host is backed up.

use restic_manager_proto::{
    HostId, Misfire, Timestamp,
    api::{
        Nothing, Problem,
        hosts::{self, ByHost},
        jobs,
        schedules::{self, BySchedule, NextRuns, Run, Schedule, ScheduleChange, Times},
        source_groups::{self, SourceGroup},
    },
    vocabulary::{JobKind, Role},
};
use serde::Serialize;

use super::{
    bandwidth::{self, BandwidthFields},
    context::Cx,
    host::{HostDesk, HostTab},
    problem::{field, not_the_name, notice, status},
    respond::{Answer, html, html_with, redirect},
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Moment, Pill, Section, SelectOption, Tone},
};

/// Times that most people want; the text field takes any other.
const PRESETS: &[(&str, &str, &str)] = &[
    ("hourly", "Every hour", "0 * * * *"),
    ("nightly", "Every night", "30 2 * * *"),
    ("workdays", "On workdays", "0 20 * * mon-fri"),
    ("weekly", "Every week", "0 3 * * sun"),
    ("monthly", "Every month", "0 4 1 * *"),
];
const OWN: &str = "own";
const FIELDS: &[&str] = &["name", "cron", "zone", "misfire", "jitter_seconds", "bandwidth", "source_groups"];

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

#[derive(Serialize)]
pub(crate) struct NextRun {
    pub(crate) at: Moment,
    pub(crate) local: String,
    pub(crate) note: String,
}

impl<H: Serialize> Template for SchedulesPage<H> {
    const FILE: &'static str = "pages/host_schedules.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let (host, schedules) = tokio::try_join!(
        HostDesk::load(&cx, id),
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
            next: schedule.next_run.as_ref().map(|run| NextRun::new(cx, run)),
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

impl NextRun {
    pub(crate) fn new(cx: &Cx, run: &Run) -> Self {
        Self { at: cx.moment(run.at), local: run.local.clone(), note: run.note.clone() }
    }
}

/// A preset's words, or the times as they are written.
fn times(cron: &str) -> String {
    let preset = PRESETS.iter().find(|(_, _, times)| *times == cron);
    preset.map_or_else(|| cron.to_owned(), |(_, label, times)| format!("{label} ({times})"))
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
struct SchedulePage {
    action: String,
    back: String,
    sources: String,
    fields: Fields,
    bandwidth: BandwidthFields,
    presets: Vec<Preset>,
    groups: Vec<GroupChoice>,
    zones: Vec<String>,
    host_zone: Option<String>,
    version: i64,
    errors: Errors,
    preview: Preview,
    delete: Option<Delete>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Fields {
    name: String,
    every: String,
    cron: String,
    zone: String,
    misfire: String,
    age_hours: String,
    jitter_minutes: String,
    enabled: bool,
}

#[derive(Serialize)]
struct Preset {
    value: &'static str,
    label: &'static str,
    cron: &'static str,
}

#[derive(Serialize)]
struct GroupChoice {
    id: String,
    name: String,
    chosen: bool,
}

#[derive(Default, Serialize)]
struct Errors {
    name: Option<String>,
    cron: Option<String>,
    zone: Option<String>,
    misfire: Option<String>,
    jitter: Option<String>,
    groups: Option<String>,
}

/// The next runs of what is typed, or why there are none.
#[derive(Default, Serialize)]
struct Preview {
    runs: Vec<NextRun>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Delete {
    action: String,
    name: String,
    error: Option<String>,
}

impl Template for SchedulePage {
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

/// The form as it was typed, or else as it is kept.
async fn form(cx: &Cx, host: HostId, kept: Option<&Schedule>, wrong: Wrong<'_>) -> Answer {
    let (desk, host, groups, zones) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<source_groups::List>(ByHost { host }, Nothing {}),
        cx.api.get::<schedules::Zones>(Nothing {}, Nothing {}),
    )?;
    let typed = cx.form.given("zone").is_some() || cx.form.given("name").is_some();
    let host_zone = host.facts.time_zone.clone().filter(|zone| zones.zones.contains(zone));
    let fields = if typed { Fields::typed(cx) } else { Fields::kept(kept, host_zone.as_deref()) };
    let preview = preview_of(cx, &fields).await?;
    let problem = wrong.problem;
    let back = format!("/hosts/{}/schedules", host.id);
    let page = SchedulePage {
        action: kept.map_or_else(|| format!("{back}/new"), |schedule| format!("/schedules/{}", schedule.id)),
        sources: format!("/hosts/{}/sources", host.id),
        groups: choices(cx, &groups.items, kept, typed),
        presets: presets(),
        fields,
        bandwidth: BandwidthFields::new(
            cx,
            typed,
            kept.map(|schedule| schedule.bandwidth).unwrap_or_default(),
            problem,
        ),
        zones: zones.zones,
        host_zone,
        version: kept.map(|schedule| schedule.version).unwrap_or_default(),
        errors: Errors {
            name: field(problem, "name"),
            cron: field(problem, "cron"),
            zone: field(problem, "zone"),
            misfire: field(problem, "misfire"),
            jitter: field(problem, "jitter_seconds"),
            groups: field(problem, "source_groups"),
        },
        preview,
        delete: kept.map(|schedule| Delete {
            action: format!("/schedules/{}/delete", schedule.id),
            name: schedule.name.clone(),
            error: wrong.confirm.map(str::to_owned),
        }),
        denied: desk.denied(Role::Operator),
        back,
    };
    let title = kept.map_or_else(|| "New schedule".to_owned(), |schedule| schedule.name.clone());
    let frame =
        desk.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name, page.back.clone());
    html_with(status(problem), &frame.notice(notice(problem, FIELDS)), &page)
}

impl Fields {
    fn typed(cx: &Cx) -> Self {
        let text = |name: &str| cx.form.text(name).to_owned();
        Self {
            name: text("name"),
            every: text("every"),
            cron: text("cron"),
            zone: text("zone"),
            misfire: text("misfire"),
            age_hours: text("age_hours"),
            jitter_minutes: text("jitter_minutes"),
            enabled: cx.form.given("enabled").is_some(),
        }
    }

    fn kept(kept: Option<&Schedule>, host_zone: Option<&str>) -> Self {
        let Some(schedule) = kept else {
            return Self {
                name: "nightly".to_owned(),
                every: "nightly".to_owned(),
                cron: String::new(),
                zone: host_zone.unwrap_or("UTC").to_owned(),
                misfire: "run-once".to_owned(),
                age_hours: "24".to_owned(),
                jitter_minutes: "10".to_owned(),
                enabled: true,
            };
        };
        let preset = PRESETS.iter().find(|(_, _, cron)| *cron == schedule.cron);
        let (misfire, age) = match schedule.misfire {
            Misfire::Skip => ("skip", 86_400),
            Misfire::RunIfOlder { seconds } => ("run-if-older", seconds),
            _ => ("run-once", 86_400),
        };
        Self {
            name: schedule.name.clone(),
            every: preset.map_or(OWN, |(value, _, _)| value).to_owned(),
            cron: schedule.cron.clone(),
            zone: schedule.zone.clone(),
            misfire: misfire.to_owned(),
            age_hours: hours(age),
            jitter_minutes: (schedule.jitter_seconds / 60).to_string(),
            enabled: schedule.enabled,
        }
    }

    /// The times that are meant: a preset's, or those in the text field.
    fn times(&self) -> Times {
        let preset = PRESETS.iter().find(|(value, _, _)| *value == self.every);
        let cron = preset.map_or_else(|| self.cron.clone(), |(_, _, cron)| (*cron).to_owned());
        Times { cron, zone: self.zone.clone() }
    }

    fn misfire(&self) -> Misfire {
        match self.misfire.as_str() {
            "skip" => Misfire::Skip,
            "run-if-older" => {
                let hours: f64 = self.age_hours.replace(',', ".").parse().unwrap_or(0.0);
                Misfire::RunIfOlder {
                    seconds: std::time::Duration::try_from_secs_f64(hours * 3600.0)
                        .map_or(0, |age| age.as_secs()),
                }
            }
            _ => Misfire::RunOnce,
        }
    }

    fn jitter_seconds(&self) -> u32 {
        // What is no number is refused by the API, which says what it may be.
        let minutes = if self.jitter_minutes.is_empty() { Ok(0) } else { self.jitter_minutes.parse::<u32>() };
        minutes.map_or(u32::MAX, |minutes| minutes.saturating_mul(60))
    }
}

/// Whole hours, or with one part of an hour.
fn hours(seconds: u64) -> String {
    if seconds.is_multiple_of(3600) {
        (seconds / 3600).to_string()
    } else {
        format!("{}.{:02}", seconds / 3600, seconds % 3600 * 100 / 3600)
    }
}

fn presets() -> Vec<Preset> {
    PRESETS.iter().map(|&(value, label, cron)| Preset { value, label, cron }).collect()
}

fn choices(cx: &Cx, groups: &[SourceGroup], kept: Option<&Schedule>, typed: bool) -> Vec<GroupChoice> {
    let chosen = |group: &SourceGroup| match (typed, kept) {
        (true, _) => cx.form.given(&format!("group-{}", group.id)).is_some(),
        (false, Some(schedule)) => schedule.source_groups.iter().any(|one| one.id == group.id),
        (false, None) => true,
    };
    let choice = |group: &SourceGroup| GroupChoice {
        id: group.id.to_string(),
        name: group.name.clone(),
        chosen: chosen(group),
    };
    groups.iter().map(choice).collect()
}

async fn preview_of(cx: &Cx, fields: &Fields) -> Result<Preview, Failure> {
    match cx.api.send::<schedules::Preview>(Nothing {}, fields.times()).await {
        Ok(NextRuns { runs }) => {
            Ok(Preview { runs: runs.iter().map(|run| NextRun::new(cx, run)).collect(), error: None })
        }
        Err(Failure::Refused(problem)) => {
            Ok(Preview { runs: Vec::new(), error: Some(problem.detail.clone()) })
        }
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let host: HostId = cx.parameter("host")?;
    if is_look(&cx) {
        return form(&cx, host, None, Wrong::default()).await;
    }
    let change = posted(&cx, host, None).await?;
    match cx.api.send::<schedules::Create>(ByHost { host }, change).await {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/schedules?done=schedule-added"))),
        Err(Failure::Refused(problem)) => {
            form(&cx, host, None, Wrong { problem: Some(&problem), confirm: None }).await
        }
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    if is_look(&cx) {
        return edit_with(&cx, Wrong::default()).await;
    }
    let kept = by(&cx).await?;
    let change = posted(&cx, kept.host.id, Some(&kept)).await?;
    let version = cx.form.text("version").parse().unwrap_or(0);
    match cx.api.change::<schedules::Update>(BySchedule { schedule: kept.id }, change, version).await {
        Ok(changed) => Ok(redirect(&format!("/hosts/{}/schedules?done=schedule-updated", changed.host.id))),
        Err(Failure::Refused(problem)) => {
            edit_with(&cx, Wrong { problem: Some(&problem), confirm: None }).await
        }
        Err(failure) => Err(failure),
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
fn is_look(cx: &Cx) -> bool {
    cx.form.given("look").is_some()
}

/// What was typed; groups that were chosen before keep their order, new ones follow.
async fn posted(cx: &Cx, host: HostId, kept: Option<&Schedule>) -> Result<ScheduleChange, Failure> {
    let groups = cx.api.get::<source_groups::List>(ByHost { host }, Nothing {}).await?.items;
    let fields = Fields::typed(cx);
    let Times { cron, zone } = fields.times();
    let mut chosen: Vec<_> = choices(cx, &groups, kept, true)
        .into_iter()
        .filter(|choice| choice.chosen)
        .filter_map(|choice| choice.id.parse().ok())
        .collect();
    let place = |id: &restic_manager_proto::SourceGroupId| {
        let before = kept.map(|kept| kept.source_groups.as_slice()).unwrap_or_default();
        before.iter().position(|one| one.id == *id).unwrap_or(usize::MAX)
    };
    chosen.sort_by_key(place);
    Ok(ScheduleChange {
        cron,
        zone,
        misfire: fields.misfire(),
        jitter_seconds: fields.jitter_seconds(),
        bandwidth: bandwidth::posted(cx),
        enabled: fields.enabled,
        source_groups: chosen,
        name: fields.name,
    })
}

/// The editor of times with something in each of its slots, for the gallery.
#[derive(Serialize)]
pub(crate) struct ScheduleSample {
    fields: Fields,
    presets: Vec<Preset>,
    zones: Vec<String>,
    errors: Errors,
    preview: Preview,
}

impl ScheduleSample {
    pub(crate) fn new(hostile: &str, now: Timestamp) -> Self {
        let run = |days: u64, note: &str| NextRun {
            at: Moment::new(now.after(std::time::Duration::from_secs(days * 86_400)), now),
            local: format!("2027-03-{:02} 02:30 CET", 26 + days),
            note: note.to_owned(),
        };
        Self {
            fields: Fields { every: OWN.to_owned(), cron: hostile.to_owned(), ..Fields::kept(None, None) },
            presets: presets(),
            zones: vec!["Europe/Berlin".to_owned(), hostile.to_owned()],
            errors: Errors { cron: Some("4 fields instead of five".to_owned()), ..Errors::default() },
            preview: Preview {
                runs: vec![
                    run(1, ""),
                    run(2, "the clock is put forward over 02:30 that day"),
                    run(3, hostile),
                ],
                error: None,
            },
        }
    }
}
