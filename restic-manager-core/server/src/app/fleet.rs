//! The whole fleet in one line, counted again when something changed, once for all pages that ask.

use core::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use restic_manager_proto::{
    Scope, Timestamp,
    api::fleet::{Fleet, Show},
    vocabulary::{AlertState, EnrolmentState, Health, JobState, Severity},
};
use restic_manager_store::{PageRequest, Read};
use tokio::sync::Mutex;

use super::{alerts, health};
use crate::{
    failure::Failure,
    http::{Cx, Request},
    shared::Shared,
};

/// How old a count may be when nothing has changed but the time.
const KEPT: Duration = Duration::from_secs(5);

/// The last count. Whoever needs a new one while it is being made waits for it.
#[derive(Debug, Default)]
pub(crate) struct LastCount {
    count: Mutex<Option<Fleet>>,
    outdated: AtomicBool,
}

impl LastCount {
    /// Something changed: the next page that asks gets a new count.
    pub(crate) fn outdate(&self) {
        self.outdated.store(true, Ordering::Release);
    }
}

pub(crate) async fn show(cx: Cx, _: Request<Show>) -> Result<Fleet, Failure> {
    let shared = cx.shared();
    if !cx.scope().is_all() {
        return count(shared, cx.scope(), cx.now()).await;
    }
    let mut last = shared.fleet.count.lock().await;
    // Taken back before the count, so that a change during it makes the next one.
    let outdated = shared.fleet.outdated.swap(false, Ordering::AcqRel);
    // A clock that was set back makes every count one of the future: it is made anew.
    let fresh = |count: &&Fleet| cx.now() >= count.counted_at && cx.now().since(count.counted_at) < KEPT;
    if let Some(count) = last.as_ref().filter(fresh).filter(|_| !outdated) {
        return Ok(count.clone());
    }
    let count = count(shared, &Scope::All, cx.now()).await?;
    *last = Some(count.clone());
    Ok(count)
}

async fn count(shared: &Shared, scope: &Scope, now: Timestamp) -> Result<Fleet, Failure> {
    let mut fleet = Fleet::default();
    let mut read = shared.store.read().await?;
    count_hosts(read.as_mut(), &mut fleet, scope, now).await?;
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
    for tally in alerts::tallies(read.as_mut(), scope).await? {
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
    fleet.enrolments_open = open_enrolments(read.as_mut(), shared, scope, now).await?;
    fleet.online = match scope {
        Scope::All => shared.agents.connected(),
        _ => online(read.as_mut(), shared, scope).await?,
    };
    fleet.counted_at = now;
    Ok(fleet)
}

/// More than any fleet has; a count that would be larger says this.
const MOST_HOSTS: usize = 100_000;

async fn online(read: &mut dyn Read, shared: &Shared, scope: &Scope) -> Result<u64, Failure> {
    let hosts = read.hosts().within(scope, MOST_HOSTS).await?;
    Ok(hosts.into_iter().filter(|host| shared.agents.last_seen(*host).is_some()).count() as u64)
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
    Ok(())
}

/// Newest first, so that the first one too old to be open ends the search.
async fn open_enrolments(
    read: &mut dyn Read,
    shared: &Shared,
    scope: &Scope,
    now: Timestamp,
) -> Result<u64, Failure> {
    let mut open = 0;
    let mut request = PageRequest::first(PageRequest::<()>::LIMIT);
    loop {
        let page = read.enrolments().page(scope, request).await?;
        for enrolment in &page.items {
            if now.since(enrolment.created) > shared.config.enrolment_lifetime {
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
