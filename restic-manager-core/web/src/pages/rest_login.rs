//! A user for a rest-server: its password and the line for the server's htpasswd file.

use restic_manager_proto::{
    api::{
        Nothing, Problem,
        repositories::{MakeLogin, NewRestLogin, RestLogin},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::Cx,
    form_state::FormState,
    problem::refusal_of,
    respond::{Answer, html_with},
};
use crate::{render::Template, view::Section};

#[derive(Serialize)]
struct LoginPage<'a> {
    form: FormState<'a>,
    username: String,
    made: Option<Made>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Made {
    password: String,
    htpasswd: String,
}

impl Template for LoginPage<'_> {
    const FILE: &'static str = "pages/rest_login.html";
}

pub(crate) async fn form(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let body = NewRestLogin { username: cx.form.text("username").to_owned(), password: None };
    match refusal_of(cx.api.send::<MakeLogin>(Nothing {}, body).await)? {
        Ok(made) => page(&cx, Some(made), None).await,
        Err(problem) => page(&cx, None, Some(&problem)).await,
    }
}

async fn page(cx: &Cx, made: Option<RestLogin>, problem: Option<&Problem>) -> Answer {
    let caller = cx.caller().await?;
    let mut form = cx.form_at(&["/repositories/login"], problem);
    form.text("username", "");
    let page = LoginPage {
        username: cx.form.text("username").to_owned(),
        form,
        made: made.map(|made| Made { password: made.password.into_exposed(), htpasswd: made.htpasswd }),
        denied: caller.denied(Role::Admin),
    };
    let frame = caller.frame(cx, "A user for a rest-server", Section::Repositories);
    let frame = frame.crumb("Repositories", "/repositories").notice(page.form.notice());
    html_with(page.form.status(), &frame, &page)
}
