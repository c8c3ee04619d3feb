//! Restores: asked for here, done by the agent of the host that is restored to.

use restic_manager_proto::{
    HostId, JobChoice, JobOptions, PlanSummary, RestoreOptions, RestoreTarget,
    agent::{AnswerPart, Question},
    api::{
        jobs::Job,
        restores::{Create, NewRestore, Plan, RestorePlan},
        snapshots::BySnapshot,
    },
    limits::cut_all,
    vocabulary::{Action, JobKind, Trigger},
};
use restic_manager_store::{Read, hosts::Host, retry};

use super::{
    browse,
    check::{self, Fields},
    found, jobs, snapshots,
};
use crate::{
    call::{Cx, Request},
    domain::jobs::{Wanted, queue::queue, wanted::refuse_twin},
    entry::subject,
    failure::Failure,
};

/// Most text of paths that an audit entry names.
const PATHS_TOLD: usize = 2 * 1024;
/// Rows of a plan that are shown.
const PLAN_ROWS: u16 = 500;

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Job, Failure> {
    let (to, body) = (request.path.host, request.body);
    check_fields(&body)?;
    check_proof(&cx, to, &body)?;
    let requested_by = Some(cx.user()?.id);
    retry(async || {
        let mut change = cx.begin().await?;
        let (host, source) = both(&cx, change.reading(), to, &body).await?;
        check_confirmed(&body, &host)?;
        let choice = JobChoice::Restore(Box::new(body.restore.clone()));
        let wanted = Wanted {
            host: to,
            kind: JobKind::Restore,
            trigger: Trigger::Manual,
            requested_by,
            source_group: None,
            repository: Some(body.repository),
            options: JobOptions { bandwidth: body.bandwidth, choice },
        };
        refuse_twin(change.as_mut(), &wanted).await?;
        let new = wanted.at(&cx.parts().mint, cx.now());
        queue(&mut change, &new).await?;
        let job = jobs::job_body(cx.parts(), change.reading(), new.id).await?;
        let detail = detail(&body.restore, &source, new.id.to_string());
        let about = subject("host", to, host.name);
        change.commit(cx.audit_with(Action::RestoreCreate, about, detail)).await?;
        Ok(job)
    })
    .await
}

pub(crate) async fn plan(cx: Cx, request: Request<Plan>) -> Result<RestorePlan, Failure> {
    let (to, body) = (request.path.host, request.body);
    check_fields(&body)?;
    check_proof(&cx, to, &body)?;
    both(&cx, cx.read().await?.as_mut(), to, &body).await?;
    let question = Question::Plan { restore: Box::new(body.restore), class: None, limit: PLAN_ROWS };
    let (mut summary, mut rows) = (PlanSummary::default(), Vec::new());
    let more = browse::ask(&cx, to, body.repository, question, |part| match part {
        AnswerPart::Plan { plan } => summary = plan,
        AnswerPart::PlanRows { rows: some } => rows.extend(some),
        _ => {}
    });
    let more = more.await?;
    Ok(RestorePlan { summary, rows, more })
}

/// The host that is restored to, which must be able to, and the one whose snapshot it is.
async fn both(cx: &Cx, read: &mut dyn Read, to: HostId, body: &NewRestore) -> Result<(Host, Host), Failure> {
    let from = body.snapshot_host.unwrap_or(to);
    let host = found::host(read.hosts(), to).await?;
    // A removed host's snapshots stay restorable.
    let source = read.hosts().find(from).await?.filter(|host| host.is_within(cx.scope()));
    let source = source.ok_or_else(|| Failure::field("snapshot_host", "there is no such host"))?;
    let snapshot = body.restore.snapshot.clone();
    snapshots::find(read, &BySnapshot { host: from, repository: body.repository, snapshot }).await?;
    if read.attachments().find(to, body.repository).await?.is_none() {
        let message =
            "one that the host is attached to; attach it first, which gives it the repository's password";
        return Err(Failure::field("repository", message));
    }
    Ok((host, source))
}

/// Another host's files are restored by who has just proved who they are.
fn check_proof(cx: &Cx, to: HostId, body: &NewRestore) -> Result<(), Failure> {
    if body.snapshot_host.is_none_or(|from| from == to) { Ok(()) } else { cx.expect_proof() }
}

fn check_fields(body: &NewRestore) -> Result<(), Failure> {
    let mut fields = Fields::default();
    check::bandwidth(&mut fields, body.bandwidth);
    if let Err(invalid) = body.restore.check() {
        fields.check::<(), _>(&format!("restore.{}", invalid.field), Err(invalid.message));
    }
    fields.finish()
}

/// What is there is replaced only on a host that somebody has named.
fn check_confirmed(body: &NewRestore, host: &Host) -> Result<(), Failure> {
    let is_named = body.confirm.as_deref() == Some(host.name.as_str());
    if body.restore.target == (RestoreTarget::Original {}) && !is_named {
        let message = "the name of the host, typed: its files are replaced";
        return Err(Failure::field("confirm", message));
    }
    Ok(())
}

/// What the audit log says of it.
fn detail(restore: &RestoreOptions, source: &Host, job: String) -> serde_json::Value {
    let paths = restore.paths.iter().map(|path| path.shown()).collect();
    let target = match &restore.target {
        RestoreTarget::Folder { path } => path.as_str(),
        RestoreTarget::Original {} => "the original place",
    };
    serde_json::json!({
        "job": job,
        "snapshot": restore.snapshot,
        "snapshot_host": source.name,
        "paths": cut_all(paths, PATHS_TOLD),
        "target": target,
        "overwrite": restore.overwrite.to_string(),
        "delete": restore.delete,
    })
}
