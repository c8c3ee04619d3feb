//! Hosts: the list, and one host with its tabs.

use http::StatusCode;
use restic_manager_proto::{
    HostId,
    api::{
        Cursor, MAX_PAGE_SIZE, Nothing, Problem, enrolments,
        hosts::{self, Attachment, AttachmentChange, ByHost, ByHostAndRepository, Host, HostChange},
        jobs, repositories, snapshots, source_groups,
    },
    vocabulary::{EnrolmentState, Health, JobState, PresenceMode, RepositoryState, Role},
};
use serde::Serialize;

use super::{
    answer::{Answer, explain, html, html_with, redirect},
    context::{Cx, Desk},
    enrolments::PendingRow,
    jobs::{JobRow, RunningRow, link},
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{
        Banner, Chip, Frame, Moment, Option_, Pager, Pill, Section, Size, Tab, Tone, health_pill, job_pill,
        location_pill, presence_pill,
    },
};

#[derive(Serialize)]
struct HostsPage {
    text: String,
    keep: Vec<(&'static str, String)>,
    chips: Vec<Chip>,
    hosts: Vec<HostRow>,
    pager: Pager,
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
    snapshots: String,
    size: Option<Size>,
    version: String,
}

impl Template for HostsPage {
    const FILE: &'static str = "pages/hosts.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let filter = hosts::Filter {
        tag: cx.query.given("tag").map(str::to_owned),
        health: cx.choice("health"),
        text: cx.query.given("text").map(str::to_owned),
        limit: None,
        after: cx.query.given("after").map(Cursor::new),
    };
    let open = enrolments::Filter { state: Some(EnrolmentState::Open), ..enrolments::Filter::default() };
    let (desk, hosts, pending) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<hosts::List>(Nothing {}, filter.clone()),
        cx.api.get::<enrolments::List>(Nothing {}, open),
    )?;
    let keep = |health: Option<Health>, tag: Option<&str>, after: Option<&Cursor>| {
        let pairs = [
            ("health", health.map(Health::as_str)),
            ("tag", tag),
            ("text", filter.text.as_deref()),
            ("after", after.map(Cursor::as_str)),
        ];
        link("/hosts", &pairs)
    };
    let tag = filter.tag.as_deref();
    let chip = |label: &str, health| Chip {
        label: label.to_owned(),
        href: keep(health, tag, None),
        current: filter.health == health,
        removable: false,
    };
    let mut chips = vec![chip("all", None)];
    chips.extend(Health::ALL.iter().map(|health| chip(health_pill(*health).word, Some(*health))));
    chips.extend(tag.map(|tag| Chip {
        label: format!("tag {tag}"),
        href: keep(filter.health, None, None),
        current: true,
        removable: true,
    }));
    let page = HostsPage {
        text: filter.text.clone().unwrap_or_default(),
        keep: [("health", filter.health.map(|health| health.to_string())), ("tag", filter.tag.clone())]
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
        filtered: filter.health.is_some() || tag.is_some() || filter.text.is_some(),
        denied: desk.denied(Role::Operator),
    };
    html(&desk.frame(&cx, "Hosts", Section::Hosts).live(), &page)
}

impl HostRow {
    fn new(cx: &Cx, host: &Host) -> Self {
        Self {
            name: host.name.clone(),
            href: format!("/hosts/{}", host.id),
            tags: host.tags.clone(),
            health: health_pill(host.health),
            presence: presence_pill(host.presence),
            snapshot: cx.moment_of(host.last_snapshot_at),
            last: host
                .last_backup
                .as_ref()
                .map(|last| job_pill(last.state).since(Some(cx.moment(last.ended_at)))),
            snapshots: text::count(host.snapshots),
            size: host.size_bytes.map(Size::new),
            version: host.facts.agent_version.clone(),
        }
    }
}

