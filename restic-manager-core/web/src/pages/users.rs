//! People who sign in: the list, adding somebody, and one of them.

use restic_manager_proto::{
    Scope, UserId,
    api::{
        Cursor, Nothing, Problem, factors,
        users::{self, ByUser, InvitedUser, NewUser, User, UserChange},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::{Caller, Cx},
    form_reader::FormReader,
    form_state::FormState,
    problem::refusal_of,
    respond::{Answer, html, html_with, link, redirect},
    scope,
    settings::{SettingsTab, tabs},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Frame, Moment, Pager, Pill, Section, Tab, Tone},
};

const LIST: &str = "/settings/users";

#[derive(Serialize)]
struct UsersPage {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    pager: Pager,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    href: String,
    own: bool,
    role: &'static str,
    scope: String,
    state: Pill,
    last_login: Option<Moment>,
    sessions: u32,
    second_factor: Pill,
    created: Moment,
}

impl Template for UsersPage {
    const FILE: &'static str = "pages/users.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let caller = cx.caller().await?;
    let mut page = UsersPage {
        tabs: tabs(&caller, SettingsTab::Users),
        rows: Vec::new(),
        pager: Pager::default(),
        denied: caller.denied(Role::Admin),
    };
    if page.denied.is_none() {
        let filter = users::Filter { limit: None, after: cx.query.given("after").map(Cursor::new) };
        let found = cx.api.get::<users::List>(Nothing {}, filter.clone()).await?;
        page.rows = found.items.iter().map(|user| Row::new(&cx, &caller, user)).collect();
        page.pager = Pager {
            first: filter.after.as_ref().map(|_| LIST.to_owned()),
            next: found.next.as_ref().map(|next| link(LIST, &[("after", Some(next.as_str()))])),
        };
    }
    html(&frame(&caller, &cx, "Settings"), &page)
}

impl Row {
    fn new(cx: &Cx, caller: &Caller, user: &User) -> Self {
        Self {
            name: user.name.clone(),
            href: address(user.id),
            own: user.id == caller.session.user,
            role: user.role.as_str(),
            scope: scope::in_words(&user.scope),
            state: state(user),
            second_factor: second_factor(user),
            last_login: cx.moment_of(user.last_login_at),
            sessions: user.sessions,
            created: cx.moment(user.created_at),
        }
    }
}

fn second_factor(user: &User) -> Pill {
    match (user.second_factor, user.role) {
        (true, _) => Pill::new(Tone::Good, "shield-check", "set up"),
        (false, Role::Admin) => Pill::new(Tone::Warn, "triangle-alert", "missing"),
        (false, _) => Pill::new(Tone::Unknown, "circle-dashed", "none"),
    }
}

fn state(user: &User) -> Pill {
    match (user.disabled, user.password_set_at, user.setup_link_expires_at) {
        (true, ..) => Pill::new(Tone::Unknown, "ban", "refused"),
        (_, Some(_), _) => Pill::new(Tone::Good, "circle-check", "active"),
        (_, None, Some(_)) => Pill::new(Tone::Running, "hourglass", "invited"),
        (_, None, None) => Pill::new(Tone::Warn, "clock", "link expired"),
    }
}

fn address(user: UserId) -> String {
    format!("{LIST}/{user}")
}

fn frame(caller: &Caller, cx: &Cx, title: &str) -> Frame {
    caller.frame(cx, title, Section::Settings)
}

#[derive(Serialize)]
struct NewUserPage<'a> {
    tabs: Vec<Tab>,
    form: FormState<'a>,
    denied: Option<String>,
}

impl Template for NewUserPage<'_> {
    const FILE: &'static str = "pages/user_new.html";
}

pub(crate) async fn new(cx: Cx) -> Answer {
    form(&cx, None).await
}

async fn form(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let caller = cx.caller().await?;
    let mut form = cx.form_at(&["/settings/users/new"], problem);
    form.text("name", "").text("role", Role::Viewer.as_str());
    scope::fill(cx, &mut form, &Scope::All).await?;
    let page =
        NewUserPage { tabs: tabs(&caller, SettingsTab::Users), form, denied: caller.denied(Role::Admin) };
    let frame = frame(&caller, cx, "Add a user").crumb("Users", LIST).notice(page.form.notice());
    html_with(page.form.status(), &frame, &page)
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let (role, scope) = (reader.choice("role"), scope::read(&cx, &mut reader).await?);
    let name = cx.form.text("name").to_owned();
    let body = reader.finish(role.zip(scope)).map(|(role, scope)| NewUser { name, role, scope });
    let made = async { cx.api.send::<users::Create>(Nothing {}, body?).await }.await;
    match refusal_of(made)? {
        Ok(invited) => show_link(&cx, &invited).await,
        Err(problem) => form(&cx, Some(&problem)).await,
    }
}

#[derive(Serialize)]
struct InvitedPage {
    tabs: Vec<Tab>,
    name: String,
    href: String,
    url: String,
    token: String,
    expires: Moment,
}

impl Template for InvitedPage {
    const FILE: &'static str = "pages/user_invited.html";
}

