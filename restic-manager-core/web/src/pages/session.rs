//! Signing in and out, and the first admin.

use http::StatusCode;
use restic_manager_proto::{
    SecretText,
    api::{
        Code, Nothing, Problem,
        server::{self, FirstAdmin},
        session::{self, Login},
    },
};
use serde::Serialize;

use super::{
    context::Cx,
    form_state::FormState,
    problem::{explain, status},
    respond::{Answer, html_with, own_path, redirect},
};
use crate::{
    api::Failure,
    render::Template,
    view::{Banner, Fingerprint, Tone},
};

#[derive(Serialize)]
struct LoginPage<'a> {
    form: FormState<'a>,
    next: String,
    server: Server,
}

/// Which server this is, so that nobody types a password into another.
#[derive(Serialize)]
pub(super) struct Server {
    host: String,
    version: String,
    fingerprint: Fingerprint,
}

impl Template for LoginPage<'_> {
    const FILE: &'static str = "pages/login.html";
}

pub(crate) async fn login(cx: Cx) -> Answer {
    let state = cx.api.get::<server::BootstrapState>(Nothing {}, Nothing {}).await?;
    if state.needed {
        return Ok(redirect("/bootstrap"));
    }
    login_form(&cx, None).await
}

async fn login_form(cx: &Cx, problem: Option<&Problem>) -> Answer {
    let next = cx.form.given("next").or(cx.query.given("next")).and_then(own_path).unwrap_or("/");
    let mut form = cx.form_at(&["/login"], problem);
    form.text("name", "").secret("password");
    let page = LoginPage { form, next: next.to_owned(), server: which_server(cx).await? };
    let notice = problem.map(refusal);
    html_with(page.form.status(), &cx.bare_frame("Sign in").notice(notice), &page)
}

fn refusal(problem: &Problem) -> Banner {
    match problem.code {
        Code::BadCredentials if problem.detail.contains("passkey") => wrong("The passkey was not accepted"),
        Code::BadCredentials => wrong("Name or password is wrong"),
        _ => explain(problem),
    }
}

fn wrong(title: &str) -> Banner {
    let title = title.to_owned();
    Banner { tone: Tone::Bad, icon: "circle-x", title, detail: None, proof: None, action: None }
}

pub(super) async fn which_server(cx: &Cx) -> Result<Server, Failure> {
    let version = cx.api.get::<server::Version>(Nothing {}, Nothing {}).await?;
    let host = cx.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ok(Server {
        host: host.to_owned(),
        version: version.version,
        fingerprint: Fingerprint::new(&version.fingerprint),
    })
}

pub(crate) async fn sign_in(cx: Cx) -> Answer {
    let body =
        Login { name: cx.form.text("name").to_owned(), password: SecretText::new(cx.form.raw("password")) };
    let next = cx.form.given("next").and_then(own_path).unwrap_or("/").to_owned();
    match cx.api.clone().without_session().send::<session::Create>(Nothing {}, body).await {
        Ok(_) => Ok(redirect(&next)),
        Err(Failure::Refused(problem)) => refused_step(&cx, &problem).await,
        Err(failure) => Err(failure),
    }
}

#[derive(Serialize)]
struct SecondStepPage {
    pending: String,
    next: String,
    code: bool,
    passkey: Option<String>,
    /// A passkey was tried, and its challenge is good once.
    passkey_spent: bool,
}

impl Template for SecondStepPage {
    const FILE: &'static str = "pages/second_step.html";
}

/// On to the second step where that is what is missing; else the form again.
async fn refused_step(cx: &Cx, problem: &Problem) -> Answer {
    let Some(missing) = problem.missing_step.as_deref() else { return login_form(cx, Some(problem)).await };
    let passkey = missing.passkey.as_ref().map(serde_json::to_string).transpose();
    let page = SecondStepPage {
        pending: missing.pending.expose().to_owned(),
        next: cx.form.given("next").and_then(own_path).unwrap_or("/").to_owned(),
        code: missing.code,
        passkey: passkey.map_err(|error| Failure::Unreadable(error.to_string()))?,
        passkey_spent: false,
    };
    html_with(StatusCode::OK, &cx.bare_frame("One more step"), &page)
}

