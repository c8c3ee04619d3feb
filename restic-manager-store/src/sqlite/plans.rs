//! Queries that pages and deadlines ask for find their rows by an index, in its order: they cost what they return,
//! however large the tables are.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, ChannelId, DeliveryId, EnrolmentId, HostId, JobId, RepositoryId, RouteId, ScheduleId, Scope,
    SessionId, SilenceId, SourceGroupId, Timestamp, UserId,
    vocabulary::{Action, AlertKind, AlertState, JobState, Outcome, RepositoryState, Severity},
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use super::{driver, migrate};
use crate::{
    Error, PageRequest, TokenHash,
    alerts::{AlertFilter, AlertPlace, AlertQueries, AlertSubject, Alerts},
    attachments::AttachmentQueries,
    audit::{AuditQueries, AuditRange, AuditScope},
    backup_days::{BackupDayQueries, BackupDays},
    channels::ChannelQueries,
    checkpoints::CheckpointQueries,
    deliveries::{Deliveries, DeliveryQueries},
    enrolments::EnrolmentQueries,
    freezes::FreezeQueries,
    hosts::{Backups, HostFilter, HostOrder, HostQueries},
    jobs::{JobQueries, JobScope, Jobs},
    leases::LeaseQueries,
    limits::{Lane, LimitQueries, Limits},
    logs::{LogQueries, Logs},
    maintenance::MaintenanceQueries,
    measurements::{MeasurementQueries, Measurements},
    metrics::MetricQueries,
    previews::PreviewQueries,
    repositories::RepositoryQueries,
    routes::RouteQueries,
    schedules::ScheduleQueries,
    sealed::{SealedPlace, SealedQueries},
    sessions::SessionQueries,
    setup_links::{SetupLinkQueries, SetupLinks},
    silences::SilenceQueries,
    snapshots::{SnapshotQueries, SnapshotScope},
    sources::SourceGroupQueries,
    sql::{Connection, MIGRATIONS, Row, Sql, Value},
    upkeep::UpkeepQueries,
    users::UserQueries,
};

/// Asks SQLite for the plan of each statement before it runs it.
struct Spy {
    connection: SqliteConnection,
    plans: Arc<Mutex<Vec<(&'static str, String)>>>,
}

impl Spy {
    async fn explain(&mut self, sql: &'static str) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        for step in sqlx::query(explain).fetch_all(&mut self.connection).await.unwrap() {
            self.plans.lock().unwrap().push((sql, step.get(3)));
        }
    }
}

#[async_trait]
impl Connection for Spy {
    const DATABASE_BYTES: &'static str = driver::DATABASE_BYTES;
    const NOTE_ALL_SEEN: &'static str = driver::NOTE_ALL_SEEN;

    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        self.explain(sql).await;
        driver::execute(&mut self.connection, sql, values)
            .await
            .map_err(|error| driver::error(error, "a change"))
    }

    async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.explain(sql).await;
        driver::query(&mut self.connection, sql, values)
            .await
            .map_err(|error| driver::error(error, "a query"))
    }
}

