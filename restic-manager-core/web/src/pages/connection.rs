//! Whether what was typed opens a repository, tried by a job of a host before anything is kept.

use restic_manager_proto::{
    SecretText,
    api::{
        Nothing,
        jobs::Job,
        repositories::{self, ConnectionTest},
    },
};

use super::{
    context::Cx,
    credential,
    form_reader::FormReader,
    problem::refusal_of,
    repositories::form,
    repository,
    respond::{Answer, redirect},
    storage,
};
use crate::api::Failure;

/// Tries what was typed for a repository that is not there yet.
pub(crate) async fn test_typed(cx: Cx) -> Answer {
    let mut reader = FormReader::new(&cx.form);
    let location = Some(storage::read(&mut reader));
    let asked = ask(&cx, reader, |test| ConnectionTest { location, ..test }).await;
    match refusal_of(asked)? {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(problem) => form(&cx, Some(&problem)).await,
    }
}

/// Tries what is stored of a repository, with what was typed in its place.
pub(crate) async fn test_stored(cx: Cx) -> Answer {
    let repository = Some(cx.parameter("repository")?);
    let asked = ask(&cx, FormReader::new(&cx.form), |test| ConnectionTest { repository, ..test }).await;
    match refusal_of(asked)? {
        Ok(job) => Ok(redirect(&format!("/jobs/{}", job.id))),
        Err(problem) => repository::show_with(&cx, Some(&problem), None).await,
    }
}

async fn ask(
    cx: &Cx,
    mut reader: FormReader<'_>,
    of: impl FnOnce(ConnectionTest) -> ConnectionTest,
) -> Result<Job, Failure> {
    let host = reader.needed("test_host", "test_host", "choose the host to test from");
    let credential = credential::read(&mut reader);
    let test = reader.finish(host.map(|host| ConnectionTest {
        host,
        repository: None,
        location: None,
        password: cx.form.given("password").map(|_| SecretText::new(cx.form.raw("password"))),
        credential,
    }))?;
    cx.api.send::<repositories::Test>(Nothing {}, of(test)).await
}