pub(crate) async fn second_step(cx: Cx) -> Answer {
    let pending = SecretText::new(cx.form.text("pending"));
    let proof = match serde_json::from_str(cx.form.text("passkey")) {
        Ok(answer) => session::Proof::Passkey { answer },
        Err(_) => session::Proof::Code { code: SecretText::new(cx.form.text("code")) },
    };
    let by_passkey = matches!(proof, session::Proof::Passkey { .. });
    let body = session::SecondFactor { pending: pending.clone(), proof };
    let next = cx.form.given("next").and_then(own_path).unwrap_or("/").to_owned();
    match cx.api.clone().without_session().send::<session::SecondStep>(Nothing {}, body).await {
        Ok(_) => Ok(redirect(&next)),
        Err(Failure::Refused(problem)) => {
            let page = SecondStepPage {
                pending: pending.into_exposed(),
                next,
                code: !by_passkey || cx.form.given("code_offered").is_some(),
                passkey: cx.form.given("passkey_request").filter(|_| !by_passkey).map(str::to_owned),
                passkey_spent: by_passkey,
            };
            let notice = Banner {
                detail: Some(explain(&problem).detail.unwrap_or_default()).filter(|text| !text.is_empty()),
                ..wrong("That did not match")
            };
            let frame = cx.bare_frame("One more step").notice(Some(notice));
            html_with(status(Some(&problem)), &frame, &page)
        }
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn sign_in_with_passkey(cx: Cx) -> Answer {
    let next = cx.form.given("next").and_then(own_path).unwrap_or("/").to_owned();
    let Ok(answer) = serde_json::from_str(cx.form.text("passkey")) else {
        return Ok(redirect("/login"));
    };
    match cx.api.clone().without_session().send::<session::CreateWithPasskey>(Nothing {}, answer).await {
        Ok(_) => Ok(redirect(&next)),
        Err(Failure::Refused(problem)) => login_form(&cx, Some(&problem)).await,
        Err(failure) => Err(failure),
    }
}

/// What a reload of a step finds: it has no address of its own.
pub(crate) async fn start_again(_cx: Cx) -> Answer {
    Ok(redirect("/login"))
}

#[derive(Serialize)]
struct BootstrapPage<'a> {
    form: FormState<'a>,
    server: Server,
}

impl Template for BootstrapPage<'_> {
    const FILE: &'static str = "pages/bootstrap.html";
}

pub(crate) async fn bootstrap(cx: Cx) -> Answer {
    let state = cx.api.get::<server::BootstrapState>(Nothing {}, Nothing {}).await?;
    if !state.needed {
        return Ok(redirect("/login"));
    }
    bootstrap_form(&cx, None, None).await
}

async fn bootstrap_form(cx: &Cx, problem: Option<&Problem>, repeated: Option<String>) -> Answer {
    let mut form = cx.form_at(&["/bootstrap"], problem);
    form.text("token", "").text("name", "admin").secret("password").refuse("repeated", repeated);
    let page = BootstrapPage { form, server: which_server(cx).await? };
    let notice = problem.filter(|problem| problem.fields.is_empty()).map(|problem| match problem.code {
        Code::BadCredentials => Banner {
            tone: Tone::Bad,
            icon: "circle-x",
            title: "The token is not the one".to_owned(),
            detail: Some("The server printed it at its first start and wrote it to the file bootstrap-token in its data folder.".to_owned()),
            proof: None,
            action: None,
        },
        _ => explain(problem),
    });
    html_with(page.form.status(), &cx.bare_frame("Make the first admin").notice(notice), &page)
}

/// Makes the admin and signs in as it, so that the password is typed once.
pub(crate) async fn create_first_admin(cx: Cx) -> Answer {
    let (name, password) = (cx.form.text("name").to_owned(), SecretText::new(cx.form.raw("password")));
    if cx.form.raw("password") != cx.form.raw("repeated") {
        return bootstrap_form(&cx, None, Some("differs from the password above".to_owned())).await;
    }
    let body = FirstAdmin {
        token: SecretText::new(cx.form.text("token")),
        name: name.clone(),
        password: password.clone(),
    };
    let api = cx.api.clone().without_session();
    match api.send::<server::CreateFirstAdmin>(Nothing {}, body).await {
        Ok(_) => match api.send::<session::Create>(Nothing {}, Login { name, password }).await {
            Ok(_) => Ok(redirect("/?done=bootstrap")),
            Err(_) => Ok(redirect("/login")),
        },
        Err(Failure::Refused(problem)) => bootstrap_form(&cx, Some(&problem), None).await,
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn sign_out_page(_cx: Cx) -> Answer {
    Ok(redirect("/settings/account"))
}

pub(crate) async fn sign_out(cx: Cx) -> Answer {
    cx.api.send::<session::Delete>(Nothing {}, Nothing {}).await?;
    Ok(redirect("/login"))
}
