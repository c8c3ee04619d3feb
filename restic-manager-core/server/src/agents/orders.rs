//! From a queued row to an order that an agent can carry out, and what becomes of orders that are refused.

use restic_manager_core::{
    handshake::{job_hooks_context, job_secrets_context},
    job::{self, Decision},
};
use restic_manager_crypto::{ChannelContext, Context, Sealed, SecretBytes};
use restic_manager_proto::{
    Bandwidth, HostId, JobEnd, JobId, Opaque, RepositoryId, RepositorySecrets, SecretText, Timestamp,
    TransportCredential,
    agent::{ErrorCode, ForgetOrder, ForgetPolicy, JobOrder, RepositoryOrder, SourceOrder},
    api::events::FleetEvent,
    vocabulary::{Action, ActorKind, Cause, CredentialSlot, JobKind, JobState, Outcome},
};
use restic_manager_store::{
    Audit, Error, ErrorKind, Read, SealedBlob, Transaction,
    attachments::Attachment,
    audit::{Actor, NewAuditEntry, Subject},
    hosts::Host,
    jobs::Job,
    repositories::Credential,
    retry,
};

use super::{configuration, drafts, hooks, leases};
use crate::{
    app::{plan, upkeep},
    parts::Parts,
};

/// An order with so many policies stays well below the limit of a frame.
const MOST_POLICIES: usize = 2000;

/// What became of the oldest queued job.
#[derive(Debug)]
pub(super) enum Order {
    /// It is to be sent.
    Ready(Box<JobOrder>),
    /// It cannot be carried out, and has ended.
    Unfit,
    /// Another host is making the repository; this one is woken when that is done.
    Waits,
}

