//! From a queued row to an order that an agent can carry out.

use restic_manager_core::{
    handshake::{job_hooks_context, job_secrets_context},
    job,
};
use restic_manager_crypto::ChannelContext;
use restic_manager_proto::{
    Bandwidth, JobEnd, Opaque, RepositoryId,
    agent::{ForgetOrder, ForgetPolicy, JobOrder, RepositoryOrder, SourceOrder, Task},
    vocabulary::{Cause, CredentialSlot, JobKind, JobState},
};
use restic_manager_store::{
    Error, Read,
    hosts::Host,
    jobs::Job,
    repositories::{Credential, Repository},
};
use std::{borrow::Cow, sync::Arc};

use super::{claim::claim_job, connection_tests};
use crate::{
    domain::{
        configuration, duty,
        freeze::Freezes,
        hooks,
        jobs::end::end,
        secrets::{Unfit, missing, secrets},
        setup,
    },
    parts::{Parts, claims::Claimed},
};

/// An order with so many policies stays well below the limit of a frame.
const MOST_POLICIES: usize = 2000;

const OLDER_AGENT: Unfit = Unfit {
    cause: Cause::AgentRefused,
    detail: Cow::Borrowed(
        "the agent of this host is older than this kind of job and does not do it; update the agent",
    ),
};

/// What became of the oldest queued job.
#[derive(Debug)]
pub(super) enum Order {
    /// It is to be sent.
    Ready(Box<JobOrder>),
    /// It cannot be carried out, and has ended.
    Unfit,
}

