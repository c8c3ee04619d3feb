//! Where one is signed in.

use restic_manager_proto::api::{
    Nothing,
    account::{self, BySession, SignIn},
};
use serde::Serialize;

use super::{
    context::Cx,
    respond::{Answer, html, redirect},
    settings::{SettingsTab, tabs},
};
use crate::{
    render::Template,
    text,
    view::{Moment, Section, Tab},
};

#[derive(Serialize)]
struct SessionsPage {
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    /// Why there is nothing to end but this session.
    alone: Option<&'static str>,
}

#[derive(Serialize)]
struct Row {
    browser: String,
    /// The browser's own words, for who wants to know exactly.
    said: String,
    current: bool,
    address: String,
    since: Moment,
    seen: Moment,
    expires: Moment,
    end: String,
}

impl Template for SessionsPage {
    const FILE: &'static str = "pages/sessions.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let (caller, found) =
        tokio::try_join!(cx.caller(), cx.api.get::<account::Sessions>(Nothing {}, Nothing {}))?;
    let page = SessionsPage {
        tabs: tabs(&caller, SettingsTab::Sessions),
        alone: (found.items.len() < 2).then_some("this is your only session"),
        rows: found.items.into_iter().map(|session| Row::new(&cx, session)).collect(),
    };
    html(&caller.frame(&cx, "Settings", Section::Settings), &page)
}

pub(crate) async fn end(cx: Cx) -> Answer {
    let by = BySession { session: cx.parameter("session")? };
    cx.api.send::<account::EndSession>(by, Nothing {}).await?;
    Ok(redirect("/settings/sessions?done=session-ended"))
}

pub(crate) async fn end_others(cx: Cx) -> Answer {
    cx.api.send::<account::EndOtherSessions>(Nothing {}, Nothing {}).await?;
    Ok(redirect("/settings/sessions?done=sessions-ended"))
}

impl Row {
    fn new(cx: &Cx, session: SignIn) -> Self {
        let said = session.user_agent.unwrap_or_default();
        Self {
            browser: text::browser(&said),
            said,
            current: session.current,
            address: session.address.unwrap_or_default(),
            since: cx.moment(session.since),
            seen: cx.moment(session.last_seen_at),
            expires: cx.moment(session.expires_at.min(session.idle_expires_at)),
            end: format!("/settings/sessions/{}/end", session.id),
        }
    }
}
