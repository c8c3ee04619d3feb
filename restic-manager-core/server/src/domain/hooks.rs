//! The hooks that run around the backups of a source group, on their way from the database to an agent.

use restic_manager_crypto::{Context, OpenError, Sealed, SecretBytes};
use restic_manager_proto::{HostId, SourceGroupId, vocabulary::Cause};
use restic_manager_store::{
    Error,
    hooks::{HookOwner, HookQueries, Hooks},
};
use std::borrow::Cow;

use super::secrets::Unfit;
use crate::parts::Parts;

/// What is said where hooks do not open.
pub(crate) const SEALED_SHUT: Unfit = Unfit {
    cause: Cause::SecretUnreadable,
    detail: Cow::Borrowed(
        "the server's key does not open the hooks; an admin sets them again, or removes them",
    ),
};

/// The hooks that run for a source group: its own, or else its host's.
pub(crate) async fn effective(
    rows: &mut dyn HookQueries,
    host: HostId,
    group: SourceGroupId,
) -> Result<Option<Hooks>, Error> {
    match rows.find(HookOwner::SourceGroup(group)).await? {
        None => rows.find(HookOwner::Host(host)).await,
        own => Ok(own),
    }
}

/// What the seal of hooks is bound to.
pub(crate) fn context(owner: HookOwner) -> Context {
    match owner {
        HookOwner::Host(host) => Context::host_hooks(host.as_bytes()),
        HookOwner::SourceGroup(group) => Context::source_group_hooks(group.as_bytes()),
    }
}

/// Hooks as JSON.
///
/// # Errors
/// When they were sealed with another key, or are another's.
pub(crate) fn open(parts: &Parts, hooks: &Hooks) -> Result<SecretBytes, OpenError> {
    parts.keyring.open(&context(hooks.owner), &Sealed::from_bytes(hooks.sealed.as_bytes()))
}
