//! A host comes into being: by an invitation that is spent, or by an announcement that is accepted.

use restic_manager_proto::{HostId, Retention, SourceOptions, vocabulary::PresenceMode};
use restic_manager_store::{
    Error, ErrorKind, PublicKey, TokenHash, Transaction, enrolments::PlannedAttachment, hosts::NewHost,
    sources::SourceGroup,
};

use super::jobs::{Wanted, queue::queue};
use crate::parts::Change;

/// What a host is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) host_name: &'a str,
    pub(crate) tags: &'a [String],
    pub(crate) presence_mode: PresenceMode,
    pub(crate) attachments: &'a [PlannedAttachment],
    /// Of its first source group; none makes no group.
    pub(crate) include_paths: &'a [String],
}

/// Makes the host: attaches its repositories, makes its first source group, and asks for a look at each repository.
///
/// # Errors
/// `Taken` when the name is in use; nothing was changed then.
pub(crate) async fn make(
    change: &mut Change<'_>,
    plan: Plan<'_>,
    public_key: PublicKey,
    agent_token: TokenHash,
) -> Result<HostId, Error> {
    let parts = change.parts();
    let new = NewHost {
        id: parts.mint.host(),
        name: plan.host_name.to_owned(),
        restic_name: free_restic_name(change.as_mut(), plan.host_name).await?,
        tags: plan.tags.to_vec(),
        presence_mode: plan.presence_mode,
        public_key,
        agent_token,
        enrolled: parts.now(),
    };
    change.hosts().enrol(&new).await?;
    furnish(change, plan, new.id).await?;
    Ok(new.id)
}

async fn furnish(change: &mut Change<'_>, plan: Plan<'_>, host: HostId) -> Result<(), Error> {
    let parts = change.parts();
    let now = parts.now();
    for planned in plan.attachments {
        match change.attachments().attach(host, planned.repository, planned.location.as_deref()).await {
            // It was removed after the plan was written.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            attached => attached?,
        }
        let order = Wanted::check(host, planned.repository);
        queue(change, &order.at(&parts.mint, now)).await?;
    }
    let attached = change.attachments().of_host(host).await?;
    let first = plan
        .attachments
        .iter()
        .find(|planned| attached.iter().any(|row| row.repository == planned.repository));
    if let Some(first) = first.filter(|_| !plan.include_paths.is_empty()) {
        let group = SourceGroup {
            id: parts.mint.source_group(),
            host,
            name: "default".to_owned(),
            includes: plan.include_paths.to_vec(),
            excludes: Vec::new(),
            tag: "default".to_owned(),
            repository: first.repository,
            retention: Retention::default(),
            options: SourceOptions::default(),
            command: None,
            last_backup: None,
            created: now,
            version: 1,
        };
        change.sources().add(&group).await?;
    }
    Ok(())
}

/// The host's name, unless a host that was renamed since keeps it for restic.
async fn free_restic_name(transaction: &mut dyn Transaction, name: &str) -> Result<String, Error> {
    let mut free = name.to_owned();
    for number in 2.. {
        if !transaction.hosts().has_restic_name(&free).await? {
            break;
        }
        free = format!("{name}-{number}");
    }
    Ok(free)
}
