//! Scripts that run before and after backups.

use restic_manager_core::hook;
use restic_manager_proto::{
    Hooks, HostId,
    api::{
        Nothing,
        hooks::{
            HookOrigin, HookSet, RemoveOfGroup, RemoveOfHost, SetOfGroup, SetOfHost, ShowOfGroup, ShowOfHost,
        },
    },
    vocabulary::Action,
};
use restic_manager_store::{
    Read, Transaction,
    audit::Subject,
    hooks::{self as rows, HookOwner},
};

use super::{check::Fields, found};
use crate::{
    call::{Cx, Reply, Request},
    domain::{configuration, hooks, secrets::seal},
    entry::subject,
    failure::Failure,
    parts::Change,
};

/// Whose hooks, on which host, and what the audit log calls it.
struct Target {
    owner: HookOwner,
    host: HostId,
    subject: Option<Subject>,
}

pub(crate) async fn show_of_host(cx: Cx, request: Request<ShowOfHost>) -> Result<Reply<HookSet>, Failure> {
    let mut read = cx.read().await?;
    let host = found::host_ever(read.hosts(), request.path.host).await?;
    hook_set(&cx, read.as_mut(), HookOwner::Host(host.id), host.id).await
}

pub(crate) async fn show_of_group(cx: Cx, request: Request<ShowOfGroup>) -> Result<Reply<HookSet>, Failure> {
    let mut read = cx.read().await?;
    let group = found::source_group(read.sources(), request.path.group).await?;
    hook_set(&cx, read.as_mut(), HookOwner::SourceGroup(group.id), group.host).await
}

pub(crate) async fn set_of_host(cx: Cx, request: Request<SetOfHost>) -> Result<Reply<HookSet>, Failure> {
    let mut change = cx.begin().await?;
    let target = of_host(change.as_mut(), request.path.host).await?;
    set(&cx, change, target, &request.body, request.expected).await
}

pub(crate) async fn set_of_group(cx: Cx, request: Request<SetOfGroup>) -> Result<Reply<HookSet>, Failure> {
    let mut change = cx.begin().await?;
    let target = of_group(change.as_mut(), request.path.group).await?;
    set(&cx, change, target, &request.body, request.expected).await
}

pub(crate) async fn remove_of_host(cx: Cx, request: Request<RemoveOfHost>) -> Result<Nothing, Failure> {
    let mut change = cx.begin().await?;
    let target = of_host(change.as_mut(), request.path.host).await?;
    remove(&cx, change, target).await
}

pub(crate) async fn remove_of_group(cx: Cx, request: Request<RemoveOfGroup>) -> Result<Nothing, Failure> {
    let mut change = cx.begin().await?;
    let target = of_group(change.as_mut(), request.path.group).await?;
    remove(&cx, change, target).await
}

async fn of_host(transaction: &mut dyn Transaction, id: HostId) -> Result<Target, Failure> {
    let host = found::host(transaction.hosts(), id).await?;
    Ok(Target { owner: HookOwner::Host(id), host: id, subject: subject("host", id, host.name) })
}

async fn of_group(
    transaction: &mut dyn Transaction,
    id: restic_manager_proto::SourceGroupId,
) -> Result<Target, Failure> {
    let group = found::source_group(transaction.sources(), id).await?;
    let subject = subject("source-group", id, group.name);
    Ok(Target { owner: HookOwner::SourceGroup(id), host: group.host, subject })
}

async fn set(
    cx: &Cx,
    mut change: Change<'_>,
    target: Target,
    hooks: &Hooks,
    expected: i64,
) -> Result<Reply<HookSet>, Failure> {
    let mut fields = Fields::default();
    for (field, problem) in hook::problems(hooks) {
        fields.check::<(), _>(&field, Err(problem));
    }
    fields.finish()?;
    let Target { owner, host, subject } = target;
    let json = serde_json::to_vec(hooks)
        .map_err(|error| Failure::internal("could not write hooks as JSON", error))?;
    let row = rows::Hooks {
        owner,
        sealed: seal(cx.parts(), &hooks::context(owner), &json),
        set: cx.now(),
        set_by: Some(cx.user()?.id),
        version: expected,
    };
    change.hooks().set(&row, expected).await.map_err(Failure::stale)?;
    configuration::changed(&mut change, host).await?;
    change.tell_host(host);
    let detail = serde_json::json!({ "pre": hooks.pre.is_some(), "post": hooks.post.is_some() });
    let set = hook_set(cx, change.reading(), owner, host).await?;
    change.commit(cx.audit_with(Action::HooksSet, subject, detail)).await?;
    Ok(set)
}

async fn remove(cx: &Cx, mut change: Change<'_>, target: Target) -> Result<Nothing, Failure> {
    let Target { owner, host, subject } = target;
    if !change.hooks().remove(owner).await? {
        return Err(Failure::not_found("hooks of its own"));
    }
    configuration::changed(&mut change, host).await?;
    change.tell_host(host);
    change.commit(cx.audit(Action::HooksRemove, subject)).await?;
    Ok(Nothing {})
}

/// What runs there, and where it was set.
async fn hook_set(
    cx: &Cx,
    read: &mut dyn Read,
    owner: HookOwner,
    host: HostId,
) -> Result<Reply<HookSet>, Failure> {
    let found = match owner {
        HookOwner::Host(_) => read.hooks().find(owner).await?,
        HookOwner::SourceGroup(group) => hooks::effective(read.hooks(), host, group).await?,
    };
    let Some(row) = found else { return Ok(Reply::versioned(HookSet::default(), 0)) };
    let plain = hooks::open(cx.parts(), &row).ok();
    let opened: Option<Hooks> = plain.and_then(|plain| serde_json::from_slice(plain.expose()).ok());
    let (unreadable, hooks) = (opened.is_none(), opened.unwrap_or_default());
    let set_by = match row.set_by {
        Some(user) => read.users().find(user).await?.map(|user| user.name),
        None => None,
    };
    let version = if row.owner == owner { row.version } else { 0 };
    let set = HookSet {
        origin: Some(match row.owner {
            HookOwner::Host(_) => HookOrigin::Host,
            HookOwner::SourceGroup(_) => HookOrigin::SourceGroup,
        }),
        pre_digest: hooks.pre.as_ref().map(hook::digest),
        post_digest: hooks.post.as_ref().map(hook::digest),
        hooks,
        set_at: Some(row.set),
        set_by,
        unreadable,
        version,
    };
    Ok(Reply::versioned(set, version))
}
