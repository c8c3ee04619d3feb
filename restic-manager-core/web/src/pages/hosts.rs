//! Hosts: the list, and one host's settings.

use restic_manager_proto::{
    api::{
        Cursor, Nothing, Problem, enrolments,
        hosts::{self, ByHost, Host, HostChange, Sort},
    },
    vocabulary::{EnrolmentState, Health, Role},
};
use serde::Serialize;

use super::{
    bandwidth,
    context::Cx,
    enrolments::PendingRow,
    form_reader::FormReader,
    form_state::FormState,
    host::{HostContext, HostTab, state_pill},
    pending_hosts::{self, AnnouncedRow},
    policy::PolicyView,
    problem::{not_the_name, refusal_of},
    respond::{Answer, html, html_with, link, redirect},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Chip, Column, Day, Moment, Pager, Pill, Section, Size, health_pill, job_pill, presence_pill},
};

#[derive(Serialize)]
struct HostsPage {
    text: String,
    keep: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    columns: Vec<Column>,
    hosts: Vec<HostRow>,
    pager: Pager,
    /// The list is of removed hosts.
    removed: bool,
    announced: Vec<AnnouncedRow>,
    pending: Vec<PendingRow>,
    filtered: bool,
    denied: Option<String>,
}

#[derive(Serialize)]
struct HostRow {
    name: String,
    href: String,
    tags: Vec<String>,
    health: Pill,
    presence: Pill,
    snapshot: Option<Moment>,
    last: Option<Pill>,
    size: Option<Size>,
    next_run: Option<Moment>,
    drifting: bool,
    days: Vec<Day>,
    version: String,
}

