//! A repeated POST with the same `Idempotency-Key` gets the first one's answer.

use bytes::Bytes;
use core::time::Duration;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use restic_manager_crypto::{Context, Sealed};
use restic_manager_proto::api::{Code, Method};
use restic_manager_store::{Audit, replies::Reply};

use super::route::Route;
use crate::{
    call::{
        Caller, Cx, Payload,
        reply::{Rendered, RenderedContent},
        request::Input,
    },
    failure::Failure,
    limits::KEPT_ANSWERS,
};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_KEY: usize = 128;

/// A caller's key for one request.
pub(super) struct Key {
    actor: String,
    key: String,
    fingerprint: [u8; 32],
}

impl Key {
    /// The key of a signed-in caller's POST, if it has one.
    pub(super) fn of(
        cx: &Cx,
        route: &Route,
        headers: &HeaderMap,
        input: &Input,
    ) -> Result<Option<Self>, Failure> {
        let (Caller::User(user), Method::Post, Some(value)) =
            (cx.caller(), route.method, headers.get("idempotency-key"))
        else {
            return Ok(None);
        };
        let key =
            value.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len())).ok_or_else(|| {
                Failure::new(
                    Code::Malformed,
                    "Idempotency-Key is not 1 to 128 ASCII characters",
                    "send a random id",
                )
            })?;
        let mut transcript = restic_manager_crypto::Transcript::new("restic-manager idempotent request")
            .frame(route.name.as_bytes())
            .frame(input.query.as_bytes())
            .frame(input.body.as_deref().unwrap_or_default());
        for (name, value) in &input.path {
            transcript = transcript.frame(name.as_bytes()).frame(value.as_bytes());
        }
        let fingerprint = *transcript.finish().as_bytes();
        Ok(Some(Self { actor: user.key(), key: key.to_owned(), fingerprint }))
    }

    /// Answers may hold a secret that is shown once: they are kept sealed for their key.
    fn context(&self) -> Context {
        Context::new("reply", format!("{}\n{}", self.actor, self.key), "body")
    }
}

/// Runs the use case unless its answer is known already.
pub(super) async fn once<F>(cx: &Cx, key: Key, use_case: impl FnOnce() -> F) -> Result<Rendered, Failure>
where
    F: Future<Output = Result<Rendered, Failure>>,
{
    let _running = cx.parts().running_keys.enter(&key.actor, &key.key).ok_or_else(|| {
        Failure::conflict("a request with this Idempotency-Key is still running", "wait for its answer")
    })?;
    let mut read = cx.read().await?;
    let known = read.replies().find(&key.actor, &key.key).await?;
    if let Some(known) = known.filter(|known| known.expires > cx.now()) {
        return replay(cx, &key, known);
    }
    if read.replies().count(&key.actor).await? >= KEPT_ANSWERS as u64 {
        return Err(too_many());
    }
    drop(read);
    let rendered = use_case().await?;
    // Only JSON is kept: a script or a log is made anew.
    let RenderedContent::Payload(Payload::Bytes(body)) = &rendered.content else { return Ok(rendered) };
    if let Err(error) = remember(cx, &key, rendered.status, body.clone()).await {
        // The change is kept all the same: only a repetition of the request will not be told from a new one.
        tracing::warn!(error = &error as &dyn core::error::Error, "could not keep the answer to a request");
    }
    Ok(rendered)
}

fn too_many() -> Failure {
    let detail = format!("{KEPT_ANSWERS} answers are kept for your Idempotency-Keys, each for a day");
    Failure::new(Code::TooManyRequests, detail, "send the request without a key, or tomorrow")
}

fn replay(cx: &Cx, key: &Key, known: Reply) -> Result<Rendered, Failure> {
    if known.fingerprint != key.fingerprint {
        return Err(Failure::conflict(
            "this Idempotency-Key was used for another request",
            "take a new key for each new request",
        ));
    }
    let body = cx
        .parts()
        .keyring
        .open(&key.context(), &Sealed::from_bytes(known.body))
        .map_err(|error| Failure::internal("could not open a kept answer", error))?;
    let mut headers = HeaderMap::new();
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let status = StatusCode::from_u16(known.status)
        .map_err(|error| Failure::internal("a kept answer has an impossible status", error))?;
    let content = RenderedContent::Payload(Payload::Bytes(Bytes::copy_from_slice(body.expose())));
    Ok(Rendered { status, headers, session: None, content })
}

async fn remember(cx: &Cx, key: &Key, status: StatusCode, body: Bytes) -> Result<(), Failure> {
    let parts = cx.parts();
    let reply = Reply {
        actor: key.actor.clone(),
        key: key.key.clone(),
        fingerprint: key.fingerprint,
        status: status.as_u16(),
        body: parts.keyring.seal(&key.context(), &body, &*parts.random).into_bytes(),
        created: cx.now(),
        expires: cx.now().after(KEPT),
    };
    let mut change = cx.begin().await?;
    change.replies().purge(cx.now()).await?;
    change.replies().remember(&reply).await?;
    Ok(change.commit(Audit::Routine("the answer to a request is kept for its repetition")).await?)
}
