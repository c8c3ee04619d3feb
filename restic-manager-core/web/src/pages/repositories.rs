//! Repositories: the list, a new one, and one with its hosts and secrets.

use restic_manager_proto::{
    RepositoryId, SecretText, TransportCredential,
    api::{
        Code, Cursor, Nothing, Problem,
        repositories::{
            self, ByRepository, BySlot, NewCredential, NewPassword, NewRepository, Repository,
            RepositoryChange, SecretStatus,
        },
        upkeep::Duty,
    },
    vocabulary::{Cause, CredentialSlot, JobKind, RepositoryState, Role, UpkeepState},
};
use serde::Serialize;

use super::{
    answer::{Answer, field, html, html_with, not_the_name, notice, redirect, status},
    attachments::AttachmentRow,
    context::Cx,
    jobs::link,
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Moment, Pager, Pill, SecretState, Section, Tone},
};

#[derive(Serialize)]
struct RepositoriesPage {
    rows: Vec<Row>,
    pager: Pager,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    href: String,
    location: String,
    backend: String,
    hosts: String,
    snapshots: String,
    last: Option<Moment>,
    password: Pill,
}

impl Template for RepositoriesPage {
    const FILE: &'static str = "pages/repositories.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let filter = repositories::Filter { limit: None, after: cx.query.given("after").map(Cursor::new) };
    let (desk, found) =
        tokio::try_join!(cx.desk(), cx.api.get::<repositories::List>(Nothing {}, filter.clone()))?;
    let page = RepositoriesPage {
        rows: found.items.iter().map(|repository| Row::new(&cx, repository)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| "/repositories".to_owned()),
            next: found.next.as_ref().map(|next| link("/repositories", &[("after", Some(next.as_str()))])),
        },
        denied: desk.denied(Role::Admin),
    };
    html(&desk.frame(&cx, "Repositories", Section::Repositories).live(), &page)
}

impl Row {
    fn new(cx: &Cx, repository: &Repository) -> Self {
        Self {
            name: repository.name.clone(),
            href: format!("/repositories/{}", repository.id),
            location: repository.location.clone(),
            backend: repository.backend.clone(),
            hosts: text::count(repository.hosts),
            snapshots: text::count(repository.snapshots),
            last: cx.moment_of(repository.last_snapshot_at),
            password: match repository.password.set_at {
                Some(_) => Pill::new(Tone::Good, "lock", "set"),
                None => Pill::new(Tone::Bad, "circle-alert", "not set"),
            },
        }
    }
}

/// The fields of a transport credential, as typed; secrets are never shown again.
#[derive(Default, Serialize)]
pub(crate) struct CredentialFields {
    kind: String,
    username: String,
    access_key_id: String,
    region: String,
    account: String,
    project: String,
}

impl CredentialFields {
    pub(crate) fn typed(cx: &Cx) -> Self {
        let text = |name| cx.form.text(name).to_owned();
        Self {
            kind: cx.form.given("credential_kind").unwrap_or("rest").to_owned(),
            username: text("credential_username"),
            access_key_id: text("credential_access_key_id"),
            region: text("credential_region"),
            account: text("credential_account"),
            project: text("credential_project"),
        }
    }
}

/// The credential that was typed, if any.
pub(crate) fn posted_credential(cx: &Cx) -> Option<TransportCredential> {
    let text = |name: &str| cx.form.text(name).to_owned();
    let secret = |name: &str| SecretText::new(cx.form.raw(name));
    match cx.form.text("credential_kind") {
        "rest" => cx.form.given("credential_username").map(|username| TransportCredential::Rest {
            username: username.to_owned(),
            password: secret("credential_password"),
        }),
        "s3" => cx.form.given("credential_access_key_id").map(|id| TransportCredential::S3 {
            access_key_id: id.to_owned(),
            secret_access_key: secret("credential_secret_access_key"),
            region: cx.form.given("credential_region").map(str::to_owned),
        }),
        "b2" => Some(TransportCredential::B2 {
            account_id: text("credential_b2_account"),
            account_key: secret("credential_b2_key"),
        }),
        "azure" => Some(TransportCredential::Azure {
            account_name: text("credential_account"),
            account_key: secret("credential_azure_key"),
        }),
        "google" => Some(TransportCredential::Google {
            project_id: text("credential_project"),
            service_account: secret("credential_service_account"),
        }),
        "environment" => {
            let pairs = cx.form.lines("credential_variables");
            let variables = pairs
                .iter()
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), SecretText::new(value)));
            Some(TransportCredential::Environment { variables: variables.collect() })
        }
        _ => None,
    }
}

