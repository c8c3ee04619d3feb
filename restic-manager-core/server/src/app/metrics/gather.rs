//! All figures, by one look at the data. It costs what is told: a page of rows at a time, by an index.

use restic_manager_proto::{
    ChannelId, HostId, RepositoryId, Scope, Timestamp,
    vocabulary::{DeliveryState, JobState},
};
use restic_manager_store::{
    PageRequest, Read,
    channels::Channel,
    hosts::{Host, HostFilter, HostOrder},
    measurements::Measurement,
    metrics::GroupMetrics,
    upkeep::Duty,
};
use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

use super::super::fleet;
use crate::{
    domain::{maintenance::Windows, routing::MOST_CHANNELS},
    failure::Failure,
    parts::{
        Parts,
        scrapes::{Figures, GroupFigures, HostFigures, RepositoryFigures},
    },
};

/// Hosts of which rows are told, the first by name.
const HOSTS: usize = 20_000;
/// Source groups of which rows are told, the oldest.
const GROUPS: usize = 60_000;
/// Repositories of which rows are told, the first by name.
const REPOSITORIES: usize = 20_000;
/// Rows that are asked for at once.
const PAGE: usize = PageRequest::<()>::LIMIT;

type Names<I> = HashMap<I, String>;

pub(super) async fn gather(parts: &Parts, now: Timestamp) -> Result<Figures, Failure> {
    let began = Instant::now();
    let mut read = parts.store.read().await?;
    let read = read.as_mut();
    let fleet = fleet::count_in(read, parts, &Scope::All, now).await?;
    let (repositories, repository_names, more_repositories) = repositories(read).await?;
    let mut figures = Figures {
        at: now,
        took: began.elapsed(),
        fleet,
        alerts: read.alerts().tallies().await?,
        ended: read.metrics().ended_jobs().await?,
        durations: read.metrics().job_durations().await?,
        log_bytes: read.metrics().log_bytes().await?,
        queue: queue(read).await?,
        leases: read.metrics().lease_tallies().await?,
        deliveries: deliveries(read).await?,
        database_bytes: read.metrics().database_bytes().await?,
        hosts: Vec::new(),
        groups: Vec::new(),
        repositories,
        cut: vec![("repositories", more_repositories)],
    };
    if !parts.config.metrics.only_totals {
        let (hosts, names, more) = hosts(read, parts, now).await?;
        figures.hosts = hosts;
        figures.cut.push(("hosts", more));
        let (groups, more) = groups(read, &names, &repository_names).await?;
        figures.groups = groups;
        figures.cut.push(("groups", more));
    }
    figures.took = began.elapsed();
    Ok(figures)
}

/// Notifications of every channel in every state, those without any too.
async fn deliveries(read: &mut dyn Read) -> Result<Vec<(String, DeliveryState, u64)>, Failure> {
    let tallies = read.metrics().delivery_tallies().await?;
    let channels = read.channels().all(MOST_CHANNELS).await?;
    let count = |id: ChannelId, state: DeliveryState| {
        let found = tallies.iter().find(|tally| (tally.channel, tally.state) == (id, state));
        found.map_or(0, |tally| tally.deliveries)
    };
    let of_channel = |channel: &Channel| {
        DeliveryState::ALL
            .iter()
            .map(|state| (channel.name.clone(), *state, count(channel.id, *state)))
            .collect()
    };
    Ok(channels.iter().flat_map(|channel| -> Vec<_> { of_channel(channel) }).collect())
}

/// Jobs that have not ended, by their state; those without any too.
async fn queue(read: &mut dyn Read) -> Result<Vec<(&'static str, u64)>, Failure> {
    let tallies = read.jobs().tallies().await?;
    let count = |state: JobState| tallies.iter().find(|(of, _)| *of == state).map_or(0, |(_, jobs)| *jobs);
    let active = JobState::ALL.iter().filter(|state| !state.is_end());
    Ok(active.map(|state| (state.as_str(), count(*state))).collect())
}

