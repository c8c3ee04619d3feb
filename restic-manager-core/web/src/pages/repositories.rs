//! Repositories: the list, and a new one.

use restic_manager_proto::{
    SecretText, TransportCredential,
    api::{
        Code, Cursor, Nothing, Problem,
        repositories::{self, NewRepository, Repository},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    answer::{Answer, field, html, html_with, notice, redirect, status},
    connection::{self, Tester},
    context::Cx,
    jobs::link,
    measurements,
    storage::{self, StorageFields},
    upkeep,
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Chart, Moment, Pager, Pill, Section, Size},
};

#[derive(Serialize)]
struct RepositoriesPage {
    rows: Vec<Row>,
    pager: Pager,
    denied: Option<String>,
}

/// A repository as a row of a table.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    href: String,
    location: String,
    backend: String,
    hosts: String,
    snapshots: String,
    last: Option<Moment>,
    health: Pill,
    stored: Option<Size>,
    trend: Option<Chart>,
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
    pub(crate) fn new(cx: &Cx, repository: &Repository) -> Self {
        Self {
            name: repository.name.clone(),
            href: format!("/repositories/{}", repository.id),
            location: repository.location.clone(),
            backend: repository.backend.clone(),
            hosts: text::count(repository.hosts),
            snapshots: text::count(repository.snapshots),
            last: cx.moment_of(repository.last_snapshot_at),
            health: upkeep::pill(repository.upkeep.health),
            stored: repository.measured.map(|day| Size::new(day.measured.raw_bytes)),
            trend: measurements::sparkline(&repository.trend),
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
        "google" if cx.form.given("credential_service_account").is_some() => {
            Some(TransportCredential::Google {
                project_id: text("credential_project"),
                service_account: secret("credential_service_account"),
            })
        }
        "environment" => {
            let pairs = cx.form.lines("credential_variables");
            if pairs.is_empty() {
                return None;
            }
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
    storage: StorageFields,
    credential: CredentialFields,
    errors: Errors,
    tester: Option<Tester>,
    denied: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Errors {
    name: Option<String>,
    location: Option<String>,
    password: Option<String>,
    credential: Option<String>,
}

impl Errors {
    pub(crate) fn of(problem: Option<&Problem>) -> Self {
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

pub(crate) async fn form(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let (desk, tester) = tokio::try_join!(cx.desk(), connection::tester(cx))?;
    let page = NewRepositoryPage {
        name: cx.form.text("name").to_owned(),
        storage: StorageFields::new(&cx.form, problem),
        credential: CredentialFields::typed(cx),
        errors: Errors::of(problem),
        tester,
        denied: desk.denied(Role::Admin),
    };
    let beside: Vec<_> = ["name", "location", "password", "everyday", "credential"]
        .into_iter()
        .chain(storage::fields())
        .collect();
    let notice = notice(problem, &beside);
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

fn posted(cx: &Cx) -> Result<NewRepository, Failure> {
    Ok(NewRepository {
        name: cx.form.text("name").to_owned(),
        location: storage::location(&cx.form)?,
        password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
        everyday: posted_credential(cx),
    })
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let made = match posted(&cx) {
        Ok(body) => cx.api.send::<repositories::Create>(Nothing {}, body).await,
        Err(failure) => Err(failure),
    };
    let made = match made {
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
