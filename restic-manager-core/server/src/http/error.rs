//! The one place where a failure becomes an answer.

use core::{error::Error as _, time::Duration};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use restic_manager_proto::{
    RequestId,
    api::{Code, Problem},
};
use restic_manager_store::{Error as StoreError, ErrorKind};

use crate::{
    call::body::{Body, full},
    failure::Failure,
};

/// The answer to a request that failed. What is nobody's fault but ours is logged here, once.
pub(super) fn failure_response(failure: Failure, request: RequestId) -> Response<Body> {
    let (mut problem, extra) = problem(failure);
    problem.request_id = Some(request);
    let mut response = Response::new(full(serde_json::to_vec(&problem).unwrap_or_default()));
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.extend(extra);
    response
}

/// A header that belongs to a problem.
type Extra = Option<(HeaderName, HeaderValue)>;

fn retry_after(wait: Duration) -> Extra {
    Some((header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1))))
}

fn problem(failure: Failure) -> (Problem, Extra) {
    match failure {
        Failure::Refused(problem) => (*problem, None),
        Failure::ComeAgain(problem, wait) => (*problem, retry_after(wait)),
        Failure::OtherMethod(problem, allowed) => {
            (*problem, HeaderValue::try_from(allowed).ok().map(|allowed| (header::ALLOW, allowed)))
        }
        Failure::Store(error) => store_problem(&error),
        Failure::Internal(what, source) => {
            tracing::error!(
                error = source.as_deref().map(|source| source as &dyn core::error::Error),
                "{what}"
            );
            (internal(), None)
        }
    }
}

fn store_problem(error: &StoreError) -> (Problem, Extra) {
    let subject = error.subject();
    let problem = match error.kind() {
        ErrorKind::NotFound => {
            Problem::new(Code::NotFound, error.to_string(), "look in the list of them for what there is")
        }
        ErrorKind::Taken => Problem::new(Code::Conflict, error.to_string(), "choose another one"),
        ErrorKind::InUse => {
            Problem::new(Code::Conflict, error.to_string(), format!("look what uses the {subject}"))
        }
        ErrorKind::Conflict => Problem::new(Code::Conflict, error.to_string(), "read it again"),
        ErrorKind::Contention | ErrorKind::Unavailable => {
            tracing::warn!(
                error = error as &dyn core::error::Error,
                source = error.source(),
                "could not use the database"
            );
            let problem = Problem::new(
                Code::Unavailable,
                "the database is busy or does not answer",
                "try again; if it stays so, look into the server's log",
            );
            return (problem, retry_after(Duration::from_secs(5)));
        }
        ErrorKind::Damaged => {
            let problem = Problem::new(
                Code::Unavailable,
                "the database is damaged, so nothing is changed any more",
                "an admin puts a copy of the database back, as docs/operations/database.md says",
            );
            return (problem, retry_after(Duration::from_secs(300)));
        }
        _ => {
            tracing::error!(
                error = error as &dyn core::error::Error,
                source = error.source(),
                "could not use the database"
            );
            internal()
        }
    };
    (problem, None)
}

fn internal() -> Problem {
    Problem::new(
        Code::Internal,
        "something failed in the server",
        "look for the request's id in the server's log, and report it if it happens again",
    )
}
