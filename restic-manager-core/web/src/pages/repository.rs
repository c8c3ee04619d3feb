//! One repository: its health, its upkeep, what it holds, who uses it, its secrets.

use restic_manager_proto::{
    RepositoryId, SecretText,
    api::{
        MAX_PAGE_SIZE, Nothing, Page, Problem,
        freezes::{self, Freeze},
        hosts::Attachment,
        repositories::{
            self, ByRepository, BySlot, NewCredential, NewPassword, Repository, RepositoryChange,
            SecretStatus, StatisticsQuery,
        },
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    attachments::AttachmentRow,
    context::{Caller, Cx},
    credential::{self, Tester},
    form_reader::FormReader,
    form_state::FormState,
    freezes::{Freezes, Locks},
    measurements::Figures,
    problem::{not_the_name, refusal_of},
    respond::{Answer, html_with, redirect},
    trends,
    upkeep::{self, DutyRow, Line, UpkeepForm, Users},
};
use crate::{
    api::Failure,
    render::Template,
    text,
    view::{Chip, Moment, Pill, SecretState, Section, SelectOption},
};

#[derive(Serialize)]
struct RepositoryPage<'a> {
    id: String,
    name: String,
    location: String,
    backend: String,
    state: Pill,
    health: Vec<Line>,
    duties: Vec<DutyRow>,
    upkeep: UpkeepForm<'a>,
    freezes: Freezes<'a>,
    locks: Option<Locks>,
    figures: Option<Figures>,
    ranges: Vec<Chip>,
    tester: Option<Tester>,
    snapshots: String,
    created: Moment,
    password: SecretForm<'a>,
    slots: Vec<SecretForm<'a>>,
    attachments: Vec<AttachmentRow>,
    /// How many hosts use it, where not all are listed.
    hosts_in_all: Option<String>,
    form: FormState<'a>,
    version: i64,
    denied: Option<String>,
    check_denied: Option<String>,
    confirm_error: Option<String>,
}

/// A secret that can be replaced. Its form stays open where it was refused.
#[derive(Serialize)]
struct SecretForm<'a> {
    name: &'static str,
    label: &'static str,
    note: &'static str,
    state: SecretState,
    open: bool,
    form: FormState<'a>,
}

impl<'a> SecretForm<'a> {
    fn new(
        cx: &Cx,
        form: FormState<'a>,
        [name, label, note]: [&'static str; 3],
        status: &SecretStatus,
    ) -> Self {
        let state = SecretState { set: cx.moment_of(status.set_at), by: status.set_by.clone() };
        Self { name, label, note, state, open: form.is_posted(), form }
    }
}

impl Template for RepositoryPage<'_> {
    const FILE: &'static str = "pages/repository.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    show_with(&cx, None, None).await
}

pub(crate) async fn show_with(cx: &Cx, problem: Option<&Problem>, confirm_error: Option<String>) -> Answer {
    let by = ByRepository { repository: id(cx)? };
    let users = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let days = trends::chosen(cx);
    let (caller, repository, attached, statistics, frozen) = tokio::try_join!(
        cx.caller(),
        cx.api.get::<repositories::Show>(by, Nothing {}),
        cx.api.get::<repositories::Attachments>(by, users),
        cx.api.get::<repositories::Statistics>(by, StatisticsQuery { days: Some(days) }),
        cx.api.get::<freezes::List>(by, Nothing {}),
    )?;
    let here = format!("/repositories/{}", repository.id);
    let duties = upkeep::duties(cx, &repository).await?;
    let page = RepositoryPage::new(cx, &caller, &repository, &attached, &frozen.items, problem);
    let page = RepositoryPage {
        duties,
        figures: Figures::new(cx, &statistics),
        ranges: trends::ranges(&here, days),
        confirm_error,
        ..page
    };
    let frame = caller
        .frame(cx, repository.name.clone(), Section::Repositories)
        .crumb("Repositories", "/repositories")
        .live();
    let posted = page.forms().find(|form| form.is_posted()).unwrap_or(&page.form);
    html_with(posted.status(), &frame.notice(posted.notice()), &page)
}

const PASSWORD: [&str; 3] = ["password", "Encryption password", "what restic opens the repository with"];
const EVERYDAY: [&str; 3] =
    ["everyday", "Everyday credential", "what hosts back up with; it should only be able to add"];
