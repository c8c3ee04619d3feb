//! From a found page to a response: method, origin, form, failure.

use http::{Method, Response, StatusCode, header};
use restic_manager_proto::api::{Code, Problem};
use serde::Serialize;
use std::{future::Future, pin::Pin};

use super::{
    confirm::{self, Resumed},
    context::Cx,
    problem::{Chain, explain, notice, problem_of, refused},
    respond::{Answer, html_with, redirect},
};
use crate::{
    api::Failure,
    body::{self, Body},
    forms::Form,
    headers, origin,
    render::Template,
    view::{Action, Banner, Frame, Section},
};

/// A page's function for one method.
pub(crate) type Handler = fn(Cx) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// One address: what reading it shows and what posting to it does.
pub(crate) struct Route {
    pub(super) path: &'static str,
    pub(super) get: Option<Handler>,
    pub(super) post: Option<Handler>,
}

/// Runs the page's function for the request's method; every failure becomes a page that says what to do.
pub(crate) async fn serve(route: &'static Route, cx: Cx, body: Body) -> Response<Body> {
    let asked = cx.clone();
    let mut response = match dispatch(route, cx, body).await {
        Ok(response) => response,
        Err(failure) => failed(&asked, &failure).await,
    };
    headers::keep_https(&asked.headers, response.headers_mut());
    for cookie in asked.api.take_cookies() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn dispatch(route: &'static Route, mut cx: Cx, body: Body) -> Answer {
    let handler = match cx.method {
        Method::GET | Method::HEAD => route.get,
        Method::POST => {
            if !origin::is_own(&cx.headers) {
                return Err(refused(Code::CrossSite, "go back to the page and send it again"));
            }
            let Ok(form) = Form::read(&cx.headers, body).await else {
                return Err(refused(Code::TooLarge, "send fewer or shorter values"));
            };
            cx.api = cx.api.with_csrf(form.text("csrf_token"));
            return match (route.post, confirm::resume(&cx, form).await?) {
                (Some(handler), Resumed::Form(form)) => posted(cx, form, handler).await,
                (Some(_), Resumed::Page(page)) => Ok(page),
                (None, _) => Err(wrong_method()),
            };
        }
        _ => None,
    };
    match handler {
        Some(handler) => handler(cx).await,
        None => Err(wrong_method()),
    }
}

/// Runs what a form asks for. When that asks for a recent proof of identity, the page for it is the answer instead.
async fn posted(mut cx: Cx, form: Form, handler: Handler) -> Answer {
    cx.api = cx.api.with_once(form.once());
    cx.form = form;
    let asked = cx.clone();
    let answer = handler(cx).await;
    if asked.api.take_proof_needed() {
        return confirm::page(&asked, &asked.form, None).await;
    }
    match answer {
        Err(failure) => Ok(failed(&asked, &failure).await),
        answer => answer,
    }
}

fn wrong_method() -> Failure {
    refused(Code::MethodNotAllowed, "go back to the page and start again")
}

/// The page for an address that does not exist.
pub(crate) fn not_found() -> Response<Body> {
    let problem = Problem::new(Code::NotFound, "", "look for it on the overview");
    shown(&problem, None, "/", None)
}

#[derive(Serialize)]
struct ErrorPage {
    /// Inside the frame for who is signed in.
    layout: &'static str,
    banner: Banner,
    request_id: Option<String>,
    again: Option<Again>,
}

/// What was posted, to be sent once more.
#[derive(Serialize)]
struct Again {
    action: String,
    form: String,
}

impl Template for ErrorPage {
    const FILE: &'static str = "pages/error.html";
}

async fn failed(cx: &Cx, failure: &Failure) -> Response<Body> {
    if failure.code() == Some(Code::Unauthenticated) {
        return to_login(&cx.address(), cx.partial);
    }
    let problem = problem_of(failure);
    // For the frame nobody is asked on behalf of a foreign page, nor who could not be asked before.
    let asks = failure.code().is_some_and(|code| code != Code::CrossSite);
    let caller = if asks { cx.caller().await.ok() } else { None };
    let frame = caller.as_ref().map(|caller| caller.frame(cx, problem.title.clone(), Section::None));
    let again = caller
        .filter(|_| may_pass(&problem) && cx.method == Method::POST)
        .and_then(|caller| cx.kept.seal(caller.session.user, &cx.path, &cx.form, cx.now))
        .map(|form| Again { action: cx.path.clone(), form });
    shown(&problem, frame, &cx.address(), again)
}

fn shown(problem: &Problem, frame: Option<Frame>, retry: &str, again: Option<Again>) -> Response<Body> {
    let banner = notice(Some(problem), &[]).unwrap_or_else(|| explain(problem));
    let page = ErrorPage {
        layout: if frame.is_some() { "base.html" } else { "alone.html" },
        banner: Banner { action: Some(way_on(problem, retry)).filter(|_| again.is_none()), ..banner },
        request_id: problem.request_id.map(|id| id.to_string()),
        again,
    };
    let frame = frame.unwrap_or_else(|| Frame::new(problem.title.clone(), Section::None));
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
    html_with(status, &frame, &page).unwrap_or_else(|failure| {
        tracing::error!(error = %Chain(&failure), "error page failed");
        let mut response = Response::new(body::full("something failed in the server; its log has the cause"));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// Whether the same may go well a little later.
fn may_pass(problem: &Problem) -> bool {
    matches!(problem.code, Code::Unavailable | Code::Timeout | Code::TooManyRequests | Code::Internal)
}

/// Where an error page leads: once more to the same place if that may help, else to the overview.
fn way_on(problem: &Problem, retry: &str) -> Action {
    let (label, href) = if may_pass(problem) { ("Try again", retry) } else { ("To the overview", "/") };
    Action { label: label.to_owned(), href: href.to_owned() }
}

/// Signed out in mid-work: a full page goes to the login and comes back, a live part makes its page do so.
fn to_login(retry: &str, partial: bool) -> Response<Body> {
    let next: String = form_urlencoded::byte_serialize(retry.as_bytes()).collect();
    let login = if retry == "/" { "/login".to_owned() } else { format!("/login?next={next}") };
    let mut response = redirect(&login);
    if partial {
        *response.status_mut() = StatusCode::OK;
        if let Some(location) = response.headers_mut().remove(header::LOCATION) {
            response.headers_mut().insert("hx-redirect", location);
        }
    }
    response
}
