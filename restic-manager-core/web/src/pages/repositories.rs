//! Repositories: the list, and a new one.

use restic_manager_proto::{
    SecretText,
    api::{
        Code, Cursor, Nothing, Problem,
        repositories::{self, NewRepository, Repository},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::Cx,
    credential::{self, CredentialFields, Tester, posted_credential},
    measurements,
    problem::{field, notice, status},
    respond::{Answer, html, html_with, link, redirect},
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
    let (desk, tester) = tokio::try_join!(cx.desk(), credential::tester(cx))?;
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