const MAINTENANCE: [&str; 3] = ["maintenance", "Maintenance credential", "may delete; only upkeep uses it"];

impl<'a> RepositoryPage<'a> {
    fn new(
        cx: &'a Cx,
        caller: &Caller,
        repository: &Repository,
        attached: &Page<Attachment>,
        frozen: &[Freeze],
        problem: Option<&'a Problem>,
    ) -> Self {
        let users = Users { attached: &attached.items, hosts: repository.hosts };
        let option =
            |one: &Attachment| SelectOption { value: one.host.id.to_string(), label: one.host.name.clone() };
        let testers = attached.items.iter().map(option).collect();
        let own = format!("/repositories/{}", repository.id);
        let form_at = |address: &str| cx.form_at(&[&format!("{own}{address}")], problem);
        let mut form = form_at("");
        form.text("name", &repository.name).text("location", &repository.location);
        let mut password = form_at("/password");
        password.secret("password");
        let slot = |words: [&'static str; 3], status| {
            let mut form = form_at(&format!("/credentials/{}", words[0]));
            if cx.form.text("slot") == words[0] {
                form = cx.form_at(&[&format!("{own}/test")], problem);
            }
            credential::fill(&mut form);
            SecretForm::new(cx, form, words, status)
        };
        Self {
            id: repository.id.to_string(),
            name: repository.name.clone(),
            location: repository.location.clone(),
            backend: repository.backend.clone(),
            state: upkeep::pill(repository.upkeep.health),
            health: upkeep::health(cx, repository, &users),
            duties: Vec::new(),
            upkeep: UpkeepForm::new(form_at("/upkeep"), repository, &attached.items),
            freezes: Freezes::new(cx, form_at("/freezes"), repository, frozen),
            locks: repository.upkeep.locks.as_ref().map(|seen| Locks::new(cx, seen)),
            figures: None,
            ranges: Vec::new(),
            tester: Tester::new(cx, testers, attached.next.is_some()),
            snapshots: text::count(repository.snapshots),
            created: cx.moment(repository.created_at),
            password: SecretForm::new(cx, password, PASSWORD, &repository.password),
            slots: vec![slot(EVERYDAY, &repository.everyday), slot(MAINTENANCE, &repository.maintenance)],
            attachments: attached.items.iter().map(|one| AttachmentRow::from_repository(cx, one)).collect(),
            hosts_in_all: attached.next.as_ref().map(|_| text::count(repository.hosts)),
            form,
            version: repository.version,
            denied: caller.denied(Role::Admin),
            check_denied: caller.denied(Role::Operator),
            confirm_error: None,
        }
    }

    fn forms(&self) -> impl Iterator<Item = &FormState<'a>> {
        let secrets = core::iter::once(&self.password).chain(&self.slots).map(|secret| &secret.form);
        [&self.form, &self.upkeep.form, &self.freezes.form].into_iter().chain(secrets)
    }
}

pub(crate) fn id(cx: &Cx) -> Result<RepositoryId, Failure> {
    cx.parameter("repository")
}

/// Back to the repository after a change, or the page again with what was refused.
pub(crate) async fn after<T>(cx: &Cx, result: Result<T, Failure>, done: &str) -> Answer {
    match refusal_of(result)? {
        Ok(_) => Ok(redirect(&format!("/repositories/{}?done={done}", id(cx)?))),
        Err(problem) => show_with(cx, Some(&problem), None).await,
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let by = ByRepository { repository: id(&cx)? };
    let change = RepositoryChange {
        name: cx.form.text("name").to_owned(),
        location: cx.form.text("location").to_owned(),
    };
    let result = cx.api.change::<repositories::Update>(by, change, cx.version()).await;
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
    let mut reader = FormReader::new(&cx.form);
    let credential = credential::read(&mut reader);
    if credential.is_none() && cx.form.text("credential_kind") != "none" {
        reader
            .refuse("credential", "fill in the user or the key, or choose “Nothing” to clear the credential");
    }
    let body = reader.finish(Some(NewCredential { credential }));
    let result = async { cx.api.send::<repositories::SetCredential>(by, body?).await }.await;
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
