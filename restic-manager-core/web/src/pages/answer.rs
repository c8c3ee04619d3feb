//! From a found page to a response: method, origin, form, failure.

use http::{HeaderValue, Method, Response, StatusCode, header};
use restic_manager_proto::api::{Code, FieldProblem, Problem};
use serde::Serialize;

use super::{
    confirm::{self, Resumed},
    context::Cx,
    routes::Handler,
};
use crate::{
    api::Failure,
    body::{self, Body},
    forms::Form,
    headers, origin,
    render::{self, Template},
    view::{Action, Banner, Frame, Section, Tone},
};

/// What a page's function gives.
pub(crate) type Answer = Result<Response<Body>, Failure>;

/// Runs the page's function for the request's method; every failure becomes a page that says what to do.
pub(crate) async fn answer(cx: Cx, body: Body) -> Response<Body> {
    let api = cx.api.clone();
    let (retry, partial, headers) = (cx.address(), cx.partial, cx.headers.clone());
    let mut response = match dispatch(cx, body).await {
        Ok(response) => response,
        Err(failure) => failed(&failure, &retry, partial),
    };
    headers::keep_https(&headers, response.headers_mut());
    for cookie in api.take_cookies() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn dispatch(mut cx: Cx, body: Body) -> Answer {
    let handler = match cx.method {
        Method::GET | Method::HEAD => cx.route.get,
        Method::POST => {
            if !origin::is_own(&cx.headers) {
                return Err(refused(Code::CrossSite, "go back to the page and send it again"));
            }
            let Ok(form) = Form::read(&cx.headers, body).await else {
                return Err(refused(Code::TooLarge, "send fewer or shorter values"));
            };
            cx.api = cx.api.with_csrf(form.text("csrf_token"));
            return match (cx.route.post, confirm::resume(&cx, form).await?) {
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
    if let Some(once) = form.once(&cx.path) {
        cx.api = cx.api.with_once(once);
    }
    cx.form = form;
    let asked = cx.clone();
    let answer = handler(cx).await;
    if asked.api.take_proof_needed() { confirm::page(&asked, &asked.form, None).await } else { answer }
}

fn wrong_method() -> Failure {
    refused(Code::MethodNotAllowed, "go back to the page and start again")
}

/// A refusal of this crate's own.
pub(crate) fn refused(code: Code, next_step: &str) -> Failure {
    Failure::Refused(Box::new(Problem::new(code, "", next_step)))
}

/// The page for an address that does not exist.
pub(crate) fn not_found() -> Response<Body> {
    failed(&refused(Code::NotFound, "look for it on the overview"), "/", false)
}

/// A page.
pub(crate) fn html<T: Template>(frame: &Frame, page: &T) -> Answer {
    Ok(html_text(render::page(frame, page)?))
}

/// A page with another status than 200.
pub(crate) fn html_with<T: Template>(status: StatusCode, frame: &Frame, page: &T) -> Answer {
    let mut response = html(frame, page)?;
    *response.status_mut() = status;
    Ok(response)
}

pub(crate) fn html_text(text: String) -> Response<Body> {
    let mut response = Response::new(body::full(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// On to a page of ours, by GET. The address is made by this crate or checked by [`own_path`].
pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The address, if it surely stays on this site.
pub(crate) fn own_path(address: &str) -> Option<&str> {
    let own = address.starts_with('/')
        && !address.starts_with("//")
        && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    own.then_some(address)
}

#[derive(Serialize)]
struct ErrorPage {
    banner: Banner,
    request_id: Option<String>,
}

impl Template for ErrorPage {
    const FILE: &'static str = "pages/error.html";
}

fn failed(failure: &Failure, retry: &str, partial: bool) -> Response<Body> {
    if failure.code() == Some(Code::Unauthenticated) {
        return to_login(retry, partial);
    }
    let problem = problem_of(failure);
    let page = ErrorPage {
        banner: Banner { action: Some(way_on(&problem, retry)), ..explain(&problem) },
        request_id: problem.request_id.map(|id| id.to_string()),
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
    match html_with(status, &Frame::new(problem.title, Section::None), &page) {
        Ok(response) => response,
        Err(failure) => {
            tracing::error!(error = %Chain(&failure), "error page failed");
            let mut response =
                Response::new(body::full("something failed in the server; its log has the cause"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// The failure as a problem to show; what is not a refusal is logged.
pub(crate) fn problem_of(failure: &Failure) -> Problem {
    if let Failure::Refused(problem) = failure {
        return (**problem).clone();
    }
    tracing::error!(error = %Chain(failure), "the API gave no usable answer");
    let (code, next_step) = match failure {
        Failure::Template(_) => (Code::Internal, "look into the log of the web process"),
        Failure::Unreadable(_) => {
            (Code::Internal, "update the server and the web process to the same version")
        }
        _ => (Code::Unavailable, "check that the server runs, then try again"),
    };
    Problem::new(code, failure.to_string(), next_step)
}

/// What was refused, why, and what to do next; above the form that can be sent again.
pub(crate) fn explain(problem: &Problem) -> Banner {
    let next_step =
        Some(&problem.next_step).filter(|step| !step.is_empty()).map(|step| format!("next: {step}"));
    let detail = Some(problem.detail.clone()).filter(|detail| !detail.is_empty());
    let sentences: Vec<String> = detail.into_iter().chain(next_step).map(|text| sentence(&text)).collect();
    Banner {
        tone: if problem.status < 500 { Tone::Warn } else { Tone::Bad },
        icon: if problem.status < 500 { "triangle-alert" } else { "circle-x" },
        title: problem.title.clone(),
        detail: Some(sentences.join(" ")).filter(|text| !text.is_empty()),
        proof: None,
        action: None,
    }
}

/// What to say above a form of which `beside` names the fields that speak for themselves.
pub(crate) fn notice(problem: Option<&Problem>, beside: &[&str]) -> Option<Banner> {
    let problem = problem?;
    let speaks = |refused: &str| beside.iter().any(|known| is_of(refused, known));
    let silent: Vec<String> = problem
        .fields
        .iter()
        .filter(|refused| !speaks(&refused.field))
        .map(|refused| format!("{}: {}", refused.field, refused.message))
        .collect();
    if silent.is_empty() && !problem.fields.is_empty() {
        return None;
    }
    Some(Banner { proof: Some(silent.join("\n")).filter(|text| !text.is_empty()), ..explain(problem) })
}

/// Fragments come in lower case and without a full stop.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.trim_end_matches('.').chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// Where an error page leads: once more to the same place if that may help, else to the overview.
fn way_on(problem: &Problem, retry: &str) -> Action {
    let again =
        matches!(problem.code, Code::Unavailable | Code::Timeout | Code::TooManyRequests | Code::Internal);
    let (label, href) = if again { ("Try again", retry) } else { ("To the overview", "/") };
    Action { label: label.to_owned(), href: href.to_owned() }
}

/// What is wrong with a name typed to confirm.
pub(crate) fn not_the_name(name: &str) -> String {
    format!("that is not “{name}”; nothing was removed")
}

/// What the API says of one field of a form.
pub(crate) fn field(problem: Option<&Problem>, name: &str) -> Option<String> {
    problem?.fields.iter().find(|refused| is_of(&refused.field, name)).map(|refused| refused.message.clone())
}

/// What the API says of the lines of a text area, by their numbers there: blank lines are not sent.
pub(crate) fn lines_of(problem: Option<&Problem>, name: &str, typed: &str) -> Option<String> {
    let sent: Vec<_> = typed
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let say = |refused: &FieldProblem| {
        let index = refused.field.strip_prefix(name)?.strip_prefix('.')?.parse::<usize>().ok()?;
        let (number, line) = sent.get(index)?;
        let line: String = line.chars().take(SHOWN_OF_LINE).collect();
        Some(format!("line {number}, “{line}”: {}", refused.message))
    };
    let mut told: Vec<_> = problem?.fields.iter().filter_map(say).collect();
    let more = told.len().saturating_sub(MOST_LINES);
    told.truncate(MOST_LINES);
    told.extend((more > 0).then(|| format!("and {more} more lines")));
    if told.is_empty() { field(problem, name) } else { Some(told.join("; ")) }
}

/// Lines that one message spells out, and how much of each.
const MOST_LINES: usize = 5;
const SHOWN_OF_LINE: usize = 80;

/// Whether a refused field is this one or a part of it, such as `includes.0` or `includes[0]`.
fn is_of(refused: &str, name: &str) -> bool {
    refused.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The status of a form shown again.
pub(crate) fn status(problem: Option<&Problem>) -> StatusCode {
    problem.and_then(|problem| StatusCode::from_u16(problem.status).ok()).unwrap_or(StatusCode::OK)
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

/// An error with its sources, on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn redirects_stay_on_this_site() {
        for own in ["/", "/hosts?health=good&after=x", "/jobs/1#L20"] {
            assert_eq!(own_path(own), Some(own));
        }
        for foreign in [
            "",
            "hosts",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nSet-Cookie: x",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(foreign), None, "{foreign}");
        }
    }
}
