//! What a host is to be, as people say it: when they invite one, and when they accept one that announced itself.

use restic_manager_proto::{
    RepositoryId, SecretText,
    api::{
        MAX_PAGE_SIZE, Nothing, Page,
        enrolments::NewAttachment,
        repositories::{self, Repository},
    },
    vocabulary::PresenceMode,
};
use serde::Serialize;

use super::{context::Cx, credential, form_reader::FormReader, form_state::FormState};
use crate::{api::Failure, view::SelectOption};

/// The form, with what it offers.
#[derive(Serialize)]
pub(super) struct HostFields<'a> {
    pub(super) form: FormState<'a>,
    options: Vec<SelectOption>,
    /// There are more repositories than these.
    more: bool,
    /// Why the host cannot be given a repository.
    attach_denied: Option<String>,
}

impl<'a> HostFields<'a> {
    /// `name` is what the host calls itself; `made` is a repository that was created before something else was refused.
    pub(super) fn new(
        mut form: FormState<'a>,
        name: &str,
        all: &Page<Repository>,
        made: Option<&MadeRepository>,
        attach_denied: Option<String>,
    ) -> Self {
        let first = match (&attach_denied, all.items.is_empty()) {
            (Some(_), _) => "later",
            (None, true) => "new",
            (None, false) => "existing",
        };
        form.text_of("name", "host_name", name)
            .text("tags", "")
            .text("presence_mode", PresenceMode::AlwaysOn.as_str())
            .text("repository_choice", first)
            .text("repository", "")
            .text_of("repository_name", "name", "")
            .text("location", "")
            .secret("password")
            .lines_of("includes", "include_paths", &[]);
        credential::fill(&mut form);
        if let Some(made) = made {
            form.show("repository_choice", "existing").show("repository", &made.id.to_string());
        }
        let option = |repository: &Repository| SelectOption {
            value: repository.id.to_string(),
            label: format!("{} ({})", repository.name, repository.location),
        };
        let options = all.items.iter().map(option).collect();
        Self { form, options, more: all.next.is_some(), attach_denied }
    }
}

/// The repositories to choose from.
pub(super) async fn all_repositories(cx: &Cx) -> Result<Page<Repository>, Failure> {
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    cx.api.get::<repositories::List>(Nothing {}, all).await
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
    let mut reader = FormReader::new(&cx.form);
    match cx.form.text("repository_choice") {
        "existing" => {
            let id = reader.needed("repository", "repository", "choose a repository, or make a new one");
            Ok(Some(MadeRepository { id: reader.finish(id)?, password: None }))
        }
        "new" => {
            let everyday = credential::read(&mut reader);
            let body = reader.finish(Some(repositories::NewRepository {
                name: cx.form.text("repository_name").to_owned(),
                location: cx.form.text("location").to_owned(),
                password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
                everyday,
            }))?;
            let made = cx.api.send::<repositories::Create>(Nothing {}, body).await?;
            Ok(Some(MadeRepository { id: made.repository.id, password: made.generated_password }))
        }
        "later" => Ok(None),
        _ => {
            reader.refuse("repository_choice", "choose one of those offered");
            reader.finish(None)
        }
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
    pub(super) fn read(cx: &Cx, repository: Option<&MadeRepository>) -> Result<Self, Failure> {
        let attachment = |made: &MadeRepository| NewAttachment { repository: made.id, location: None };
        let mut reader = FormReader::new(&cx.form);
        let presence_mode = reader.optional("presence_mode", "presence_mode", "choose one of those offered");
        reader.finish(Some(Self {
            host_name: cx.form.text("name").to_owned(),
            tags: cx.form.words("tags"),
            presence_mode,
            repositories: repository.map(attachment).into_iter().collect(),
            include_paths: cx.form.lines("includes"),
        }))
    }
}
