//! Source groups: what is backed up on a host.

use restic_manager_proto::{
    Bandwidth, CommandSource, HostId, Retry, SourceGroupId, SourceOptions,
    api::{
        Nothing, Problem,
        hosts::{self, ByHost},
        source_groups::{self, ByGroup, SourceGroup, SourceGroupChange},
    },
    policy::Act,
    vocabulary::{Health, Role},
};
use serde::Serialize;

use super::{
    attachments, bandwidth,
    context::Cx,
    excludes::{self, PresetBox},
    form_reader::FormReader,
    form_state::FormState,
    host::{HostContext, HostTab},
    policy::PolicyWarning,
    problem::{not_the_name, notice as notice_of, refusal_of, status},
    respond::{Answer, html_with, redirect},
    retention::{self, RetentionFields},
    source_options,
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Moment, Pill, Section, SelectOption, health_pill, job_pill},
};

#[derive(Serialize)]
struct SourcesPage<'a, H> {
    head: H,
    host: String,
    groups: Vec<GroupCard<'a>>,
    denied: Option<String>,
    admin_denied: Option<String>,
}

#[derive(Serialize)]
struct GroupCard<'a> {
    id: String,
    /// One run with a speed limit of its own.
    limited: FormState<'a>,
    limited_open: bool,
    name: String,
    host: String,
    includes: Vec<String>,
    excludes: Vec<String>,
    command: Option<CommandView>,
    also: Vec<String>,
    repository: String,
    repository_href: String,
    keeps: String,
    warnings: Vec<String>,
    last_backup: Option<LastRun>,
    newest: Option<Moment>,
    overdue: Option<Pill>,
}

/// A command as pages show it.
#[derive(Serialize)]
struct CommandView {
    words: Vec<String>,
    shell: Option<String>,
    file_name: String,
}

impl CommandView {
    fn new(command: &CommandSource) -> Self {
        Self {
            words: command.words.clone(),
            shell: command.shell.map(|shell| shell.to_string()),
            file_name: command.file_name.clone(),
        }
    }
}

#[derive(Serialize)]
struct LastRun {
    state: Pill,
    ended: Moment,
    href: String,
}

impl<H: Serialize> Template for SourcesPage<'_, H> {
    const FILE: &'static str = "pages/host_sources.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    list_with(&cx, cx.parameter("host")?, None).await
}

/// The groups of a host, with what was refused of a run that was asked for there.
pub(crate) async fn list_with(cx: &Cx, host: HostId, problem: Option<&Problem>) -> Answer {
    let host = HostContext::load(cx, host).await?;
    let page = SourcesPage {
        head: host.head(cx, HostTab::Sources),
        host: host.host.id.to_string(),
        groups: host.groups.iter().map(|group| GroupCard::new(cx, group, problem)).collect(),
        denied: host.denied(Role::Operator),
        admin_denied: host.denied(Role::Admin),
    };
    let notice = page.groups.iter().find(|group| group.limited_open).map(|group| group.limited.notice());
    let notice = notice.unwrap_or_else(|| notice_of(problem, &[]));
    html_with(status(problem), &host.frame(cx).notice(notice), &page)
}

