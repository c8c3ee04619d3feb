//! Source groups that back up what a command prints.

use restic_manager_proto::{
    CommandSource, HostId, Retention, SourceOptions,
    api::{
        Code, Nothing, Problem,
        hosts::{self, ByHost},
        source_groups::{self, ByGroup, NewCommandGroup, SourceGroup},
    },
    vocabulary::{Role, Shell},
};
use serde::Serialize;

use super::{
    context::Cx,
    policy::hook_warning,
    problem::{field, lines_of, notice, refused, status},
    respond::{Answer, html_with, redirect},
    source_options::{OptionFields, posted_retry},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Banner, Section, SelectOption},
};

#[derive(Serialize)]
struct CommandPage {
    action: String,
    back: String,
    /// For a new group only: what a group has besides its command.
    group: Option<GroupFields>,
    shell: String,
    shells: Vec<SelectOption>,
    words: String,
    file_name: String,
    digest: Option<String>,
    version: i64,
    warning: Option<Banner>,
    errors: Errors,
    denied: Option<String>,
}

#[derive(Serialize)]
struct GroupFields {
    name: String,
    repository: String,
    options: Vec<SelectOption>,
    fields: OptionFields,
}

#[derive(Serialize)]
struct Errors {
    name: Option<String>,
    repository: Option<String>,
    shell: Option<String>,
    words: Option<String>,
    file_name: Option<String>,
}

impl Template for CommandPage {
    const FILE: &'static str = "pages/command.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, cx.parameter("host")?, None, None).await
}

pub(crate) async fn edit(cx: Cx) -> Answer {
    let group = group(&cx).await?;
    form(&cx, group.host.id, Some(&group), None).await
}

async fn group(cx: &Cx) -> Result<SourceGroup, Failure> {
    cx.api.get::<source_groups::Show>(ByGroup { group: cx.parameter("group")? }, Nothing {}).await
}

/// The form as it was typed, or else as it is kept.
async fn form(cx: &Cx, host: HostId, kept: Option<&SourceGroup>, problem: Option<&Problem>) -> Answer {
    let (desk, host, attached) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<hosts::Attachments>(ByHost { host }, Nothing {}),
    )?;
    let is_typed = cx.form.given("version").is_some();
    let command = kept.and_then(|group| group.command.as_ref());
    let (shell, words, file_name) = match (is_typed, command) {
        (true, _) => (
            cx.form.text("shell").to_owned(),
            cx.form.raw("words").to_owned(),
            cx.form.text("file_name").to_owned(),
        ),
        (false, Some(command)) => (
            command.shell.map(|shell| shell.to_string()).unwrap_or_default(),
            command.words.join("\n"),
            command.file_name.clone(),
        ),
        (false, None) => (String::new(), String::new(), String::new()),
    };
    let prefix = if kept.is_some() { "" } else { "command." };
    let word_lines = lines_of(problem, &format!("{prefix}words"), &words);
    let digest = kept.and_then(|group| group.command_digest.clone());
    let back = format!("/hosts/{}/sources", host.id);
    let page = CommandPage {
        action: kept
            .map_or_else(|| format!("{back}/new-command"), |group| format!("/sources/{}/command", group.id)),
        group: kept.is_none().then(|| GroupFields {
            name: cx.form.text("name").to_owned(),
            repository: cx.form.text("repository").to_owned(),
            options: attached
                .items
                .iter()
                .map(|one| SelectOption {
                    value: one.repository.id.to_string(),
                    label: one.repository.name.clone(),
                })
                .collect(),
            fields: OptionFields::new(cx, is_typed, SourceOptions::default(), "options.retry", problem),
        }),
        shells: shells(&host.facts.operating_system),
        shell,
        words,
        file_name,
        version: kept.map(|group| group.version).unwrap_or_default(),
        warning: hook_warning(&host.facts, digest.as_deref().as_slice()),
        digest,
        errors: Errors {
            name: field(problem, "name"),
            repository: field(problem, "repository"),
            shell: field(problem, &format!("{prefix}shell")),
            words: word_lines,
            file_name: field(problem, &format!("{prefix}file_name")),
        },
        denied: desk.denied(Role::Admin),
        back,
    };
    let title = kept.map_or_else(
        || "New source group from a command".to_owned(),
        |group| format!("Command of {}", group.name),
    );
    let known = ["name", "repository", "command", "words", "file_name", "shell", "options"];
    let frame =
        desk.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name, page.back.clone());
    html_with(status(problem), &frame.notice(notice(problem, &known)), &page)
}

fn shells(operating_system: &str) -> Vec<SelectOption> {
    let option = |value: &str, label: &str| SelectOption { value: value.to_owned(), label: label.to_owned() };
    let mut options = vec![option("", "no shell: one word a line")];
    options.extend(match operating_system {
        "windows" => vec![option(Shell::PowerShell.as_str(), "PowerShell: one line")],
        _ => vec![
            option(Shell::Bash.as_str(), "bash: one line, a failing part of a pipe counts"),
            option(Shell::Sh.as_str(), "/bin/sh: one line, only the last part of a pipe counts"),
        ],
    });
    options
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let host: HostId = cx.parameter("host")?;
    let repository = cx
        .form
        .text("repository")
        .parse()
        .map_err(|_| refused(Code::Invalid, "attach the host to a repository first, then choose it"))?;
    let body = NewCommandGroup {
        name: cx.form.text("name").to_owned(),
        command: posted(&cx),
        repository,
        retention: Retention::default(),
        retry: posted_retry(&cx),
    };
    match cx.api.send::<source_groups::CreateFromCommand>(ByHost { host }, body).await {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/sources?done=source-added"))),
        Err(Failure::Refused(problem)) => form(&cx, host, None, Some(&problem)).await,
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let kept = group(&cx).await?;
    let version = cx.form.text("version").parse().unwrap_or(0);
    let by = ByGroup { group: kept.id };
    match cx.api.change::<source_groups::SetCommand>(by, posted(&cx), version).await {
        Ok(_) => Ok(redirect(&format!("/hosts/{}/sources?done=source-updated", kept.host.id))),
        Err(Failure::Refused(problem)) => form(&cx, kept.host.id, Some(&kept), Some(&problem)).await,
        Err(failure) => Err(failure),
    }
}

fn posted(cx: &Cx) -> CommandSource {
    CommandSource {
        shell: cx.form.given("shell").and_then(|shell| shell.parse().ok()),
        words: cx.form.lines("words"),
        file_name: cx.form.text("file_name").to_owned(),
    }
}
