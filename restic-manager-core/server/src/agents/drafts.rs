//! The orders of connection tests: what they try is nowhere but in their drafts.

use restic_manager_core::{handshake::job_secrets_context, job};
use restic_manager_crypto::{ChannelContext, Context, SecretBytes};
use restic_manager_proto::{
    Opaque, RepositoryId, RepositorySecrets,
    agent::{JobOrder, RepositoryOrder},
};
use restic_manager_store::{Error, Read, hosts::Host, jobs::Job};
use serde::{Deserialize, Serialize};

use super::orders::{SEALED_SHUT, Unfit, corrupt, missing, unseal};
use crate::parts::Parts;

/// What a connection test tries.
#[derive(Serialize, Deserialize)]
pub(crate) struct ConnectionDraft {
    /// Where restic looks.
    pub(crate) location: String,
    /// With what.
    pub(crate) secrets: RepositorySecrets,
}

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
    let secrets = SecretBytes::new(serde_json::to_vec(&draft.secrets).map_err(corrupt)?);
    // An id of its own, so that nobody else's turn on the host is waited for.
    let id = RepositoryId::from_bytes(*job.id.as_bytes());
    let sealed = Opaque::new(seal(&job_secrets_context(job.id), secrets.expose()));
    let target = RepositoryOrder::new(id, draft.location, false, sealed);
    let deadline = job.end_by.unwrap_or_else(|| job::deadlines(job.kind, job.created).end_by);
    Ok(Ok(JobOrder::new(job.id, job.kind, deadline, target, host.restic_name.clone())))
}
