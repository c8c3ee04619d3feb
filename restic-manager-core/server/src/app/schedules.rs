//! When source groups are backed up.

use restic_manager_core::schedule::{LONGEST_JITTER, Run, Timetable, Zone, runs};
use restic_manager_proto::{
    HostId, Misfire, ScheduleId, SourceGroupId, Timestamp,
    api::{
        self, Nothing, Page, Reference,
        schedules::{
            Create, Delete, List, NextRuns, Preview, ScheduleChange, Show, TimeZones, Update, Zones,
        },
    },
    vocabulary::Action,
};
use restic_manager_store::{Read, Transaction, schedules::Schedule, sources::SourceGroup};

use super::{
    check::{self, Fields},
    found, page,
};
use crate::{
    call::{Cx, Reply, Request},
    domain::{configuration, plan},
    entry::subject,
    failure::Failure,
};

/// More than anybody needs, and few enough to be listed whole.
const MOST_PER_HOST: usize = 64;
/// How many runs a preview shows.
const SHOWN: usize = 5;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::schedules::Schedule>, Failure> {
    let mut read = cx.read().await?;
    let host = found::host_ever(read.hosts(), request.path.host).await?;
    let groups = read.sources().of_host(host.id).await?;
    let schedules = read.schedules().of_host(host.id).await?;
    let view = |schedule| schedule_body(schedule, &host.name, &groups, cx.now());
    Ok(page::whole(schedules.into_iter().map(view).collect()))
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<api::schedules::Schedule>, Failure> {
    versioned_body(cx.read().await?.as_mut(), request.path.schedule, cx.now()).await
}

pub(crate) async fn create(
    cx: Cx,
    request: Request<Create>,
) -> Result<Reply<api::schedules::Schedule>, Failure> {
    let (host, body) = (request.path.host, request.body);
    check_change(&body)?;
    let mut change = cx.begin().await?;
    let exists = change.hosts().find(host).await?.is_some_and(|host| host.deleted.is_none());
    if !exists {
        return Err(Failure::not_found("host"));
    }
    if change.schedules().of_host(host).await?.len() >= MOST_PER_HOST {
        let detail = format!("a host has at most {MOST_PER_HOST} schedules");
        return Err(Failure::conflict(detail, "let one of them run more source groups, or more often"));
    }
    expect_groups(change.as_mut(), host, &body.source_groups).await?;
    let id = cx.parts().mint.schedule();
    let schedule = Schedule {
        id,
        host,
        name: body.name.clone(),
        cron: body.cron,
        zone: body.zone,
        misfire: body.misfire,
        jitter_seconds: body.jitter_seconds,
        bandwidth: body.bandwidth,
        enabled: body.enabled,
        since: cx.now(),
        groups: body.source_groups,
        created: cx.now(),
        version: 1,
    };
    change.schedules().add(&schedule).await?;
    plan::refresh(change.as_mut(), host, cx.now()).await?;
    configuration::changed(&mut change, host).await?;
    change.tell_host(host);
    let answer = versioned_body(change.reading(), id, cx.now()).await?;
    change.commit(cx.audit(Action::ScheduleCreate, subject("schedule", id, body.name))).await?;
    Ok(answer)
}

pub(crate) async fn update(
    cx: Cx,
    request: Request<Update>,
) -> Result<Reply<api::schedules::Schedule>, Failure> {
    let (id, body) = (request.path.schedule, request.body);
    check_change(&body)?;
    let mut change = cx.begin().await?;
    let before = change.schedules().find(id).await?.ok_or_else(|| Failure::not_found("schedule"))?;
    found::host(change.hosts(), before.host).await?;
    expect_groups(change.as_mut(), before.host, &body.source_groups).await?;
    let same_times = before.cron == body.cron && before.zone == body.zone;
    let goes_on = same_times && (before.enabled || !body.enabled);
    let schedule = Schedule {
        name: body.name.clone(),
        cron: body.cron,
        zone: body.zone,
        misfire: body.misfire,
        jitter_seconds: body.jitter_seconds,
        bandwidth: body.bandwidth,
        enabled: body.enabled,
        // Times that lie in the past have not been missed by a schedule that did not have them.
        since: if goes_on { before.since } else { cx.now() },
        groups: body.source_groups,
        ..before
    };
    change.schedules().update(&schedule, request.expected).await.map_err(Failure::stale)?;
    plan::refresh(change.as_mut(), schedule.host, cx.now()).await?;
    configuration::changed(&mut change, schedule.host).await?;
    change.tell_host(schedule.host);
    let answer = versioned_body(change.reading(), id, cx.now()).await?;
    change.commit(cx.audit(Action::ScheduleUpdate, subject("schedule", id, body.name))).await?;
    Ok(answer)
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.schedule;
    let mut change = cx.begin().await?;
    let schedule = change.schedules().find(id).await?.ok_or_else(|| Failure::not_found("schedule"))?;
    found::host(change.hosts(), schedule.host).await?;
    change.schedules().delete(id).await?;
    plan::refresh(change.as_mut(), schedule.host, cx.now()).await?;
    configuration::changed(&mut change, schedule.host).await?;
    change.tell_host(schedule.host);
    change.commit(cx.audit(Action::ScheduleDelete, subject("schedule", id, schedule.name))).await?;
    Ok(Nothing {})
}

pub(crate) async fn preview(cx: Cx, request: Request<Preview>) -> Result<NextRuns, Failure> {
    let mut fields = Fields::default();
    let timetable = check_times(&mut fields, &request.body.cron, &request.body.zone);
    fields.finish()?;
    let runs = timetable.iter().flat_map(|timetable| runs(timetable, cx.now())).take(SHOWN);
    Ok(NextRuns { runs: runs.map(run).collect() })
}

pub(crate) async fn zones(_: Cx, _: Request<Zones>) -> Result<TimeZones, Failure> {
    Ok(TimeZones { zones: Zone::names() })
}

fn check_change(body: &ScheduleChange) -> Result<(), Failure> {
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    check_times(&mut fields, &body.cron, &body.zone);
    fields.check("misfire", check_misfire(body.misfire));
    fields.check("jitter_seconds", check_jitter(body.jitter_seconds));
    check::bandwidth(&mut fields, body.bandwidth);
    fields.check("source_groups", check_groups(&body.source_groups));
    fields.finish()
}

fn check_times(fields: &mut Fields, cron: &str, zone: &str) -> Option<Timetable> {
    let cron = fields.check("cron", cron.parse());
    let zone = fields.check("zone", zone.parse());
    Some(Timetable { cron: cron?, zone: zone? })
}

fn check_misfire(misfire: Misfire) -> Result<(), &'static str> {
    match misfire {
        Misfire::RunIfOlder { seconds } if !(60..=366 * 86_400).contains(&seconds) => {
            Err("an age of 60 seconds to 366 days, such as 86400 for a day")
        }
        _ => Ok(()),
    }
}

