//! Which host uses which repository, and what it found there.

use restic_manager_proto::{
    HostId, RepositoryId,
    api::{
        MAX_PAGE_SIZE, Nothing, Problem,
        hosts::{self, Attachment, AttachmentChange, ByHost, ByHostAndRepository},
        repositories,
    },
    policy::Act,
    vocabulary::{RepositoryState, Role},
};
use serde::Serialize;

use super::{
    context::Cx,
    form_reader::FormReader,
    form_state::FormState,
    host::{HostContext, HostTab},
    policy::PolicyWarning,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Banner, Moment, Pill, SelectOption, Tone, location_pill},
};

/// A host uses a repository, seen from either.
#[derive(Serialize)]
pub(crate) struct AttachmentRow {
    name: String,
    href: String,
    host: String,
    repository: String,
    location: Option<String>,
    state: Pill,
    checked: Option<Moment>,
    problem: Option<Banner>,
    /// Where it is made anew, if it is gone or its making was broken off.
    remake: Option<String>,
    detach: Option<String>,
}

impl AttachmentRow {
    pub(crate) fn from_host(cx: &Cx, attachment: &Attachment) -> Self {
        let repository = &attachment.repository;
        let detach = format!("/hosts/{}/repositories/{}/detach", attachment.host.id, repository.id);
        let lacks = matches!(attachment.state, RepositoryState::Unfinished | RepositoryState::Missing);
        let remake = format!("/hosts/{}/repositories/{}/remake", attachment.host.id, repository.id);
        Self {
            remake: lacks.then_some(remake),
            detach: Some(detach),
            ..Self::new(cx, attachment, repository.name.clone(), format!("/repositories/{}", repository.id))
        }
    }

    pub(crate) fn from_repository(cx: &Cx, attachment: &Attachment) -> Self {
        Self::new(
            cx,
            attachment,
            attachment.host.name.clone(),
            format!("/hosts/{}/repositories", attachment.host.id),
        )
    }

    fn new(cx: &Cx, attachment: &Attachment, name: String, href: String) -> Self {
        let well = matches!(attachment.state, RepositoryState::Ready | RepositoryState::Unverified);
        let problem = Banner {
            tone: Tone::Bad,
            icon: "circle-x",
            title: format!("{} finds it {}", attachment.host.name, location_pill(attachment.state).word),
            detail: Some(attachment.next_step.clone()).filter(|step| !step.is_empty()),
            proof: Some(attachment.detail.clone()).filter(|detail| !detail.is_empty()),
            action: None,
        };
        Self {
            name,
            href,
            host: attachment.host.id.to_string(),
            repository: attachment.repository.id.to_string(),
            location: attachment.location.clone(),
            state: location_pill(attachment.state),
            checked: cx.moment_of(attachment.checked_at),
            problem: (!well).then_some(problem),
            remake: None,
            detach: None,
        }
    }
}

/// The repositories that a host uses, to choose from.
pub(crate) fn options(attached: &[Attachment]) -> Vec<SelectOption> {
    let option = |one: &Attachment| SelectOption {
        value: one.repository.id.to_string(),
        label: one.repository.name.clone(),
    };
    attached.iter().map(option).collect()
}

#[derive(Serialize)]
struct RepositoriesPage<'a, H> {
    head: H,
    rows: Vec<AttachmentRow>,
    form: FormState<'a>,
    options: Vec<SelectOption>,
    /// There are more repositories than these.
    more: bool,
    warning: PolicyWarning,
    attach: &'static str,
    denied: Option<String>,
    /// Why the host cannot be given another repository.
    attach_denied: Option<String>,
}

impl<H: Serialize> Template for RepositoriesPage<'_, H> {
    const FILE: &'static str = "pages/host_repositories.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    list_with(&cx, None, PolicyWarning::default()).await
}

async fn list_with(cx: &Cx, problem: Option<&Problem>, warning: PolicyWarning) -> Answer {
    let id: HostId = cx.parameter("host")?;
    let all = repositories::Filter { limit: Some(MAX_PAGE_SIZE), after: None };
    let (host, attached, all) = tokio::try_join!(
        HostContext::load(cx, id),
        cx.api.get::<hosts::Attachments>(ByHost { host: id }, Nothing {}),
        cx.api.get::<repositories::List>(Nothing {}, all),
    )?;
    let free = all
        .items
        .iter()
        .filter(|repository| attached.items.iter().all(|used| used.repository.id != repository.id));
    let mut form = cx.form_at(&[&format!("/hosts/{id}/repositories")], problem);
    form.text("repository", "").text("location", "");
    let page = RepositoriesPage {
        form,
        more: all.next.is_some(),
        head: host.head(cx, HostTab::Repositories),
        rows: attached.items.iter().map(|attachment| AttachmentRow::from_host(cx, attachment)).collect(),
        options: free
            .map(|repository| SelectOption {
                value: repository.id.to_string(),
                label: format!("{} ({})", repository.name, repository.location),
            })
            .collect(),
        attach: warning.label("Attach"),
        warning,
        denied: host.denied(Role::Operator),
        attach_denied: host.denied(Role::Admin),
    };
    html_with(page.form.status(), &host.frame(cx).notice(page.form.notice()), &page)
}

pub(crate) async fn attach(cx: Cx) -> Answer {
    let host = cx.parameter("host")?;
    let mut reader = FormReader::new(&cx.form);
    let chosen = reader.needed("repository", "repository", "choose a repository");
    let repository = match refusal_of(reader.finish(chosen))? {
        Ok(repository) => repository,
        Err(problem) => return list_with(&cx, Some(&problem), PolicyWarning::default()).await,
    };
    if let Some(warning) = warning(&cx, host, repository).await? {
        return list_with(&cx, None, warning).await;
    }
    let body = AttachmentChange { location: cx.form.given("location").map(str::to_owned) };
    match refusal_of(cx.api.send::<hosts::Attach>(ByHostAndRepository { host, repository }, body).await)? {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/repositories?done=attached"))),
        Err(problem) => list_with(&cx, Some(&problem), PolicyWarning::default()).await,
    }
}

/// What the host's policy will refuse of the location that it would use.
async fn warning(cx: &Cx, host: HostId, repository: RepositoryId) -> Result<Option<PolicyWarning>, Failure> {
    let (host, repository) = tokio::try_join!(
        cx.api.get::<hosts::Show>(ByHost { host }, Nothing {}),
        cx.api.get::<repositories::Show>(repositories::ByRepository { repository }, Nothing {}),
    )?;
    let location = cx.form.given("location").unwrap_or(&repository.location);
    Ok(PolicyWarning::of(cx, &host.facts, &[Act::UseRepository { location }]))
}

pub(crate) async fn detach(cx: Cx) -> Answer {
    let (host, repository) = (cx.parameter("host")?, cx.parameter("repository")?);
    match refusal_of(
        cx.api.send::<hosts::Detach>(ByHostAndRepository { host, repository }, Nothing {}).await,
    )? {
        Ok(_) => Ok(redirect(&format!("/hosts/{host}/repositories?done=detached"))),
        Err(problem) => list_with(&cx, Some(&problem), PolicyWarning::default()).await,
    }
}

/// Has a repository made anew that is gone or whose making was broken off, and shows the job.
pub(crate) async fn remake(cx: Cx) -> Answer {
    let (host, repository) = (cx.parameter("host")?, cx.parameter("repository")?);
    let by = ByHostAndRepository { host, repository };
    match refusal_of(cx.api.send::<hosts::Remake>(by, Nothing {}).await)? {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(problem) => list_with(&cx, Some(&problem), PolicyWarning::default()).await,
    }
}
