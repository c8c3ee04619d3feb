//! The orders of connection tests: what they try is nowhere but in their drafts.

use restic_manager_core::{handshake::job_secrets_context, job};
use restic_manager_crypto::{ChannelContext, Context};
use restic_manager_proto::{
    Opaque, RepositoryId,
    agent::{JobOrder, RepositoryOrder, Task},
};
use restic_manager_store::{Error, Read, hosts::Host, jobs::Job};

use crate::{
    domain::secrets::{ConnectionDraft, SEALED_SHUT, Unfit, missing, secrets_json, unseal},
    parts::Parts,
};

pub(super) async fn write(
    parts: &Parts,
    read: &mut dyn Read,
    host: &Host,
    job: &Job,
    seal: impl Fn(&ChannelContext, &[u8]) -> Vec<u8>,
) -> Result<Result<JobOrder, Unfit>, Error> {
    let Some(draft) = read.drafts().find(job.id).await? else {
        return Ok(Err(missing("what was to be tried is not kept any more; test again")));
    };
    let plain = match unseal(parts, &Context::draft(job.id.as_bytes()), &draft.sealed) {
        Ok(plain) => plain,
        Err(unfit) => return Ok(Err(unfit)),
    };
    let Ok(draft) = serde_json::from_slice::<ConnectionDraft>(plain.expose()) else {
        return Ok(Err(SEALED_SHUT));
    };
    let secrets = match secrets_json(&draft.secrets) {
        Ok(secrets) => secrets,
        Err(unfit) => return Ok(Err(unfit)),
    };
    // An id of its own, so that nobody else's turn on the host is waited for.
    let id = RepositoryId::from_bytes(*job.id.as_bytes());
    let sealed = Opaque::new(seal(&job_secrets_context(job.id), secrets.expose()));
    let target = RepositoryOrder::new(id, draft.location, false, sealed);
    let deadline = job.end_by.unwrap_or_else(|| job::deadlines(job.kind, job.created).end_by);
    Ok(Ok(JobOrder::new(job.id, Task::ConnectionTest {}, deadline, target, host.restic_name.clone())))
}
