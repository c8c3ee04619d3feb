//! Tokens that programs sign in with.

use restic_manager_proto::{
    Timestamp,
    api::{
        Code, Cursor, Nothing, Problem,
        api_tokens::{self, ApiToken, ByToken, NewApiToken},
    },
    vocabulary::Role,
};
use serde::Serialize;
use std::time::Duration;

use super::{
    context::{Cx, Desk},
    problem::{field, notice, status},
    respond::{Answer, html, html_with, link, redirect},
    scope::{self, ScopeField},
    settings::{SettingsTab, tabs},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Moment, Pager, Pill, Section, SelectOption, Tab, Tone},
};

const HERE: &str = "/settings/tokens";
/// How long a token may live, in days, with the word for it.
const LIVES: &[(u64, &str)] =
    &[(7, "a week"), (30, "30 days"), (90, "90 days"), (180, "half a year"), (365, "a year")];
const USUAL_LIFE: u64 = 90;
/// A token that dies within this time is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[derive(Serialize)]
struct TokensPage {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    pager: Pager,
    everybody: bool,
    /// Where an admin sees the other list.
    other: Option<String>,
    name: String,
    roles: Vec<SelectOption>,
    role: String,
    scope: ScopeField,
    lives: Vec<SelectOption>,
    life: String,
    dangerous: bool,
    errors: Errors,
}

#[derive(Serialize)]
struct Row {
    name: String,
    maker: String,
    role: &'static str,
    /// Nothing for all that the maker sees.
    scope: String,
    dangerous: bool,
    state: Pill,
    expires: Moment,
    last_used: Option<Moment>,
    last_address: String,
    revoke: String,
}

#[derive(Serialize)]
struct Errors {
    name: Option<String>,
    role: Option<String>,
    life: Option<String>,
}

impl Template for TokensPage {
    const FILE: &'static str = "pages/api_tokens.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    page(&cx, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let everybody = cx.query.text("all") == "true";
    let filter = api_tokens::Filter {
        all: everybody.then_some(true),
        limit: None,
        after: cx.query.given("after").map(Cursor::new),
    };
    let (desk, found) =
        tokio::try_join!(cx.desk(), cx.api.get::<api_tokens::List>(Nothing {}, filter.clone()))?;
    let all = everybody.then_some("true");
    let page = TokensPage {
        tabs: tabs(&desk, SettingsTab::Tokens),
        rows: found.items.iter().map(|token| Row::new(cx, token)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| link(HERE, &[("all", all)])),
            next: found.next.as_ref().map(|next| link(HERE, &[("all", all), ("after", Some(next.as_str()))])),
        },
        everybody,
        other: (desk.session.role == Role::Admin && desk.session.scope.is_all())
            .then(|| link(HERE, &[("all", (!everybody).then_some("true"))])),
        name: cx.form.text("name").to_owned(),
        roles: roles(&desk),
        role: cx.form.given("role").unwrap_or(Role::Viewer.as_str()).to_owned(),
        scope: ScopeField::typed(cx, field(problem, "scope")),
        lives: LIVES.iter().map(|(days, word)| option(&days.to_string(), word)).collect(),
        life: cx.form.given("life").map_or_else(|| USUAL_LIFE.to_string(), str::to_owned),
        dangerous: cx.form.given("dangerous").is_some(),
        errors: Errors {
            name: field(problem, "name"),
            role: field(problem, "role"),
            life: field(problem, "expires_at"),
        },
    };
    let frame = desk.frame(cx, "Settings", Section::Settings);
    html_with(
        status(problem),
        &frame.notice(notice(problem, &["name", "role", "scope", "expires_at"])),
        &page,
    )
}

/// What this user can give away.
fn roles(desk: &Desk) -> Vec<SelectOption> {
    let own = Role::ALL.iter().filter(|role| desk.session.role.includes(**role));
    own.map(|role| option(role.as_str(), role.as_str())).collect()
}

fn option(value: &str, label: &str) -> SelectOption {
    SelectOption { value: value.to_owned(), label: label.to_owned() }
}

impl Row {
    fn new(cx: &Cx, token: &ApiToken) -> Self {
        let state = if token.expires_at <= cx.now {
            Pill::new(Tone::Unknown, "circle-slash", "expired")
        } else if token.expires_at.since(cx.now) < SOON {
            Pill::new(Tone::Warn, "hourglass", "expires soon")
        } else {
            Pill::new(Tone::Good, "circle-check", "valid")
        };
        Self {
            name: token.name.clone(),
            maker: token.maker.clone(),
            role: token.role.as_str(),
            scope: scope::in_words(&token.scope),
            dangerous: token.dangerous,
            state,
            expires: cx.moment(token.expires_at),
            last_used: cx.moment_of(token.last_used_at),
            last_address: token.last_address.clone().unwrap_or_default(),
            revoke: format!("{HERE}/{}/revoke", token.id),
        }
    }
}

#[derive(Serialize)]
struct CreatedPage {
    name: String,
    token: String,
    example: String,
    href: &'static str,
}

impl Template for CreatedPage {
    const FILE: &'static str = "pages/api_token_created.html";
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let scope = match scope::chosen(&cx).await? {
        Ok(scope) => scope,
        Err(problem) => return page(&cx, Some(&problem)).await,
    };
    let body = NewApiToken {
        name: cx.form.text("name").to_owned(),
        role: cx.form.text("role").parse().unwrap_or(Role::Viewer),
        scope,
        dangerous: cx.form.given("dangerous").is_some(),
        expires_at: expiry(cx.now, cx.form.text("life")),
    };
    match cx.api.send::<api_tokens::Create>(Nothing {}, body).await {
        Ok(made) => {
            let desk = cx.desk().await?;
            let host = cx.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
            let page = CreatedPage {
                name: made.api_token.name,
                token: made.token.into_exposed(),
                example: format!(
                    "curl -H \"Authorization: Bearer $TOKEN\" https://{}/api/v1/hosts",
                    host.unwrap_or("this-server")
                ),
                href: HERE,
            };
            html(&desk.frame(&cx, "Keep the token", Section::Settings).crumb("API tokens", HERE), &page)
        }
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            page(&cx, Some(&problem)).await
        }
        Err(failure) => Err(failure),
    }
}

/// A life that is none of those offered is none: the API says so.
fn expiry(now: Timestamp, days: &str) -> Timestamp {
    let days: u64 = days.parse().ok().filter(|days| *days <= 365).unwrap_or(0);
    now.after(Duration::from_secs(days * 24 * 60 * 60))
}

pub(crate) async fn revoke(cx: Cx) -> Answer {
    let by = ByToken { token: cx.parameter("token")? };
    cx.api.send::<api_tokens::Revoke>(by, Nothing {}).await?;
    Ok(redirect("/settings/tokens?done=token-revoked"))
}
