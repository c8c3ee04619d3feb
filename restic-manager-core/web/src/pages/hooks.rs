//! Hooks: the scripts that run before and after the backups of a host or of one of its source groups.

use restic_manager_proto::{
    Hook, Hooks, HostId, SecretText,
    api::{
        Nothing, Problem,
        hooks::{self, HookOrigin, HookSet},
        hosts::{self, ByHost, Host},
        source_groups::{self, ByGroup, SourceGroup},
    },
    vocabulary::{Role, Shell},
};
use serde::Serialize;

use super::{
    context::Cx,
    policy::hook_warning,
    problem::{field, notice, status},
    respond::{Answer, html_with, redirect},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Banner, Moment, Section, SelectOption, Tone},
};

/// The choice of no script.
const NONE: &str = "";
const USUAL_SECONDS: u32 = 600;
const FIELDS: &[&str] = &["pre", "post"];

#[derive(Serialize)]
struct HooksPage {
    action: String,
    back: String,
    intro: &'static str,
    warnings: Vec<Banner>,
    pre: HookFields,
    post: HookFields,
    shells: Vec<SelectOption>,
    version: i64,
    set: Option<Moment>,
    set_by: Option<String>,
    remove: Option<Remove>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct HookFields {
    shell: String,
    script: String,
    timeout: String,
    digest: Option<String>,
    script_error: Option<String>,
    timeout_error: Option<String>,
}

#[derive(Serialize)]
struct Remove {
    action: String,
    label: &'static str,
    says: &'static str,
}

impl Template for HooksPage {
    const FILE: &'static str = "pages/hooks.html";
}

/// Whose hooks a page is about.
enum Owner {
    Host(Box<Host>),
    Group(Box<Host>, Box<SourceGroup>),
}

impl Owner {
    async fn host(cx: &Cx) -> Result<Self, Failure> {
        let host: HostId = cx.parameter("host")?;
        Ok(Self::Host(Box::new(cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}).await?)))
    }

    async fn group(cx: &Cx) -> Result<Self, Failure> {
        let by = ByGroup { group: cx.parameter("group")? };
        let group = cx.api.get::<source_groups::Show>(by, Nothing {}).await?;
        let host = cx.api.get::<hosts::Show>(ByHost { host: group.host.id }, Nothing {}).await?;
        Ok(Self::Group(Box::new(host), Box::new(group)))
    }

    fn address(&self) -> String {
        match self {
            Self::Host(host) => format!("/hosts/{}/hooks", host.id),
            Self::Group(_, group) => format!("/sources/{}/hooks", group.id),
        }
    }

    fn back(&self) -> String {
        match self {
            Self::Host(host) => format!("/hosts/{}/settings", host.id),
            Self::Group(host, _) => format!("/hosts/{}/sources", host.id),
        }
    }

    fn machine(&self) -> &Host {
        match self {
            Self::Host(host) | Self::Group(host, _) => host,
        }
    }

    async fn load(&self, cx: &Cx) -> Result<HookSet, Failure> {
        match self {
            Self::Host(host) => cx.api.get::<hooks::ShowOfHost>(ByHost { host: host.id }, Nothing {}).await,
            Self::Group(_, group) => {
                cx.api.get::<hooks::ShowOfGroup>(ByGroup { group: group.id }, Nothing {}).await
            }
        }
    }

    async fn set(&self, cx: &Cx, hooks: Hooks, version: i64) -> Result<(), Failure> {
        match self {
            Self::Host(host) => {
                cx.api.change::<hooks::SetOfHost>(ByHost { host: host.id }, hooks, version).await.map(drop)
            }
            Self::Group(_, group) => {
                let by = ByGroup { group: group.id };
                cx.api.change::<hooks::SetOfGroup>(by, hooks, version).await.map(drop)
            }
        }
    }

    async fn remove(&self, cx: &Cx) -> Result<(), Failure> {
        match self {
            Self::Host(host) => {
                cx.api.send::<hooks::RemoveOfHost>(ByHost { host: host.id }, Nothing {}).await.map(drop)
            }
            Self::Group(_, group) => {
                cx.api.send::<hooks::RemoveOfGroup>(ByGroup { group: group.id }, Nothing {}).await.map(drop)
            }
        }
    }
}

pub(crate) async fn of_host(cx: Cx) -> Answer {
    form(&cx, Owner::host(&cx).await?, None).await
}

pub(crate) async fn of_group(cx: Cx) -> Answer {
    form(&cx, Owner::group(&cx).await?, None).await
}

pub(crate) async fn set_of_host(cx: Cx) -> Answer {
    set(&cx, Owner::host(&cx).await?).await
}

pub(crate) async fn set_of_group(cx: Cx) -> Answer {
    set(&cx, Owner::group(&cx).await?).await
}

pub(crate) async fn remove_of_host(cx: Cx) -> Answer {
    remove(&cx, Owner::host(&cx).await?).await
}

pub(crate) async fn remove_of_group(cx: Cx) -> Answer {
    remove(&cx, Owner::group(&cx).await?).await
}

async fn set(cx: &Cx, owner: Owner) -> Answer {
    let version = cx.form.text("version").parse().unwrap_or(0);
    let hooks = Hooks { pre: posted(cx, "pre"), post: posted(cx, "post") };
    match owner.set(cx, hooks, version).await {
        Ok(()) => Ok(redirect(&format!("{}?done=hooks-set", owner.address()))),
        Err(Failure::Refused(problem)) => form(cx, owner, Some(&problem)).await,
        Err(failure) => Err(failure),
    }
}

