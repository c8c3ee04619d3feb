//! A store around another one: whatever is kept is also told to a second place, after it was kept.

use async_trait::async_trait;
use restic_manager_store::{
    Audit, Error, Read, Store, Transaction,
    alerts::Alerts,
    api_tokens::ApiTokens,
    attachments::Attachments,
    audit::{AuditQueries, NewAuditEntry},
    bootstrap::Bootstraps,
    checkpoints::Checkpoints,
    drafts::Drafts,
    enrolments::Enrolments,
    factors::Factors,
    hooks::HookChanges,
    hosts::Hosts,
    jobs::Jobs,
    leases::Leases,
    limits::Limits,
    logs::Logs,
    measurements::Measurements,
    meta::Meta,
    pending_hosts::PendingHosts,
    previews::Previews,
    replies::Replies,
    repositories::Repositories,
    schedules::Schedules,
    sealed::Sealing,
    sessions::Sessions,
    setup_links::SetupLinks,
    snapshots::Snapshots,
    sources::SourceGroups,
    upkeep::Upkeep,
    users::Users,
};
use std::sync::Arc;

/// Where entries go.
pub(crate) type Mirror = Arc<dyn Fn(&NewAuditEntry) + Send + Sync>;

/// Tells each kept audit entry to a mirror, such as a log that the database's owner cannot change.
pub(crate) struct Mirrored<S> {
    inner: S,
    mirror: Mirror,
}

impl<S: Store> Mirrored<S> {
    pub(crate) fn new(inner: S, mirror: impl Fn(&NewAuditEntry) + Send + Sync + 'static) -> Self {
        Self { inner, mirror: Arc::new(mirror) }
    }
}

#[async_trait]
impl<S: Store> Store for Mirrored<S> {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        self.inner.read().await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        let inner = self.inner.begin().await?;
        Ok(Box::new(MirroredTransaction { inner, mirror: Arc::clone(&self.mirror) }))
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

struct MirroredTransaction {
    inner: Box<dyn Transaction>,
    mirror: Mirror,
}

/// Accessors that lead to the same noun of the transaction within.
macro_rules! pass_on {
    ($($noun:ident: $changes:ident),* $(,)?) => {
        $(fn $noun(&mut self) -> &mut dyn $changes {
            self.inner.$noun()
        })*
    };
}

#[async_trait]
impl Transaction for MirroredTransaction {
    pass_on! {
        enrolments: Enrolments, hosts: Hosts, repositories: Repositories, attachments: Attachments,
    sources: SourceGroups,
    schedules: Schedules,
    jobs: Jobs,
    logs: Logs,
    snapshots: Snapshots,
    users: Users,
    sessions: Sessions,
    bootstrap: Bootstraps,
    audit: AuditQueries,
    checkpoints: Checkpoints,
    sealed: Sealing,
    replies: Replies,
    alerts: Alerts,
    meta: Meta,
    setup_links: SetupLinks,
    limits: Limits,
    factors: Factors,
    api_tokens: ApiTokens,
    pending_hosts: PendingHosts,
    leases: Leases,
    upkeep: Upkeep,
    measurements: Measurements,
    previews: Previews,
    drafts: Drafts,
    hooks: HookChanges,
    }

    async fn commit(self: Box<Self>, audit: Audit) -> Result<(), Error> {
        let entries = match &audit {
            Audit::Entry(entry) => vec![NewAuditEntry::clone(entry)],
            Audit::Entries(entries) => entries.clone(),
            // A routine change has no entry.
            _ => Vec::new(),
        };
        self.inner.commit(audit).await?;
        entries.iter().for_each(|entry| (self.mirror)(entry));
        Ok(())
    }
}
