//! Setting a password by the link that an admin gave. The token stands behind the `#` of the link: a script puts it into
//! the form, and without one the person pastes it.

use restic_manager_proto::{
    SecretText,
    api::{
        Code, Nothing, Problem, session,
        setup::{self, FirstPassword, Invited, Link},
    },
};
use serde::Serialize;

use super::{
    context::Cx,
    form_state::FormState,
    problem::explain,
    respond::{Answer, html_with, redirect},
    session::{Server, which_server},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Banner, Moment, Tone},
};

#[derive(Serialize)]
struct SetupPage<'a> {
    /// Whom the link is for, once that is known.
    invited: Option<Person>,
    token: String,
    form: FormState<'a>,
    server: Server,
}

#[derive(Serialize)]
struct Person {
    name: String,
    role: &'static str,
    expires: Moment,
}

impl Template for SetupPage<'_> {
    const FILE: &'static str = "pages/setup.html";
}

pub(crate) async fn show(cx: Cx) -> Answer {
    page(&cx, None, None, None).await
}

async fn page(
    cx: &Cx,
    invited: Option<Invited>,
    problem: Option<&Problem>,
    repeated: Option<String>,
) -> Answer {
    let mut form = cx.form_at(&["/setup"], problem);
    form.secret("token").secret("password").secret("repeated").refuse("repeated", repeated);
    let title =
        invited.as_ref().map_or("Set your password".to_owned(), |one| format!("Welcome, {}", one.name));
    let page = SetupPage {
        token: if invited.is_some() { cx.form.text("token").to_owned() } else { String::new() },
        invited: invited.map(|one| Person {
            name: one.name,
            role: one.role.as_str(),
            expires: cx.moment(one.expires_at),
        }),
        form,
        server: which_server(cx).await?,
    };
    let notice = problem.filter(|problem| problem.fields.is_empty()).map(refusal);
    html_with(page.form.status(), &cx.bare_frame(&title).notice(notice), &page)
}

fn refusal(problem: &Problem) -> Banner {
    if problem.code != Code::BadCredentials {
        return explain(problem);
    }
    Banner {
        tone: Tone::Bad,
        icon: "circle-x",
        title: "This link opens nothing".to_owned(),
        detail: Some(
            "It was used, has expired, or is not whole. Links work once, and for an hour: ask the admin who sent it for another."
                .to_owned(),
        ),
        proof: None,
        action: None,
    }
}

/// First says whom the link is for; then sets the password and signs in, so that it is typed once.
pub(crate) async fn submit(cx: Cx) -> Answer {
    let api = cx.api.clone().without_session();
    let token = SecretText::new(cx.form.text("token"));
    let invited = match api.send::<setup::Check>(Nothing {}, Link { token: token.clone() }).await {
        Ok(invited) => invited,
        Err(Failure::Refused(problem)) => return page(&cx, None, Some(&problem), None).await,
        Err(failure) => return Err(failure),
    };
    if cx.form.given("password").is_none() {
        return page(&cx, Some(invited), None, None).await;
    }
    let password = SecretText::new(cx.form.raw("password"));
    if cx.form.raw("password") != cx.form.raw("repeated") {
        let repeated = Some("differs from the password above".to_owned());
        return page(&cx, Some(invited), None, repeated).await;
    }
    let body = FirstPassword { token, password: password.clone() };
    match api.send::<setup::Finish>(Nothing {}, body).await {
        Ok(person) => {
            let login = session::Login { name: person.name, password };
            match api.send::<session::Create>(Nothing {}, login).await {
                Ok(_) => Ok(redirect("/?done=setup")),
                Err(_) => Ok(redirect("/login")),
            }
        }
        Err(Failure::Refused(problem)) => page(&cx, Some(invited), Some(&problem), None).await,
        Err(failure) => Err(failure),
    }
}
