//! What happens around a use case: find the row, identify the caller, check, decode, run, answer.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Response, header, request::Parts as Head};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use restic_manager_crypto::{Token, TokenKind};
use restic_manager_proto::{
    api::{Answer, Code, Problem},
    vocabulary::{Action, Outcome, Role},
};
use restic_manager_store::{Audit, audit::Subject, retry};
use std::sync::Arc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{
    error, idempotency,
    identify::{Identified, Renewal, identify},
    origin,
    patience::until_served,
    program::identify_program,
    route::{Access, ProofAge, Route},
    router::Router,
    scraper,
    upgrade::{self, Upgrade},
    watch::signed_out,
    within,
};
use crate::{
    call::{
        Caller, Cx, Payload, SessionChange,
        body::{Body, full},
        caller::{self, RequestFacts},
        cookie,
        reply::{Rendered, RenderedContent},
        request::{Input, PathParameters},
    },
    failure::Failure,
    limits::SOCKETS_OF_CALLER,
    parts::{Parts, pages::OpenSocket, refusals::Refused},
};

/// Answers one request whose facts are known.
pub(super) async fn dispatch(
    parts: &Arc<Parts>,
    router: &Router,
    request: http::Request<Body>,
    facts: RequestFacts,
) -> Result<Response<Body>, Failure> {
    let (head, body) = request.into_parts();
    let (route, path) = router.find(&head.method, head.uri.path())?;
    let Identified { caller, renewed } = authenticate(parts, route, &head, &facts).await?;
    let cx = Cx::new(Arc::clone(parts), caller, facts);
    let request = cx.facts().id;
    match (answer_caller(&cx, route, path, head, body).await, renewed) {
        (Ok(response), Some(token)) => hand_over(&cx, response, &token),
        // The new token must reach the browser whatever became of the request.
        (Err(failure), Some(token)) => hand_over(&cx, error::failure_response(failure, request), &token),
        (answer, None) => answer,
    }
}

