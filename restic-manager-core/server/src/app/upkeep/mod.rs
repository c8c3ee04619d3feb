//! What keeps a repository small and healthy: chosen, asked for, noted when it is done, and shown.

pub(super) mod body;

use restic_manager_core::upkeep::{MOST_HOURS, MOST_PARTS};
use restic_manager_proto::{
    HostId, JobChoice, JobOptions, RepositoryId, Scope,
    api::{
        self,
        jobs::Job,
        upkeep::{NewUpkeepJob, Run, Set, Show, Upkeep, UpkeepChange},
    },
    limits::LOCKS,
    vocabulary::{Action, JobKind, Trigger},
};
use restic_manager_store::{PageRequest, jobs::JobScope, retry};

use super::{
    check::{self, Fields},
    found, jobs,
    repositories::body::{find_body, versioned_body},
};
use crate::{
    call::{Cx, Reply, Request},
    domain::{
        duty::{changed, turn, worker},
        freeze::Freezes,
        jobs::Wanted,
        locks,
    },
    entry::subject,
    failure::Failure,
    parts::Change,
};

const MOST_PARALLEL: u32 = 1000;

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<Upkeep>, Failure> {
    let mut read = cx.read().await?;
    let shown = find_body(cx.parts(), read.as_mut(), cx.scope(), request.path.repository).await?;
    Ok(Reply::versioned(shown.upkeep, shown.version))
}

pub(crate) async fn set(
    cx: Cx,
    request: Request<Set>,
) -> Result<Reply<api::repositories::Repository>, Failure> {
    let (id, body) = (request.path.repository, request.body);
    check_change(&body)?;
    let now = cx.now();
    let mut change = cx.begin().await?;
    let repository = found::repository(change.repositories(), id).await?;
    if let Some(runner) = body.runner {
        let is_attached = change.attachments().find(runner, id).await?.is_some();
        let host = change.hosts().find(runner).await?.filter(|host| host.deleted.is_none());
        if host.is_none() || !is_attached {
            let message = "a host that is attached to the repository; attach it first";
            return Err(Failure::field("runner", message));
        }
    }
    change
        .repositories()
        .appoint(id, body.runner, body.parallel, request.expected)
        .await
        .map_err(Failure::stale)?;
    for (kind, every_hours) in [
        (JobKind::Forget, body.forget_every_hours),
        (JobKind::Prune, body.prune_every_hours),
        (JobKind::Check, body.check_every_hours),
        (JobKind::Statistics, body.statistics_every_hours),
        (JobKind::DeletionTest, body.deletion_test_every_hours),
    ] {
        let before = change.upkeep().find(id, kind).await?;
        let duty = changed(before, id, kind, every_hours, body.check_parts, now);
        change.upkeep().set(&duty).await?;
    }
    let detail = serde_json::to_value(&body).unwrap_or_default();
    change.tell_repository(id);
    let answer = versioned_body(cx.parts(), change.reading(), cx.scope(), id).await?;
    change
        .commit(cx.audit_with(Action::UpkeepUpdate, subject("repository", id, repository.name), detail))
        .await?;
    Ok(answer)
}

fn check_change(body: &UpkeepChange) -> Result<(), Failure> {
    let mut fields = Fields::default();
    let hours = [
        ("forget_every_hours", body.forget_every_hours),
        ("prune_every_hours", body.prune_every_hours),
        ("check_every_hours", body.check_every_hours),
        ("statistics_every_hours", body.statistics_every_hours),
        ("deletion_test_every_hours", body.deletion_test_every_hours),
    ];
    for (name, hours) in hours {
        if hours.is_some_and(|hours| !(1..=MOST_HOURS).contains(&hours)) {
            fields.check::<(), _>(name, Err("1 to 8784 hours, such as 24, or nothing for never"));
        }
    }
    if body.check_parts.is_some_and(|parts| !(1..=MOST_PARTS).contains(&parts)) {
        fields.check::<(), _>("check_parts", Err("1 to 256, such as 20 to read 5 % each time"));
    }
    if body.parallel.is_some_and(|parallel| !(1..=MOST_PARALLEL).contains(&parallel)) {
        fields.check::<(), _>("parallel", Err("1 to 1000 jobs"));
    }
    fields.finish()
}

