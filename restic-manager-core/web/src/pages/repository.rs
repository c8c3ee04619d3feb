//! One repository: its health, its upkeep, what it holds, who uses it, its secrets.

use restic_manager_proto::{
    RepositoryId, SecretText,
    api::{
        Code, Nothing, Problem,
        repositories::{
            self, ByRepository, BySlot, NewCredential, NewPassword, RepositoryChange, SecretStatus,
            StatisticsQuery,
        },
        upkeep::{NewUpkeepJob, Run, Set},
    },
    vocabulary::{CredentialSlot, Role},
};
use serde::Serialize;

use super::{
    attachments::AttachmentRow,
    context::Cx,
    credential::{CredentialFields, Tester, posted_credential},
    measurements::Figures,
    problem::{not_the_name, notice, refused, status},
    repositories::Errors,
    respond::{Answer, html_with, redirect},
    upkeep::{self, DutyRow, Line, UpkeepForm},
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Moment, Pill, SecretState, Section, SelectOption},
};

#[derive(Serialize)]
struct RepositoryPage {
    id: String,
    name: String,
    fields: Fields,
    backend: String,
    state: Pill,
    health: Vec<Line>,
    duties: Vec<DutyRow>,
    upkeep: UpkeepForm,
    figures: Option<Figures>,
    tester: Option<Tester>,
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

pub(crate) async fn show_with(cx: &Cx, problem: Option<&Problem>, confirm_error: Option<String>) -> Answer {
    let by = ByRepository { repository: cx.parameter("repository")? };
    let (desk, repository, attached, statistics) = tokio::try_join!(
        cx.desk(),
        cx.api.get::<repositories::Show>(by, Nothing {}),
        cx.api.get::<repositories::Attachments>(by, repositories::Filter::default()),
        cx.api.get::<repositories::Statistics>(by, StatisticsQuery::default()),
    )?;
    let duties = upkeep::duties(cx, &repository).await?;
    let users = attached
        .items
        .iter()
        .map(|one| SelectOption { value: one.host.id.to_string(), label: one.host.name.clone() });
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
        state: upkeep::pill(repository.upkeep.health),
        health: upkeep::health(cx, &repository, &attached.items),
        duties,
        upkeep: UpkeepForm::new(&cx.form, &repository, &attached.items),
        figures: Figures::new(cx, &statistics),
        tester: Tester::new(cx, users.collect()),
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

/// Says who does the upkeep, and how often.
pub(crate) async fn set_upkeep(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let version = cx.form.text("version").parse().unwrap_or(0);
    let result = match upkeep::posted(&cx.form) {
        Ok(change) => cx.api.change::<Set>(by, change, version).await,
        Err(_) => Err(refused(Code::Invalid, "write whole numbers, such as 20 parts or 5 jobs")),
    };
    after(&cx, result, "upkeep-updated").await
}

/// Asks for one upkeep job now, and shows it.
pub(crate) async fn run(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let kind = cx.form.text("kind").parse();
    let kind =
        kind.map_err(|_| refused(Code::Invalid, "go back to the repository and press one of its buttons"))?;
    let host = cx.form.given("host").and_then(|host| host.parse().ok());
    let job = NewUpkeepJob { kind, host, options: Default::default() };
    match cx.api.send::<Run>(by, job).await {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(failure) => after(&cx, Err::<(), _>(failure), "").await,
    }
}
