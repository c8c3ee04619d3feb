//! What is backed up on a host.

use restic_manager_core::{hook, retention};
use restic_manager_proto::{
    CommandSource, HostId, RepositoryId, Retention, SourceGroupId, SourceOptions, Timestamp,
    api::{
        self, Nothing, Page, Reference,
        source_groups::{
            Create, CreateFromCommand, Delete, List, SetCommand, Show, ShowCommand, SourceGroupChange, Update,
        },
    },
    vocabulary::{Action, FreezeCause},
};
use restic_manager_store::{
    Read, alerts::AlertSubject, hosts::Host, schedules::Schedule, sources::SourceGroup,
};

use super::{
    check::{self, Fields},
    found, page, previews,
};
use crate::{
    call::{Cx, Reply, Request},
    domain::{
        alerts, configuration,
        freeze::{Frozen, freeze},
        plan,
        suspicions::keep_what_is_older,
    },
    entry::subject,
    failure::Failure,
    parts::Change,
};

/// More than anybody needs, and few enough to be listed whole.
const MOST_PER_HOST: usize = 64;

pub(crate) async fn list(
    cx: Cx,
    request: Request<List>,
) -> Result<Page<api::source_groups::SourceGroup>, Failure> {
    let mut read = cx.read().await?;
    let host = found::host_ever(read.hosts(), request.path.host).await?;
    let schedules = read.schedules().of_host(host.id).await?;
    let mut items = Vec::new();
    for group in read.sources().of_host(host.id).await? {
        items.push(group_body(read.as_mut(), group, &host, &schedules, cx.now()).await?);
    }
    Ok(page::whole(items))
}

pub(crate) async fn show(
    cx: Cx,
    request: Request<Show>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    versioned_body(cx.read().await?.as_mut(), request.path.group, cx.now()).await
}

pub(crate) async fn create(
    cx: Cx,
    request: Request<Create>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let body = request.body;
    check_change(&body, false)?;
    let new = New {
        name: body.name,
        includes: body.includes,
        excludes: body.excludes,
        repository: body.repository,
        retention: body.retention,
        options: body.options,
        command: None,
    };
    add(&cx, request.path.host, new).await
}

/// The same from a command, which only an admin may give to a host.
pub(crate) async fn create_from_command(
    cx: Cx,
    request: Request<CreateFromCommand>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let body = request.body;
    let options = SourceOptions { retry: body.retry, ..SourceOptions::default() };
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    check_command(&mut fields, "command.", &body.command);
    check::source_options(&mut fields, &options);
    check::retention(&mut fields, &body.retention);
    fields.finish()?;
    let new = New {
        name: body.name,
        includes: Vec::new(),
        excludes: Vec::new(),
        repository: body.repository,
        retention: body.retention,
        options,
        command: Some(body.command),
    };
    add(&cx, request.path.host, new).await
}

/// A source group that is wanted.
struct New {
    name: String,
    includes: Vec<String>,
    excludes: Vec<String>,
    repository: RepositoryId,
    retention: Retention,
    options: SourceOptions,
    command: Option<CommandSource>,
}

async fn add(cx: &Cx, host: HostId, new: New) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let mut change = cx.begin().await?;
    let exists = change.hosts().find(host).await?.is_some_and(|host| host.deleted.is_none());
    if !exists {
        return Err(Failure::not_found("host"));
    }
    let others = change.sources().of_host(host).await?;
    if others.len() >= MOST_PER_HOST {
        let detail = format!("a host has at most {MOST_PER_HOST} source groups");
        return Err(Failure::conflict(detail, "add the paths to one of them"));
    }
    attached(change.attachments().find(host, new.repository).await?.is_some())?;
    let id = cx.parts().mint.source_group();
    let group = SourceGroup {
        id,
        host,
        tag: free_tag(&new.name, &others),
        name: new.name.clone(),
        includes: new.includes,
        excludes: new.excludes,
        repository: new.repository,
        retention: new.retention,
        options: new.options,
        command: new.command,
        last_backup: None,
        created: cx.now(),
        version: 1,
    };
    change.sources().add(&group).await?;
    keep_what_is_older(&mut change, &group).await?;
    change.tell_host(host);
    let body = versioned_body(change.reading(), id, cx.now()).await?;
    change.commit(cx.audit(Action::SourceGroupCreate, subject("source-group", id, new.name))).await?;
    Ok(body)
}

pub(crate) async fn update(
    cx: Cx,
    request: Request<Update>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let (id, body) = (request.path.group, request.body);
    let mut change = cx.begin().await?;
    let before = found::source_group(change.sources(), id).await?;
    found::host(change.hosts(), before.host).await?;
    check_change(&body, before.command.is_some())?;
    attached(change.attachments().find(before.host, body.repository).await?.is_some())?;
    // What a policy does not keep, the next forget and prune delete.
    if body.retention != before.retention && !body.retention.is_empty() {
        cx.expect_proof()?;
    }
    // The tag stays, so that snapshots made under an older name stay with their group.
    let group = SourceGroup {
        name: body.name.clone(),
        includes: body.includes,
        excludes: body.excludes,
        repository: body.repository,
        retention: body.retention,
        options: body.options,
        ..before.clone()
    };
    change.sources().update(&group, request.expected).await.map_err(Failure::stale)?;
    keep_what_was_kept(&mut change, &before, &group).await?;
    finish_change(&cx, change, &before, group).await
}

