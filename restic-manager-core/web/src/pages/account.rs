//! One's own account: who one is, and the password.

use restic_manager_proto::{
    SecretText,
    api::{
        Nothing, Problem,
        account::{self, PasswordChange},
    },
};
use serde::Serialize;

use super::{
    context::Cx,
    form_state::FormState,
    problem::refusal_of,
    respond::{Answer, html_with, redirect},
    settings::{SettingsTab, tabs},
};
use crate::{
    render::Template,
    view::{Moment, Section, Tab},
};

#[derive(Serialize)]
struct AccountPage<'a> {
    tabs: Vec<Tab>,
    name: String,
    role: &'static str,
    created: Moment,
    password_set: Option<Moment>,
    expires: Moment,
    form: FormState<'a>,
}

impl Template for AccountPage<'_> {
    const FILE: &'static str = "pages/account.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

async fn page(cx: &Cx, problem: Option<&Problem>, repeated: Option<String>) -> Answer {
    let (caller, own) = tokio::try_join!(cx.caller(), cx.api.get::<account::Show>(Nothing {}, Nothing {}))?;
    let mut form = cx.form_at(&["/settings/account/password"], problem);
    form.secret("current").secret("new").secret("repeated").refuse("repeated", repeated);
    let page = AccountPage {
        tabs: tabs(&caller, SettingsTab::Account),
        name: own.name,
        role: own.role.as_str(),
        created: cx.moment(own.created_at),
        password_set: cx.moment_of(own.password_set_at),
        expires: cx.moment(caller.session.expires_at),
        form,
    };
    let frame = caller.frame(cx, "Settings", Section::Settings).notice(page.form.notice());
    html_with(page.form.status(), &frame, &page)
}

pub(crate) async fn set_password(cx: Cx) -> Answer {
    if cx.form.raw("new") != cx.form.raw("repeated") {
        return page(&cx, None, Some("differs from the new password above".to_owned())).await;
    }
    let body = PasswordChange {
        current: SecretText::new(cx.form.raw("current")),
        new: SecretText::new(cx.form.raw("new")),
    };
    match refusal_of(cx.api.send::<account::SetPassword>(Nothing {}, body).await)? {
        Ok(_) => Ok(redirect("/settings/account?done=password")),
        Err(problem) => page(&cx, Some(&problem), None).await,
    }
}