impl<'a> GroupCard<'a> {
    fn new(cx: &'a Cx, group: &SourceGroup, problem: Option<&'a Problem>) -> Self {
        let asked = problem.is_some() && cx.form.text("source_group") == group.id.to_string();
        let mut limited = FormState::new(asked.then_some(&cx.form), problem);
        bandwidth::fill(&mut limited, Bandwidth::default());
        let last_backup = group.last_backup.as_ref().map(|last| LastRun {
            state: job_pill(last.state),
            ended: cx.moment(last.ended_at),
            href: format!("/jobs/{}", last.job),
        });
        let is_overdue = group.fresh_until.is_some_and(|until| until <= cx.now);
        Self {
            id: group.id.to_string(),
            limited_open: limited.is_posted(),
            limited,
            name: group.name.clone(),
            host: group.host.id.to_string(),
            includes: group.includes.clone(),
            excludes: group.excludes.clone(),
            command: group.command.as_ref().map(CommandView::new),
            also: also(&group.options),
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

/// What else shapes the backups, in words.
fn also(options: &SourceOptions) -> Vec<String> {
    let tries = options.retry.map(|Retry { attempts, delay_seconds }| {
        let pause = std::time::Duration::from_secs(delay_seconds.into());
        format!("up to {attempts} runs, {} apart, when one fails", text::duration(pause))
    });
    let stays = options.one_file_system.then(|| "what is mounted below the paths is left out".to_owned());
    let caches = options.exclude_caches.then(|| "folders marked as caches are left out".to_owned());
    [tries, stays, caches].into_iter().flatten().collect()
}

#[derive(Serialize)]
struct SourcePage<'a> {
    action: String,
    form: FormState<'a>,
    has_command: bool,
    command: Option<String>,
    presets: Vec<PresetBox>,
    back: String,
    repositories: Vec<SelectOption>,
    retention: RetentionFields,
    /// Where the policy can be tried; a group that is not there yet has nothing to try it on.
    preview: Option<String>,
    version: i64,
    warning: PolicyWarning,
    save: &'static str,
    delete: Option<Delete>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Delete {
    action: String,
    name: String,
    error: Option<String>,
}

impl Template for SourcePage<'_> {
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

/// The form as it was typed, or else as it is stored.
async fn form(cx: &Cx, host: HostId, stored: Option<&SourceGroup>, told: Told<'_>) -> Answer {
    let Told { problem, confirm_error, warning } = told;
    let (caller, host, attached) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<hosts::Attachments>(ByHost { host }, Nothing {}),
    )?;
    let back = format!("/hosts/{}/sources", host.id);
    let action = stored.map_or_else(|| format!("{back}/new"), |group| format!("/sources/{}", group.id));
    let preview = stored.map(|group| format!("/sources/{}/preview", group.id));
    let mut form = cx.form_at(&[&action, preview.as_deref().unwrap_or_default()], problem);
    let of_stored = |text: fn(&SourceGroup) -> String| stored.map(text).unwrap_or_default();
    form.text("name", &of_stored(|group| group.name.clone()))
        .text("repository", &of_stored(|group| group.repository.id.to_string()))
        .lines("includes", stored.map(|group| group.includes.as_slice()).unwrap_or_default());
    source_options::fill(&mut form, stored.map(|group| group.options).unwrap_or_default(), "options.retry");
    let page = SourcePage {
        has_command: stored.is_some_and(|group| group.command.is_some()),
        command: stored
            .filter(|group| group.command.is_some())
            .map(|group| format!("/sources/{}/command", group.id)),
        presets: excludes::fill(&mut form, stored.map(|group| group.excludes.as_slice()).unwrap_or_default()),
        retention: RetentionFields::fill(&mut form, stored),
        form,
        action,
        repositories: attachments::options(&attached.items),
        preview,
        version: stored.map(|group| group.version).unwrap_or_default(),
        delete: stored.map(|group| Delete {
            action: format!("/sources/{}/delete", group.id),
            name: group.name.clone(),
            error: confirm_error,
        }),
        denied: caller.denied(Role::Operator),
        save: warning.label("Save"),
        warning,
        back,
    };
    let title = stored.map_or_else(|| "New source group".to_owned(), |group| group.name.clone());
    let frame =
        caller.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name, page.back.clone());
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let host: HostId = cx.parameter("host")?;
    if let Some(warning) = warning(&cx, host).await? {
        return form(&cx, host, None, Told { warning, ..Told::default() }).await;
    }
    let made =
        async { cx.api.send::<source_groups::Create>(ByHost { host }, posted(&cx, None)?).await }.await;
    match refusal_of(made)? {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/sources?done=source-added"))),
        Err(problem) => form(&cx, host, None, Told::problem(&problem)).await,
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let group: SourceGroupId = cx.parameter("group")?;
    let stored = cx.api.get::<source_groups::Show>(ByGroup { group }, Nothing {}).await?;
    if let Some(warning) = warning(&cx, stored.host.id).await? {
        return form(&cx, stored.host.id, Some(&stored), Told { warning, ..Told::default() }).await;
    }
    let changed = async {
        let change = posted(&cx, Some(&stored))?;
        cx.api.change::<source_groups::Update>(ByGroup { group }, change, cx.version()).await
    }
    .await;
    match refusal_of(changed)? {
        Ok(changed) => Ok(redirect(&format!("/hosts/{}/sources?done=source-updated", changed.host.id))),
        Err(problem) => edit_with(&cx, Told::problem(&problem)).await,
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
        options: group.options,
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

fn posted(cx: &Cx, stored: Option<&SourceGroup>) -> Result<SourceGroupChange, Failure> {
    let mut reader = FormReader::new(&cx.form);
    let repository = reader.needed("repository", "repository", NO_REPOSITORY);
    let options = source_options::read(&mut reader, stored.map(|group| group.options).unwrap_or_default());
    let retention = retention::read(&mut reader);
    reader.finish(repository.map(|repository| SourceGroupChange {
        name: cx.form.text("name").to_owned(),
        includes: cx.form.lines("includes"),
        excludes: excludes::read(&cx.form, stored.map(|group| group.excludes.as_slice()).unwrap_or_default()),
        options,
        repository,
        retention,
    }))
}

/// Says what to do where no repository was chosen.
pub(super) const NO_REPOSITORY: &str = "attach the host to a repository first, then choose it";
