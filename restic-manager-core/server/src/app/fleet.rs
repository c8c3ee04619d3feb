//! The whole fleet in one line.

use restic_manager_proto::{
    Scope, Timestamp,
    api::fleet::{Fleet, Show},
    vocabulary::{AlertState, EnrolmentState, Health, JobState, Severity},
};
use restic_manager_store::{
    PageRequest, Read,
    hosts::{Host, HostFilter, HostOrder},
};

use super::{alerts, health};
use crate::{
    call::{Cx, Request},
    domain::maintenance::Windows,
    failure::Failure,
    parts::Parts,
};

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Fleet, Failure> {
    let parts = cx.parts();
    if !cx.scope().is_all() {
        return count(parts, cx.scope(), cx.now()).await;
    }
    parts.fleet_count.get(cx.now(), count(parts, &Scope::All, cx.now())).await
}

async fn count(parts: &Parts, scope: &Scope, now: Timestamp) -> Result<Fleet, Failure> {
    count_in(parts.store.read().await?.as_mut(), parts, scope, now).await
}

/// The same by an open look at the data.
pub(super) async fn count_in(
    read: &mut dyn Read,
    parts: &Parts,
    scope: &Scope,
    now: Timestamp,
) -> Result<Fleet, Failure> {
    let mut fleet = Fleet::default();
    count_hosts(read, &mut fleet, scope, now).await?;
    let jobs = match scope {
        Scope::All => read.jobs().tallies().await?,
        _ => read.jobs().active_tallies(scope).await?,
    };
    for (state, jobs) in jobs {
        match state {
            JobState::Running => fleet.jobs_running += jobs,
            JobState::Queued | JobState::Dispatched => fleet.jobs_queued += jobs,
            _ => {}
        }
    }
    for tally in alerts::tallies(read, scope).await? {
        match (tally.state, tally.severity) {
            (AlertState::Open, Severity::Critical) => fleet.alerts_critical += tally.alerts,
            (AlertState::Open, Severity::Warning) => fleet.alerts_warning += tally.alerts,
            (AlertState::Open, _) => fleet.alerts_info += tally.alerts,
            _ => {}
        }
    }
    if scope.is_all() {
        let waiting = read.pending_hosts().waiting().await?;
        fleet.pending_hosts = waiting.iter().filter(|host| host.expires > now).count() as u64;
    }
    fleet.enrolments_open = open_enrolments(read, parts, scope, now).await?;
    fleet.online = match scope {
        Scope::All => parts.hub.connected(),
        _ => online(read, parts, scope).await?,
    };
    fleet.counted_at = now;
    Ok(fleet)
}

/// More than any fleet has; a count that would be larger says this.
const MOST_HOSTS: usize = 100_000;

async fn online(read: &mut dyn Read, parts: &Parts, scope: &Scope) -> Result<u64, Failure> {
    let hosts = read.hosts().within(scope, MOST_HOSTS).await?;
    Ok(hosts.into_iter().filter(|host| parts.hub.last_seen(*host).is_some()).count() as u64)
}

async fn count_hosts(
    read: &mut dyn Read,
    fleet: &mut Fleet,
    scope: &Scope,
    now: Timestamp,
) -> Result<(), Failure> {
    for standing in read.hosts().standings(scope, now).await? {
        fleet.hosts += standing.hosts;
        match health::judge(standing.worst_backup, standing.is_fresh) {
            Health::Good => fleet.good += standing.hosts,
            Health::Overdue => fleet.overdue += standing.hosts,
            Health::Failing => fleet.failing += standing.hosts,
            _ => fleet.unknown += standing.hosts,
        }
    }
    fleet.maintenance = maintained(read, scope, now).await?;
    fleet.overdue = fleet.overdue.saturating_sub(fleet.maintenance);
    Ok(())
}

/// How many hosts are overdue while a maintenance window explains it.
async fn maintained(read: &mut dyn Read, scope: &Scope, now: Timestamp) -> Result<u64, Failure> {
    let windows = Windows::at(read, now).await?;
    let backups = Some(health::listed(Health::Maintenance, now));
    let filter = HostFilter { scope: scope.clone(), backups, ..HostFilter::default() };
    let mut request = (!windows.is_empty()).then(|| PageRequest::first(PageRequest::<()>::LIMIT));
    let mut maintained = 0;
    while let Some(part) = request {
        let page = read.hosts().page(&filter, HostOrder::Name, part).await?;
        let is_so = |host: &&Host| health::of_host(host, &windows, now) == Health::Maintenance;
        maintained += page.items.iter().filter(is_so).count() as u64;
        request = page.next.map(|next| PageRequest::after(next, PageRequest::<()>::LIMIT));
    }
    Ok(maintained)
}

/// Newest first, so that the first one too old to be open ends the search.
async fn open_enrolments(
    read: &mut dyn Read,
    parts: &Parts,
    scope: &Scope,
    now: Timestamp,
) -> Result<u64, Failure> {
    let mut open = 0;
    let mut request = PageRequest::first(PageRequest::<()>::LIMIT);
    loop {
        let page = read.enrolments().page(scope, request).await?;
        for enrolment in &page.items {
            if now.since(enrolment.created) > parts.config.enrolment_lifetime {
                return Ok(open);
            }
            if enrolment.state == EnrolmentState::Open && now < enrolment.expires {
                open += 1;
            }
        }
        match page.next {
            Some(next) => request = PageRequest::after(next, PageRequest::<()>::LIMIT),
            None => return Ok(open),
        }
    }
}
