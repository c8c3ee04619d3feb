//! Tokens that programs sign in with.

use restic_manager_proto::{
    Scope, Timestamp,
    api::{
        Cursor, Nothing, Problem,
        api_tokens::{self, ApiToken, ByToken, NewApiToken},
    },
    vocabulary::Role,
};
use serde::Serialize;
use std::time::Duration;

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
    render::Template,
    view::{Moment, Pager, Pill, Section, SelectOption, Tab, Tone},
};

const HERE: &str = "/settings/tokens";
/// How long a token may live, in days, with the word for it.
const LIVES: &[(u64, &str)] =
    &[(7, "a week"), (30, "30 days"), (90, "90 days"), (180, "half a year"), (365, "a year")];
const USUAL_LIFE: u64 = 90;
/// A token that expires within this time is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

#[derive(Serialize)]
struct TokensPage<'a> {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    pager: Pager,
    everybody: bool,
    /// Where an admin sees the other list.
    other: Option<String>,
    form: FormState<'a>,
    roles: Vec<SelectOption>,
    lives: Vec<SelectOption>,
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

impl Template for TokensPage<'_> {
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
    let (caller, found) =
        tokio::try_join!(cx.caller(), cx.api.get::<api_tokens::List>(Nothing {}, filter.clone()))?;
    let all = everybody.then_some("true");
    let mut form = cx.form_at(&[HERE], problem);
    form.text("name", "")
        .text("role", Role::Viewer.as_str())
        .text_of("life", "expires_at", &USUAL_LIFE.to_string())
        .flag("dangerous", false);
    scope::fill(cx, &mut form, &Scope::All).await?;
    let page = TokensPage {
        tabs: tabs(&caller, SettingsTab::Tokens),
        rows: found.items.iter().map(|token| Row::new(cx, token)).collect(),
        pager: Pager {
            first: filter.after.as_ref().map(|_| link(HERE, &[("all", all)])),
            next: found.next.as_ref().map(|next| link(HERE, &[("all", all), ("after", Some(next.as_str()))])),
        },
        everybody,
        other: (caller.session.role == Role::Admin && caller.session.scope.is_all())
            .then(|| link(HERE, &[("all", (!everybody).then_some("true"))])),
        form,
        roles: roles(&caller),
        lives: LIVES.iter().map(|(days, word)| option(&days.to_string(), word)).collect(),
    };
    let frame = caller.frame(cx, "Settings", Section::Settings);
    html_with(page.form.status(), &frame.notice(page.form.notice()), &page)
}

/// What this user can give away.
fn roles(caller: &Caller) -> Vec<SelectOption> {
    let own = Role::ALL.iter().filter(|role| caller.session.role.includes(**role));
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
    let mut reader = FormReader::new(&cx.form);
    let (role, scope) = (reader.choice("role"), scope::read(&cx, &mut reader).await?);
    let body = reader.finish(role.zip(scope)).map(|(role, scope)| new_token(&cx, role, scope));
    let made = async { cx.api.send::<api_tokens::Create>(Nothing {}, body?).await }.await;
    match refusal_of(made)? {
        Ok(made) => {
            let caller = cx.caller().await?;
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
            html(&caller.frame(&cx, "Keep the token", Section::Settings).crumb("API tokens", HERE), &page)
        }
        Err(problem) => page(&cx, Some(&problem)).await,
    }
}

fn new_token(cx: &Cx, role: Role, scope: Scope) -> NewApiToken {
    NewApiToken {
        name: cx.form.text("name").to_owned(),
        role,
        scope,
        dangerous: cx.form.given("dangerous").is_some(),
        expires_at: expiry(cx.now, cx.form.text("life")),
    }
}

/// Counted from the full hour, so that the form sent twice asks twice for the same. A life that is none of those
/// offered is none: the API says so.
fn expiry(now: Timestamp, days: &str) -> Timestamp {
    let days: u64 = days.parse().ok().filter(|days| *days <= 365).unwrap_or(0);
    let hour = now.as_milliseconds().div_euclid(HOUR_MILLISECONDS) * HOUR_MILLISECONDS;
    Timestamp::from_milliseconds(hour).after(Duration::from_secs(days * 24 * 60 * 60))
}

const HOUR_MILLISECONDS: i64 = 60 * 60 * 1000;

pub(crate) async fn revoke(cx: Cx) -> Answer {
    let by = ByToken { token: cx.parameter("token")? };
    cx.api.send::<api_tokens::Revoke>(by, Nothing {}).await?;
    Ok(redirect("/settings/tokens?done=token-revoked"))
}
