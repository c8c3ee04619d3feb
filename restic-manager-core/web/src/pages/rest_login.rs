//! A user for a rest-server: its password and the line for the server's htpasswd file.

use restic_manager_proto::{
    api::{
        Code, Nothing, Problem,
        repositories::{MakeLogin, NewRestLogin, RestLogin},
    },
    vocabulary::Role,
};
use serde::Serialize;

use super::{
    context::Cx,
    problem::{field, notice, status},
    respond::{Answer, html_with},
};
use crate::{api::Failure, render::Template, view::Section};

#[derive(Serialize)]
struct LoginPage {
    username: String,
    error: Option<String>,
    made: Option<Made>,
    denied: Option<String>,
}

#[derive(Serialize)]
struct Made {
    password: String,
    htpasswd: String,
}

impl Template for LoginPage {
    const FILE: &'static str = "pages/rest_login.html";
}

pub(crate) async fn form(cx: Cx) -> Answer {
    page(&cx, None, None).await
}

pub(crate) async fn create(cx: Cx) -> Answer {
    let body = NewRestLogin { username: cx.form.text("username").to_owned(), password: None };
    match cx.api.send::<MakeLogin>(Nothing {}, body).await {
        Ok(made) => page(&cx, Some(made), None).await,
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            page(&cx, None, Some(&problem)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn page(cx: &Cx, made: Option<RestLogin>, problem: Option<&Problem>) -> Answer {
    let desk = cx.desk().await?;
    let page = LoginPage {
        username: cx.form.text("username").to_owned(),
        error: field(problem, "username"),
        made: made.map(|made| Made { password: made.password.into_exposed(), htpasswd: made.htpasswd }),
        denied: desk.denied(Role::Admin),
    };
    let frame = desk.frame(cx, "A user for a rest-server", Section::Repositories);
    let frame = frame.crumb("Repositories", "/repositories").notice(notice(problem, &["username"]));
    html_with(status(problem), &frame, &page)
}