#[derive(Serialize)]
struct NewRepositoryPage {
    name: String,
    location: String,
    credential: CredentialFields,
    errors: Errors,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Errors {
    name: Option<String>,
    location: Option<String>,
    password: Option<String>,
    credential: Option<String>,
}

impl Errors {
    fn of(problem: Option<&Problem>) -> Self {
        let credential = field(problem, "everyday").or_else(|| field(problem, "credential"));
        Self {
            name: field(problem, "name"),
            location: field(problem, "location"),
            password: field(problem, "password"),
            credential,
        }
    }
}

impl Template for NewRepositoryPage {
    const FILE: &'static str = "pages/repository_new.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, None).await
}

async fn form(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let desk = cx.desk().await?;
    let page = NewRepositoryPage {
        name: cx.form.text("name").to_owned(),
        location: cx.form.text("location").to_owned(),
        credential: CredentialFields::typed(cx),
        errors: Errors::of(problem),
        denied: desk.denied(Role::Admin),
    };
    let notice = notice(problem, &["name", "location", "password", "everyday", "credential"]);
    let frame =
        desk.frame(cx, "Add a repository", Section::Repositories).crumb("Repositories", "/repositories");
    html_with(status(problem), &frame.notice(notice), &page)
}

#[derive(Serialize)]
struct CreatedPage {
    name: String,
    href: String,
    password: String,
}

impl Template for CreatedPage {
    const FILE: &'static str = "pages/repository_created.html";
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let body = NewRepository {
        name: cx.form.text("name").to_owned(),
        location: cx.form.text("location").to_owned(),
        password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
        everyday: posted_credential(&cx),
    };
    let made = match cx.api.send::<repositories::Create>(Nothing {}, body).await {
        Ok(made) => made,
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            return form(&cx, Some(&problem)).await;
        }
        Err(failure) => return Err(failure),
    };
    let href = format!("/repositories/{}", made.repository.id);
    let Some(password) = made.generated_password else {
        return Ok(redirect(&format!("{href}?done=repository-added")));
    };
    password_made(&cx, made.repository.name, href, password).await
}

/// The page that shows a password once, and then leads on.
pub(super) async fn password_made(cx: &Cx, name: String, href: String, password: SecretText) -> Answer {
    let desk = cx.desk().await?;
    let frame = desk.frame(cx, name.clone(), Section::Repositories).crumb("Repositories", "/repositories");
    html(&frame, &CreatedPage { name, href, password: password.into_exposed() })
}

#[derive(Serialize)]
struct RepositoryPage {
    id: String,
    name: String,
    fields: Fields,
    backend: String,
    health: Vec<Line>,
    hosts: String,
    snapshots: String,
    created: Moment,
    password: SecretState,
    slots: Vec<Slot>,
    attachments: Vec<AttachmentRow>,
    credential: CredentialFields,
    errors: Errors,
    version: i64,
    denied: Option<String>,
    check_denied: Option<String>,
    confirm_error: Option<String>,
    /// The secret whose replacement was refused: its form stays open.
    refused: Option<String>,
}

#[derive(Serialize)]
struct Fields {
    name: String,
    location: String,
}

/// One line of what is known: a question, the answer, since when.
#[derive(Serialize)]
struct Line {
    label: &'static str,
    state: Pill,
    text: String,
}

#[derive(Serialize)]
struct Slot {
    name: &'static str,
    label: &'static str,
    note: &'static str,
    state: SecretState,
}

impl Template for RepositoryPage {
    const FILE: &'static str = "pages/repository.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    show_with(&cx, None, None).await
}