async fn spied() -> (Sql<Spy>, Arc<Mutex<Vec<(&'static str, String)>>>) {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrate::migrate(&mut connection, "unused".as_ref(), MIGRATIONS).await.unwrap();
    let plans = Arc::default();
    (Sql::new(Spy { connection, plans: Arc::clone(&plans) }), plans)
}

/// Steps that look at more than they return, and may: by a part of the statement.
const ACCEPTED: &[(&str, &str)] = &[
    ("", "SCAN CONSTANT ROW"),
    // All of a few, in order; and the oldest of all.
    ("FROM channels", "SCAN channels USING INDEX sqlite_autoindex_channels_2"),
    ("FROM routes", "SCAN routes USING INDEX routes_place"),
    ("FROM notices", "SCAN notices USING INDEX sqlite_autoindex_notices_1"),
    // As many rows as there are tags.
    ("FROM host_tags", "SCAN found"),
    // The counts of the fleet look at each host, those of a kind together, and make a handful of groups.
    ("AS standing", "SCAN hosts USING INDEX hosts_standing"),
    ("AS standing", "USE TEMP B-TREE FOR GROUP BY"),
    // Of the leases that there are: those of jobs that run or wait.
    ("AS tally FROM leases", "SCAN leases"),
    ("AS tally FROM leases", "USE TEMP B-TREE FOR GROUP BY"),
    // As many as the fleet's budget lets run.
    ("COUNT(*) FROM leases WHERE state = 'held'", "SCAN leases USING COVERING INDEX leases_all_held"),
    // Of the active jobs alone.
    ("dispatch_by <= $1", "USE TEMP B-TREE FOR ORDER BY"),
];

#[tokio::test]
async fn queries_find_their_rows_by_an_index() {
    let (mut sql, plans) = spied().await;
    ask_lists(&mut sql).await.unwrap();
    ask_single_rows(&mut sql).await.unwrap();
    let plans = plans.lock().unwrap();
    assert!(plans.len() > 30, "{} steps", plans.len());
    let may = |sql: &str, step: &str| ACCEPTED.iter().any(|(part, of)| sql.contains(part) && *of == step);
    let looks = |step: &str| step.starts_with("SCAN ") || step.contains("TEMP B-TREE");
    let slow: Vec<_> = plans.iter().filter(|(sql, step)| looks(step) && !may(sql, step)).collect();
    assert!(slow.is_empty(), "{slow:#?}");
}

async fn ask_lists(sql: &mut Sql<Spy>) -> Result<(), Error> {
    let (host, repository) = (HostId::from_bytes([1; 16]), RepositoryId::from_bytes([1; 16]));
    let group = SourceGroupId::from_bytes([1; 16]);
    for order in [HostOrder::Name, HostOrder::NextRun, HostOrder::LastGood] {
        HostQueries::page(sql, &HostFilter::default(), order, PageRequest::first(50)).await?;
    }
    let failing = HostFilter { backups: Some(Backups::Failing), ..HostFilter::default() };
    HostQueries::page(sql, &failing, HostOrder::Name, PageRequest::first(50)).await?;
    HostQueries::run_passed(sql, Timestamp::MIN, 50).await?;
    HostQueries::standings(sql, &Scope::All, Timestamp::MIN).await?;
    HostQueries::tags(sql).await?;
    JobQueries::overdue(sql, Timestamp::MIN, 50).await?;
    PreviewQueries::page(sql, JobId::from_bytes([1; 16]), PageRequest::first(50)).await?;
    MeasurementQueries::history(sql, repository, 50).await?;
    Measurements::purge(sql, Timestamp::MIN, 50).await?;
    MetricQueries::ended_jobs(sql).await?;
    MetricQueries::lease_tallies(sql).await?;
    MetricQueries::groups(sql, None, 50).await?;
    MetricQueries::measured(sql, None, 50).await?;
    MetricQueries::duties(sql, None, 50).await?;
    AttachmentQueries::of_repository(sql, repository, &Scope::All).await?;
    AttachmentQueries::of_repository(sql, repository, &Scope::hosts([host])).await?;
    let deleted = HostFilter { deleted: true, ..HostFilter::default() };
    HostQueries::page(sql, &deleted, HostOrder::Name, PageRequest::first(50)).await?;
    let filter = HostFilter { tag: Some("tag".into()), search: Some("name".into()), ..HostFilter::default() };
    HostQueries::page(sql, &filter, HostOrder::Name, PageRequest::first(50)).await?;
    for scope in [
        JobScope::Fleet,
        JobScope::Host(host),
        JobScope::Repository(repository),
        JobScope::SourceGroup(group),
        JobScope::Schedule(ScheduleId::from_bytes([1; 16])),
        JobScope::HostWithin(host, Timestamp::MIN, Timestamp::MAX),
        JobScope::State(JobState::Running),
        JobScope::HostState(host, JobState::Queued),
    ] {
        JobQueries::page(sql, scope, &Scope::All, PageRequest::first(50)).await?;
        JobQueries::page(sql, scope, &Scope::hosts([host]), PageRequest::first(50)).await?;
    }
    for scope in [SnapshotScope::Host(host), SnapshotScope::HostRepository(host, repository)] {
        SnapshotQueries::page(sql, scope, PageRequest::first(50)).await?;
    }
    SnapshotQueries::newest_tagged(sql, host, repository, "tag").await?;
    SnapshotQueries::oldest_tagged(sql, host, repository, "tag").await?;
    SnapshotQueries::newest(sql, host, repository).await?;
    SnapshotQueries::uncounted(sql, host, 50).await?;
    FreezeQueries::of_repository(sql, repository).await?;
    for scope in [
        AuditScope::Everything,
        AuditScope::Action(Action::Login),
        AuditScope::Outcome(Outcome::Refused),
        AuditScope::Actor("id".into()),
        AuditScope::Subject { kind: "host".into(), id: "id".into() },
    ] {
        let range = AuditRange { since: Timestamp::MIN, until: Timestamp::MAX };
        AuditQueries::page_of(sql, &scope, range, PageRequest::first(50)).await?;
    }
    let (states, severities, kinds) = (
        [None, Some(AlertState::Open)],
        [None, Some(Severity::Critical)],
        [None, Some(AlertKind::TokenReplay)],
    );
    for state in states {
        for severity in severities {
            for kind in kinds {
                let filter = AlertFilter { state, severity, kind, place: AlertPlace::Top };
                AlertQueries::page(sql, filter, PageRequest::first(50)).await?;
            }
        }
    }
    for place in [AlertPlace::Below(AlertId::from_bytes([1; 16])), AlertPlace::Anywhere] {
        let filter = AlertFilter { place, ..AlertFilter::default() };
        AlertQueries::page(sql, filter, PageRequest::first(50)).await?;
    }
    AlertQueries::below(sql, AlertId::from_bytes([1; 16]), 50).await?;
    AlertQueries::due(sql, Timestamp::MIN, 50).await?;
    AlertQueries::lasting(sql, &AlertSubject::server(), 50).await?;
    AlertQueries::lasting_on(sql, host, 50).await?;
    AlertQueries::dismissed(sql, AlertKind::TokenReplay, &AlertSubject::server()).await?;
    BackupDayQueries::of_host(sql, host, 0).await?;
    BackupDays::purge(sql, 0, 50).await?;
    HostQueries::to_watch(sql, Timestamp::MIN, 50).await?;
    AttachmentQueries::any_in_state(sql, repository, RepositoryState::Unreachable).await?;
    Alerts::purge(sql, Timestamp::MIN, 50).await?;
    UserQueries::page(sql, PageRequest::first(50)).await?;
    for scope in [Scope::All, Scope::tags(["tag"]), Scope::hosts([host])] {
        EnrolmentQueries::page(sql, &scope, PageRequest::first(50)).await?;
        RepositoryQueries::page(sql, &scope, PageRequest::first(50)).await?;
        AttachmentQueries::any_within(sql, repository, &scope).await?;
        JobQueries::active_tallies(sql, &scope).await?;
        let filter = HostFilter { scope, ..HostFilter::default() };
        HostQueries::page(sql, &filter, HostOrder::Name, PageRequest::first(50)).await?;
    }
    SourceGroupQueries::of_host(sql, host).await?;
    ScheduleQueries::of_host(sql, host).await?;
    SourceGroupQueries::with_retention_in(sql, repository).await?;
    LeaseQueries::crowd(sql, JobId::from_bytes([1; 16]), repository).await?;
    LeaseQueries::next_in(sql, repository).await?;
    LeaseQueries::waited_for(sql, None, 50).await?;
    LeaseQueries::held_in(sql, repository, 50).await?;
    LeaseQueries::fleet_crowd(sql, JobId::from_bytes([1; 16])).await?;
    LeaseQueries::next_in_fleet(sql).await?;
    LeaseQueries::expired(sql, Timestamp::MIN, 50).await?;
    MaintenanceQueries::not_over(sql, Timestamp::MIN, 50).await?;
    SilenceQueries::not_over(sql, Timestamp::MIN, 50).await?;
    ChannelQueries::all(sql, 50).await?;
    RouteQueries::all(sql, 50).await?;
    let channel = ChannelId::from_bytes([1; 16]);
    DeliveryQueries::notices(sql, 50).await?;
    DeliveryQueries::due(sql, Timestamp::MIN, 50).await?;
    DeliveryQueries::newest(sql, channel, "group").await?;
    DeliveryQueries::waiting(sql, channel, 50).await?;
    for channel in [None, Some(channel)] {
        DeliveryQueries::page(sql, channel, PageRequest::first(50)).await?;
    }
    Deliveries::purge_ended(sql, Timestamp::MIN, 50).await?;
    DeliveryQueries::find(sql, DeliveryId::from_bytes([1; 16])).await?;
    ChannelQueries::find(sql, channel).await?;
    RouteQueries::find(sql, RouteId::from_bytes([1; 16])).await?;
    SilenceQueries::find(sql, SilenceId::from_bytes([1; 16])).await?;
    UpkeepQueries::of_repository(sql, repository).await?;
    UpkeepQueries::due(sql, Timestamp::MIN, 50).await?;
    RepositoryQueries::runners(sql).await?;
    SessionQueries::live_of(sql, UserId::from_bytes([1; 16]), Timestamp::MIN).await?;
    LogQueries::lines(sql, JobId::from_bytes([1; 16]), 7, 50).await?;
    Jobs::collect(sql, Timestamp::MIN, 50).await?;
    Logs::discard(sql, Timestamp::MIN, 50).await?;
    Ok(())
}

async fn ask_single_rows(sql: &mut Sql<Spy>) -> Result<(), Error> {
    let token = TokenHash::new([1; 32]);
    HostQueries::find(sql, HostId::from_bytes([1; 16])).await?;
    HostQueries::named(sql, "name").await?;
    HostQueries::with_agent_token(sql, &token).await?;
    JobQueries::find(sql, JobId::from_bytes([1; 16])).await?;
    let (schedule, group) = (ScheduleId::from_bytes([1; 16]), SourceGroupId::from_bytes([1; 16]));
    JobQueries::in_slot(sql, schedule, Timestamp::MIN, group).await?;
    Jobs::claim_queued(sql, HostId::from_bytes([1; 16]), Timestamp::MIN).await?;
    SessionQueries::with_token(sql, &token).await?;
    SessionQueries::newest_of(sql, SessionId::from_bytes([1; 16])).await?;
    SetupLinkQueries::of_user(sql, UserId::from_bytes([1; 16])).await?;
    SetupLinkQueries::with_token(sql, &token).await?;
    LimitQueries::full_at(sql, &Lane::new([1; 32])).await?;
    Limits::purge(sql, Timestamp::MIN).await?;
    SetupLinks::purge(sql, Timestamp::MIN).await?;
    EnrolmentQueries::with_token(sql, &token).await?;
    EnrolmentQueries::find(sql, EnrolmentId::from_bytes([1; 16])).await?;
    UserQueries::named(sql, "name").await?;
    AlertQueries::find(sql, AlertId::from_bytes([1; 16])).await?;
    AlertQueries::unresolved(sql, AlertKind::TokenReplay, &AlertSubject::server()).await?;
    AlertQueries::tallies(sql).await?;
    AuditQueries::head(sql).await?;
    AuditQueries::entry(sql, 7).await?;
    CheckpointQueries::last(sql).await?;
    CheckpointQueries::covering(sql, 7, 50).await?;
    for place in SealedPlace::ALL {
        SealedQueries::rows(sql, *place, None, 50).await?;
    }
    Ok(())
}
