//! Source groups: what is backed up on a host.

use restic_manager_proto::{
    HostId, SourceGroupId,
    api::{
        Code, Nothing, Problem,
        hosts::{self, ByHost},
        source_groups::{self, ByGroup, SourceGroup, SourceGroupChange},
    },
    policy::Act,
    vocabulary::{Health, Role},
};
use serde::Serialize;

use super::{
    answer::{Answer, field, html, html_with, not_the_name, notice, redirect, refused, status},
    context::Cx,
    host::{HostDesk, HostTab},
    policy::PolicyWarning,
    retention::{self, RetentionFields},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Moment, Pill, SelectOption, health_pill, job_pill},
};

#[derive(Serialize)]
struct SourcesPage<H> {
    head: H,
    host: String,
    groups: Vec<GroupCard>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct GroupCard {
    id: String,
    name: String,
    host: String,
    includes: Vec<String>,
    excludes: Vec<String>,
    repository: String,
    repository_href: String,
    keeps: String,
    warnings: Vec<String>,
    last_backup: Option<LastRun>,
    newest: Option<Moment>,
    overdue: Option<Pill>,
}

#[derive(Serialize)]
struct LastRun {
    state: Pill,
    ended: Moment,
    href: String,
}

impl<H: Serialize> Template for SourcesPage<H> {
    const FILE: &'static str = "pages/host_sources.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let host = HostDesk::load(&cx, cx.parameter("host")?).await?;
    let page = SourcesPage {
        head: host.head(&cx, HostTab::Sources),
        host: host.host.id.to_string(),
        groups: host.groups.iter().map(|group| GroupCard::new(&cx, group)).collect(),
        denied: host.denied(Role::Operator),
    };
    html(&host.frame(&cx), &page)
}

impl GroupCard {
    fn new(cx: &Cx, group: &SourceGroup) -> Self {
        let last_backup = group.last_backup.as_ref().map(|last| LastRun {
            state: job_pill(last.state),
            ended: cx.moment(last.ended_at),
            href: format!("/jobs/{}", last.job),
        });
        let is_overdue = group.fresh_until.is_some_and(|until| until <= cx.now);
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
            host: group.host.id.to_string(),
            includes: group.includes.clone(),
            excludes: group.excludes.clone(),
            repository: group.repository.name.clone(),
            repository_href: format!("/repositories/{}", group.repository.id),
            last_backup,
            newest: cx.moment_of(group.last_snapshot_at),
            overdue: is_overdue.then(|| health_pill(Health::Overdue)),
            keeps: retention::summary(&group.retention),
            warnings: retention::warnings_of(group),
        }
    }
}

#[derive(Serialize)]
struct SourcePage {
    action: String,
    back: String,
    name: String,
    includes: String,
    excludes: String,
    repository: String,
    options: Vec<SelectOption>,
    retention: RetentionFields,
    /// Where the policy can be tried; a group that is not there yet has nothing to try it on.
    preview: Option<String>,
    version: i64,
    errors: Errors,
    warning: PolicyWarning,
    save: &'static str,
    delete: Option<Delete>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Errors {
    name: Option<String>,
    includes: Option<String>,
    excludes: Option<String>,
    repository: Option<String>,
}

#[derive(Serialize)]
struct Delete {
    action: String,
    name: String,
    error: Option<String>,
}

impl Template for SourcePage {
    const FILE: &'static str = "pages/source.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, cx.parameter("host")?, None, Told::default()).await
}

pub(crate) async fn edit(cx: Cx) -> Answer {
    edit_with(&cx, Told::default()).await
}

async fn edit_with(cx: &Cx, told: Told<'_>) -> Answer {
    let group =
        cx.api.get::<source_groups::Show>(ByGroup { group: cx.parameter("group")? }, Nothing {}).await?;
    form(cx, group.host.id, Some(&group), told).await
}

/// What is told to whoever sent the form.
#[derive(Default)]
struct Told<'a> {
    problem: Option<&'a Problem>,
    confirm_error: Option<String>,
    warning: PolicyWarning,
}

