//! People who sign in.

use restic_manager_proto::{
    api::{
        Cursor, Nothing,
        users::{self, User},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    answer::{Answer, html},
    context::Cx,
    jobs::link,
    settings::{SettingsTab, tabs},
};
use crate::{
    render::Template,
    view::{Moment, Pager, Pill, Section, Tab, Tone},
};

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
    role: &'static str,
    state: Pill,
    second_factor: Pill,
    created: Moment,
}

impl Template for UsersPage {
    const FILE: &'static str = "pages/users.html";
}

pub(crate) async fn list(cx: Cx) -> Answer {
    let desk = cx.desk().await?;
    let mut page = UsersPage {
        tabs: tabs(&desk, SettingsTab::Users),
        rows: Vec::new(),
        pager: Pager::default(),
        denied: desk.denied(Role::Admin),
    };
    if page.denied.is_none() {
        let filter = users::Filter { limit: None, after: cx.query.given("after").map(Cursor::new) };
        let found = cx.api.get::<users::List>(Nothing {}, filter.clone()).await?;
        page.rows = found.items.iter().map(|user| Row::new(&cx, user)).collect();
        page.pager = Pager {
            first: filter.after.as_ref().map(|_| "/settings/users".to_owned()),
            next: found.next.as_ref().map(|next| link("/settings/users", &[("after", Some(next.as_str()))])),
        };
    }
    html(&desk.frame(&cx, "Settings", Section::Settings), &page)
}

impl Row {
    fn new(cx: &Cx, user: &User) -> Self {
        let state = if user.disabled {
            Pill::new(Tone::Unknown, "ban", "disabled")
        } else {
            Pill::new(Tone::Good, "circle-check", "active")
        };
        let second_factor = match (user.second_factor, user.role) {
            (true, _) => Pill::new(Tone::Good, "shield-check", "set up"),
            (false, Role::Admin) => Pill::new(Tone::Warn, "triangle-alert", "missing"),
            (false, _) => Pill::new(Tone::Unknown, "circle-dashed", "none"),
        };
        Self {
            name: user.name.clone(),
            role: user.role.as_str(),
            state,
            second_factor,
            created: cx.moment(user.created_at),
        }
    }
}