/// Claims the oldest queued job of a host that may start and makes its order; `None` when there is none.
pub(super) async fn claim(
    parts: &Parts,
    host: &Host,
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Option<Order>, Error> {
    let Some(job) = leases::claim(parts, host.id).await? else { return Ok(None) };
    changed(parts, &job);
    let mut read = parts.store.read().await?;
    let written = write(parts, read.as_mut(), host, &job, seal).await?;
    drop(read);
    match written {
        Ok(order) if order.repository.initialise => {
            if parts.setups.begin(order.repository.id, host.id, job.id) {
                return Ok(Some(Order::Ready(Box::new(order))));
            }
            put_back(parts, job.id, "another host is making the repository").await?;
            Ok(Some(Order::Waits))
        }
        Ok(order) => Ok(Some(Order::Ready(Box::new(order)))),
        Err(Unfit { cause, detail }) => {
            let mut unfit = JobEnd::new(JobState::Failed, cause);
            unfit.detail = detail.to_owned();
            end(parts, job.id, unfit, cause).await?;
            Ok(Some(Order::Unfit))
        }
    }
}

/// Puts a job back into the queue: its order did not arrive.
pub(super) async fn requeue(parts: &Parts, id: JobId) -> Result<(), Error> {
    make_room(parts, id);
    if let Some(job) = put_back(parts, id, "a job's order did not arrive").await? {
        parts.hub.wake(job.host);
    }
    Ok(())
}

/// The job makes no repository any more: whoever waited for that may ask again.
pub(super) fn make_room(parts: &Parts, id: JobId) {
    parts.setups.ended(id).into_iter().for_each(|host| parts.hub.wake(host));
}

async fn put_back(parts: &Parts, id: JobId, why: &'static str) -> Result<Option<Job>, Error> {
    let requeued = retry(async || {
        let mut transaction = parts.store.begin().await?;
        let Some(job) = transaction.jobs().find(id).await?.filter(|job| job.state == JobState::Dispatched)
        else {
            return Ok(None);
        };
        transaction.jobs().requeue(id).await?;
        transaction.commit(Audit::Routine(why)).await?;
        Ok::<_, Error>(Some(job))
    });
    let requeued = requeued.await?;
    if let Some(job) = &requeued {
        changed(parts, job);
        if let Some(repository) = job.repository {
            leases::wake_next(parts, repository).await?;
        }
    }
    Ok(requeued)
}

/// The agent would not take an order.
pub(super) async fn refused(parts: &Parts, id: JobId, code: ErrorCode, message: &str) -> Result<(), Error> {
    apply(parts, id, job::refused(code), message).await
}

/// Carries out what the rules decided about a job. An agent that is to be asked is asked by the caller.
pub(crate) async fn apply(parts: &Parts, id: JobId, decision: Decision, detail: &str) -> Result<(), Error> {
    match decision {
        Decision::Keep | Decision::AskToCancel => Ok(()),
        Decision::Requeue => requeue(parts, id).await,
        Decision::End { state, cause } => {
            let mut how = JobEnd::new(state, cause);
            how.detail = detail.chars().take(500).collect();
            end(parts, id, how, cause).await
        }
    }
}

/// The end of a job that was cancelled without its agent.
pub(super) fn cancelled() -> JobEnd {
    JobEnd::new(JobState::Cancelled, Cause::Cancelled)
}

/// Ends a job within a transaction, its lease with it, and notes what that means for its repository; says whether that
/// is news. `before` is the job as it was.
pub(crate) async fn finish(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    before: &Job,
    at: Timestamp,
    end: &JobEnd,
) -> Result<bool, Error> {
    if !transaction.jobs().finish(before.id, at, end).await? {
        return Ok(false);
    }
    if before.kind == JobKind::ConnectionTest {
        transaction.drafts().wipe(before.id).await?;
    }
    leases::note_end(transaction, before, end).await?;
    upkeep::note_end(parts, transaction, before, end).await?;
    if before.kind == JobKind::Backup {
        plan::refresh(transaction, before.host, parts.now()).await?;
    }
    Ok(true)
}

/// Ends a job in place; one that has ended stays as it is.
pub(super) async fn end(parts: &Parts, id: JobId, how: JobEnd, cause: Cause) -> Result<(), Error> {
    let ended = retry(async || {
        let mut transaction = parts.store.begin().await?;
        let Some(job) = transaction.jobs().find(id).await? else { return Ok(None) };
        if !finish(parts, transaction.as_mut(), &job, parts.now(), &how).await? {
            return Ok(None);
        }
        let detail = serde_json::json!({ "state": how.state.as_str(), "cause": cause.as_str() });
        let outcome = if how.state == JobState::Cancelled { Outcome::Done } else { Outcome::Failed };
        transaction.commit(Audit::entry(entry(parts, id, outcome, detail))).await?;
        Ok::<_, Error>(Some(job))
    });
    make_room(parts, id);
    match ended.await? {
        Some(job) => tell_end(parts, &job).await,
        None => Ok(()),
    }
}

/// Ends all jobs of a host whose agent reports no more, within the transaction that cuts it off; gives them, for
/// [`tell_end`] after the commit.
pub(crate) async fn end_all(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    host: HostId,
    detail: &str,
) -> Result<Vec<Job>, Error> {
    let jobs = transaction.jobs().active_of(host).await?;
    let mut how = cancelled();
    detail.clone_into(&mut how.detail);
    for job in &jobs {
        finish(parts, transaction, job, parts.now(), &how).await?;
    }
    Ok(jobs)
}

/// Tells everybody who waits for it that a job has ended. Call it after the commit.
pub(crate) async fn tell_end(parts: &Parts, job: &Job) -> Result<(), Error> {
    make_room(parts, job.id);
    if let Some(repository) = job.repository {
        leases::wake_next(parts, repository).await?;
    }
    parts.hub.job_changed(job.id, true);
    parts.announce(FleetEvent::Job { job: job.id, host: job.host });
    parts.announce(FleetEvent::Host { host: job.host });
    if let Some(repository) = job.repository.filter(|_| job.kind.is_upkeep()) {
        parts.announce(FleetEvent::Repository { repository });
        parts.announce(FleetEvent::Alerts {});
    }
    Ok(())
}

fn entry(parts: &Parts, id: JobId, outcome: Outcome, detail: serde_json::Value) -> NewAuditEntry {
    NewAuditEntry {
        id: parts.mint.audit(),
        moment: parts.now(),
        actor: Actor { kind: ActorKind::System, id: None, name: None },
        action: Action::JobEnd,
        subject: Some(Subject { kind: "job".to_owned(), id: Some(id.to_string()), name: None }),
        outcome,
        address: None,
        detail,
    }
}

fn changed(parts: &Parts, job: &Job) {
    parts.hub.job_changed(job.id, false);
    parts.announce(FleetEvent::Job { job: job.id, host: job.host });
}

/// Why a job cannot be carried out.
pub(super) struct Unfit {
    cause: Cause,
    detail: &'static str,
}

pub(super) const fn missing(detail: &'static str) -> Unfit {
    Unfit { cause: Cause::NotConfigured, detail }
}

pub(super) const SEALED_SHUT: Unfit = Unfit {
    cause: Cause::SecretUnreadable,
    detail: "the server's key does not open the repository's secrets",
};

async fn write(
    parts: &Parts,
    read: &mut dyn Read,
    host: &Host,
    job: &Job,
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Result<JobOrder, Unfit>, Error> {
    if job.kind == JobKind::ConnectionTest {
        return drafts::write(parts, read, host, job, seal).await;
    }
    let Some(id) = job.repository else { return Ok(Err(missing("the job names no repository"))) };
    let repository = read.repositories().find(id).await?.filter(|repository| repository.deleted.is_none());
    let Some(repository) = repository else { return Ok(Err(missing("the repository was removed"))) };
    let Some(attachment) = read.attachments().find(host.id, id).await? else {
        return Ok(Err(missing("the host is not attached to the repository")));
    };
    let credential = credential_for(read, id, job.kind).await?;
    let secrets = match open(parts, &repository, credential.as_ref()) {
        Ok(secrets) => secrets,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let plain = SecretBytes::new(serde_json::to_vec(&secrets).map_err(corrupt)?);
    let location = attachment.location.clone().unwrap_or_else(|| repository.location.clone());
    let initialise = !job.kind.is_upkeep() && initialises(&attachment);
    let sealed = Opaque::new(seal(&job_secrets_context(job.id), plain.expose()));
    let target = RepositoryOrder::new(id, location, initialise, sealed);
    let deadline = job.end_by.unwrap_or_else(|| job::deadlines(job.kind, job.created).end_by);
    let bandwidth = bandwidth(read, job).await?;
    let order = JobOrder::new(job.id, job.kind, deadline, target, host.restic_name.clone());
    let order = order.with_bandwidth(bandwidth);
    match job.kind {
        JobKind::Backup => {
            let seal = |secret: &[u8]| Opaque::new(seal(&job_hooks_context(job.id), secret));
            Ok(source(parts, read, job, id, seal).await?.map(|source| order.with_source(source)))
        }
        JobKind::Forget => Ok(forget(read, job, id).await?.map(|forget| order.with_forget(forget))),
        JobKind::PreviewForget => Ok(preview(read, job).await?.map(|forget| order.with_forget(forget))),
        JobKind::Check => Ok(Ok(order.with_read_data(job.options.read_data))),
        _ => Ok(Ok(order)),
    }
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

/// The credential of a job: what may delete is only ever handed to the jobs that delete, each time anew.
async fn credential_for(
    read: &mut dyn Read,
    repository: RepositoryId,
    kind: JobKind,
) -> Result<Option<Credential>, Error> {
    let deletes = matches!(kind, JobKind::Forget | JobKind::Prune);
    if deletes
        && let Some(credential) =
            read.repositories().credential(repository, CredentialSlot::Maintenance).await?
    {
        return Ok(Some(credential));
    }
    read.repositories().credential(repository, CredentialSlot::Everyday).await
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
                return Ok(Err(Unfit { cause: Cause::SecretUnreadable, detail: hooks::SEALED_SHUT }));
            }
        },
    };
    Ok(Ok(configuration::source(group).with_parent(parent).with_hooks(hooks)))
}

/// Whether a host makes a repository that is missing. Once a listing was seen there, a repository that is missing is a
/// loss, and must not be hidden by a new one.
pub(super) const fn initialises(attachment: &Attachment) -> bool {
    attachment.needs_check || attachment.listed.is_none()
}

/// The secrets of everyday work in a repository, as JSON; else why there are none.
pub(super) fn secrets(
    parts: &Parts,
    repository: &restic_manager_store::repositories::Repository,
    credential: Option<&Credential>,
) -> Result<SecretBytes, &'static str> {
    let secrets = open_secrets(parts, repository, credential)?;
    let json = serde_json::to_vec(&secrets).map_err(|_| SEALED_SHUT.detail)?;
    Ok(SecretBytes::new(json))
}

