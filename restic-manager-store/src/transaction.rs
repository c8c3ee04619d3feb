//! A change, and what must be said for it to be kept.

use async_trait::async_trait;

use crate::{
    Error, alerts::Alerts, api_tokens::ApiTokens, attachments::Attachments, audit::AuditQueries,
    audit::NewAuditEntry, bootstrap::Bootstraps, checkpoints::Checkpoints, drafts::Drafts,
    enrolments::Enrolments, factors::Factors, hooks::HookChanges, hosts::Hosts, jobs::Jobs, leases::Leases,
    limits::Limits, logs::Logs, measurements::Measurements, meta::Meta, pending_hosts::PendingHosts,
    previews::Previews, replies::Replies, repositories::Repositories, schedules::Schedules, sealed::Sealing,
    sessions::Sessions, setup_links::SetupLinks, snapshots::Snapshots, sources::SourceGroups, upkeep::Upkeep,
    users::Users,
};

/// Why a change may be kept: its audit entry, or the reason why it needs none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Audit {
    /// One entry.
    Entry(Box<NewAuditEntry>),
    /// Several entries, in this order.
    Entries(Vec<NewAuditEntry>),
    /// No entry. The text says why none is needed, and finds all such places with one search.
    Routine(&'static str),
}

impl Audit {
    /// One entry.
    #[must_use]
    pub fn entry(entry: NewAuditEntry) -> Self {
        Self::Entry(Box::new(entry))
    }

    pub(crate) fn into_entries(self) -> Vec<NewAuditEntry> {
        match self {
            Self::Entry(entry) => vec![*entry],
            Self::Entries(entries) => entries,
            Self::Routine(_) => Vec::new(),
        }
    }
}

/// Queries and changes that are kept together or not at all.
///
/// Each accessor gives a noun's changes, and its queries too, which see what this transaction changed. After an
/// error the transaction can only be dropped, which undoes it.
#[async_trait]
pub trait Transaction: Send {
    /// Invitations to enrol.
    fn enrolments(&mut self) -> &mut dyn Enrolments;
    /// Hosts that announced themselves.
    fn pending_hosts(&mut self) -> &mut dyn PendingHosts;
    /// Machines with an agent.
    fn hosts(&mut self) -> &mut dyn Hosts;
    /// Repositories.
    fn repositories(&mut self) -> &mut dyn Repositories;
    /// Which host uses which repository.
    fn attachments(&mut self) -> &mut dyn Attachments;
    /// What is backed up.
    fn sources(&mut self) -> &mut dyn SourceGroups;
    /// What runs around it.
    fn hooks(&mut self) -> &mut dyn HookChanges;
    /// When.
    fn schedules(&mut self) -> &mut dyn Schedules;
    /// Executions.
    fn jobs(&mut self) -> &mut dyn Jobs;
    /// Rights to use a repository.
    fn leases(&mut self) -> &mut dyn Leases;
    /// Their logs.
    fn logs(&mut self) -> &mut dyn Logs;
    /// What listings showed.
    fn snapshots(&mut self) -> &mut dyn Snapshots;
    /// What keeps repositories small and healthy.
    fn upkeep(&mut self) -> &mut dyn Upkeep;
    /// What repositories held, day by day.
    fn measurements(&mut self) -> &mut dyn Measurements;
    /// What retention policies that were tried would do.
    fn previews(&mut self) -> &mut dyn Previews;
    /// What jobs try before anybody keeps it.
    fn drafts(&mut self) -> &mut dyn Drafts;
    /// People.
    fn users(&mut self) -> &mut dyn Users;
    /// Their factors besides the password.
    fn factors(&mut self) -> &mut dyn Factors;
    /// Their programs' tokens.
    fn api_tokens(&mut self) -> &mut dyn ApiTokens;
    /// Their logins.
    fn sessions(&mut self) -> &mut dyn Sessions;
    /// Links by which people set their password.
    fn setup_links(&mut self) -> &mut dyn SetupLinks;
    /// How much of each allowance is used up.
    fn limits(&mut self) -> &mut dyn Limits;
    /// The token that makes the first admin.
    fn bootstrap(&mut self) -> &mut dyn Bootstraps;
    /// Who did what. Entries are added by [`Transaction::commit`] alone.
    fn audit(&mut self) -> &mut dyn AuditQueries;
    /// Signed marks in the audit log.
    fn checkpoints(&mut self) -> &mut dyn Checkpoints;
    /// Every sealed secret alike, for sealing them anew.
    fn sealed(&mut self) -> &mut dyn Sealing;
    /// Answers kept for repeated requests.
    fn replies(&mut self) -> &mut dyn Replies;
    /// What needs somebody.
    fn alerts(&mut self) -> &mut dyn Alerts;
    /// Facts about the database itself.
    fn meta(&mut self) -> &mut dyn Meta;

    /// Keeps the change. When this returns, it survives a crash of the process and of the machine.
    ///
    /// Not cancel-safe: when the future is dropped the change may or may not be kept.
    async fn commit(self: Box<Self>, audit: Audit) -> Result<(), Error>;
}
