//! What is backed up on a host.

use restic_manager_core::retention;
use restic_manager_proto::{
    Retention, SourceGroupId, Timestamp,
    api::{
        self, Nothing, Page, Reference,
        events::FleetEvent,
        source_groups::{Create, Delete, List, Show, SourceGroupChange, Update},
    },
    vocabulary::Action,
};
use restic_manager_store::{Read, hosts::Host, schedules::Schedule, sources::SourceGroup};

use super::{
    check::{self, Fields},
    hosts, page, plan, previews,
    value::subject,
};
use crate::{
    agents::configuration,
    failure::Failure,
    http::{Cx, Reply, Request},
};

/// More than anybody needs, and few enough to be listed whole.
const MOST_PER_HOST: usize = 64;

pub(crate) async fn list(
    cx: Cx,
    request: Request<List>,
) -> Result<Page<api::source_groups::SourceGroup>, Failure> {
    let mut read = cx.read().await?;
    let host = hosts::existing(read.as_mut(), request.path.host).await?;
    let schedules = read.schedules().of_host(host.id).await?;
    let mut items = Vec::new();
    for group in read.sources().of_host(host.id).await? {
        items.push(view(read.as_mut(), group, &host, &schedules, cx.now()).await?);
    }
    Ok(page::whole(items))
}

pub(crate) async fn show(
    cx: Cx,
    request: Request<Show>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    answer(cx.read().await?.as_mut(), request.path.group, cx.now()).await
}

pub(crate) async fn create(
    cx: Cx,
    request: Request<Create>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let (host, body) = (request.path.host, request.body);
    check_change(&body)?;
    let mut transaction = cx.begin().await?;
    let exists = transaction.hosts().find(host).await?.is_some_and(|host| host.deleted.is_none());
    if !exists {
        return Err(Failure::not_found("host"));
    }
    let others = transaction.sources().of_host(host).await?;
    if others.len() >= MOST_PER_HOST {
        let detail = format!("a host has at most {MOST_PER_HOST} source groups");
        return Err(Failure::conflict(detail, "add the paths to one of them"));
    }
    attached(transaction.attachments().find(host, body.repository).await?.is_some())?;
    let id = cx.shared().mint.source_group();
    let group = SourceGroup {
        id,
        host,
        tag: free_tag(&body.name, &others),
        name: body.name.clone(),
        includes: body.includes,
        excludes: body.excludes,
        repository: body.repository,
        retention: body.retention,
        options: serde_json::Value::Null,
        last_backup: None,
        created: cx.now(),
        version: 1,
    };
    transaction.sources().add(&group).await?;
    transaction.commit(cx.audit(Action::SourceGroupCreate, subject("source-group", id, body.name))).await?;
    cx.shared().announce(FleetEvent::Host { host });
    answer(cx.read().await?.as_mut(), id, cx.now()).await
}

pub(crate) async fn update(
    cx: Cx,
    request: Request<Update>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let (id, body) = (request.path.group, request.body);
    check_change(&body)?;
    let mut transaction = cx.begin().await?;
    let before = transaction.sources().find(id).await?.ok_or_else(|| Failure::not_found("source group"))?;
    hosts::existing_in(transaction.as_mut(), before.host).await?;
    attached(transaction.attachments().find(before.host, body.repository).await?.is_some())?;
    // The tag stays, so that snapshots made under an older name stay with their group.
    let group = SourceGroup {
        name: body.name.clone(),
        includes: body.includes,
        excludes: body.excludes,
        repository: body.repository,
        retention: body.retention,
        ..before
    };
    transaction.sources().update(&group, request.expected).await.map_err(Failure::stale)?;
    plan::refresh(transaction.as_mut(), group.host, cx.now()).await?;
    configuration::changed(transaction.as_mut(), group.host, cx.now()).await?;
    transaction.commit(cx.audit(Action::SourceGroupUpdate, subject("source-group", id, body.name))).await?;
    configuration::push(cx.shared(), &[group.host]);
    cx.shared().announce(FleetEvent::Host { host: group.host });
    answer(cx.read().await?.as_mut(), id, cx.now()).await
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.group;
    let mut transaction = cx.begin().await?;
    let group = transaction.sources().find(id).await?.ok_or_else(|| Failure::not_found("source group"))?;
    hosts::existing_in(transaction.as_mut(), group.host).await?;
    let schedules = transaction.schedules().of_host(group.host).await?;
    let using: Vec<_> =
        schedules.iter().filter(|one| one.groups.contains(&id)).map(|one| &*one.name).collect();
    if !using.is_empty() {
        let detail = format!("it is backed up by the schedule {}", using.join(", "));
        return Err(Failure::conflict(detail, "take it out of the schedule first, or remove the schedule"));
    }
    transaction.sources().delete(id).await?;
    plan::refresh(transaction.as_mut(), group.host, cx.now()).await?;
    transaction.commit(cx.audit(Action::SourceGroupDelete, subject("source-group", id, group.name))).await?;
    cx.shared().announce(FleetEvent::Host { host: group.host });
    Ok(Nothing {})
}

fn check_change(body: &SourceGroupChange) -> Result<(), Failure> {
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    if body.includes.is_empty() {
        fields.check::<(), _>("includes", Err("at least one absolute path, such as `/home`"));
    }
    check::includes(&mut fields, "includes", &body.includes);
    check::excludes(&mut fields, &body.excludes);
    check_retention(&mut fields, &body.retention);
    fields.finish()
}

pub(super) fn check_retention(fields: &mut Fields, policy: &Retention) {
    for (rule, problem) in retention::problems(policy) {
        fields.check::<(), _>(&format!("retention.{rule}"), Err(problem));
    }
}

fn attached(is_attached: bool) -> Result<(), Failure> {
    let message = "a repository that the host is attached to; attach the host to it first";
    if is_attached { Ok(()) } else { Err(Failure::field("repository", message)) }
}

/// The group's name, unless a group that was renamed since keeps it as its tag.
fn free_tag(name: &str, others: &[SourceGroup]) -> String {
    let taken = |tag: &str| others.iter().any(|other| other.tag == tag);
    let candidates = core::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}-{n}")));
    candidates.into_iter().find(|tag| !taken(tag)).unwrap_or_default()
}

async fn answer(
    read: &mut dyn Read,
    id: SourceGroupId,
    now: Timestamp,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let group = read.sources().find(id).await?.ok_or_else(|| Failure::not_found("source group"))?;
    let version = group.version;
    let host = hosts::existing(read, group.host).await?;
    let schedules = read.schedules().of_host(host.id).await?;
    Ok(Reply::versioned(view(read, group, &host, &schedules, now).await?, version))
}

async fn view(
    read: &mut dyn Read,
    group: SourceGroup,
    host: &Host,
    schedules: &[Schedule],
    now: Timestamp,
) -> Result<api::source_groups::SourceGroup, Failure> {
    let unfilled = previews::unfilled_of(read, &group, now).await?;
    let (last_snapshot_at, fresh_until) =
        plan::freshness(read, &group, host.presence_mode, schedules).await?;
    let repository =
        read.repositories().find(group.repository).await?.map(|row| row.name).unwrap_or_default();
    Ok(api::source_groups::SourceGroup {
        id: group.id,
        host: Reference { id: host.id, name: host.name.clone() },
        name: group.name,
        includes: group.includes,
        excludes: group.excludes,
        tag: group.tag,
        repository: Reference { id: group.repository, name: repository },
        retention: group.retention,
        unfilled,
        last_backup: group.last_backup.map(hosts::last_backup),
        last_snapshot_at,
        fresh_until,
        created_at: group.created,
        version: group.version,
    })
}