/// Stops the forget of a group whose policy would take snapshots that were safe before: it keeps less, or acts in another
/// repository.
async fn keep_what_was_kept(
    change: &mut Change<'_>,
    before: &SourceGroup,
    after: &SourceGroup,
) -> Result<(), Failure> {
    if before.repository != after.repository {
        keep_what_is_older(change, after).await?;
    }
    if !retention::keeps_less(&before.retention, &after.retention) {
        return Ok(());
    }
    let newest = change.snapshots().newest_tagged(after.host, after.repository, &after.tag).await?;
    if newest.is_some() {
        let reason = format!("the policy kept {} and keeps {} now", before.retention, after.retention);
        freeze(change, Frozen::SourceGroup(after), FreezeCause::KeepsLess, reason).await?;
    }
    Ok(())
}

pub(crate) async fn show_command(
    cx: Cx,
    request: Request<ShowCommand>,
) -> Result<Reply<CommandSource>, Failure> {
    let group = cx.read().await?.sources().find(request.path.group).await?;
    let command = group.and_then(|group| Some((group.command?, group.version)));
    let (command, version) = command.ok_or_else(|| Failure::not_found("source group with a command"))?;
    Ok(Reply::versioned(command, version))
}

pub(crate) async fn set_command(
    cx: Cx,
    request: Request<SetCommand>,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let id = request.path.group;
    let mut fields = Fields::default();
    check_command(&mut fields, "", &request.body);
    fields.finish()?;
    let mut change = cx.begin().await?;
    let before = found::source_group(change.sources(), id).await?;
    found::host(change.hosts(), before.host).await?;
    if before.command.is_none() {
        let detail = format!("the source group {} backs up paths", before.name);
        return Err(Failure::conflict(detail, "make another source group for the output of a command"));
    }
    let group = SourceGroup { command: Some(request.body), ..before.clone() };
    change.sources().update(&group, request.expected).await.map_err(Failure::stale)?;
    finish_change(&cx, change, &before, group).await
}

async fn finish_change(
    cx: &Cx,
    mut change: Change<'_>,
    before: &SourceGroup,
    group: SourceGroup,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let (id, host) = (group.id, group.host);
    if reads(before) != reads(&group) {
        change.sources().note_reads(id, cx.now()).await?;
    }
    plan::refresh(change.as_mut(), host, cx.now()).await?;
    configuration::changed(&mut change, host).await?;
    change.tell_host(host);
    let body = versioned_body(change.reading(), id, cx.now()).await?;
    change.commit(cx.audit(Action::SourceGroupUpdate, subject("source-group", id, group.name))).await?;
    Ok(body)
}

/// What decides what a backup of the group holds.
const fn reads(
    group: &SourceGroup,
) -> (&Vec<String>, &Vec<String>, &SourceOptions, &Option<CommandSource>, RepositoryId) {
    (&group.includes, &group.excludes, &group.options, &group.command, group.repository)
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.group;
    let mut change = cx.begin().await?;
    let group = found::source_group(change.sources(), id).await?;
    found::host(change.hosts(), group.host).await?;
    let schedules = change.schedules().of_host(group.host).await?;
    let using: Vec<_> =
        schedules.iter().filter(|one| one.groups.contains(&id)).map(|one| &*one.name).collect();
    if !using.is_empty() {
        let detail = format!("it is backed up by the schedule {}", using.join(", "));
        return Err(Failure::conflict(detail, "take it out of the schedule first, or remove the schedule"));
    }
    change.sources().delete(id).await?;
    alerts::close_about(&mut change, &AlertSubject::new("source-group", id)).await?;
    plan::refresh(change.as_mut(), group.host, cx.now()).await?;
    change.tell_host(group.host);
    change.commit(cx.audit(Action::SourceGroupDelete, subject("source-group", id, group.name))).await?;
    Ok(Nothing {})
}

fn check_change(body: &SourceGroupChange, has_command: bool) -> Result<(), Failure> {
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    if has_command {
        check_no_paths(&mut fields, body);
    } else if body.includes.is_empty() {
        fields.check::<(), _>("includes", Err("at least one absolute path, such as `/home`"));
    }
    check::includes(&mut fields, "includes", &body.includes);
    check::excludes(&mut fields, &body.excludes);
    check::source_options(&mut fields, &body.options);
    check::retention(&mut fields, &body.retention);
    fields.finish()
}

/// What means something for files alone.
fn check_no_paths(fields: &mut Fields, body: &SourceGroupChange) {
    let message = "nothing here: the group backs up what its command prints";
    let SourceOptions { one_file_system, exclude_caches, .. } = body.options;
    for (field, is_given) in [
        ("includes", !body.includes.is_empty()),
        ("excludes", !body.excludes.is_empty()),
        ("options.one_file_system", one_file_system),
        ("options.exclude_caches", exclude_caches),
    ] {
        fields.check(field, if is_given { Err(message) } else { Ok(()) });
    }
}

fn check_command(fields: &mut Fields, prefix: &str, command: &CommandSource) {
    for (field, problem) in hook::command_problems(command) {
        fields.check::<(), _>(&format!("{prefix}{field}"), Err(problem));
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

async fn versioned_body(
    read: &mut dyn Read,
    id: SourceGroupId,
    now: Timestamp,
) -> Result<Reply<api::source_groups::SourceGroup>, Failure> {
    let group = found::source_group(read.sources(), id).await?;
    let version = group.version;
    let host = found::host_ever(read.hosts(), group.host).await?;
    let schedules = read.schedules().of_host(host.id).await?;
    Ok(Reply::versioned(group_body(read, group, &host, &schedules, now).await?, version))
}

async fn group_body(
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
        options: group.options,
        command_digest: group.command.as_ref().map(hook::command_digest),
        command: group.command,
        tag: group.tag,
        repository: Reference { id: group.repository, name: repository },
        retention: group.retention,
        unfilled,
        last_backup: group.last_backup.map(super::hosts::last_backup),
        last_snapshot_at,
        fresh_until,
        created_at: group.created,
        version: group.version,
    })
}