async fn show_with(cx: &Cx, problem: Option<&Problem>, confirm_error: Option<String>) -> Answer {
    let by = ByRepository { repository: cx.parameter("repository")? };
    let (desk, repository, attached) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<repositories::Show>(by, Nothing {}),
        cx.api.get::<repositories::Attachments>(by, repositories::Filter::default()),
    )?;
    let secret =
        |status: &SecretStatus| SecretState { set: cx.moment_of(status.set_at), by: status.set_by.clone() };
    let typed = |name: &str, kept: &str| cx.form.given(name).unwrap_or(kept).to_owned();
    let slot = |slot: CredentialSlot, label, note, status| Slot {
        name: slot.as_str(),
        label,
        note,
        state: secret(status),
    };
    let page = RepositoryPage {
        id: repository.id.to_string(),
        name: repository.name.clone(),
        fields: Fields {
            name: typed("name", &repository.name),
            location: typed("location", &repository.location),
        },
        backend: repository.backend.clone(),
        health: health(cx, &repository, attached.items.iter().map(|attachment| attachment.state)),
        hosts: text::count(repository.hosts),
        snapshots: text::count(repository.snapshots),
        created: cx.moment(repository.created_at),
        password: secret(&repository.password),
        slots: vec![
            slot(
                CredentialSlot::Everyday,
                "Everyday credential",
                "what hosts back up with; it should only be able to add",
                &repository.everyday,
            ),
            slot(
                CredentialSlot::Maintenance,
                "Maintenance credential",
                "may delete; only upkeep uses it",
                &repository.maintenance,
            ),
        ],
        attachments: attached
            .items
            .iter()
            .map(|attachment| AttachmentRow::from_repository(cx, attachment))
            .collect(),
        credential: CredentialFields::typed(cx),
        errors: Errors::of(problem),
        version: repository.version,
        denied: desk.denied(Role::Admin),
        check_denied: desk.denied(Role::Operator),
        confirm_error,
        refused: problem.and_then(|_| cx.path.rsplit('/').next()).map(str::to_owned),
    };
    let frame =
        desk.frame(cx, repository.name, Section::Repositories).crumb("Repositories", "/repositories").live();
    let notice = notice(problem, &["name", "location", "password", "everyday", "credential"]);
    html_with(status(problem), &frame.notice(notice), &page)
}

/// What was verified, and only that.
fn health(
    cx: &Cx,
    repository: &Repository,
    states: impl Iterator<Item = RepositoryState> + Clone,
) -> Vec<Line> {
    let (all, ready) =
        (states.clone().count(), states.clone().filter(|state| *state == RepositoryState::Ready).count());
    let unverified = states.filter(|state| *state == RepositoryState::Unverified).count();
    let opens = match (all, ready, unverified) {
        (0, ..) => (
            Pill::new(Tone::Unknown, "circle-dashed", "unknown"),
            "no host uses it, so nobody can look".to_owned(),
        ),
        (all, ready, _) if all == ready => {
            (Pill::new(Tone::Good, "circle-check", "opens"), format!("for {all} of {all} hosts"))
        }
        (all, ready, unverified) if ready + unverified == all => (
            Pill::new(Tone::Unknown, "circle-dashed", "not verified"),
            format!("{ready} of {all} hosts have opened it"),
        ),
        (all, ready, _) => {
            (Pill::new(Tone::Bad, "circle-x", "fails"), format!("opens for {ready} of {all} hosts"))
        }
    };
    let backed_up = match repository.last_snapshot_at {
        Some(at) => (
            Pill::new(Tone::Good, "circle-check", "seen").since(Some(cx.moment(at))),
            format!("{} snapshots seen", text::count(repository.snapshots)),
        ),
        None => (Pill::new(Tone::Unknown, "circle-dashed", "never"), "no snapshot was seen yet".to_owned()),
    };
    let mut lines = vec![
        Line { label: "Opens with its password", state: opens.0, text: opens.1 },
        Line { label: "Newest snapshot", state: backed_up.0, text: backed_up.1 },
    ];
    lines.extend(repository.upkeep.duties.iter().map(|duty| duty_line(cx, duty)));
    if let Some(runner) = &repository.upkeep.runner {
        let state = Pill::new(Tone::Good, "shield-check", "runner named");
        lines.push(Line { label: "Upkeep is done by", state, text: runner.name.clone() });
    } else if !repository.upkeep.risk.is_empty() {
        let state = Pill::new(Tone::Warn, "triangle-alert", "no runner");
        lines.push(Line { label: "Upkeep is done by", state, text: repository.upkeep.risk.clone() });
    }
    lines
}