/// What each tab of a host shows above itself.
#[derive(Serialize)]
struct Head {
    id: String,
    health: Pill,
    presence: Pill,
    tags: Vec<String>,
    facts: Vec<(&'static str, String)>,
    seen: Option<Moment>,
    snapshot: Option<Moment>,
    groups: Vec<Option_>,
    run_denied: Option<String>,
    running: Option<RunningRow>,
    last: Option<Banner>,
    tabs: Vec<Tab>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostTab {
    Snapshots,
    Sources,
    Repositories,
    Jobs,
    Settings,
}

/// A host as all its tabs need it.
pub(crate) struct HostDesk {
    pub(crate) desk: Desk,
    pub(crate) host: Host,
    pub(crate) groups: Vec<source_groups::SourceGroup>,
    running: Option<jobs::Job>,
}

impl HostDesk {
    pub(crate) async fn load(cx: &Cx, id: HostId) -> Result<Self, Failure> {
        let by = ByHost { host: id };
        let (desk, host, groups) = tokio::try_join!(
            cx.desk(),
            cx.api.get::<hosts::Show>(by, Nothing {}),
            cx.api.get::<source_groups::List>(by, Nothing {}),
        )?;
        let running = match host.running_job {
            Some(job) => Some(cx.api.get::<jobs::Show>(jobs::ByJob { job }, Nothing {}).await?),
            None => None,
        };
        Ok(Self { desk, host, groups: groups.items, running })
    }

    pub(crate) fn frame(&self, cx: &Cx) -> Frame {
        self.desk.frame(cx, self.host.name.clone(), Section::Hosts).crumb("Hosts", "/hosts").live()
    }

    pub(crate) fn head(&self, cx: &Cx, tab: HostTab) -> impl Serialize + use<> {
        let host = &self.host;
        let no_group = || Some("no source group says what to back up".to_owned());
        Head {
            id: host.id.to_string(),
            health: health_pill(host.health),
            presence: presence_pill(host.presence),
            tags: host.tags.clone(),
            facts: facts(host),
            seen: cx.moment_of(host.last_seen_at),
            snapshot: cx.moment_of(host.last_snapshot_at),
            groups: self
                .groups
                .iter()
                .map(|group| Option_ { value: group.id.to_string(), label: group.name.clone() })
                .collect(),
            run_denied: self
                .desk
                .denied(Role::Operator)
                .or_else(|| if self.groups.is_empty() { no_group() } else { None }),
            running: self.running.as_ref().map(|job| RunningRow::new(cx, job)),
            last: last_failure(cx, host),
            tabs: tabs(host, self.groups.len(), tab),
        }
    }
}

fn facts(host: &Host) -> Vec<(&'static str, String)> {
    let facts = &host.facts;
    let system = [facts.os_version.as_str(), facts.architecture.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let mut shown = vec![("System", system), ("Agent", facts.agent_version.clone())];
    shown
        .push(("restic", facts.restic_version.clone().unwrap_or_else(|| "not found on the host".to_owned())));
    shown.extend(host.address.clone().map(|address| ("Address", address)));
    shown.extend(facts.time_zone.clone().map(|zone| ("Time zone", zone)));
    shown.retain(|(_, value)| !value.is_empty());
    shown
}

fn last_failure(cx: &Cx, host: &Host) -> Option<Banner> {
    let last = host.last_backup.as_ref().filter(|_| host.health == Health::Failing)?;
    let how = match last.state {
        JobState::Failed => "failed",
        JobState::Incomplete => "was incomplete",
        _ => "did not succeed",
    };
    Some(Banner {
        tone: Tone::Bad,
        icon: "circle-x",
        title: format!("The last backup {how} {}", text::relative(last.ended_at, cx.now)),
        detail: Some(format!("Cause: {}.", last.cause.as_str().replace('-', " "))),
        proof: None,
        action: Some(crate::view::Action {
            label: "See why".to_owned(),
            href: format!("/jobs/{}", last.job),
        }),
    })
}

fn tabs(host: &Host, groups: usize, current: HostTab) -> Vec<Tab> {
    let tab = |label, of: HostTab, path: &str, count: Option<String>| Tab {
        label,
        href: format!("/hosts/{}{path}", host.id),
        current: of == current,
        count,
    };
    vec![
        tab("Snapshots", HostTab::Snapshots, "", Some(text::count(host.snapshots))),
        tab("Sources", HostTab::Sources, "/sources", Some(groups.to_string())),
        tab("Repositories", HostTab::Repositories, "/repositories", None),
        tab("Jobs", HostTab::Jobs, "/jobs", None),
        tab("Settings", HostTab::Settings, "/settings", None),
    ]
}

#[derive(Serialize)]
struct SnapshotsPage<H> {
    head: H,
    snapshots: Vec<SnapshotRow>,
    pager: Pager,
}

#[derive(Serialize)]
struct SnapshotRow {
    id: String,
    short: String,
    time: Moment,
    paths: String,
    files: Option<String>,
    size: Option<Size>,
    added: Option<Size>,
    tags: Vec<String>,
    repository: String,
    repository_href: String,
    program: Option<String>,
    seen: Moment,
}

impl<H: Serialize> Template for SnapshotsPage<H> {
    const FILE: &'static str = "pages/host_snapshots.html";
}

pub(crate) async fn snapshots(cx: Cx) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let filter =
        snapshots::Filter { after: cx.query.given("after").map(Cursor::new), ..snapshots::Filter::default() };
    let (host, found) = tokio::try_join!(
        HostDesk::load(&cx, id),
        cx.api.get::<snapshots::List>(ByHost { host: id }, filter.clone())
    )?;
    let address = format!("/hosts/{id}");
    let page = SnapshotsPage {
        head: host.head(&cx, HostTab::Snapshots),
        snapshots: found.items.iter().map(|seen| SnapshotRow::new(&cx, seen)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| address.clone()),
            next: found.next.as_ref().map(|next| link(&address, &[("after", Some(next.as_str()))])),
        },
    };
    html(&host.frame(&cx), &page)
}

impl SnapshotRow {
    fn new(cx: &Cx, seen: &snapshots::Snapshot) -> Self {
        let snapshot = &seen.snapshot;
        Self {
            id: snapshot.id.clone(),
            short: snapshot.id.chars().take(8).collect(),
            time: cx.moment(snapshot.time),
            paths: snapshot.paths.join("  "),
            files: snapshot.files.map(text::count),
            size: snapshot.bytes.map(Size::new),
            added: snapshot.bytes_added.map(Size::new),
            tags: snapshot.tags.clone(),
            repository: seen.repository.name.clone(),
            repository_href: format!("/repositories/{}", seen.repository.id),
            program: snapshot.program_version.clone(),
            seen: cx.moment(seen.seen_at),
        }
    }
}

/// A host uses a repository, seen from either.
#[derive(Serialize)]
pub(crate) struct AttachmentRow {
    name: String,
    href: String,
    host: String,
    repository: String,
    location: Option<String>,
    state: Pill,
    checked: Option<Moment>,
    problem: Option<Banner>,
    detach: Option<String>,
}

impl AttachmentRow {
    pub(crate) fn from_host(cx: &Cx, attachment: &Attachment) -> Self {
        let repository = &attachment.repository;
        let detach = format!("/hosts/{}/repositories/{}/detach", attachment.host.id, repository.id);
        Self {
            detach: Some(detach),
            ..Self::new(cx, attachment, repository.name.clone(), format!("/repositories/{}", repository.id))
        }
    }

