//! Hosts that announced themselves: the list of those that wait, and the page on which one is compared and decided.

use restic_manager_proto::{
    api::{
        Nothing, Problem,
        pending_hosts::{self, Acceptance, ByPendingHost, PendingHost},
        registration::Registration,
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::{Caller, Cx},
    host_form::{HostFields, HostPlan, MadeRepository, all_repositories, chosen_repository},
    problem::{problem_of, refusal_of},
    repositories::password_made,
    respond::{Answer, html, html_with, redirect},
    settings::registration_of,
};
use crate::{
    api::Failure,
    render::Template,
    view::{Fingerprint, Moment, Pill, Section, Tone},
};

/// An announced host as a row of a table.
#[derive(Serialize)]
pub(crate) struct AnnouncedRow {
    name: String,
    href: String,
    state: Pill,
    system: String,
    address: String,
    first_seen: Moment,
    expires: Moment,
    clash: Option<String>,
}

impl AnnouncedRow {
    pub(crate) fn new(cx: &Cx, host: &PendingHost) -> Self {
        Self {
            name: shown_name(host),
            href: format!("/hosts/pending/{}", host.id),
            state: pill(cx, host),
            system: system(host),
            address: host.address.clone().unwrap_or_default(),
            first_seen: cx.moment(host.first_seen_at),
            expires: cx.moment(host.expires_at),
            clash: clash(host),
        }
    }
}

/// The rows for who may decide; none where nothing waits.
pub(crate) async fn rows(cx: &Cx, caller: &Caller) -> Result<Vec<AnnouncedRow>, Failure> {
    if caller.fleet.pending_hosts == 0 || caller.denied(Role::Admin).is_some() {
        return Ok(Vec::new());
    }
    let waiting = cx.api.get::<pending_hosts::List>(Nothing {}, Nothing {}).await?;
    Ok(waiting.items.iter().map(|host| AnnouncedRow::new(cx, host)).collect())
}

#[derive(Serialize)]
struct ListPage {
    rows: Vec<AnnouncedRow>,
    linux: Option<String>,
}

impl Template for ListPage {
    const FILE: &'static str = "pages/pending_hosts.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let (caller, waiting) =
        tokio::try_join!(cx.caller(), cx.api.get::<pending_hosts::List>(Nothing {}, Nothing {}))?;
    let registration = registration_of(&cx, &caller).await?;
    let on = registration.filter(|Registration { open, announce, .. }| *open && *announce);
    let linux = on.map(|on| on.linux_command);
    let rows = waiting.items.iter().map(|host| AnnouncedRow::new(&cx, host)).collect();
    let frame = caller.frame(&cx, "Announced hosts", Section::Hosts).crumb("Hosts", "/hosts").reloads();
    html(&frame, &ListPage { rows, linux })
}

#[derive(Serialize)]
struct PendingHostPage<'a> {
    id: String,
    name: String,
    state: Pill,
    fingerprint: Fingerprint,
    facts: Vec<(&'static str, String)>,
    first_seen: Moment,
    last_seen: Moment,
    expires: Moment,
    clash: Option<String>,
    namesake: Option<String>,
    fields: HostFields<'a>,
    generated_password: Option<String>,
}

impl Template for PendingHostPage<'_> {
    const FILE: &'static str = "pages/pending_host.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>, made: Option<MadeRepository>) -> Answer {
    let by = ByPendingHost { pending_host: cx.parameter("pending_host")? };
    let (caller, host, all) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<pending_hosts::Show>(by, Nothing {}),
        all_repositories(cx),
    )?;
    let form = cx.form_at(&[&format!("/hosts/pending/{}", host.id)], problem);
    let fields = HostFields::new(form, &host.name, &all, made.as_ref(), None);
    let known = |(_, value): &(&'static str, String)| !value.is_empty();
    let facts = [
        ("System", system(&host)),
        ("Agent", host.agent_version.clone()),
        ("Address", host.address.clone().unwrap_or_default()),
    ];
    let page = PendingHostPage {
        id: host.id.to_string(),
        name: shown_name(&host),
        state: pill(cx, &host),
        fingerprint: Fingerprint::new(&host.fingerprint),
        facts: facts.into_iter().filter(known).collect(),
        first_seen: cx.moment(host.first_seen_at),
        last_seen: cx.moment(host.last_seen_at),
        expires: cx.moment(host.expires_at),
        clash: clash(&host),
        namesake: host.namesake.map(|host| format!("/hosts/{host}")),
        fields,
        generated_password: made.and_then(MadeRepository::into_password),
    };
    let frame = caller
        .frame(cx, format!("Accept {}?", shown_name(&host)), Section::Hosts)
        .crumb("Hosts", "/hosts")
        .crumb("Announced", "/hosts/pending")
        .notice(page.fields.form.notice());
    html_with(page.fields.form.status(), &frame, &page)
}

pub(crate) async fn accept(cx: Cx) -> Answer {
    let by = ByPendingHost { pending_host: cx.parameter("pending_host")? };
    let made = match refusal_of(chosen_repository(&cx).await)? {
        Ok(chosen) => chosen,
        Err(problem) => return page(&cx, Some(&problem), None).await,
    };
    let accepted = async {
        let HostPlan { host_name, tags, presence_mode, repositories, include_paths } =
            HostPlan::read(&cx, made.as_ref())?;
        let fingerprint = cx.form.text("fingerprint").to_owned();
        let body = Acceptance { fingerprint, host_name, tags, presence_mode, repositories, include_paths };
        cx.api.send::<pending_hosts::Accept>(by, body).await
    }
    .await;
    match accepted {
        Ok(host) => {
            let href = format!("/hosts/{}?done=host-accepted", host.id);
            match made.and_then(|made| made.password) {
                Some(password) => {
                    password_made(&cx, cx.form.text("repository_name").to_owned(), href, password).await
                }
                None => Ok(redirect(&href)),
            }
        }
        Err(failure) => page(&cx, Some(&problem_of(&failure)), made).await,
    }
}

pub(crate) async fn reject(cx: Cx) -> Answer {
    let by = ByPendingHost { pending_host: cx.parameter("pending_host")? };
    cx.api.send::<pending_hosts::Reject>(by, Nothing {}).await?;
    Ok(redirect("/hosts/pending?done=host-rejected"))
}

fn shown_name(host: &PendingHost) -> String {
    if host.name.is_empty() { "a host without a name".to_owned() } else { host.name.clone() }
}

fn system(host: &PendingHost) -> String {
    let parts = [host.os_version.as_str(), host.architecture.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn pill(cx: &Cx, host: &PendingHost) -> Pill {
    match (host.connected, host.looked_at) {
        (false, _) => Pill::new(Tone::Unknown, "wifi-off", "away").since(Some(cx.moment(host.last_seen_at))),
        (true, None) => Pill::new(Tone::Running, "hourglass", "waiting"),
        (true, Some(looked)) => Pill::new(Tone::Running, "eye", "looked at").since(Some(cx.moment(looked))),
    }
}

/// Whether something else has, or wants, its name.
fn clash(host: &PendingHost) -> Option<String> {
    let others = match host.same_name {
        0 => None,
        1 => Some("another announced host has the same name".to_owned()),
        several => Some(format!("{several} other announced hosts have the same name")),
    };
    match (host.namesake, others) {
        (Some(_), Some(others)) => Some(format!("a host of this name is here already, and {others}")),
        (Some(_), None) => Some("a host of this name is here already".to_owned()),
        (None, others) => others,
    }
}