/// A part of the upkeep: green only when it was effective lately enough.
fn duty_line(cx: &Cx, duty: &Duty) -> Line {
    let label = match duty.kind {
        JobKind::Forget => "Thinned out",
        JobKind::Prune => "Freed of what nobody needs",
        _ => "Checked for damage",
    };
    let pill = match duty.state {
        UpkeepState::Good => Pill::new(Tone::Good, "circle-check", "effective"),
        UpkeepState::Failing => Pill::new(Tone::Warn, "triangle-alert", "last try failed"),
        UpkeepState::Overdue => Pill::new(Tone::Bad, "circle-x", "not effective"),
        UpkeepState::Off => Pill::new(Tone::Unknown, "ban", "switched off"),
        UpkeepState::Idle => Pill::new(Tone::Unknown, "circle-dashed", "nothing to do"),
        _ => Pill::new(Tone::Unknown, "hourglass", "not done yet"),
    };
    Line { label, state: pill.since(cx.moment_of(duty.last_effective_at)), text: duty_text(duty) }
}

fn duty_text(duty: &Duty) -> String {
    match duty.state {
        UpkeepState::Idle => return "no source group has a retention policy; everything is kept".to_owned(),
        UpkeepState::Off => return String::new(),
        _ => {}
    }
    let failed = duty.last_cause.filter(|cause| *cause != Cause::None);
    let failed = failed.map(|cause| format!("the last try ended with: {}", cause.as_str().replace('-', " ")));
    let turn = duty.part.zip(duty.parts).zip(duty.full_read_days).map(|((part, parts), days)| {
        format!("part {part} of {parts} is next; everything is read in {days} days")
    });
    let parts = [failed, duty.every_hours.map(every), turn];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// "every 7 days".
fn every(hours: u32) -> String {
    match (hours, hours % 24) {
        (1, _) => "every hour".to_owned(),
        (24, _) => "every day".to_owned(),
        (hours, 0) => format!("every {} days", hours / 24),
        (hours, _) => format!("every {hours} hours"),
    }
}

fn id(cx: &Cx) -> Result<RepositoryId, Failure> {
    cx.parameter("repository")
}

/// Back to the repository after a change, or the page again with what was refused.
async fn after<T>(cx: &Cx, result: Result<T, Failure>, done: &str) -> Answer {
    match result {
        Ok(_) => Ok(redirect(&format!("/repositories/{}?done={done}", id(cx)?))),
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            show_with(cx, Some(&problem), None).await
        }
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let change = RepositoryChange {
        name: cx.form.text("name").to_owned(),
        location: cx.form.text("location").to_owned(),
    };
    let version = cx.form.text("version").parse().unwrap_or(0);
    let result = cx.api.change::<repositories::Update>(by, change, version).await;
    after(&cx, result, "repository-updated").await
}

pub(crate) async fn set_password(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let result = cx
        .api
        .send::<repositories::SetPassword>(
            by,
            NewPassword { password: SecretText::new(cx.form.raw("password")) },
        )
        .await;
    after(&cx, result, "secret-set").await
}

pub(crate) async fn set_credential(cx: Cx) -> Answer {
    let by = BySlot { repository: id(&cx)?, slot: cx.parameter("slot")? };
    let credential = posted_credential(&cx);
    if credential.is_none() && cx.form.text("credential_kind") != "none" {
        let missing = Problem::new(
            Code::Invalid,
            "the user or key name is empty",
            "fill it in, or choose “None” to clear the credential",
        );
        return after(&cx, Err::<(), _>(Failure::Refused(Box::new(missing))), "").await;
    }
    let result = cx.api.send::<repositories::SetCredential>(by, NewCredential { credential }).await;
    after(&cx, result, "secret-set").await
}

pub(crate) async fn delete(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let repository = cx.api.get::<repositories::Show>(by, Nothing {}).await?;
    if cx.form.text("confirm") != repository.name {
        return show_with(&cx, None, Some(not_the_name(&repository.name))).await;
    }
    match cx.api.send::<repositories::Delete>(by, Nothing {}).await {
        Ok(_) => Ok(redirect("/repositories?done=repository-removed")),
        Err(failure) => after(&cx, Err::<(), _>(failure), "").await,
    }
}