async fn show_link(cx: &Cx, invited: &InvitedUser) -> Answer {
    let caller = cx.caller().await?;
    let page = InvitedPage {
        tabs: tabs(&caller, SettingsTab::Users),
        name: invited.user.name.clone(),
        href: address(invited.user.id),
        url: invited.url.expose().to_owned(),
        token: invited.token.expose().to_owned(),
        expires: cx.moment(invited.expires_at),
    };
    let title = format!("A link for {}", invited.user.name);
    html(&frame(&caller, cx, &title).crumb("Users", LIST), &page)
}

#[derive(Serialize)]
struct UserPage<'a> {
    tabs: Vec<Tab>,
    id: String,
    name: String,
    own: bool,
    form: FormState<'a>,
    disabled: bool,
    version: i64,
    state: Pill,
    created: Moment,
    password_set: Option<Moment>,
    last_login: Option<Moment>,
    sessions: u32,
    /// Why there is no session to end.
    nowhere: Option<&'static str>,
    second_factor: Pill,
    /// Why there is no second factor to remove.
    no_factor: Option<&'static str>,
    link_expires: Option<Moment>,
    link_denied: Option<&'static str>,
    denied: Option<String>,
}

impl Template for UserPage<'_> {
    const FILE: &'static str = "pages/user.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>, confirm_error: Option<String>) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    let (caller, user) = tokio::try_join!(cx.caller(), cx.api.get::<users::Show>(by, Nothing {}))?;
    let mut form = cx.form_at(&[&address(user.id)], problem);
    form.text("role", user.role.as_str()).refuse("confirm", confirm_error);
    scope::fill(cx, &mut form, &user.scope).await?;
    let page = UserPage {
        tabs: tabs(&caller, SettingsTab::Users),
        id: user.id.to_string(),
        own: user.id == caller.session.user,
        form,
        disabled: user.disabled,
        version: user.version,
        state: state(&user),
        created: cx.moment(user.created_at),
        password_set: cx.moment_of(user.password_set_at),
        last_login: cx.moment_of(user.last_login_at),
        sessions: user.sessions,
        nowhere: (user.sessions == 0).then_some("signed in nowhere"),
        second_factor: second_factor(&user),
        no_factor: (!user.second_factor).then_some("there is none"),
        link_expires: cx.moment_of(user.setup_link_expires_at),
        link_denied: user.disabled.then_some("sign-in is refused; allow it first"),
        denied: caller.denied(Role::Admin),
        name: user.name.clone(),
    };
    let frame = frame(&caller, cx, &user.name).crumb("Users", LIST).notice(page.form.notice());
    html_with(page.form.status(), &frame, &page)
}

/// Does what the page asked for; a refusal is told on the page itself.
async fn then<T>(cx: &Cx, done: Result<T, Failure>, toast: &str) -> Answer {
    match done {
        Ok(_) => Ok(redirect(&format!("{}?done={toast}", address(cx.parameter("user")?)))),
        Err(Failure::Refused(problem)) if [409, 412, 422].contains(&problem.status) => {
            page(cx, Some(&problem), None).await
        }
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn update(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let (role, scope) = (reader.choice("role"), scope::read(&cx, &mut reader).await?);
    let body = reader.finish(role.zip(scope));
    let body = body.map(|(role, scope)| UserChange { role, scope: Some(scope), disabled: false });
    let done = async { change(&cx, body?).await }.await;
    then(&cx, done, "user-updated").await
}

pub(crate) async fn refuse(cx: Cx) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    let user = cx.api.get::<users::Show>(by, Nothing {}).await?;
    if cx.form.text("confirm") != user.name {
        let error = format!("that is not “{}”; nothing was changed", user.name);
        return page(&cx, None, Some(error)).await;
    }
    let done = cx
        .api
        .change::<users::Update>(
            by,
            UserChange { role: user.role, scope: None, disabled: true },
            user.version,
        )
        .await;
    then(&cx, done, "user-refused").await
}

pub(crate) async fn allow(cx: Cx) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    let user = cx.api.get::<users::Show>(by, Nothing {}).await?;
    let done = change(&cx, UserChange { role: user.role, scope: None, disabled: false }).await;
    then(&cx, done, "user-allowed").await
}

async fn change(cx: &Cx, body: UserChange) -> Result<User, Failure> {
    let by = ByUser { user: cx.parameter("user")? };
    cx.api.change::<users::Update>(by, body, cx.version()).await
}

pub(crate) async fn end_sessions(cx: Cx) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    let done = cx.api.send::<users::EndSessions>(by, Nothing {}).await;
    then(&cx, done, "user-sessions-ended").await
}

pub(crate) async fn remove_factors(cx: Cx) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    let done = cx.api.send::<factors::Reset>(by, Nothing {}).await;
    then(&cx, done, "user-factors-removed").await
}

pub(crate) async fn issue_link(cx: Cx) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    match cx.api.send::<users::IssueSetupLink>(by, Nothing {}).await {
        Ok(invited) => show_link(&cx, &invited).await,
        Err(failure) => then(&cx, Err::<(), _>(failure), "").await,
    }
}

pub(crate) async fn withdraw_link(cx: Cx) -> Answer {
    let by = ByUser { user: cx.parameter("user")? };
    let done = cx.api.send::<users::WithdrawSetupLink>(by, Nothing {}).await;
    then(&cx, done, "link-withdrawn").await
}