/// Gives the browser its session's new token, unless the answer is about another session.
fn hand_over(cx: &Cx, mut response: Response<Body>, token: &Token) -> Result<Response<Body>, Failure> {
    let config = &cx.parts().config;
    if !cookie::sets_session(response.headers(), config.cookies) {
        let cookie = cookie::begin(token, config.sessions.absolute, config.cookies)?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Answers a request of a known caller.
async fn answer_caller(
    cx: &Cx,
    route: &'static Route,
    path: PathParameters,
    mut head: Head,
    body: Body,
) -> Result<Response<Body>, Failure> {
    check(cx, route, &head, &path).await?;
    let upgrade = (route.answer == Answer::WebSocket).then(|| Upgrade::of(&mut head));
    let open = if upgrade.is_some() { open_socket(cx)? } else { None };
    let input = Input {
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: read_body(cx, &head, body).await?,
        if_match: if_match(&head.headers)?,
        takes_gzip: takes_gzip(&head.headers),
    };
    let rendered = run(cx.clone(), route, &head.headers, input).await?;
    respond(cx, rendered, upgrade.zip(Some(open)))
}

/// Whether gzip is named, and not with a weight of zero.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
    let mut codings = lines.flat_map(|line| line.split(',')).map(|coding| coding.split(';').map(str::trim));
    codings.any(|mut coding| {
        coding.next() == Some("gzip")
            && !coding.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// One of the sockets that a person or program may have; agents and guests have limits of their own.
fn open_socket(cx: &Cx) -> Result<Option<OpenSocket>, Failure> {
    let Caller::User(user) = cx.caller() else { return Ok(None) };
    match cx.parts().pages.open(user.key()) {
        Some(open) => Ok(Some(open)),
        None => Err(Failure::new(
            Code::TooManyRequests,
            format!("{SOCKETS_OF_CALLER} sockets are open already"),
            "close pages that nobody looks at",
        )),
    }
}

/// A program shows its token in a header that no browser sends by itself; the cookie counts for nothing then.
async fn authenticate(
    parts: &Parts,
    route: &Route,
    head: &Head,
    facts: &RequestFacts,
) -> Result<Identified, Failure> {
    if route.access == Access::Scraper {
        return Ok(Identified { caller: Caller::Anonymous, renewed: None });
    }
    let patience = parts.config.limits.database_time;
    if let Some(token) = api_token(&head.headers) {
        let caller = until_served(patience, || identify_program(parts, &token, facts)).await?;
        return Ok(Identified { caller, renewed: None });
    }
    let token = cookie::session_token(&head.headers, parts.config.cookies);
    let is_socket = route.answer == Answer::WebSocket;
    let renewal = if is_socket { Renewal::Impossible } else { Renewal::Possible };
    until_served(patience, || identify(parts, token, facts, renewal)).await
}

/// Other credentials in this header belong to a proxy in between.
fn api_token(headers: &HeaderMap) -> Option<Token> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = Token::parse(TokenKind::Api, token.trim()).ok()?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Whether this caller may make this request. Nothing of it has been decoded yet.
async fn check(cx: &Cx, route: &'static Route, head: &Head, path: &PathParameters) -> Result<(), Failure> {
    let base_url = &cx.parts().config.base_url;
    let is_socket = route.answer == Answer::WebSocket;
    if is_socket {
        origin::check_socket(&head.headers, base_url)?;
    } else if !route.method.is_safe() {
        origin::check_site(&head.headers, base_url)?;
    }
    if route.access == Access::Scraper {
        scraper::check(&cx.parts().config.metrics, &head.headers, cx.facts())?;
    }
    if let Access::Person | Access::Role(_) = route.access {
        let Caller::User(user) = cx.caller() else { return Err(caller::unauthenticated()) };
        match route.access {
            Access::Person if user.session().is_none() => return Err(caller::needs_person()),
            Access::Role(needed) if !user.standing.role.includes(needed) => {
                return Err(refuse(cx, route, lacks_role(route, needed)).await?);
            }
            _ => {}
        }
        if let (Some(session), false) = (user.session(), route.method.is_safe()) {
            origin::check_token(&head.headers, &cx.parts().keyring, session.family)?;
        }
    }
    check_scope(cx, route, path).await?;
    if let (ProofAge::Recent, Caller::User(user)) = (route.proof, cx.caller()) {
        caller::check_proof(user, cx.now())?;
    }
    if is_socket && !upgrade::is_wanted(&head.method, head.version, &head.headers) {
        return Err(needs_websocket());
    }
    Ok(())
}

/// Whether what the path names is the caller's business.
async fn check_scope(cx: &Cx, route: &Route, path: &PathParameters) -> Result<(), Failure> {
    let patience = cx.parts().config.limits.database_time;
    match until_served(patience, || within::check(cx, route, path)).await? {
        within::Reach::Within => Ok(()),
        within::Reach::Fleet => Err(refuse(cx, route, within::needs_fleet(route)).await?),
    }
}

/// Records a refused change.
async fn refuse(cx: &Cx, route: &Route, refusal: Failure) -> Result<Failure, Failure> {
    let now = cx.now();
    if !route.method.is_safe() && cx.parts().refusals.may_record(Refused::Caller(cx.caller().key()), now) {
        let subject = Subject { kind: "route".to_owned(), id: None, name: Some(route.name.to_owned()) };
        let entry = cx.entry(Action::AccessRefused, Some(subject), Outcome::Refused, serde_json::Value::Null);
        cx.begin().await?.commit(Audit::entry(entry)).await?;
    }
    Ok(refusal)
}

fn lacks_role(route: &Route, needed: Role) -> Failure {
    let detail = format!("{} needs the role {needed}", route.name);
    Failure::new(Code::Forbidden, detail, "ask an admin to do it, or for the role")
}

async fn read_body(cx: &Cx, head: &Head, body: Body) -> Result<Option<Bytes>, Failure> {
    let limits = &cx.parts().config.limits;
    let limit = match cx.caller() {
        Caller::User(_) => limits.body_bytes,
        Caller::Anonymous => limits.public_body_bytes,
    };
    // Who announces too much is told before it is sent.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let collected = timeout(limits.body_time, Limited::new(body, limit).collect()).await;
    let bytes = match collected {
        Err(_) => {
            return Err(Failure::new(
                Code::RequestTimeout,
                "the body did not arrive in time",
                "send it again",
            ));
        }
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => return Err(too_large(limit)),
        Ok(Err(error)) => {
            let detail = format!("the body broke off: {error}");
            return Err(Failure::new(Code::Malformed, detail, "send it again"));
        }
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    if is_json(&head.headers) { Ok(Some(bytes)) } else { Err(needs_json()) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.map(|value| value.split(';').next().unwrap_or_default().trim());
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

/// The one version that the request changes; `*` would be any, which is what the header is there to prevent.
fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Failure> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    match text.and_then(|text| text.parse().ok()) {
        Some(version) => Ok(Some(version)),
        None => Err(Failure::new(
            Code::Malformed,
            "If-Match is not one version",
            "send the ETag that reading the resource gave, such as \"7\"",
        )),
    }
}

/// Runs the use case: a change detached, so that a caller who goes away never leaves half of it.
async fn run(cx: Cx, route: &'static Route, headers: &HeaderMap, input: Input) -> Result<Rendered, Failure> {
    if route.method.is_safe() {
        let patience = cx.parts().config.limits.database_time;
        return until_served(patience, || (route.handle)(cx.clone(), input.clone())).await;
    }
    // A use case has no effect before its commit, so one that lost a race is run again from the start.
    let handle = move |cx: Cx, input: Input| retry(move || (route.handle)(cx.clone(), input.clone()));
    let shutdown = cx.parts().shutdown.clone();
    let key = idempotency::Key::of(&cx, route, headers, &input)?;
    let work = async move {
        match key {
            Some(key) => idempotency::once(&cx, key, || handle(cx.clone(), input)).await,
            None => handle(cx, input).await,
        }
    };
    let done = shutdown.spawn(work.in_current_span()).await;
    done.map_err(|error| Failure::internal("a use case ended early", error))?.ok_or_else(stopping)?
}

fn respond(
    cx: &Cx,
    rendered: Rendered,
    upgrade: Option<(Upgrade, Option<OpenSocket>)>,
) -> Result<Response<Body>, Failure> {
    let Rendered { status, mut headers, session, content } = rendered;
    // The session's cookie comes first: who reads one alone reads that.
    let device = headers.remove(header::SET_COOKIE);
    let mut response = match content {
        RenderedContent::Payload(Payload::Bytes(bytes)) => Response::new(full(bytes)),
        RenderedContent::Payload(Payload::Stream(body)) => Response::new(body),
        RenderedContent::Socket(driver) => {
            let (upgrade, open) = upgrade.ok_or_else(needs_websocket)?;
            let (response, driven) = upgrade.accept(driver)?;
            let counted = async move {
                let _open = open;
                driven.await;
            };
            cx.parts().shutdown.spawn(while_signed_in(cx, Box::pin(counted)).in_current_span());
            response
        }
    };
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    let config = &cx.parts().config;
    if let Some(change) = session {
        let cookie = match change {
            SessionChange::Begin(token) => cookie::begin(&token, config.sessions.absolute, config.cookies)?,
            SessionChange::End => cookie::end(config.cookies)?,
        };
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if let Some(device) = device {
        response.headers_mut().append(header::SET_COOKIE, device);
    }
    Ok(response)
}

/// A socket does not outlive the session that opened it. Who is nobody's, as an agent is, has none.
fn while_signed_in(cx: &Cx, driven: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    let Caller::User(user) = cx.caller() else { return driven };
    let end = signed_out(Arc::clone(cx.parts()), user.clone());
    Box::pin(async move {
        // A task of its own: a task has one handle on the database at a time.
        let end = AbortOnDropHandle::new(tokio::spawn(end.in_current_span()));
        tokio::select! {
            () = driven => {}
            _ = end => {}
        }
    })
}

fn needs_websocket() -> Failure {
    Failure::new(
        Code::Malformed,
        "this address speaks WebSocket only",
        "open it with a WebSocket client; a proxy in between must pass upgrades on",
    )
}

fn stopping() -> Failure {
    Failure::new(
        Code::Unavailable,
        "the server was stopped at once",
        "look whether it was done before you try again",
    )
}

fn needs_json() -> Failure {
    Failure::new(
        Code::UnsupportedMediaType,
        "the body is not declared as JSON",
        "send Content-Type: application/json",
    )
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("the body is longer than {limit} bytes");
    Failure::Refused(Box::new(Problem::new(Code::TooLarge, detail, "send less at once")))
}