    pub(crate) fn from_repository(cx: &Cx, attachment: &Attachment) -> Self {
        Self::new(
            cx,
            attachment,
            attachment.host.name.clone(),
            format!("/hosts/{}/repositories", attachment.host.id),
        )
    }

    fn new(cx: &Cx, attachment: &Attachment, name: String, href: String) -> Self {
        let well = matches!(attachment.state, RepositoryState::Ready | RepositoryState::Unverified);
        let problem = Banner {
            tone: Tone::Bad,
            icon: "circle-x",
            title: format!("{} finds it {}", attachment.host.name, location_pill(attachment.state).word),
            detail: Some(attachment.next_step.clone()).filter(|step| !step.is_empty()),
            proof: Some(attachment.detail.clone()).filter(|detail| !detail.is_empty()),
            action: None,
        };
        Self {
            name,
            href,
            host: attachment.host.id.to_string(),
            repository: attachment.repository.id.to_string(),
            location: attachment.location.clone(),
            state: location_pill(attachment.state),
            checked: cx.moment_of(attachment.checked_at),
            problem: (!well).then_some(problem),
            detach: None,
        }
    }
}

#[derive(Serialize)]
struct RepositoriesPage<H> {
    head: H,
    rows: Vec<AttachmentRow>,
    options: Vec<Option_>,
    location: String,
    denied: Option<String>,
}

impl<H: Serialize> Template for RepositoriesPage<H> {
    const FILE: &'static str = "pages/host_repositories.html";
}

pub(crate) async fn repositories(cx: Cx) -> Answer {
    repositories_with(&cx, None).await
}

async fn repositories_with(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let (host, attached, all) = tokio::try_join!(
        HostDesk::load(cx, id),
        cx.api.get::<hosts::Attachments>(ByHost { host: id }, Nothing {}),
        cx.api.get::<repositories::List>(Nothing {}, all),
    )?;
    let free = all
        .items
        .iter()
        .filter(|repository| attached.items.iter().all(|used| used.repository.id != repository.id));
    let page = RepositoriesPage {
        head: host.head(cx, HostTab::Repositories),
        rows: attached.items.iter().map(|attachment| AttachmentRow::from_host(cx, attachment)).collect(),
        options: free
            .map(|repository| Option_ {
                value: repository.id.to_string(),
                label: format!("{} ({})", repository.name, repository.location),
            })
            .collect(),
        location: cx.form.text("location").to_owned(),
        denied: host.desk.denied(Role::Operator),
    };
    html_with(
        status(problem),
        &host.frame(cx).notice(problem.map(|problem| explain(problem, &cx.path))),
        &page,
    )
}

pub(crate) async fn attach(cx: Cx) -> Answer {
    let host = cx.parameter("host")?;
    let repository = cx.form.text("repository").parse().map_err(|_| {
        super::answer::refused(restic_manager_proto::api::Code::Invalid, "choose a repository")
    })?;
    let body = AttachmentChange { location: cx.form.given("location").map(str::to_owned) };
    match cx.api.send::<hosts::Attach>(ByHostAndRepository { host, repository }, body).await {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/repositories?done=attached"))),
        Err(Failure::Refused(problem)) => repositories_with(&cx, Some(&problem)).await,
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn detach(cx: Cx) -> Answer {
    let (host, repository) = (cx.parameter("host")?, cx.parameter("repository")?);
    match cx.api.send::<hosts::Detach>(ByHostAndRepository { host, repository }, Nothing {}).await {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/repositories?done=detached"))),
        Err(Failure::Refused(problem)) => repositories_with(&cx, Some(&problem)).await,
        Err(failure) => Err(failure),
    }
}

#[derive(Serialize)]
struct JobsPage<H> {
    head: H,
    jobs: Vec<JobRow>,
    pager: Pager,
}

impl<H: Serialize> Template for JobsPage<H> {
    const FILE: &'static str = "pages/host_jobs.html";
}

pub(crate) async fn jobs(cx: Cx) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let filter = jobs::Filter {
        host: Some(id),
        after: cx.query.given("after").map(Cursor::new),
        ..jobs::Filter::default()
    };
    let (host, jobs) =
        tokio::try_join!(HostDesk::load(&cx, id), cx.api.get::<jobs::List>(Nothing {}, filter.clone()))?;
    let address = format!("/hosts/{id}/jobs");
    let page = JobsPage {
        head: host.head(&cx, HostTab::Jobs),
        jobs: jobs.items.iter().map(|job| JobRow::new(&cx, job)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| address.clone()),
            next: jobs.next.as_ref().map(|next| link(&address, &[("after", Some(next.as_str()))])),
        },
    };
    html(&host.frame(&cx), &page)
}

#[derive(Serialize)]
struct SettingsPage<H> {
    head: H,
    id: String,
    name: String,
    fields: SettingsFields,
    errors: SettingsErrors,
    version: i64,
    enrolled: Moment,
    denied: Option<String>,
    confirm_error: Option<String>,
}

#[derive(Serialize)]
struct SettingsFields {
    name: String,
    tags: String,
    presence_mode: String,
}

#[derive(Default, Serialize)]
struct SettingsErrors {
    name: Option<String>,
    tags: Option<String>,
}

impl<H: Serialize> Template for SettingsPage<H> {
    const FILE: &'static str = "pages/host_settings.html";
}

pub(crate) async fn settings(cx: Cx) -> Answer {
    settings_with(&cx, None, None).await
}

async fn settings_with(cx: &Cx, problem: Option<&Problem>, confirm_error: Option<String>) -> Answer {
    let host = HostDesk::load(cx, cx.parameter("host")?).await?;
    let kept = &host.host;
    let typed = cx.form.given("name").is_some();
    let fields = SettingsFields {
        name: if typed { cx.form.text("name").to_owned() } else { kept.name.clone() },
        tags: if typed { cx.form.text("tags").to_owned() } else { kept.tags.join(" ") },
        presence_mode: if typed {
            cx.form.text("presence_mode").to_owned()
        } else {
            kept.presence_mode.to_string()
        },
    };
    let page = SettingsPage {
        head: host.head(cx, HostTab::Settings),
        id: kept.id.to_string(),
        name: kept.name.clone(),
        fields,
        errors: SettingsErrors { name: field(problem, "name"), tags: field(problem, "tags") },
        version: kept.version,
        enrolled: cx.moment(kept.enrolled_at),
        denied: host.desk.denied(Role::Operator),
        confirm_error,
    };
    let notice =
        problem.filter(|problem| problem.fields.is_empty()).map(|problem| explain(problem, &cx.path));
    html_with(status(problem), &host.frame(cx).notice(notice), &page)
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let host = cx.parameter("host")?;
    let change = HostChange {
        name: cx.form.text("name").to_owned(),
        tags: cx.form.words("tags"),
        presence_mode: cx.form.text("presence_mode").parse().unwrap_or(PresenceMode::AlwaysOn),
    };
    let version = cx.form.text("version").parse().unwrap_or(0);
    match cx.api.change::<hosts::Update>(ByHost { host }, change, version).await {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/settings?done=host-updated"))),
        Err(Failure::Refused(problem)) => settings_with(&cx, Some(&problem), None).await,
        Err(failure) => Err(failure),
    }
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

/// What is wrong with a name typed to confirm.
pub(crate) fn not_the_name(name: &str) -> String {
    format!("that is not “{name}”; nothing was removed")
}

/// What the API says of one field of a form.
pub(crate) fn field(problem: Option<&Problem>, name: &str) -> Option<String> {
    let prefix = format!("{name}.");
    let of_it =
        |known: &str| known == name || known.starts_with(&prefix) || known.starts_with(&format!("{name}["));
    problem?.fields.iter().find(|refused| of_it(&refused.field)).map(|refused| refused.message.clone())
}

/// The status of a form shown again.
pub(crate) fn status(problem: Option<&Problem>) -> StatusCode {
    problem.and_then(|problem| StatusCode::from_u16(problem.status).ok()).unwrap_or(StatusCode::OK)
}
