//! Source groups: what is backed up on a host.

use restic_manager_proto::{
    CommandSource, HostId, Retry, SourceGroupId, SourceOptions,
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
    bandwidth::BandwidthFields,
    context::Cx,
    host::{HostDesk, HostTab},
    policy::PolicyWarning,
    problem::{field, lines_of, not_the_name, notice, refused, status},
    respond::{Answer, html, html_with, redirect},
    retention::{self, RetentionFields},
    source_options::{OptionFields, posted_retry},
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Moment, Pill, SelectOption, health_pill, job_pill},
};

#[derive(Serialize)]
struct SourcesPage<H> {
    head: H,
    host: String,
    groups: Vec<GroupCard>,
    denied: Option<String>,
    admin_denied: Option<String>,
    unlimited: BandwidthFields,
}

#[derive(Serialize)]
struct GroupCard {
    id: String,
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
        admin_denied: host.denied(Role::Admin),
        unlimited: BandwidthFields::default(),
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

/// Patterns that many people want, each offered as one box.
const PRESETS: &[Preset] = &[
    Preset { value: "temporary", label: "Temporary files", patterns: &["*.tmp", "*.temp", "*.swp", "*~"] },
    Preset { value: "caches", label: "Caches", patterns: &[".cache", "Cache", "CachedData", "__pycache__"] },
    Preset { value: "fetched", label: "What tools fetch again", patterns: &["node_modules", ".venv"] },
    Preset {
        value: "trash",
        label: "Waste bins",
        patterns: &[".Trash-*", ".local/share/Trash", "$RECYCLE.BIN"],
    },
    Preset {
        value: "system",
        label: "The system’s own file systems",
        patterns: &["/proc", "/sys", "/dev", "/run"],
    },
];

struct Preset {
    value: &'static str,
    label: &'static str,
    patterns: &'static [&'static str],
}

impl Preset {
    fn is_within(&self, excludes: &[String]) -> bool {
        self.patterns.iter().all(|pattern| excludes.iter().any(|exclude| exclude == pattern))
    }
}

#[derive(Serialize)]
struct PresetBox {
    value: &'static str,
    label: &'static str,
    patterns: &'static [&'static str],
    chosen: bool,
}

#[derive(Serialize)]
struct SourcePage {
    action: String,
    has_command: bool,
    command: Option<String>,
    presets: Vec<PresetBox>,
    fields: OptionFields,
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
    let is_typed = cx.form.given("name").is_some();
    let excluded = kept.map(|group| group.excludes.clone()).unwrap_or_default();
    let chosen = |preset: &Preset| match is_typed {
        true => cx.form.given(&format!("preset-{}", preset.value)).is_some(),
        false => preset.is_within(&excluded),
    };
    let covered = |pattern: &String| {
        PRESETS
            .iter()
            .any(|preset| preset.is_within(&excluded) && preset.patterns.contains(&pattern.as_str()))
    };
    let others: Vec<_> = excluded.iter().filter(|pattern| !covered(pattern)).cloned().collect();
    let options = kept.map(|group| group.options).unwrap_or_default();
    let page = SourcePage {
        has_command: kept.is_some_and(|group| group.command.is_some()),
        command: kept
            .filter(|group| group.command.is_some())
            .map(|group| format!("/sources/{}/command", group.id)),
        presets: PRESETS
            .iter()
            .map(|preset| PresetBox {
                value: preset.value,
                label: preset.label,
                patterns: preset.patterns,
                chosen: chosen(preset),
            })
            .collect(),
        fields: OptionFields::new(cx, is_typed, options, "options.retry", problem),
        action: kept.map_or_else(|| format!("{back}/new"), |group| format!("/sources/{}", group.id)),
        name: typed("name", kept.map(|group| group.name.clone())),
        includes: typed("includes", kept.map(|group| group.includes.join("\n"))),
        excludes: typed("excludes", Some(others.join("\n"))),
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
            includes: lines_of(problem, "includes", cx.form.raw("includes")),
            excludes: lines_of(problem, "excludes", cx.form.raw("excludes")),
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
    let notice = notice(problem, &["name", "includes", "excludes", "repository", "options", "retention"]);
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

fn posted(cx: &Cx) -> Result<SourceGroupChange, Failure> {
    Ok(SourceGroupChange {
        name: cx.form.text("name").to_owned(),
        includes: cx.form.lines("includes"),
        excludes: posted_excludes(cx),
        options: SourceOptions {
            retry: posted_retry(cx),
            one_file_system: cx.form.given("one_file_system").is_some(),
            exclude_caches: cx.form.given("exclude_caches").is_some(),
        },
        repository: cx
            .form
            .text("repository")
            .parse()
            .map_err(|_| refused(Code::Invalid, "attach the host to a repository first, then choose it"))?,
        retention: retention::posted(&cx.form)?,
    })
}

/// The lines of the text area, then the patterns of the boxes that were ticked.
fn posted_excludes(cx: &Cx) -> Vec<String> {
    let mut excludes = cx.form.lines("excludes");
    let ticked = PRESETS.iter().filter(|preset| cx.form.given(&format!("preset-{}", preset.value)).is_some());
    for pattern in ticked.flat_map(|preset| preset.patterns) {
        if !excludes.iter().any(|exclude| exclude == pattern) {
            excludes.push((*pattern).to_owned());
        }
    }
    excludes
}