fn check_jitter(seconds: u32) -> Result<(), &'static str> {
    let fits = u64::from(seconds) <= LONGEST_JITTER.as_secs();
    if fits { Ok(()) } else { Err("at most 43200 seconds, which are 12 hours, such as 600") }
}

fn check_groups(groups: &[SourceGroupId]) -> Result<(), &'static str> {
    let again = |(place, group)| groups[..place].contains(group);
    if groups.is_empty() || groups.len() > MOST_PER_HOST || groups.iter().enumerate().any(again) {
        return Err("1 to 64 of the host's source groups, each once");
    }
    Ok(())
}

async fn expect_groups(
    transaction: &mut dyn Transaction,
    host: HostId,
    groups: &[SourceGroupId],
) -> Result<(), Failure> {
    let there = transaction.sources().of_host(host).await?;
    let known = |id: &SourceGroupId| there.iter().any(|group| group.id == *id);
    if groups.iter().all(known) {
        return Ok(());
    }
    Err(Failure::field(
        "source_groups",
        "source groups of this host; look in the list of them for what there is",
    ))
}

async fn versioned_body(
    read: &mut dyn Read,
    id: ScheduleId,
    now: Timestamp,
) -> Result<Reply<api::schedules::Schedule>, Failure> {
    let schedule = read.schedules().find(id).await?.ok_or_else(|| Failure::not_found("schedule"))?;
    let host = read.hosts().find(schedule.host).await?.map(|host| host.name).unwrap_or_default();
    let groups = read.sources().of_host(schedule.host).await?;
    let version = schedule.version;
    Ok(Reply::versioned(schedule_body(schedule, &host, &groups, now), version))
}

fn schedule_body(
    schedule: Schedule,
    host: &str,
    groups: &[SourceGroup],
    now: Timestamp,
) -> api::schedules::Schedule {
    let timetable = Timetable::parse(&schedule.cron, &schedule.zone).ok().filter(|_| schedule.enabled);
    let next_run = timetable.and_then(|timetable| runs(&timetable, now).next().map(run));
    let named = |id: SourceGroupId| Reference {
        id,
        name: groups.iter().find(|group| group.id == id).map(|group| group.name.clone()).unwrap_or_default(),
    };
    api::schedules::Schedule {
        id: schedule.id,
        host: Reference { id: schedule.host, name: host.to_owned() },
        name: schedule.name,
        cron: schedule.cron,
        zone: schedule.zone,
        misfire: schedule.misfire,
        jitter_seconds: schedule.jitter_seconds,
        bandwidth: schedule.bandwidth,
        enabled: schedule.enabled,
        source_groups: schedule.groups.into_iter().map(named).collect(),
        next_run,
        created_at: schedule.created,
        version: schedule.version,
    }
}

fn run(run: Run) -> api::schedules::Run {
    api::schedules::Run { at: run.slot, local: run.local, note: run.note }
}
