//! Whether what was typed opens a repository, tried by a job of a host before anything is kept.

use restic_manager_proto::{
    SecretText,
    api::{
        Code, Nothing,
        repositories::{self, ConnectionTest},
    },
};

use super::{
    context::Cx,
    credential::posted_credential,
    problem::refused,
    repositories::form,
    repository,
    respond::{Answer, redirect},
    storage,
};
use crate::api::Failure;

/// Tries what was typed for a repository that is not there yet.
pub(crate) async fn test_typed(cx: Cx) -> Answer {
    let test = posted(&cx)?;
    let asked = match storage::location(&cx.form) {
        Ok(location) => {
            let test = ConnectionTest { location: Some(location), ..test };
            cx.api.send::<repositories::Test>(Nothing {}, test).await
        }
        Err(failure) => Err(failure),
    };
    match asked {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            form(&cx, Some(&problem)).await
        }
        Err(failure) => Err(failure),
    }
}

/// Tries what is kept of a repository, with what was typed in its place.
pub(crate) async fn test_kept(cx: Cx) -> Answer {
    let id = cx.parameter("repository")?;
    let test = ConnectionTest { repository: Some(id), ..posted(&cx)? };
    match cx.api.send::<repositories::Test>(Nothing {}, test).await {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(Failure::Refused(problem)) if problem.code != Code::Unauthenticated => {
            repository::show_with(&cx, Some(&problem), None).await
        }
        Err(failure) => Err(failure),
    }
}

fn posted(cx: &Cx) -> Result<ConnectionTest, Failure> {
    let host = cx.form.text("test_host").parse();
    Ok(ConnectionTest {
        host: host.map_err(|_| refused(Code::Invalid, "go back and choose the host to test from"))?,
        repository: None,
        location: None,
        password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
        credential: posted_credential(cx),
    })
}
