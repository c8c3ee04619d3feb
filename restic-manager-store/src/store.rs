//! The two ways into the data: a consistent look, and a change.

use async_trait::async_trait;

use crate::{
    Error, Transaction, alerts::AlertQueries, api_tokens::ApiTokenQueries, attachments::AttachmentQueries,
    audit::AuditQueries, bootstrap::BootstrapQueries, checkpoints::CheckpointQueries, drafts::DraftQueries,
    enrolments::EnrolmentQueries, factors::FactorQueries, hooks::HookQueries, hosts::HostQueries,
    jobs::JobQueries, leases::LeaseQueries, limits::LimitQueries, logs::LogQueries,
    measurements::MeasurementQueries, meta::MetaQueries, pending_hosts::PendingHostQueries,
    previews::PreviewQueries, replies::ReplyQueries, repositories::RepositoryQueries,
    schedules::ScheduleQueries, sealed::SealedQueries, sessions::SessionQueries,
    setup_links::SetupLinkQueries, snapshots::SnapshotQueries, sources::SourceGroupQueries,
    upkeep::UpkeepQueries, users::UserQueries,
};

/// A database.
///
/// Transactions behave as if they ran one after the other. A backend that cannot wait for that ends one of them
/// with [`ErrorKind::Contention`](crate::ErrorKind::Contention); [`retry`](crate::retry()) runs it again.
#[async_trait]
pub trait Store: Send + Sync {
    /// A look at one state of the data: all queries on it see the same moment.
    async fn read(&self) -> Result<Box<dyn Read>, Error>;

    /// Starts a change. Dropping it undoes it.
    ///
    /// A transaction may hold up all others: never wait for a peer or a person while one is open.
    async fn begin(&self) -> Result<Box<dyn Transaction>, Error>;

    /// Waits for what is being committed and closes the database. Later calls fail.
    async fn close(&self) -> Result<(), Error>;
}

/// Queries over one state of the data, one accessor per noun.
pub trait Read: Send {
    /// Invitations to enrol.
    fn enrolments(&mut self) -> &mut dyn EnrolmentQueries;
    /// Hosts that announced themselves.
    fn pending_hosts(&mut self) -> &mut dyn PendingHostQueries;
    /// Machines with an agent.
    fn hosts(&mut self) -> &mut dyn HostQueries;
    /// Repositories.
    fn repositories(&mut self) -> &mut dyn RepositoryQueries;
    /// Which host uses which repository.
    fn attachments(&mut self) -> &mut dyn AttachmentQueries;
    /// What is backed up.
    fn sources(&mut self) -> &mut dyn SourceGroupQueries;
    /// What runs around it.
    fn hooks(&mut self) -> &mut dyn HookQueries;
    /// When.
    fn schedules(&mut self) -> &mut dyn ScheduleQueries;
    /// Executions.
    fn jobs(&mut self) -> &mut dyn JobQueries;
    /// Rights to use a repository.
    fn leases(&mut self) -> &mut dyn LeaseQueries;
    /// Their logs.
    fn logs(&mut self) -> &mut dyn LogQueries;
    /// What listings showed.
    fn snapshots(&mut self) -> &mut dyn SnapshotQueries;
    /// What keeps repositories small and healthy.
    fn upkeep(&mut self) -> &mut dyn UpkeepQueries;
    /// What repositories held, day by day.
    fn measurements(&mut self) -> &mut dyn MeasurementQueries;
    /// What retention policies that were tried would do.
    fn previews(&mut self) -> &mut dyn PreviewQueries;
    /// What jobs try before anybody keeps it.
    fn drafts(&mut self) -> &mut dyn DraftQueries;
    /// People.
    fn users(&mut self) -> &mut dyn UserQueries;
    /// Their factors besides the password.
    fn factors(&mut self) -> &mut dyn FactorQueries;
    /// Their programs' tokens.
    fn api_tokens(&mut self) -> &mut dyn ApiTokenQueries;
    /// Their logins.
    fn sessions(&mut self) -> &mut dyn SessionQueries;
    /// Links by which people set their password.
    fn setup_links(&mut self) -> &mut dyn SetupLinkQueries;
    /// How much of each allowance is used up.
    fn limits(&mut self) -> &mut dyn LimitQueries;
    /// The token that makes the first admin.
    fn bootstrap(&mut self) -> &mut dyn BootstrapQueries;
    /// Who did what.
    fn audit(&mut self) -> &mut dyn AuditQueries;
    /// Signed marks in the audit log.
    fn checkpoints(&mut self) -> &mut dyn CheckpointQueries;
    /// Every sealed secret alike.
    fn sealed(&mut self) -> &mut dyn SealedQueries;
    /// Answers kept for repeated requests.
    fn replies(&mut self) -> &mut dyn ReplyQueries;
    /// What needs somebody.
    fn alerts(&mut self) -> &mut dyn AlertQueries;
    /// Facts about the database itself.
    fn meta(&mut self) -> &mut dyn MetaQueries;
}
