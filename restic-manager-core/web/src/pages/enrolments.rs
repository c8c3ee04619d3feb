//! Adding a host: the form, the invitation with its token, and the wait until the host is there.

use http::{Response, header};
use restic_manager_proto::{
    EnrolmentId, RepositoryId, SecretText,
    api::{
        Code, MAX_PAGE_SIZE, Nothing, Problem,
        enrolments::{self, ByEnrolment, Enrolment, Invitation, NewAttachment, NewEnrolment, ScriptRequest},
        hosts::{self, ByHost},
        repositories,
    },
    vocabulary::{EnrolmentState, Platform, Presence, PresenceMode, Role},
};
use serde::Serialize;

use super::{
    answer::{Answer, field, html, html_with, notice, problem_of, redirect, refused, status},
    context::{Cx, Desk},
    repositories::{CredentialFields, posted_credential},
};
use crate::{
    api::Failure,
    body::Body,
    render::Template,
    view::{Fingerprint, Moment, Pill, Section, SelectOption, Step, enrolment_pill},
};

/// An invitation as a row of a table.
#[derive(Serialize)]
pub(crate) struct PendingRow {
    host: String,
    href: String,
    tags: Vec<String>,
    state: Pill,
    created: Moment,
    expires: Moment,
    reissue: String,
    withdraw: String,
}

impl PendingRow {
    pub(crate) fn new(cx: &Cx, enrolment: &Enrolment) -> Self {
        Self {
            host: enrolment.host_name.clone(),
            href: format!("/hosts/new/{}", enrolment.id),
            tags: enrolment.tags.clone(),
            state: enrolment_pill(enrolment.state),
            created: cx.moment(enrolment.created_at),
            expires: cx.moment(enrolment.expires_at),
            reissue: format!("/enrolments/{}/reissue", enrolment.id),
            withdraw: format!("/enrolments/{}/withdraw", enrolment.id),
        }
    }
}

#[derive(Serialize)]
struct NewHostPage {
    name: String,
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
    steps: Vec<Step>,
    denied: Option<String>,
    /// Made with a repository just before the rest was refused; shown here, since it is shown once only.
    generated_password: Option<String>,
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

impl Template for NewHostPage {
    const FILE: &'static str = "pages/host_new.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, None, None).await
}

/// `made` is a repository that was created before something else was refused, with the password made for it.
async fn form(
    cx: &Cx,
    problem: Option<&Problem>,
    made: Option<(RepositoryId, Option<SecretText>)>,
) -> Answer {
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let (desk, all) = tokio::try_join!(cx.desk(), cx.api.get::<repositories::List>(Nothing {}, all))?;
    let first = if all.items.is_empty() { "new" } else { "existing" };
    let page = NewHostPage {
        name: cx.form.text("name").to_owned(),
        tags: cx.form.text("tags").to_owned(),
        presence_mode: cx.form.given("presence_mode").unwrap_or(PresenceMode::AlwaysOn.as_str()).to_owned(),
        choice: made.as_ref().map_or_else(
            || cx.form.given("repository_choice").unwrap_or(first).to_owned(),
            |_| "existing".to_owned(),
        ),
        repository: made
            .as_ref()
            .map_or_else(|| cx.form.text("repository").to_owned(), |(id, _)| id.to_string()),
        options: all
            .items
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
        steps: steps(0),
        denied: desk.denied(Role::Operator),
        generated_password: made.and_then(|(_, password)| Some(password?.into_exposed())),
    };
    let notice = notice(problem, &["host_name", "tags", "name", "location", "password", "include_paths"]);
    html_with(
        status(problem),
        &desk.frame(cx, "Add a host", Section::Hosts).crumb("Hosts", "/hosts").notice(notice),
        &page,
    )
}

fn steps(current: usize) -> Vec<Step> {
    let state = |index| match index {
        index if index < current => "done",
        index if index == current => "current",
        _ => "next",
    };
    ["Describe", "Install", "First backup"]
        .iter()
        .enumerate()
        .map(|(index, label)| Step { label, state: state(index) })
        .collect()
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let (repository, generated) = match repository(&cx).await {
        Ok(chosen) => chosen,
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            return form(&cx, Some(&problem), None).await;
        }
        Err(failure) => return Err(failure),
    };
    let body = NewEnrolment {
        host_name: cx.form.text("name").to_owned(),
        tags: cx.form.words("tags"),
        presence_mode: cx.form.given("presence_mode").and_then(|mode| mode.parse().ok()),
        repositories: repository
            .map(|repository| NewAttachment { repository, location: None })
            .into_iter()
            .collect(),
        include_paths: cx.form.lines("includes"),
    };
    match cx.api.send::<enrolments::Create>(Nothing {}, body).await {
        Ok(invitation) => invited(&cx, &invitation, generated.as_ref()).await,
        Err(failure) => {
            let made = repository.map(|repository| (repository, generated));
            form(&cx, Some(&problem_of(&failure)), made).await
        }
    }
}