async fn hosts(
    read: &mut dyn Read,
    parts: &Parts,
    now: Timestamp,
) -> Result<(Vec<HostFigures>, Names<HostId>, bool), Failure> {
    let windows = Windows::at(read, now).await?;
    let filter = HostFilter { scope: Scope::All, ..HostFilter::default() };
    let (mut figures, mut names) = (Vec::new(), Names::new());
    let mut request = Some(PageRequest::first(PAGE));
    while let Some(part) = request.take_if(|_| figures.len() < HOSTS) {
        let page = read.hosts().page(&filter, HostOrder::Name, part).await?;
        for host in page.items {
            names.insert(host.id, host.name.clone());
            let is_online = parts.hub.last_seen(host.id).is_some();
            figures.push(of_host(host, is_online, &windows, now));
        }
        request = page.next.map(|next| PageRequest::after(next, PAGE));
    }
    Ok((figures, names, request.is_some()))
}

fn of_host(host: Host, is_online: bool, windows: &Windows, now: Timestamp) -> HostFigures {
    HostFigures {
        is_online,
        in_maintenance: windows.hold(&host, now),
        is_drifting: host.configuration.drift_since.is_some(),
        last_seen: host.last_seen,
        last_good_backup: host.last_good_backup,
        last_snapshot: host.last_snapshot,
        fresh_until: host.fresh_until,
        next_run: host.next_run,
        snapshots: host.snapshots,
        agent_version: host.facts.agent_version,
        restic_version: host.facts.restic_version.unwrap_or_default(),
        operating_system: host.facts.operating_system,
        name: host.name,
    }
}

/// Those of hosts that are told.
async fn groups(
    read: &mut dyn Read,
    hosts: &Names<HostId>,
    repositories: &Names<RepositoryId>,
) -> Result<(Vec<GroupFigures>, bool), Failure> {
    let mut figures = Vec::new();
    let mut after = None;
    loop {
        let rows = read.metrics().groups(after, PAGE).await?;
        let (is_last, last) = (rows.len() < PAGE, rows.last().map(|row| row.id));
        figures.extend(rows.into_iter().filter_map(|row| of_group(row, hosts, repositories)));
        if is_last || figures.len() >= GROUPS {
            return Ok((figures, !is_last));
        }
        after = last;
    }
}

fn of_group(
    row: GroupMetrics,
    hosts: &Names<HostId>,
    repositories: &Names<RepositoryId>,
) -> Option<GroupFigures> {
    let ended = row.last_backup.as_ref().map(|last| last.ended);
    Some(GroupFigures {
        host: hosts.get(&row.host)?.clone(),
        repository: repositories.get(&row.repository)?.clone(),
        took: ended.zip(row.started).map(|(ended, started)| ended.since(started)),
        name: row.name,
        last_backup: row.last_backup,
        statistics: row.statistics,
        newest: row.newest,
        snapshots: row.snapshots,
    })
}

async fn repositories(
    read: &mut dyn Read,
) -> Result<(Vec<RepositoryFigures>, Names<RepositoryId>, bool), Failure> {
    let mut found = Vec::new();
    let mut request = Some(PageRequest::first(PAGE));
    while let Some(part) = request.take_if(|_| found.len() < REPOSITORIES) {
        let page = read.repositories().page(&Scope::All, part).await?;
        found.extend(page.items.into_iter().map(|row| (row.id, row.name)));
        request = page.next.map(|next| PageRequest::after(next, PAGE));
    }
    let (mut measured, mut duties) = (measured(read).await?, duties(read).await?);
    let figures = found.iter().map(|(id, name)| RepositoryFigures {
        name: name.clone(),
        measured: measured.remove(id),
        duties: duties.remove(id).unwrap_or_default(),
    });
    Ok((figures.collect(), found.iter().cloned().collect(), request.is_some()))
}

async fn measured(read: &mut dyn Read) -> Result<BTreeMap<RepositoryId, Measurement>, Failure> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let rows = read.metrics().measured(after, PAGE).await?;
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| row.repository);
        all.extend(rows.into_iter().map(|row| (row.repository, row)));
        if is_last || all.len() >= REPOSITORIES {
            return Ok(all);
        }
    }
}

async fn duties(read: &mut dyn Read) -> Result<BTreeMap<RepositoryId, Vec<Duty>>, Failure> {
    let mut all: BTreeMap<RepositoryId, Vec<Duty>> = BTreeMap::new();
    let mut after = None;
    loop {
        let rows = read.metrics().duties(after, PAGE).await?;
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| (row.repository, row.kind));
        for row in rows {
            all.entry(row.repository).or_default().push(row);
        }
        if is_last || all.len() > REPOSITORIES {
            return Ok(all);
        }
    }
}