async fn remove(cx: &Cx, owner: Owner) -> Answer {
    owner.remove(cx).await?;
    Ok(redirect(&format!("{}?done=hooks-removed", owner.address())))
}

/// The form as it was typed, or else as it is kept.
async fn form(cx: &Cx, owner: Owner, problem: Option<&Problem>) -> Answer {
    let (desk, kept) = tokio::try_join!(cx.desk(), owner.load(cx))?;
    let typed = cx.form.given("version").is_some();
    let fields = |name: &str, hook: &Option<Hook>, digest: &Option<String>| {
        let fields = if typed { HookFields::typed(cx, name) } else { HookFields::kept(hook.as_ref()) };
        HookFields {
            digest: digest.clone().filter(|_| !typed),
            script_error: field(problem, &format!("{name}.script")),
            timeout_error: field(problem, &format!("{name}.timeout_seconds")),
            ..fields
        }
    };
    let (back, host) = (owner.back(), owner.machine());
    let page = HooksPage {
        action: owner.address(),
        intro: intro(&owner, &kept),
        warnings: warnings(host, &kept),
        pre: fields("pre", &kept.hooks.pre, &kept.pre_digest),
        post: fields("post", &kept.hooks.post, &kept.post_digest),
        shells: shells(host),
        version: kept.version,
        set: cx.moment_of(kept.set_at),
        set_by: kept.set_by.clone(),
        remove: (kept.version > 0).then(|| remove_button(&owner)),
        denied: desk.denied(Role::Admin),
        back: back.clone(),
    };
    let title = match &owner {
        Owner::Host(host) => format!("Hooks of {}", host.name),
        Owner::Group(_, group) => format!("Hooks of {}", group.name),
    };
    let frame = desk.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name.clone(), back);
    html_with(status(problem), &frame.notice(notice(problem, FIELDS)), &page)
}

fn intro(owner: &Owner, kept: &HookSet) -> &'static str {
    match (owner, kept.origin) {
        (Owner::Host(_), _) => "They run for every source group of this host that has no hooks of its own.",
        (Owner::Group(..), Some(HookOrigin::SourceGroup)) => {
            "These are the source group’s own. They replace both hooks of its host."
        }
        (Owner::Group(..), Some(_)) => {
            "These are the host’s. Once saved here, the source group has hooks of its own, and neither of the host’s runs."
        }
        (Owner::Group(..), None) => "The source group has no hooks, nor does its host.",
    }
}

fn warnings(host: &Host, kept: &HookSet) -> Vec<Banner> {
    let unreadable = kept.unreadable.then(|| Banner {
        tone: Tone::Bad,
        icon: "circle-x",
        title: "The server’s key does not open these hooks".to_owned(),
        detail: Some(
            "Backups fail until they are set anew or removed, or the key file is back that belongs to the database."
                .to_owned(),
        ),
        proof: None,
        action: None,
    });
    let digests: Vec<_> = kept.pre_digest.iter().chain(&kept.post_digest).map(String::as_str).collect();
    unreadable.into_iter().chain(hook_warning(&host.facts, &digests)).collect()
}

/// What can read a script on a host.
fn shells(host: &Host) -> Vec<SelectOption> {
    let option = |value: &str, label: &str| SelectOption { value: value.to_owned(), label: label.to_owned() };
    let mut options = vec![option(NONE, "nothing runs")];
    options.extend(match host.facts.operating_system.as_str() {
        "windows" => vec![option(Shell::PowerShell.as_str(), "PowerShell")],
        _ => vec![option(Shell::Sh.as_str(), "/bin/sh"), option(Shell::Bash.as_str(), "bash")],
    });
    options
}

fn remove_button(owner: &Owner) -> Remove {
    let (label, says) = match owner {
        Owner::Host(_) => ("Remove the hooks", "Source groups that have hooks of their own keep them."),
        Owner::Group(..) => ("Use the host’s hooks again", "The source group’s own scripts are removed."),
    };
    Remove { action: format!("{}/remove", owner.address()), label, says }
}

impl HookFields {
    fn typed(cx: &Cx, name: &str) -> Self {
        Self {
            shell: cx.form.text(&format!("{name}_shell")).to_owned(),
            script: script(cx, name),
            timeout: cx.form.text(&format!("{name}_timeout")).to_owned(),
            ..Self::kept(None)
        }
    }

    fn kept(hook: Option<&Hook>) -> Self {
        Self {
            shell: hook.map(|hook| hook.shell.to_string()).unwrap_or_default(),
            script: hook.map(|hook| hook.script.expose().to_owned()).unwrap_or_default(),
            timeout: hook.map_or(USUAL_SECONDS, |hook| hook.timeout_seconds).to_string(),
            digest: None,
            script_error: None,
            timeout_error: None,
        }
    }
}

/// What was typed for one of the two; `None` where nothing is to run.
fn posted(cx: &Cx, name: &str) -> Option<Hook> {
    let shell = cx.form.given(&format!("{name}_shell"))?.parse().ok()?;
    // What is no number is refused by the API, which says what it may be.
    let timeout_seconds = cx.form.text(&format!("{name}_timeout")).parse().unwrap_or(0);
    Some(Hook { shell, script: SecretText::new(script(cx, name)), timeout_seconds })
}

/// Browsers end the lines of a text area as no shell wants them.
fn script(cx: &Cx, name: &str) -> String {
    cx.form.raw(&format!("{name}_script")).replace("\r\n", "\n")
}