impl<'a> Told<'a> {
    fn problem(problem: &'a Problem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// The form as it was typed, or else as it is kept.
async fn form(cx: &Cx, host: HostId, kept: Option<&SourceGroup>, told: Told<'_>) -> Answer {
    let Told { problem, confirm_error, warning } = told;
    let (desk, host, attached) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<hosts::Attachments>(ByHost { host }, Nothing {}),
    )?;
    let typed = |name: &str, kept: Option<String>| match cx.form.given("name") {
        Some(_) => cx.form.raw(name).to_owned(),
        None => kept.unwrap_or_default(),
    };
    let back = format!("/hosts/{}/sources", host.id);
    let page = SourcePage {
        action: kept.map_or_else(|| format!("{back}/new"), |group| format!("/sources/{}", group.id)),
        name: typed("name", kept.map(|group| group.name.clone())),
        includes: typed("includes", kept.map(|group| group.includes.join("\n"))),
        excludes: typed("excludes", kept.map(|group| group.excludes.join("\n"))),
        repository: typed("repository", kept.map(|group| group.repository.id.to_string())),
        options: attached
            .items
            .iter()
            .map(|attachment| SelectOption {
                value: attachment.repository.id.to_string(),
                label: attachment.repository.name.clone(),
            })
            .collect(),
        retention: RetentionFields::new(&cx.form, kept, problem),
        preview: kept.map(|group| format!("/sources/{}/preview", group.id)),
        version: kept.map(|group| group.version).unwrap_or_default(),
        errors: Errors {
            name: field(problem, "name"),
            includes: field(problem, "includes"),
            excludes: field(problem, "excludes"),
            repository: field(problem, "repository"),
        },
        delete: kept.map(|group| Delete {
            action: format!("/sources/{}/delete", group.id),
            name: group.name.clone(),
            error: confirm_error,
        }),
        denied: desk.denied(Role::Operator),
        save: warning.label("Save"),
        warning,
        back,
    };
    let title = kept.map_or_else(|| "New source group".to_owned(), |group| group.name.clone());
    let frame = desk
        .frame(cx, title, crate::view::Section::Hosts)
        .crumb("Hosts", "/hosts")
        .crumb(host.name, page.back.clone());
    let notice = notice(problem, &["name", "includes", "excludes", "repository", "retention"]);
    html_with(status(problem), &frame.notice(notice), &page)
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let host: HostId = cx.parameter("host")?;
    if let Some(warning) = warning(&cx, host).await? {
        return form(&cx, host, None, Told { warning, ..Told::default() }).await;
    }
    let made = match posted(&cx) {
        Ok(change) => cx.api.send::<source_groups::Create>(ByHost { host }, change).await,
        Err(failure) => Err(failure),
    };
    match made {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/sources?done=source-added"))),
        Err(Failure::Refused(problem)) => form(&cx, host, None, Told::problem(&problem)).await,
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let group: SourceGroupId = cx.parameter("group")?;
    let version = cx.form.text("version").parse().unwrap_or(0);
    let kept = cx.api.get::<source_groups::Show>(ByGroup { group }, Nothing {}).await?;
    if let Some(warning) = warning(&cx, kept.host.id).await? {
        return form(&cx, kept.host.id, Some(&kept), Told { warning, ..Told::default() }).await;
    }
    let changed = match posted(&cx) {
        Ok(change) => cx.api.change::<source_groups::Update>(ByGroup { group }, change, version).await,
        Err(failure) => Err(failure),
    };
    match changed {
        Ok(changed) => Ok(redirect(&format!("/hosts/{}/sources?done=source-updated", changed.host.id))),
        Err(Failure::Refused(problem)) => edit_with(&cx, Told::problem(&problem)).await,
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn delete(cx: Cx) -> Answer {
    let by = ByGroup { group: cx.parameter("group")? };
    let group = cx.api.get::<source_groups::Show>(by, Nothing {}).await?;
    if cx.form.text("confirm") != group.name {
        let confirm_error = Some(not_the_name(&group.name));
        return edit_with(&cx, Told { confirm_error, ..Told::default() }).await;
    }
    cx.api.send::<source_groups::Delete>(by, Nothing {}).await?;
    Ok(redirect(&format!("/hosts/{}/sources?done=source-removed", group.host.id)))
}

/// The form again, with what was refused of it.
pub(crate) async fn edit_refused(cx: &Cx, problem: &Problem) -> Answer {
    edit_with(cx, Told::problem(problem)).await
}

/// A source group as it is, as a change of nothing.
pub(crate) fn change_of(group: &SourceGroup) -> SourceGroupChange {
    SourceGroupChange {
        name: group.name.clone(),
        includes: group.includes.clone(),
        excludes: group.excludes.clone(),
        repository: group.repository.id,
        retention: group.retention,
    }
}

/// What the host's policy will refuse of what was typed.
async fn warning(cx: &Cx, host: HostId) -> Result<Option<PolicyWarning>, Failure> {
    let host = cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}).await?;
    let includes = cx.form.lines("includes");
    let acts: Vec<_> = includes.iter().map(|path| Act::BackUp { path }).collect();
    Ok(PolicyWarning::of(cx, &host.facts, &acts))
}

fn posted(cx: &Cx) -> Result<SourceGroupChange, Failure> {
    Ok(SourceGroupChange {
        name: cx.form.text("name").to_owned(),
        includes: cx.form.lines("includes"),
        excludes: cx.form.lines("excludes"),
        repository: cx
            .form
            .text("repository")
            .parse()
            .map_err(|_| refused(Code::Invalid, "attach the host to a repository first, then choose it"))?,
        retention: retention::posted(&cx.form)?,
    })
}
