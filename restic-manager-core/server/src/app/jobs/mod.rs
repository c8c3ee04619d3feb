//! Jobs: asked for, shown, stopped.

mod body;
mod log;
mod stream;

use restic_manager_core::job::{self, Decision};
use restic_manager_proto::{
    JobChoice, JobEnd, JobId, JobOptions, UserId,
    api::{
        Page,
        jobs::{Cancel, Create, Filter, Job, List, Show},
    },
    vocabulary::{Action, JobKind, Trigger},
};
use restic_manager_store::{Read, Transaction, hosts::Host, jobs::JobScope, retry};

use super::{
    check::{self, Fields},
    page,
};
use crate::{
    app::found,
    call::{Cx, Request},
    domain::{
        jobs::{Wanted, end, queue::queue, wanted::refuse_twin},
        leases,
    },
    entry::nameless,
    failure::Failure,
    parts::{Change, Follow, Parts},
};

use body::JobBodies;
pub(crate) use log::download;
pub(crate) use stream::follow as stream;

/// Paths of a restore that a list of jobs names: a page of 500 restores of 2,000 paths each would be 128 MiB.
const LISTED_PATHS: usize = 20;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<Job>, Failure> {
    let query = request.query;
    let scope = scope(&query)?;
    let wanted = page::request(query.limit, query.after.as_ref(), |id| id)?;
    let mut read = cx.read().await?;
    let found = read.jobs().page(scope, cx.scope(), wanted).await?;
    let mut bodies = JobBodies::new(cx.parts(), read.as_mut());
    let mut items = Vec::with_capacity(found.items.len());
    for mut row in found.items {
        if let JobChoice::Restore(restore) = &mut row.options.choice {
            restore.paths.truncate(LISTED_PATHS);
        }
        items.push(bodies.of(row).await?);
    }
    page::finish(items, found.next, |id| id)
}