/// Claims the oldest queued job of a host that may start and makes its order; `None` when there is none.
pub(super) async fn claim(
    parts: &Arc<Parts>,
    host: &Host,
    lacks: &[JobKind],
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Option<Order>, Error> {
    let Some(Claimed { job, makes }) = claim_job(parts, host.id).await? else { return Ok(None) };
    let written = if lacks.contains(&job.kind) {
        Err(OLDER_AGENT)
    } else {
        let mut read = parts.store.read().await?;
        write(parts, read.as_mut(), host, (&job, makes), seal).await?
    };
    match written.and_then(of_size) {
        Ok(order) => Ok(Some(Order::Ready(Box::new(order)))),
        Err(Unfit { cause, detail }) => {
            // What is frozen was not tried.
            let state = if cause == Cause::RetentionFrozen { JobState::Skipped } else { JobState::Failed };
            let mut unfit = JobEnd::new(state, cause);
            unfit.detail = detail.into_owned();
            end(parts, job.id, unfit, cause).await?;
            Ok(Some(Order::Unfit))
        }
    }
}

/// An order that a frame holds.
fn of_size(order: JobOrder) -> Result<JobOrder, Unfit> {
    match serde_json::to_vec(&order) {
        Ok(text) if text.len() <= configuration::LIMIT => Ok(order),
        _ => Err(Unfit {
            cause: Cause::Other,
            detail: Cow::Borrowed(
                "its order is too large for one message; give the source group fewer or shorter paths",
            ),
        }),
    }
}

async fn write(
    parts: &Parts,
    read: &mut dyn Read,
    host: &Host,
    (job, makes): (&Job, bool),
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Result<JobOrder, Unfit>, Error> {
    if job.kind == JobKind::ConnectionTest {
        return connection_tests::write(parts, read, host, job, seal).await;
    }
    let Some(id) = job.repository else { return Ok(Err(missing("the job names no repository"))) };
    let repository = read.repositories().find(id).await?.filter(|repository| repository.deleted.is_none());
    let Some(repository) = repository else { return Ok(Err(missing("the repository was removed"))) };
    let Some(attachment) = read.attachments().find(host.id, id).await? else {
        return Ok(Err(missing("the host is not attached to the repository")));
    };
    let credential = match credential_for(read, &repository, job).await? {
        Ok(credential) => credential,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let plain = match secrets(parts, &repository, credential.as_ref()) {
        Ok(plain) => plain,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let location = setup::place(&repository, &attachment).to_owned();
    let sealed = Opaque::new(seal(&job_secrets_context(job.id), plain.expose()));
    let mut target = RepositoryOrder::new(id, location, makes, sealed);
    if job.options.is_remake() {
        target = target.made_anew();
    }
    let deadline = job.end_by.unwrap_or_else(|| job::deadlines(job.kind, job.created).end_by);
    let bandwidth = bandwidth(read, job).await?;
    let order = |task| {
        JobOrder::new(job.id, task, deadline, target, host.restic_name.clone()).with_bandwidth(bandwidth)
    };
    Ok(task(parts, read, job, id, seal).await?.map(order))
}

/// What the job does, as things are now.
async fn task(
    parts: &Parts,
    read: &mut dyn Read,
    job: &Job,
    id: RepositoryId,
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Result<Task, Unfit>, Error> {
    match job.kind {
        JobKind::Backup => {
            let seal = |secret: &[u8]| Opaque::new(seal(&job_hooks_context(job.id), secret));
            Ok(source(parts, read, job, id, seal)
                .await?
                .map(|source| Task::Backup { source: Box::new(source) }))
        }
        JobKind::Forget => Ok(forget(read, job, id).await?.map(|forget| Task::Forget { forget })),
        JobKind::PreviewForget => Ok(preview(read, job).await?.map(|forget| Task::PreviewForget { forget })),
        JobKind::Check => Ok(Ok(Task::Check { read_data: job.options.read_data() })),
        JobKind::Prune => {
            let freezes = Freezes::of(read.freezes(), id).await?;
            Ok(freezes.stops(JobKind::Prune, &[]).map_or(Ok(Task::Prune {}), |why| Err(frozen(why))))
        }
        JobKind::Unlock => Ok(Ok(Task::Unlock { locks: job.options.locks().to_vec() })),
        JobKind::CheckRepository => Ok(Ok(Task::CheckRepository {})),
        JobKind::ListSnapshots => Ok(Ok(Task::ListSnapshots {})),
        JobKind::Statistics => Ok(Ok(Task::Statistics {})),
        JobKind::DeletionTest => Ok(Ok(Task::DeletionTest {})),
        JobKind::Restore => Ok(job
            .options
            .restore()
            .map(|restore| Task::Restore { restore: Box::new(restore.clone()) })
            .ok_or_else(|| missing("the job names nothing to restore"))),
        _ => Ok(Err(missing("this server knows no such kind of job"))),
    }
}

fn frozen(why: String) -> Unfit {
    Unfit { cause: Cause::RetentionFrozen, detail: Cow::Owned(why) }
}

/// How fast restic may be: as slow as the host, the schedule and the job ask for.
async fn bandwidth(read: &mut dyn Read, job: &Job) -> Result<Bandwidth, Error> {
    // As they are now: the connection has the host as it was when its agent came.
    let host = read.hosts().find(job.host).await?.map(|host| host.bandwidth).unwrap_or_default();
    let schedule = match &job.slots {
        Some(slots) => read.schedules().find(slots.schedule).await?.map(|schedule| schedule.bandwidth),
        None => None,
    };
    Ok(host.slower(schedule.unwrap_or_default()).slower(job.options.bandwidth))
}

/// The credential of a job: what may delete is only ever handed to the runner, for the jobs that delete, each time anew.
async fn credential_for(
    read: &mut dyn Read,
    repository: &Repository,
    job: &Job,
) -> Result<Result<Option<Credential>, Unfit>, Error> {
    match duty::maintenance_for(read, repository.id, job.kind).await? {
        Some(_) if repository.runner != Some(job.host) => Ok(Err(missing(
            "the host is not the runner, to whom alone the credential that may delete is handed",
        ))),
        Some(credential) => Ok(Ok(Some(credential))),
        None => Ok(Ok(read.repositories().credential(repository.id, CredentialSlot::Everyday).await?)),
    }
}

async fn source(
    parts: &Parts,
    read: &mut dyn Read,
    job: &Job,
    repository: RepositoryId,
    seal: impl FnOnce(&[u8]) -> Opaque,
) -> Result<Result<SourceOrder, Unfit>, Error> {
    let Some(group) = job.source_group else { return Ok(Err(missing("the job names no source group"))) };
    let Some(group) = read.sources().find(group).await? else {
        return Ok(Err(missing("the source group was removed")));
    };
    let newest = read.snapshots().newest_tagged(job.host, repository, &group.tag).await?;
    let parent = newest.map(|snapshot| snapshot.seen.id);
    let hooks = match hooks::effective(read.hooks(), job.host, group.id).await? {
        None => None,
        Some(hooks) => match hooks::open(parts, &hooks) {
            Ok(plain) => Some(seal(plain.expose())),
            Err(_) => {
                return Ok(Err(hooks::SEALED_SHUT));
            }
        },
    };
    Ok(Ok(configuration::source(group).with_parent(parent).with_hooks(hooks)))
}

/// One group's policy as somebody wants to try it.
async fn preview(read: &mut dyn Read, job: &Job) -> Result<Result<ForgetOrder, Unfit>, Error> {
    let (Some(group), Some(retention)) = (job.source_group, job.options.retention()) else {
        return Ok(Err(missing("the job names no policy")));
    };
    let Some(group) = read.sources().find(group).await? else {
        return Ok(Err(missing("the source group was removed")));
    };
    let name = read.hosts().find(group.host).await?.map(|host| host.restic_name).unwrap_or_default();
    let policy = ForgetPolicy::new(group.id, name, group.tag, retention);
    Ok(Ok(ForgetOrder::new(vec![policy], true)))
}

async fn forget(
    read: &mut dyn Read,
    job: &Job,
    repository: RepositoryId,
) -> Result<Result<ForgetOrder, Unfit>, Error> {
    let mut groups = read.sources().with_retention_in(repository).await?;
    // A dry run removes nothing, and shows what would go.
    if !job.options.is_dry_run() {
        let freezes = Freezes::of(read.freezes(), repository).await?;
        if let Some(why) = freezes.stops(JobKind::Forget, &groups) {
            return Ok(Err(frozen(why)));
        }
        groups.retain(|group| freezes.of_group(group.id).is_none());
    }
    if groups.is_empty() {
        return Ok(Err(missing("no source group of the repository has a retention policy")));
    }
    if groups.len() > MOST_POLICIES {
        return Ok(Err(missing("more than 2000 source groups of one repository have retention policies")));
    }
    let mut policies = Vec::with_capacity(groups.len());
    for group in groups {
        if let Some(host) = read.hosts().find(group.host).await? {
            policies.push(ForgetPolicy::new(group.id, host.restic_name, group.tag, group.retention));
        }
    }
    Ok(Ok(ForgetOrder::new(policies, job.options.is_dry_run())))
}
