//! The tables, and the few helpers that all nouns use.

use std::{collections::BTreeMap, sync::Arc};

use restic_manager_proto::{
    AlertId, ApiTokenId, ChannelId, DeliveryId, EnrolmentId, FreezeId, HostId, JobId, LogLine, MaintenanceId,
    NoticeId, PasskeyId, PendingHostId, PreviewedSnapshot, RepositoryId, RouteId, ScheduleId, SessionId,
    SilenceId, SourceGroupId, Timestamp, UserId,
    vocabulary::{CredentialSlot, JobKind},
};

use crate::{
    Error, ErrorKind, Page, PageRequest, TokenHash,
    alerts::Alert,
    api_tokens::ApiToken,
    attachments::Attachment,
    audit::AuditEntry,
    backup_days::BackupDay,
    bootstrap::Bootstrap,
    channels::Channel,
    checkpoints::AuditCheckpoint,
    deliveries::{Delivery, Notice},
    drafts::Draft,
    enrolments::Enrolment,
    factors::{Passkey, Totp},
    freezes::Freeze,
    hooks::{HookOwner, Hooks},
    hosts::Host,
    jobs::Job,
    leases::Lease,
    limits::Lane,
    maintenance::MaintenanceWindow,
    measurements::Measurement,
    pending_hosts::PendingHost,
    replies::Reply,
    repositories::Credential,
    repositories::Repository,
    routes::Route,
    schedules::Schedule,
    sessions::Session,
    setup_links::SetupLink,
    silences::Silence,
    snapshots::Snapshot,
    sources::SourceGroup,
    upkeep::{DeletionTest, Duty},
    users::User,
};

type Table<K, V> = Arc<BTreeMap<K, V>>;

/// One piece per call of append, so that copying a log copies pointers.
pub(super) type LogPieces = Vec<Arc<Vec<LogLine>>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) users: Table<UserId, User>,
    pub(super) sessions: Table<SessionId, Session>,
    pub(super) setup_links: Table<UserId, SetupLink>,
    pub(super) limits: Table<Lane, Timestamp>,
    pub(super) totps: Table<UserId, Totp>,
    pub(super) recovery_codes: Table<(UserId, TokenHash), ()>,
    pub(super) passkeys: Table<PasskeyId, Passkey>,
    /// What is good once and was used, with the end of its life.
    pub(super) spent: Table<TokenHash, Timestamp>,
    pub(super) api_tokens: Table<ApiTokenId, ApiToken>,
    pub(super) bootstrap: Option<Bootstrap>,
    pub(super) meta: Table<String, String>,
    /// What only grows, by name.
    pub(super) counters: Table<String, i64>,
    pub(super) hosts: Table<HostId, Host>,
    /// When to look at each host next.
    pub(super) watches: Table<HostId, Timestamp>,
    pub(super) enrolments: Table<EnrolmentId, Enrolment>,
    pub(super) pending_hosts: Table<PendingHostId, PendingHost>,
    pub(super) repositories: Table<RepositoryId, Repository>,
    pub(super) credentials: Table<(RepositoryId, CredentialSlot), Credential>,
    /// Where repositories were seen ready.
    pub(super) repository_places: Table<(RepositoryId, String), ()>,
    pub(super) attachments: Table<(HostId, RepositoryId), Attachment>,
    pub(super) sources: Table<SourceGroupId, SourceGroup>,
    pub(super) sources_read_since: Table<SourceGroupId, Timestamp>,
    pub(super) freezes: Table<FreezeId, Freeze>,
    pub(super) hooks: Table<HookOwner, Hooks>,
    pub(super) schedules: Table<ScheduleId, Schedule>,
    pub(super) jobs: Table<JobId, Job>,
    pub(super) leases: Table<JobId, Lease>,
    pub(super) upkeep: Table<(RepositoryId, JobKind), Duty>,
    pub(super) deletion_tests: Table<RepositoryId, DeletionTest>,
    /// By repository and day.
    pub(super) measurements: Table<(RepositoryId, i64), Measurement>,
    /// By host, day and source group.
    pub(super) backup_days: Table<(HostId, i64, SourceGroupId), BackupDay>,
    pub(super) previews: Table<(JobId, String), PreviewedSnapshot>,
    pub(super) drafts: Table<JobId, Draft>,
    pub(super) logs: Table<JobId, LogPieces>,
    pub(super) snapshots: Table<(HostId, RepositoryId, String), Snapshot>,
    pub(super) audit: Arc<Vec<Arc<AuditEntry>>>,
    pub(super) checkpoints: Table<u64, AuditCheckpoint>,
    pub(super) alerts: Table<AlertId, Alert>,
    pub(super) maintenance: Table<MaintenanceId, MaintenanceWindow>,
    pub(super) channels: Table<ChannelId, Channel>,
    pub(super) routes: Table<RouteId, Route>,
    pub(super) silences: Table<SilenceId, Silence>,
    pub(super) notices: Table<NoticeId, Notice>,
    pub(super) deliveries: Table<DeliveryId, Delivery>,
    pub(super) replies: Table<(String, String), Reply>,
}

/// The row to change, in a table of this transaction's own.
pub(super) fn row<'t, K: Ord + Clone, V: Clone>(
    table: &'t mut Table<K, V>,
    key: &K,
    subject: &'static str,
) -> Result<&'t mut V, Error> {
    Arc::make_mut(table).get_mut(key).ok_or(Error::new(ErrorKind::NotFound, subject))
}

/// Refuses a change that was made against another version.
pub(super) fn expect_version(stored: i64, expected: i64, subject: &'static str) -> Result<(), Error> {
    if stored == expected { Ok(()) } else { Err(Error::new(ErrorKind::Conflict, subject)) }
}

/// Cuts a page out of rows that are in the list's order.
pub(super) fn page<'t, T: Clone + 't, K>(
    rows: impl Iterator<Item = &'t T>,
    request: &PageRequest<K>,
    is_past: impl Fn(&T, &K) -> bool,
    key: impl Fn(&T) -> K,
) -> Page<T, K> {
    let items = rows
        .filter(|row| request.after.as_ref().is_none_or(|after| is_past(row, after)))
        .take(request.limit + 1)
        .cloned()
        .collect();
    Page::from_overfull(items, request.limit, key)
}

/// Removes the rows that match and says how many they were.
pub(super) fn remove<K: Ord + Clone, V: Clone>(table: &mut Table<K, V>, doomed: impl Fn(&V) -> bool) -> u64 {
    let before = table.len();
    Arc::make_mut(table).retain(|_, row| !doomed(row));
    (before - table.len()) as u64
}
