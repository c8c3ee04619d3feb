//! What a host is to be, as people say it: when they invite one, and when they accept one that announced itself.

use restic_manager_proto::{
    RepositoryId, SecretText,
    api::{
        Code, MAX_PAGE_SIZE, Nothing, Problem,
        enrolments::NewAttachment,
        repositories::{self, Repository},
    },
    vocabulary::PresenceMode,
};
use serde::Serialize;

use super::{
    context::Cx,
    credential::{CredentialFields, posted_credential},
    problem::{field, refused},
};
use crate::{api::Failure, view::SelectOption};

/// The fields, with what was typed.
#[derive(Serialize)]
pub(super) struct HostFields {
    pub(super) name: String,
    tags: String,
    presence_mode: String,
    choice: String,
    repository: String,
    options: Vec<SelectOption>,
    repository_name: String,
    location: String,
    credential: CredentialFields,
    includes: String,
    errors: Errors,
}

#[derive(Default, Serialize)]
struct Errors {
    host_name: Option<String>,
    tags: Option<String>,
    repository_name: Option<String>,
    location: Option<String>,
    password: Option<String>,
    includes: Option<String>,
}

impl HostFields {
    /// The API's names of the fields, whose problems are shown beside them.
    pub(super) const NAMES: &[&str] = &["host_name", "tags", "name", "location", "password", "include_paths"];

    /// `made` is a repository that was created before something else was refused.
    pub(super) fn typed(
        cx: &Cx,
        all: &[Repository],
        problem: Option<&Problem>,
        made: Option<&MadeRepository>,
    ) -> Self {
        let first = if all.is_empty() { "new" } else { "existing" };
        Self {
            name: cx.form.text("name").to_owned(),
            tags: cx.form.text("tags").to_owned(),
            presence_mode: cx
                .form
                .given("presence_mode")
                .unwrap_or(PresenceMode::AlwaysOn.as_str())
                .to_owned(),
            choice: made.map_or_else(
                || cx.form.given("repository_choice").unwrap_or(first).to_owned(),
                |_| "existing".to_owned(),
            ),
            repository: made
                .map_or_else(|| cx.form.text("repository").to_owned(), |made| made.id.to_string()),
            options: all
                .iter()
                .map(|repository| SelectOption {
                    value: repository.id.to_string(),
                    label: format!("{} ({})", repository.name, repository.location),
                })
                .collect(),
            repository_name: cx.form.text("repository_name").to_owned(),
            location: cx.form.text("location").to_owned(),
            credential: CredentialFields::typed(cx),
            includes: cx.form.raw("includes").to_owned(),
            errors: Errors {
                host_name: field(problem, "host_name"),
                tags: field(problem, "tags"),
                repository_name: field(problem, "name"),
                location: field(problem, "location"),
                password: field(problem, "password"),
                includes: field(problem, "include_paths"),
            },
        }
    }
}

/// The repositories to choose from.
pub(super) async fn all_repositories(cx: &Cx) -> Result<Vec<Repository>, Failure> {
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    Ok(cx.api.get::<repositories::List>(Nothing {}, all).await?.items)
}

/// A repository that was chosen, or made just now with a password of its own.
pub(super) struct MadeRepository {
    id: RepositoryId,
    pub(super) password: Option<SecretText>,
}

impl MadeRepository {
    /// The password that was made for it, to be shown once.
    pub(super) fn into_password(self) -> Option<String> {
        self.password.map(SecretText::into_exposed)
    }
}

/// The repository that the host will use, made now if need be.
pub(super) async fn chosen_repository(cx: &Cx) -> Result<Option<MadeRepository>, Failure> {
    match cx.form.text("repository_choice") {
        "existing" => {
            let id = cx.form.text("repository").parse();
            let id = id.map_err(|_| refused(Code::Invalid, "choose a repository, or make a new one"))?;
            Ok(Some(MadeRepository { id, password: None }))
        }
        "new" => {
            let body = repositories::NewRepository {
                name: cx.form.text("repository_name").to_owned(),
                location: cx.form.text("location").to_owned(),
                password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
                everyday: posted_credential(cx),
            };
            let made = cx.api.send::<repositories::Create>(Nothing {}, body).await?;
            Ok(Some(MadeRepository { id: made.repository.id, password: made.generated_password }))
        }
        _ => Ok(None),
    }
}

/// The same as the API takes it.
pub(super) struct HostPlan {
    pub(super) host_name: String,
    pub(super) tags: Vec<String>,
    pub(super) presence_mode: Option<PresenceMode>,
    pub(super) repositories: Vec<NewAttachment>,
    pub(super) include_paths: Vec<String>,
}

impl HostPlan {
    pub(super) fn typed(cx: &Cx, repository: Option<&MadeRepository>) -> Self {
        let attachment = |made: &MadeRepository| NewAttachment { repository: made.id, location: None };
        Self {
            host_name: cx.form.text("name").to_owned(),
            tags: cx.form.words("tags"),
            presence_mode: cx.form.given("presence_mode").and_then(|mode| mode.parse().ok()),
            repositories: repository.map(attachment).into_iter().collect(),
            include_paths: cx.form.lines("includes"),
        }
    }
}
