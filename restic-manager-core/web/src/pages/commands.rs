//! Source groups that back up what a command prints.

use restic_manager_proto::{
    CommandSource, HostId, Retention, SourceOptions,
    api::{
        Nothing, Problem,
        hosts::{self, ByHost},
        source_groups::{self, ByGroup, NewCommandGroup, SourceGroup},
    },
    vocabulary::{Role, Shell},
};
use serde::Serialize;

use super::{
    attachments,
    context::Cx,
    form_reader::FormReader,
    form_state::FormState,
    policy::hook_warning,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
    source_options,
    sources::NO_REPOSITORY,
};
use crate::{
    api::Failure,
    render::Template,
    view::{Banner, Section, SelectOption},
};

#[derive(Serialize)]
struct CommandPage<'a> {
    action: String,
    back: String,
    form: FormState<'a>,
    /// For a new group only, which has more than its command: where it can go.
    repositories: Option<Vec<SelectOption>>,
    shells: Vec<SelectOption>,
    digest: Option<String>,
    version: i64,
    warning: Option<Banner>,
    denied: Option<String>,
}

impl Template for CommandPage<'_> {
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

/// The form as it was typed, or else as it is stored.
async fn form(cx: &Cx, host: HostId, stored: Option<&SourceGroup>, problem: Option<&Problem>) -> Answer {
    let (caller, host, attached) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<hosts::Attachments>(ByHost { host }, Nothing {}),
    )?;
    let back = format!("/hosts/{}/sources", host.id);
    let action = stored
        .map_or_else(|| format!("{back}/new-command"), |group| format!("/sources/{}/command", group.id));
    let mut form = cx.form_at(&[&action], problem);
    fill(&mut form, stored);
    let digest = stored.and_then(|group| group.command_digest.clone());
    let page = CommandPage {
        action,
        form,
        repositories: stored.is_none().then(|| attachments::options(&attached.items)),
        shells: shells(&host.facts.operating_system),
        version: stored.map(|group| group.version).unwrap_or_default(),
        warning: hook_warning(&host.facts, digest.as_deref().as_slice()),
        digest,
        denied: caller.denied(Role::Admin),
        back,
    };
    let title = stored.map_or_else(
        || "New source group from a command".to_owned(),
        |group| format!("Command of {}", group.name),
    );
    let frame =
        caller.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name, page.back.clone());
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

/// Where the API has the command of a group that is made with it.
const WITHIN_NEW: &str = "command.";

fn fill(form: &mut FormState<'_>, stored: Option<&SourceGroup>) {
    let command = stored.and_then(|group| group.command.as_ref());
    let of_command = |text: fn(&CommandSource) -> String| command.map(text).unwrap_or_default();
    let under = if stored.is_some() { "" } else { WITHIN_NEW };
    form.text_of("shell", &format!("{under}shell"), &of_command(|command| shell_word(command.shell)))
        .lines_of(
            "words",
            &format!("{under}words"),
            command.map(|command| &*command.words).unwrap_or_default(),
        )
        .text_of("file_name", &format!("{under}file_name"), &of_command(|command| command.file_name.clone()));
    if stored.is_none() {
        form.text("name", "").text("repository", "");
        source_options::fill(form, SourceOptions::default(), "options.retry");
    }
}

fn shell_word(shell: Option<Shell>) -> String {
    shell.map(|shell| shell.to_string()).unwrap_or_default()
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
    let made =
        async { cx.api.send::<source_groups::CreateFromCommand>(ByHost { host }, posted_group(&cx)?).await }
            .await;
    match refusal_of(made)? {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/sources?done=source-added"))),
        Err(problem) => form(&cx, host, None, Some(&problem)).await,
    }
}

fn posted_group(cx: &Cx) -> Result<NewCommandGroup, Failure> {
    let mut reader = FormReader::new(&cx.form);
    let command = read(&mut reader, None, WITHIN_NEW);
    let repository = reader.needed("repository", "repository", NO_REPOSITORY);
    let retry = source_options::read_retry(&mut reader, None, "options.retry");
    reader.finish(repository.map(|repository| NewCommandGroup {
        name: cx.form.text("name").to_owned(),
        command,
        repository,
        retention: Retention::default(),
        retry,
    }))
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let stored = group(&cx).await?;
    let mut reader = FormReader::new(&cx.form);
    let command = read(&mut reader, stored.command.as_ref(), "");
    let changed = async {
        let command = reader.finish(Some(command))?;
        let by = ByGroup { group: stored.id };
        cx.api.change::<source_groups::SetCommand>(by, command, cx.version()).await
    }
    .await;
    match refusal_of(changed)? {
        Ok(_) => Ok(redirect(&format!("/hosts/{}/sources?done=source-updated", stored.host.id))),
        Err(problem) => form(&cx, stored.host.id, Some(&stored), Some(&problem)).await,
    }
}

fn read(reader: &mut FormReader<'_>, stored: Option<&CommandSource>, under: &str) -> CommandSource {
    let shell = reader.optional("shell", &format!("{under}shell"), "choose one of those offered");
    let stored = stored.map(|command| command.file_name.as_str()).unwrap_or_default();
    CommandSource {
        shell,
        words: reader.form.lines("words"),
        file_name: reader.form.text_or("file_name", stored),
    }
}