impl Template for HostsPage {
    const FILE: &'static str = "pages/hosts.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    // Removed hosts have no health, no tags and nothing to take over.
    let removed = cx.query.given("deleted").is_some();
    let of_present = |name| cx.query.given(name).filter(|_| !removed);
    let filter = hosts::Filter {
        tag: of_present("tag").map(str::to_owned),
        health: of_present("health").and_then(|word| word.parse().ok()),
        text: cx.query.given("text").map(str::to_owned),
        drift: of_present("drift").map(|_| true),
        deleted: removed.then_some(true),
        sort: cx.query.given("sort").and_then(sort),
        limit: None,
        after: cx.query.given("after").map(Cursor::new),
    };
    let open = enrolments::Filter { state: Some(EnrolmentState::Open), ..enrolments::Filter::default() };
    let (caller, hosts, pending) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<hosts::List>(Nothing {}, filter.clone()),
        cx.api.get::<enrolments::List>(Nothing {}, open),
    )?;
    let drift = filter.drift.map(|_| "yes");
    let sorted = filter.sort.unwrap_or_default();
    let order = |sort: Sort,
                 after: Option<&Cursor>,
                 health: Option<Health>,
                 tag: Option<&str>,
                 drift: Option<&str>| {
        let pairs = [
            ("deleted", removed.then_some("yes")),
            ("drift", drift),
            ("sort", sort_word(sort)),
            ("health", health.map(Health::as_str)),
            ("tag", tag),
            ("text", filter.text.as_deref()),
            ("after", after.map(Cursor::as_str)),
        ];
        link("/hosts", &pairs)
    };
    let keep = |health: Option<Health>, tag: Option<&str>, after: Option<&Cursor>| {
        order(sorted, after, health, tag, drift)
    };
    let tag = filter.tag.as_deref();
    let chip = |label: &str, health| Chip {
        label: label.to_owned(),
        href: keep(health, tag, None),
        current: filter.health == health,
        removable: false,
    };
    let mut chips = vec![Chip { current: filter.health.is_none() && !removed, ..chip("all", None) }];
    if removed {
        chips[0].href = "/hosts".to_owned();
    } else {
        chips.extend(Health::ALL.iter().map(|health| chip(health_pill(*health).word, Some(*health))));
    }
    chips.push(Chip {
        label: "removed".to_owned(),
        href: "/hosts?deleted=yes".to_owned(),
        current: removed,
        removable: false,
    });
    chips.extend(tag.map(|tag| Chip {
        label: format!("tag {tag}"),
        href: keep(filter.health, None, None),
        current: true,
        removable: true,
    }));
    if drift.is_some() {
        chips.push(Chip {
            label: "settings not taken over".to_owned(),
            href: order(sorted, None, filter.health, tag, None),
            current: true,
            removable: true,
        });
    }
    let head = |label, numeric, sort: Option<Sort>| Column {
        label,
        numeric,
        href: sort.filter(|sort| *sort != sorted).map(|sort| order(sort, None, filter.health, tag, drift)),
        sorted: sort.filter(|sort| *sort == sorted).map(|_| "ascending"),
    };
    let page = HostsPage {
        columns: vec![
            head("Host", false, Some(Sort::Name)),
            head("State", false, None),
            head("Newest snapshot", false, None),
            head("Last backup", false, Some(Sort::LastGood)),
            head("Last 30 days", false, None),
            head("Next run", false, Some(Sort::NextRun)),
            head("Size", true, None),
            head("Agent", false, None),
        ],
        text: filter.text.clone().unwrap_or_default(),
        keep: [
            ("health", filter.health.map(|health| health.to_string())),
            ("tag", filter.tag.clone()),
            ("drift", drift.map(str::to_owned)),
            ("deleted", removed.then(|| "yes".to_owned())),
            ("sort", sort_word(sorted).map(str::to_owned)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect(),
        chips,
        hosts: hosts.items.iter().map(|host| HostRow::new(&cx, host)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| keep(filter.health, tag, None)),
            next: hosts.next.as_ref().map(|next| keep(filter.health, tag, Some(next))),
        },
        pending: pending.items.iter().map(|enrolment| PendingRow::new(&cx, enrolment)).collect(),
        removed,
        announced: if removed { Vec::new() } else { pending_hosts::rows(&cx, &caller).await? },
        filtered: removed
            || filter.health.is_some()
            || tag.is_some()
            || drift.is_some()
            || filter.text.is_some(),
        denied: caller.denied(Role::Operator),
    };
    html(&caller.frame(&cx, "Hosts", Section::Hosts).reloads(), &page)
}

fn sort(word: &str) -> Option<Sort> {
    [Sort::NextRun, Sort::LastGood].into_iter().find(|sort| sort_word(*sort) == Some(word))
}

/// The word of an order in the address; the usual one has none.
const fn sort_word(sort: Sort) -> Option<&'static str> {
    match sort {
        Sort::NextRun => Some("next-run"),
        Sort::LastGood => Some("last-good"),
        _ => None,
    }
}

impl HostRow {
    fn new(cx: &Cx, host: &Host) -> Self {
        Self {
            name: host.name.clone(),
            href: format!("/hosts/{}", host.id),
            tags: host.tags.clone(),
            health: state_pill(cx, host),
            presence: presence_pill(host.presence),
            snapshot: cx.moment_of(host.last_snapshot_at),
            last: host
                .last_backup
                .as_ref()
                .map(|last| job_pill(last.state).since(Some(cx.moment(last.ended_at)))),
            size: host.size_bytes.map(Size::new),
            next_run: cx.moment_of(host.next_run_at),
            drifting: host.configuration.drift_since.is_some(),
            days: super::host::days(cx.now, host),
            version: host.facts.agent_version.clone(),
        }
    }
}

#[derive(Serialize)]
struct SettingsPage<'a, H> {
    head: H,
    id: String,
    name: String,
    form: FormState<'a>,
    version: i64,
    enrolled: Moment,
    policy: Option<PolicyView>,
    restic_name: Option<String>,
    hooks_denied: Option<String>,
    token_since: Option<Moment>,
    invite_denied: Option<String>,
    denied: Option<String>,
    /// The host was removed: all that is left to do is to purge it.
    removed: bool,
    purge_denied: Option<String>,
    confirm_error: Option<String>,
}

