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
    form_reader::FormReader,
    form_state::FormState,
    policy::hook_warning,
    problem::refusal_of,
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

#[derive(Serialize)]
struct HooksPage<'a> {
    action: String,
    back: String,
    intro: &'static str,
    warnings: Vec<Banner>,
    form: FormState<'a>,
    pre_digest: Option<String>,
    post_digest: Option<String>,
    shells: Vec<SelectOption>,
    version: i64,
    set: Option<Moment>,
    set_by: Option<String>,
    remove: Option<Remove>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Remove {
    action: String,
    label: &'static str,
    says: &'static str,
}

impl Template for HooksPage<'_> {
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
    let stored = owner.load(cx).await?;
    let mut reader = FormReader::new(&cx.form);
    let pre = read(&mut reader, "pre", stored.hooks.pre.as_ref());
    let post = read(&mut reader, "post", stored.hooks.post.as_ref());
    let set = async { owner.set(cx, reader.finish(Some(Hooks { pre, post }))?, cx.version()).await }.await;
    match refusal_of(set)? {
        Ok(()) => Ok(redirect(&format!("{}?done=hooks-set", owner.address()))),
        Err(problem) => form(cx, owner, Some(&problem)).await,
    }
}

async fn remove(cx: &Cx, owner: Owner) -> Answer {
    owner.remove(cx).await?;
    Ok(redirect(&format!("{}?done=hooks-removed", owner.address())))
}

/// The form as it was typed, or else as it is stored.
async fn form(cx: &Cx, owner: Owner, problem: Option<&Problem>) -> Answer {
    let (caller, stored) = tokio::try_join!(cx.caller(), owner.load(cx))?;
    let mut form = cx.form_at(&[&owner.address()], problem);
    fill(&mut form, "pre", stored.hooks.pre.as_ref());
    fill(&mut form, "post", stored.hooks.post.as_ref());
    let (back, host) = (owner.back(), owner.machine());
    let digest = |digest: &Option<String>| digest.clone().filter(|_| !form.is_posted());
    let page = HooksPage {
        action: owner.address(),
        intro: intro(&owner, &stored),
        warnings: warnings(host, &stored),
        pre_digest: digest(&stored.pre_digest),
        post_digest: digest(&stored.post_digest),
        form,
        shells: shells(host),
        version: stored.version,
        set: cx.moment_of(stored.set_at),
        set_by: stored.set_by.clone(),
        remove: (stored.version > 0).then(|| remove_button(&owner)),
        denied: caller.denied(Role::Admin),
        back: back.clone(),
    };
    let title = match &owner {
        Owner::Host(host) => format!("Hooks of {}", host.name),
        Owner::Group(_, group) => format!("Hooks of {}", group.name),
    };
    let frame =
        caller.frame(cx, title, Section::Hosts).crumb("Hosts", "/hosts").crumb(host.name.clone(), back);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

fn intro(owner: &Owner, stored: &HookSet) -> &'static str {
    match (owner, stored.origin) {
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

fn warnings(host: &Host, stored: &HookSet) -> Vec<Banner> {
    let unreadable = stored.unreadable.then(|| Banner {
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
    let digests: Vec<_> = stored.pre_digest.iter().chain(&stored.post_digest).map(String::as_str).collect();
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

/// Adds one of the two hooks to the form.
fn fill(form: &mut FormState<'_>, name: &str, stored: Option<&Hook>) {
    let shell = stored.map(|hook| hook.shell.to_string()).unwrap_or_default();
    let script = stored.map(|hook| hook.script.expose()).unwrap_or_default();
    let timeout = stored.map_or(USUAL_SECONDS, |hook| hook.timeout_seconds).to_string();
    let [of_shell, of_script, of_timeout] =
        ["shell", "script", "timeout_seconds"].map(|part| format!("{name}.{part}"));
    form.text_of(&format!("{name}_shell"), &of_shell, &shell)
        .text_of(&format!("{name}_script"), &of_script, script)
        .text_of(&format!("{name}_timeout"), &of_timeout, &timeout);
}

/// What was typed for one of the two; `None` where nothing is to run.
fn read(reader: &mut FormReader<'_>, name: &str, stored: Option<&Hook>) -> Option<Hook> {
    let shell: Option<Shell> =
        reader.optional(&format!("{name}_shell"), &format!("{name}.shell"), "choose one of those offered");
    let shell = shell?;
    let of_timeout = format!("{name}.timeout_seconds");
    let timeout =
        reader.needed(&format!("{name}_timeout"), &of_timeout, "a whole number of seconds, such as 600");
    let script = stored.map(|hook| hook.script.expose()).unwrap_or_default();
    let script = SecretText::new(reader.form.raw_or(&format!("{name}_script"), script));
    Some(Hook { shell, script, timeout_seconds: timeout? })
}