/// The same as a value.
pub(crate) fn open_secrets(
    parts: &Parts,
    repository: &restic_manager_store::repositories::Repository,
    credential: Option<&Credential>,
) -> Result<RepositorySecrets, &'static str> {
    open(parts, repository, credential).map_err(|unfit| unfit.detail)
}

/// One group's policy as somebody wants to try it.
async fn preview(read: &mut dyn Read, job: &Job) -> Result<Result<ForgetOrder, Unfit>, Error> {
    let (Some(group), Some(retention)) = (job.source_group, job.options.retention) else {
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
    let groups = read.sources().with_retention_in(repository).await?;
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
    Ok(Ok(ForgetOrder::new(policies, job.options.dry_run)))
}

fn open(
    parts: &Parts,
    repository: &restic_manager_store::repositories::Repository,
    credential: Option<&Credential>,
) -> Result<RepositorySecrets, Unfit> {
    let id = repository.id.as_bytes();
    let Some(password) = &repository.password else { return Err(missing("the repository has no password")) };
    let password = unseal(parts, &Context::repository_password(id), password)?;
    let password = core::str::from_utf8(password.expose()).map_err(|_| SEALED_SHUT)?;
    let credential = credential
        .map(|credential| {
            let context = match credential.slot {
                CredentialSlot::Maintenance => Context::maintenance_credential(id),
                _ => Context::everyday_credential(id),
            };
            let plain = unseal(parts, &context, &credential.sealed)?;
            serde_json::from_slice::<TransportCredential>(plain.expose()).map_err(|_| SEALED_SHUT)
        })
        .transpose()?;
    Ok(RepositorySecrets::new(SecretText::new(password), credential))
}

pub(super) fn unseal(parts: &Parts, context: &Context, blob: &SealedBlob) -> Result<SecretBytes, Unfit> {
    parts.keyring.open(context, &Sealed::from_bytes(blob.as_bytes())).map_err(|_| SEALED_SHUT)
}

pub(super) fn corrupt(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Corrupt, "repository secrets").because(error)
}