impl<H: Serialize> Template for SettingsPage<'_, H> {
    const FILE: &'static str = "pages/host_settings.html";
}

pub(crate) async fn settings(cx: Cx) -> Answer {
    settings_with(&cx, None, None).await
}

async fn settings_with(cx: &Cx, problem: Option<&Problem>, confirm_error: Option<String>) -> Answer {
    let host = HostContext::load(cx, cx.parameter("host")?).await?;
    let stored = &host.host;
    let mut form = cx.form_at(&[&format!("/hosts/{}/settings", stored.id)], problem);
    form.text("name", &stored.name)
        .text("tags", &stored.tags.join(" "))
        .text("presence_mode", stored.presence_mode.as_str());
    bandwidth::fill(&mut form, stored.bandwidth);
    let page = SettingsPage {
        head: host.head(cx, HostTab::Settings),
        id: stored.id.to_string(),
        name: stored.name.clone(),
        form,
        version: stored.version,
        enrolled: cx.moment(stored.enrolled_at),
        policy: PolicyView::new(&stored.facts),
        restic_name: Some(stored.restic_name.clone()).filter(|name| *name != stored.name && !name.is_empty()),
        hooks_denied: host.caller.denied(Role::Admin),
        token_since: cx.moment_of(stored.token_since),
        invite_denied: host.denied(Role::Admin),
        denied: host.denied(Role::Operator),
        removed: stored.deleted_at.is_some(),
        purge_denied: host.caller.denied(Role::Admin),
        confirm_error,
    };
    html_with(page.form.status(), &host.frame(cx).notice(page.form.notice()), &page)
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let host = cx.parameter("host")?;
    let changed = async {
        let change = posted(&cx)?;
        cx.api.change::<hosts::Update>(ByHost { host }, change, cx.version()).await
    }
    .await;
    match refusal_of(changed)? {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/settings?done=host-updated"))),
        Err(problem) => settings_with(&cx, Some(&problem), None).await,
    }
}

fn posted(cx: &Cx) -> Result<HostChange, Failure> {
    let mut reader = FormReader::new(&cx.form);
    let presence_mode = reader.choice("presence_mode");
    let bandwidth = bandwidth::read(&mut reader);
    reader.finish(presence_mode.map(|presence_mode| HostChange {
        name: cx.form.text("name").to_owned(),
        tags: cx.form.words("tags"),
        presence_mode,
        bandwidth,
    }))
}

pub(crate) async fn rotate_token(cx: Cx) -> Answer {
    let host = cx.parameter("host")?;
    cx.api.send::<hosts::RotateToken>(ByHost { host }, Nothing {}).await?;
    Ok(redirect(&format!("/hosts/{host}/settings?done=token-asked")))
}

pub(crate) async fn delete(cx: Cx) -> Answer {
    let by = ByHost { host: cx.parameter("host")? };
    let host = cx.api.get::<hosts::Show>(by, Nothing {}).await?;
    if cx.form.text("confirm") != host.name {
        return settings_with(&cx, None, Some(not_the_name(&host.name))).await;
    }
    cx.api.send::<hosts::Delete>(by, Nothing {}).await?;
    Ok(redirect("/hosts?done=host-removed"))
}

pub(crate) async fn purge(cx: Cx) -> Answer {
    let by = ByHost { host: cx.parameter("host")? };
    let host = cx.api.get::<hosts::Show>(by, Nothing {}).await?;
    if cx.form.text("confirm") != host.name {
        return settings_with(&cx, None, Some(not_the_name(&host.name))).await;
    }
    let body = hosts::PurgeRequest { host_name: host.name };
    cx.api.send::<hosts::Purge>(by, body).await?;
    Ok(redirect("/hosts?deleted=yes&done=host-purged"))
}
