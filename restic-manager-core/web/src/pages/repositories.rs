//! Repositories: the list, and a new one.

use restic_manager_proto::{
    SecretText,
    api::{
        Cursor, Nothing, Problem,
        repositories::{self, NewRepository, Repository},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::Cx,
    credential::{self, Tester},
    form_reader::FormReader,
    form_state::FormState,
    measurements,
    problem::refusal_of,
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
    let (caller, found) =
        tokio::try_join!(cx.caller(), cx.api.get::<repositories::List>(Nothing {}, filter.clone()))?;
    let page = RepositoriesPage {
        rows: found.items.iter().map(|repository| Row::new(&cx, repository)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| "/repositories".to_owned()),
            next: found.next.as_ref().map(|next| link("/repositories", &[("after", Some(next.as_str()))])),
        },
        denied: caller.denied(Role::Admin),
    };
    html(&caller.frame(&cx, "Repositories", Section::Repositories).reloads(), &page)
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
struct NewRepositoryPage<'a> {
    form: FormState<'a>,
    storage: StorageFields,
    tester: Option<Tester>,
    denied: Option<String>,
}

impl Template for NewRepositoryPage<'_> {
    const FILE: &'static str = "pages/repository_new.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, None).await
}

pub(crate) async fn form(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let (caller, tester) = tokio::try_join!(cx.caller(), credential::tester(cx))?;
    let mut form = cx.form_at(&["/repositories/new", "/repositories/test"], problem);
    form.text("name", "").secret("password");
    credential::fill(&mut form);
    let page = NewRepositoryPage {
        storage: StorageFields::fill(&mut form, &cx.form),
        form,
        tester,
        denied: caller.denied(Role::Admin),
    };
    let frame =
        caller.frame(cx, "Add a repository", Section::Repositories).crumb("Repositories", "/repositories");
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
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
    let mut reader = FormReader::new(&cx.form);
    let (location, everyday) = (storage::read(&mut reader), credential::read(&mut reader));
    reader.finish(Some(NewRepository {
        name: cx.form.text("name").to_owned(),
        location,
        password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
        everyday,
    }))
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let made = async { cx.api.send::<repositories::Create>(Nothing {}, posted(&cx)?).await }.await;
    let made = match refusal_of(made)? {
        Ok(made) => made,
        Err(problem) => return form(&cx, Some(&problem)).await,
    };
    let href = format!("/repositories/{}", made.repository.id);
    let Some(password) = made.generated_password else {
        return Ok(redirect(&format!("{href}?done=repository-added")));
    };
    password_made(&cx, made.repository.name, href, password).await
}

/// The page that shows a password once, and then leads on.
pub(super) async fn password_made(cx: &Cx, name: String, href: String, password: SecretText) -> Answer {
    let caller = cx.caller().await?;
    let frame = caller.frame(cx, name.clone(), Section::Repositories).crumb("Repositories", "/repositories");
    html(&frame, &CreatedPage { name, href, password: password.into_exposed() })
}