pub(crate) async fn run(cx: Cx, request: Request<Run>) -> Result<Job, Failure> {
    let (id, body) = (request.path.repository, request.body);
    if !body.kind.is_upkeep() || body.kind == JobKind::PreviewForget {
        return Err(Failure::field("kind", "forget, prune, check, unlock, statistics or deletion-test"));
    }
    let JobOptions { choice, .. } = &body.options;
    if *choice != JobChoice::None && !choice.fits(body.kind) {
        return Err(Failure::field(
            "options",
            format!("what a {} can be given, and nothing else", body.kind),
        ));
    }
    let mut fields = Fields::default();
    check::bandwidth(&mut fields, body.options.bandwidth);
    fields.finish()?;
    if body.options.read_data().is_some_and(|data| !data.is_valid()) {
        return Err(Failure::field("options.read_data", "part 1 to n of at most 256, or 1 to 100 percent"));
    }
    check_locks(body.options.locks())?;
    let requested_by = Some(cx.user()?.id);
    retry(async || {
        let mut change = cx.begin().await?;
        let repository = found::repository(change.repositories(), id).await?;
        let chosen = body.host.filter(|_| body.kind == JobKind::Unlock);
        let attached = change.attachments().of_repository(id, &Scope::All).await?;
        refuse_frozen(&mut change, id, &body).await?;
        let chosen = match chosen {
            None if body.kind == JobKind::Unlock => lock_holder(&mut change, id).await?,
            chosen => chosen,
        };
        let host = match chosen {
            Some(host) if attached.iter().any(|row| row.host == host) => host,
            Some(_) => return Err(Failure::field("host", "a host that is attached to the repository")),
            None => {
                let read = change.reading();
                let found = worker(cx.parts(), read, &repository, &attached, body.kind).await?;
                found.map_err(|reason| {
                    Failure::conflict(reason, "name a runner on the repository's page, or attach a host")
                })?
            }
        };
        let mut wanted = Wanted::upkeep(host, id, body.kind, Trigger::Manual);
        (wanted.requested_by, wanted.options) = (requested_by, body.options.clone());
        if body.kind == JobKind::Check && body.options.choice == JobChoice::None {
            let duty = change.upkeep().find(id, JobKind::Check).await?;
            wanted.options.choice = duty.map_or(JobChoice::None, |duty| JobChoice::ReadData(turn(&duty)));
        }
        jobs::queue_wanted(&cx, change, wanted).await
    })
    .await
}

/// Locks that are removed because somebody looked at them.
fn check_locks(locks: &[String]) -> Result<(), Failure> {
    let is_id = |id: &String| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if locks.len() > LOCKS || !locks.iter().all(is_id) {
        let message = "at most 16 full ids of locks, as the repository's page shows them";
        return Err(Failure::field("options.locks", message));
    }
    Ok(())
}

/// What is frozen is not asked for; a dry run is, because it removes nothing.
async fn refuse_frozen(
    change: &mut Change<'_>,
    id: RepositoryId,
    body: &NewUpkeepJob,
) -> Result<(), Failure> {
    if body.options.is_dry_run() {
        return Ok(());
    }
    let groups = change.sources().with_retention_in(id).await?;
    let freezes = Freezes::of(change.freezes(), id).await?;
    match freezes.stops(body.kind, &groups) {
        None => Ok(()),
        Some(why) => Err(Failure::conflict(
            format!("the {} is {why}", body.kind),
            "look what it would remove (a dry run, or a preview), then let an admin lift the freeze",
        )),
    }
}

/// The host whose lock was seen last.
async fn lock_holder(change: &mut Change<'_>, id: RepositoryId) -> Result<Option<HostId>, Failure> {
    let recent = PageRequest::first(body::RECENT);
    let recent = change.jobs().page(JobScope::Repository(id), &Scope::All, recent).await?.items;
    Ok(locks::holder(change.reading(), id, &recent).await?)
}