/// Which rows the query asks for: those that an index finds.
fn scope(query: &Filter) -> Result<JobScope, Failure> {
    let combined = |field: &str| {
        Failure::field(
            field,
            "`schedule` alone, or `from` and `until` with `host`, and nothing else beside them",
        )
    };
    match (query.schedule, query.from, query.until, query.host, query.state) {
        (Some(schedule), None, None, None, None) => Ok(JobScope::Schedule(schedule)),
        (Some(_), ..) => Err(combined("schedule")),
        (None, Some(from), Some(until), Some(host), None) => Ok(JobScope::HostWithin(host, from, until)),
        (None, Some(_), ..) => Err(combined("from")),
        (None, None, Some(_), ..) => Err(combined("until")),
        (None, None, None, Some(host), Some(state)) => Ok(JobScope::HostState(host, state)),
        (None, None, None, Some(host), None) => Ok(JobScope::Host(host)),
        (None, None, None, None, Some(state)) => Ok(JobScope::State(state)),
        (None, None, None, None, None) => Ok(JobScope::Fleet),
    }
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Job, Failure> {
    let mut read = cx.read().await?;
    job_body(cx.parts(), read.as_mut(), request.path.job).await
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Job, Failure> {
    let requested_by = Some(cx.user()?.id);
    retry(async || {
        let mut change = cx.begin().await?;
        let wanted = resolve(&cx, change.as_mut(), &request, requested_by).await?;
        queue_wanted(&cx, change, wanted).await
    })
    .await
}

/// Queues what the caller asked for, unless the same is queued or runs already.
pub(super) async fn queue_wanted(cx: &Cx, mut change: Change<'_>, wanted: Wanted) -> Result<Job, Failure> {
    refuse_twin(change.as_mut(), &wanted).await?;
    let new = wanted.at(&cx.parts().mint, cx.now());
    queue(&mut change, &new).await?;
    if new.kind.is_upkeep() {
        leases::reserve(cx.parts(), change.as_mut(), &new).await?;
    }
    let job = job_body(cx.parts(), change.reading(), new.id).await?;
    change.commit(cx.audit(Action::JobCreate, nameless("job", new.id))).await?;
    Ok(job)
}

/// Stops a job, whatever its state: what no agent can be asked about ends in place.
pub(crate) async fn cancel(cx: Cx, request: Request<Cancel>) -> Result<Job, Failure> {
    let id = request.path.job;
    retry(async || {
        let mut change = cx.begin().await?;
        let row = found::job(change.jobs(), id).await?;
        let decision = job::cancel(row.state, cx.parts().hub.last_seen(row.host).is_some());
        if decision == Decision::Keep {
            return job_body(cx.parts(), change.reading(), id).await;
        }
        change.jobs().request_cancel(id, cx.now()).await?;
        change.tell_job(id, row.host);
        match decision {
            Decision::End { state, cause } => {
                end::finish(&mut change, &row, cx.now(), &JobEnd::new(state, cause)).await?;
                change.then(Follow::Wake(row.host));
            }
            _ => change.then(Follow::CancelJob(row.host, id)),
        }
        let job = job_body(cx.parts(), change.reading(), id).await?;
        change.commit(cx.audit(Action::JobCancel, nameless("job", id))).await?;
        Ok(job)
    })
    .await
}

/// Fills in what the request leaves to the host's only group or repository.
async fn resolve(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    request: &Request<Create>,
    requested_by: Option<UserId>,
) -> Result<Wanted, Failure> {
    let body = &request.body;
    let mut fields = Fields::default();
    check::bandwidth(&mut fields, body.bandwidth);
    fields.finish()?;
    if body.kind.is_upkeep() {
        let message = "upkeep belongs to a repository and not to a host; ask for it at the repository";
        return Err(Failure::field("kind", message));
    }
    if body.kind == JobKind::ConnectionTest {
        return Err(Failure::field(
            "kind",
            "another one; a connection is tested at `/api/v1/connection-tests`",
        ));
    }
    if !JobChoice::None.fits(body.kind) {
        return Err(Failure::field(
            "kind",
            "another one; a restore is asked for at `/api/v1/hosts/{host}/restores`",
        ));
    }
    let is_seen = |host: &Host| host.deleted.is_none() && host.is_within(cx.scope());
    let host = transaction.hosts().find(body.host).await?.filter(is_seen);
    let host = host.ok_or_else(|| Failure::field("host", "there is no such host"))?.id;
    let (source_group, repository) = if body.kind == JobKind::Backup {
        let groups = transaction.sources().of_host(host).await?;
        let group = match body.source_group {
            Some(id) => groups.iter().find(|group| group.id == id),
            None => groups.first().filter(|_| groups.len() == 1),
        };
        let group = group.ok_or_else(|| {
            Failure::field(
                "source_group",
                "name one of the host's source groups; it has several, none, or not this one",
            )
        })?;
        (Some(group.id), group.repository)
    } else {
        let attached = transaction.attachments().of_host(host).await?;
        let one = match body.repository {
            Some(id) => attached.iter().find(|attachment| attachment.repository == id),
            None => attached.first().filter(|_| attached.len() == 1),
        };
        let one = one.ok_or_else(|| {
            Failure::field(
                "repository",
                "name one of the host's repositories; it has several, none, or not this one",
            )
        })?;
        (None, one.repository)
    };
    let trigger = Trigger::Manual;
    let options = JobOptions { bandwidth: body.bandwidth, choice: JobChoice::None };
    let repository = Some(repository);
    Ok(Wanted { host, kind: body.kind, trigger, requested_by, source_group, repository, options })
}

/// A job as it is told.
pub(super) async fn job_body(parts: &Parts, read: &mut dyn Read, id: JobId) -> Result<Job, Failure> {
    let row = found::job(read.jobs(), id).await?;
    JobBodies::new(parts, read).of(row).await
}