/// The repository the host will use, made now if need be, and the password that was made for it.
async fn repository(cx: &Cx) -> Result<(Option<RepositoryId>, Option<SecretText>), Failure> {
    match cx.form.text("repository_choice") {
        "existing" => {
            let id = cx.form.text("repository").parse();
            Ok((
                Some(id.map_err(|_| refused(Code::Invalid, "choose a repository, or make a new one"))?),
                None,
            ))
        }
        "new" => {
            let body = repositories::NewRepository {
                name: cx.form.text("repository_name").to_owned(),
                location: cx.form.text("location").to_owned(),
                password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
                everyday: posted_credential(cx),
            };
            let made = cx.api.send::<repositories::Create>(Nothing {}, body).await?;
            Ok((Some(made.repository.id), made.generated_password))
        }
        _ => Ok((None, None)),
    }
}

#[derive(Serialize)]
struct InvitationPage {
    token: Option<Token>,
    generated_password: Option<String>,
    id: String,
    host: String,
    wait: Wait,
    steps: Vec<Step>,
    reissue_denied: Option<String>,
}

/// What is shown once only.
#[derive(Serialize)]
struct Token {
    token: String,
    fingerprint: Fingerprint,
    server: String,
    linux: String,
    windows: String,
}

/// How far the host has come.
#[derive(Serialize)]
struct Wait {
    state: Pill,
    open: bool,
    online: bool,
    expires: Moment,
    host_href: Option<String>,
    host_id: Option<String>,
    can_back_up: bool,
}

impl Template for InvitationPage {
    const FILE: &'static str = "pages/invitation.html";
}

async fn invited(cx: &Cx, invitation: &Invitation, generated: Option<&SecretText>) -> Answer {
    let desk = cx.desk().await?;
    let token = Token {
        token: invitation.token.expose().to_owned(),
        fingerprint: Fingerprint::new(&invitation.server_fingerprint),
        server: invitation.server_url.clone(),
        linux: invitation.linux_command.expose().to_owned(),
        windows: invitation.windows_command.expose().to_owned(),
    };
    page(cx, &desk, &invitation.enrolment, Some(token), generated).await
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let by = ByEnrolment { enrolment: cx.parameter("enrolment")? };
    let (desk, enrolment) = tokio::try_join!(cx.desk(), cx.api.get::<enrolments::Show>(by, Nothing {}))?;
    page(&cx, &desk, &enrolment, None, None).await
}

async fn page(
    cx: &Cx,
    desk: &Desk,
    enrolment: &Enrolment,
    token: Option<Token>,
    generated: Option<&SecretText>,
) -> Answer {
    let host = match enrolment.host {
        Some(host) => Some(cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}).await?),
        None => None,
    };
    let online = host.as_ref().is_some_and(|host| host.presence == Presence::Online);
    let page = InvitationPage {
        token,
        generated_password: generated.map(|password| password.expose().to_owned()),
        id: enrolment.id.to_string(),
        host: enrolment.host_name.clone(),
        wait: Wait {
            state: enrolment_pill(enrolment.state),
            open: enrolment.state == EnrolmentState::Open,
            online,
            expires: cx.moment(enrolment.expires_at),
            host_href: enrolment.host.map(|host| format!("/hosts/{host}")),
            host_id: enrolment.host.map(|host| host.to_string()),
            can_back_up: !enrolment.include_paths.is_empty() && !enrolment.repositories.is_empty(),
        },
        steps: steps(if enrolment.host.is_some() { 2 } else { 1 }),
        reissue_denied: desk.denied(Role::Operator),
    };
    let frame = desk
        .frame(cx, format!("Add {}", enrolment.host_name), Section::Hosts)
        .crumb("Hosts", "/hosts")
        .live();
    html(&frame, &page)
}

/// These addresses only take posts; whoever reloads one goes to the invitation.
pub(crate) async fn back(cx: Cx) -> Answer {
    Ok(redirect(&format!("/hosts/new/{}", cx.parameter::<EnrolmentId>("enrolment")?)))
}

/// The script carries the token, so it is asked for by POST and never by an address.
pub(crate) async fn script(cx: Cx) -> Answer {
    let by = ByEnrolment { enrolment: cx.parameter("enrolment")? };
    let platform = cx.form.text("platform").parse().unwrap_or(Platform::Linux);
    let body = ScriptRequest { token: SecretText::new(cx.form.text("token")), platform };
    let answer = cx.api.download::<enrolments::Script>(by, Nothing {}, body).await?;
    let (parts, body) = answer.into_parts();
    let mut response: Response<Body> = Response::new(body);
    for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION, header::CONTENT_LENGTH] {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

pub(crate) async fn reissue(cx: Cx) -> Answer {
    let by = ByEnrolment { enrolment: cx.parameter("enrolment")? };
    let invitation = cx.api.send::<enrolments::Reissue>(by, Nothing {}).await?;
    invited(&cx, &invitation, None).await
}

/// A new agent for a host that is known.
pub(crate) async fn invite_again(cx: Cx) -> Answer {
    let host = cx.parameter("host")?;
    let invitation = cx.api.send::<hosts::Invite>(ByHost { host }, Nothing {}).await?;
    invited(&cx, &invitation, None).await
}

pub(crate) async fn withdraw(cx: Cx) -> Answer {
    let by = ByEnrolment { enrolment: cx.parameter("enrolment")? };
    cx.api.send::<enrolments::Delete>(by, Nothing {}).await?;
    Ok(redirect("/hosts?done=invitation-withdrawn"))
}
