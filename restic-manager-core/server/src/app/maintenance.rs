//! Maintenance windows.

use restic_manager_core::maintenance as rules;
use restic_manager_proto::{
    api::{
        self, Nothing, Page,
        maintenance::{Create, End, List, Show},
    },
    vocabulary::Action,
};
use restic_manager_store::{Read, audit::Subject, maintenance::MaintenanceWindow};

use super::{
    check::{self, Fields},
    users::known_hosts,
};
use crate::{
    call::{Cx, Request},
    domain::maintenance::{MOST, find_seen, seen_of},
    entry::subject,
    failure::Failure,
};

type WindowBody = api::maintenance::MaintenanceWindow;

pub(crate) async fn list(cx: Cx, _: Request<List>) -> Result<Page<WindowBody>, Failure> {
    let mut read = cx.read().await?;
    let mut items = Vec::new();
    for window in read.maintenance().not_over(cx.now(), MOST).await? {
        if !seen_of(read.as_mut(), cx.scope(), &window.scope).await?.is_nothing() {
            items.push(window_body(&cx, read.as_mut(), window).await?);
        }
    }
    Ok(Page { items, next: None })
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<WindowBody, Failure> {
    let mut read = cx.read().await?;
    let window = find_seen(read.as_mut(), cx.scope(), request.path.window).await?;
    window_body(&cx, read.as_mut(), window.ok_or_else(|| Failure::not_found("maintenance window"))?).await
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<WindowBody, Failure> {
    let (now, body) = (cx.now(), request.body);
    let from = body.from.unwrap_or(now);
    let mut fields = Fields::default();
    fields.check("reason", check::label(&body.reason));
    check::scope(&mut fields, &body.scope);
    if let Err((field, wrong)) = rules::check(from, body.until, now) {
        fields.check::<(), _>(field, Err(wrong));
    }
    fields.finish()?;
    let window = MaintenanceWindow {
        id: cx.parts().mint.maintenance(),
        scope: body.scope,
        from,
        until: body.until,
        reason: body.reason,
        created: now,
        created_by: cx.user()?.id,
    };
    let mut change = cx.begin().await?;
    known_hosts(change.as_mut(), &window.scope, cx.scope()).await?;
    if !is_within(&cx, change.reading(), &window).await? {
        return Err(Failure::field("scope", "only hosts that you see; name some of your tags or hosts"));
    }
    if change.maintenance().not_over(now, MOST).await?.len() >= MOST {
        let detail = format!("there are {MOST} maintenance windows that last or are to come already");
        return Err(Failure::conflict(detail, "end one, or widen one by announcing it for a tag"));
    }
    change.maintenance().add(&window).await?;
    let detail = serde_json::json!({ "scope": window.scope, "from": window.from, "until": window.until });
    let audit = cx.audit_with(Action::MaintenanceCreate, about(&window), detail);
    change.commit(audit).await?;
    window_body(&cx, cx.read().await?.as_mut(), window).await
}

pub(crate) async fn end(cx: Cx, request: Request<End>) -> Result<Nothing, Failure> {
    let id = request.path.window;
    let mut change = cx.begin().await?;
    let window = find_seen(change.reading(), cx.scope(), id).await?;
    let window = window.ok_or_else(|| Failure::not_found("maintenance window"))?;
    if !is_within(&cx, change.reading(), &window).await? {
        let detail = "the maintenance window is also for hosts that you do not see";
        return Err(Failure::conflict(detail, "ask somebody who sees all of its hosts to end it"));
    }
    if !change.maintenance().end(id, cx.now()).await? {
        return Err(Failure::conflict("the maintenance window is over", "there is nothing to end"));
    }
    change.commit(cx.audit(Action::MaintenanceEnd, about(&window))).await?;
    Ok(Nothing {})
}

/// Whether the caller sees all hosts of a window.
async fn is_within(cx: &Cx, read: &mut dyn Read, window: &MaintenanceWindow) -> Result<bool, Failure> {
    Ok(seen_of(read, cx.scope(), &window.scope).await? == window.scope)
}

fn about(window: &MaintenanceWindow) -> Option<Subject> {
    subject("maintenance", window.id, window.reason.clone())
}

async fn window_body(cx: &Cx, read: &mut dyn Read, window: MaintenanceWindow) -> Result<WindowBody, Failure> {
    let yours = is_within(cx, read, &window).await?;
    let maker = read.users().find(window.created_by).await?;
    // Which other hosts it is for is nobody's business who does not see them.
    let scope = if yours { window.scope } else { seen_of(read, cx.scope(), &window.scope).await? };
    Ok(WindowBody {
        id: window.id,
        scope,
        from: window.from,
        until: window.until,
        reason: window.reason,
        made_by: maker.map_or_else(|| "(removed)".to_owned(), |maker| maker.name),
        created_at: window.created,
        yours,
    })
}
