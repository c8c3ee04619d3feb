//! Adding a host: the form, the invitation with its token, and the wait until the host is there.

use http::{Response, header};
use restic_manager_proto::{
    EnrolmentId, SecretText,
    api::{
        Nothing, Problem,
        enrolments::{self, ByEnrolment, Enrolment, Invitation, NewEnrolment, ScriptRequest},
        hosts::{self, ByHost},
        registration::Registration,
    },
    vocabulary::{EnrolmentState, Presence, Role},
};
use serde::Serialize;

use super::{
    context::{Caller, Cx},
    host_form::{HostFields, HostPlan, MadeRepository, all_repositories, chosen_repository},
    problem::{problem_of, refusal_of},
    respond::{Answer, html, html_with, redirect},
    settings::registration_of,
};
use crate::{
    body::Body,
    render::Template,
    view::{Fingerprint, Moment, Pill, Section, Step, enrolment_pill},
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
struct NewHostPage<'a> {
    fields: HostFields<'a>,
    steps: Vec<Step>,
    denied: Option<String>,
    /// Made with a repository just before the rest was refused; shown here, since it is shown once only.
    generated_password: Option<String>,
    announcing: Announcing,
}

/// The way without a token, for who may open it.
#[derive(Default, Serialize)]
struct Announcing {
    /// What to run on a host, while announcements are on.
    linux: Option<String>,
    /// They are off, and this person may switch them on.
    off: bool,
}

impl Announcing {
    fn new(registration: Option<Registration>) -> Self {
        match registration {
            Some(Registration { open: true, announce: true, linux_command, .. }) => {
                Self { linux: Some(linux_command), off: false }
            }
            Some(_) => Self { off: true, ..Self::default() },
            None => Self::default(),
        }
    }
}

impl Template for NewHostPage<'_> {
    const FILE: &'static str = "pages/host_new.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, None, None).await
}

async fn form(cx: &Cx, problem: Option<&Problem>, made: Option<MadeRepository>) -> Answer {
    let caller = cx.caller().await?;
    let (all, registration) = tokio::try_join!(all_repositories(cx), registration_of(cx, &caller))?;
    let page = NewHostPage {
        fields: HostFields::new(
            cx.form_at(&["/hosts/new"], problem),
            "",
            &all,
            made.as_ref(),
            caller.denied(Role::Admin),
        ),
        steps: steps(0),
        denied: caller.denied(Role::Operator),
        generated_password: made.and_then(MadeRepository::into_password),
        announcing: Announcing::new(registration),
    };
    let form = &page.fields.form;
    let frame = caller.frame(cx, "Add a host", Section::Hosts).crumb("Hosts", "/hosts").notice(form.notice());
    html_with(form.status(), &frame, &page)
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
    let made = match refusal_of(chosen_repository(&cx).await)? {
        Ok(chosen) => chosen,
        Err(problem) => return form(&cx, Some(&problem), None).await,
    };
    let asked = async {
        let HostPlan { host_name, tags, presence_mode, repositories, include_paths } =
            HostPlan::read(&cx, made.as_ref())?;
        let body = NewEnrolment { host_name, tags, presence_mode, repositories, include_paths };
        cx.api.send::<enrolments::Create>(Nothing {}, body).await
    }
    .await;
    match asked {
        Ok(invitation) => invited(&cx, &invitation, made.and_then(|made| made.password).as_ref()).await,
        Err(failure) => form(&cx, Some(&problem_of(&failure)), made).await,
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
    let caller = cx.caller().await?;
    let token = Token {
        token: invitation.token.expose().to_owned(),
        fingerprint: Fingerprint::new(&invitation.server_fingerprint),
        server: invitation.server_url.clone(),
        linux: invitation.linux_command.expose().to_owned(),
    };
    page(cx, &caller, &invitation.enrolment, Some(token), generated).await
}

pub(crate) async fn show(cx: Cx) -> Answer {
    let by = ByEnrolment { enrolment: cx.parameter("enrolment")? };
    let (caller, enrolment) = tokio::try_join!(cx.caller(), cx.api.get::<enrolments::Show>(by, Nothing {}))?;
    page(&cx, &caller, &enrolment, None, None).await
}

async fn page(
    cx: &Cx,
    caller: &Caller,
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
        reissue_denied: caller.denied(Role::Operator),
    };
    let frame = caller
        .frame(cx, format!("Add {}", enrolment.host_name), Section::Hosts)
        .crumb("Hosts", "/hosts")
        .reloads();
    html(&frame, &page)
}

/// These addresses only take posts; whoever reloads one goes to the invitation.
pub(crate) async fn back(cx: Cx) -> Answer {
    Ok(redirect(&format!("/hosts/new/{}", cx.parameter::<EnrolmentId>("enrolment")?)))
}

/// The script carries the token, so it is asked for by POST and never by an address.
pub(crate) async fn script(cx: Cx) -> Answer {
    let by = ByEnrolment { enrolment: cx.parameter("enrolment")? };
    let body = ScriptRequest { token: SecretText::new(cx.form.text("token")) };
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
