use async_trait::async_trait;
use restic_manager_proto::{RepositoryId, Scope, SourceGroupId, Timestamp, vocabulary::JobKind};

use super::{
    Connection, Sql,
    record::{Columns, Kind as _, Maybe, select},
    value::values,
    within::{is_within, scoped},
};
use crate::{
    Error,
    jobs::Job,
    measurements::Measurement,
    metrics::{
        DELIVERED, DeliveryTally, ENDED, EndedJobs, GroupMetrics, JobDurations, LOG_BYTES, LeaseTally,
        MetricQueries, TOOK, TOOK_TOGETHER, read_deliveries, read_durations, read_ended,
    },
    upkeep::Duty,
};

/// Of each source group, besides its row, what its last job did, and its newest snapshot and their number, both by the index
/// of tags.
const GROUPS: &str = "SELECT g.id AS id, g.host AS host, g.repository AS repository, g.name AS name, \
    g.last_backup_job AS last_backup_job, g.last_backup_state AS last_backup_state, \
    g.last_backup_cause AS last_backup_cause, g.last_backup_ended AS last_backup_ended, \
    g.last_backup_bytes AS last_backup_bytes, j.started AS started, j.statistics AS statistics, \
    (SELECT s.seen FROM snapshots s WHERE s.host = g.host AND s.repository = g.repository AND s.tag = g.tag \
        ORDER BY s.time DESC, s.id DESC LIMIT 1) AS newest, \
    (SELECT COUNT(*) FROM snapshots s WHERE s.host = g.host AND s.repository = g.repository AND s.tag = g.tag) \
        AS snapshots \
    FROM source_groups g LEFT JOIN jobs j ON j.id = g.last_backup_job WHERE g.id > $1 ORDER BY g.id LIMIT $2";

fn group(columns: &Columns<'_>) -> Result<GroupMetrics, Error> {
    Ok(GroupMetrics {
        id: columns.get("id")?,
        host: columns.get("host")?,
        repository: columns.get("repository")?,
        name: columns.get("name")?,
        last_backup: Maybe::read(columns, "last_backup_")?,
        started: columns.get("started")?,
        statistics: columns.get("statistics")?,
        newest: columns.get("newest")?,
        snapshots: columns.get("snapshots")?,
    })
}

#[async_trait]
impl<C: Connection> MetricQueries for Sql<C> {
    async fn ended_jobs(&mut self) -> Result<Vec<EndedJobs>, Error> {
        read_ended(self.counters(ENDED).await?)
    }

    async fn ended_between(
        &mut self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EndedJobs>, Error> {
        let sql = concat!(
            "SELECT kind, state, COUNT(*) AS tally FROM jobs WHERE ended >= $1 AND ended < $2 AND ",
            is_within!("jobs.host"),
            " GROUP BY kind, state"
        );
        let tally = |columns: &Columns<'_>| {
            let (kind, state) = (columns.get("kind")?, columns.get("state")?);
            Ok(EndedJobs { kind, state, jobs: columns.get("tally")? })
        };
        let mut tallies =
            self.rows_of(sql, scoped(values![from, until], scope), "jobs", "job", tally).await?;
        tallies.sort_unstable_by_key(|one| (one.kind.as_str(), one.state.as_str()));
        Ok(tallies)
    }

    async fn failed_between(
        &mut self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Job>, Error> {
        let sql = select!(Job: "WHERE ended >= $1 AND ended < $2 AND state IN ('failed', 'incomplete') AND ",
            is_within!("jobs.host"), " ORDER BY ended DESC, id DESC LIMIT $3");
        self.rows(sql, scoped(values![from, until, limit], scope)).await
    }

    async fn job_durations(&mut self) -> Result<Vec<JobDurations>, Error> {
        let counts = self.counters(TOOK).await?;
        read_durations(&counts, self.counters(TOOK_TOGETHER).await?)
    }

    async fn log_bytes(&mut self) -> Result<u64, Error> {
        Ok(self.counters(LOG_BYTES).await?.first().map_or(0, |(_, bytes)| *bytes))
    }

    async fn lease_tallies(&mut self) -> Result<Vec<LeaseTally>, Error> {
        let sql = "SELECT state, COUNT(*) AS tally FROM leases GROUP BY state ORDER BY state";
        let tally = |columns: &Columns<'_>| {
            Ok(LeaseTally { state: columns.get("state")?, leases: columns.get("tally")? })
        };
        let mut tallies = self.rows_of(sql, values![], "leases", "lease", tally).await?;
        // In the order of any database's collation until here.
        tallies.sort_unstable_by_key(|tally| tally.state.as_str());
        Ok(tallies)
    }

    async fn delivery_tallies(&mut self) -> Result<Vec<DeliveryTally>, Error> {
        let sql = "SELECT channel, COUNT(*) AS tally FROM deliveries WHERE due IS NOT NULL GROUP BY channel";
        let one = |columns: &Columns<'_>| Ok((columns.get("channel")?, columns.get("tally")?));
        let waiting = self.rows_of(sql, values![], "deliveries", "delivery", one).await?;
        read_deliveries(self.counters(DELIVERED).await?, waiting)
    }

    async fn groups(
        &mut self,
        after: Option<SourceGroupId>,
        limit: usize,
    ) -> Result<Vec<GroupMetrics>, Error> {
        let after = after.unwrap_or(SourceGroupId::from_bytes([0; 16]));
        self.rows_of(GROUPS, values![after, limit], "source_groups", "source group", group).await
    }

    async fn measured(
        &mut self,
        after: Option<RepositoryId>,
        limit: usize,
    ) -> Result<Vec<Measurement>, Error> {
        let after = after.unwrap_or(RepositoryId::from_bytes([0; 16]));
        let newest = select!(
        Measurement:
            "WHERE (repository, day) IN (SELECT r.id, (SELECT MAX(m.day) FROM measurements m WHERE m.repository = r.id) \
             FROM repositories r WHERE r.id > $1 AND EXISTS (SELECT 1 FROM measurements n WHERE n.repository = r.id) \
             ORDER BY r.id LIMIT $2)"
        );
        let mut measured = self.rows(newest, values![after, limit]).await?;
        measured.sort_unstable_by_key(|row: &Measurement| row.repository);
        Ok(measured)
    }

    async fn duties(
        &mut self,
        after: Option<(RepositoryId, JobKind)>,
        limit: usize,
    ) -> Result<Vec<Duty>, Error> {
        let (repository, kind) = match after {
            Some((repository, kind)) => (repository, kind.as_str()),
            None => (RepositoryId::from_bytes([0; 16]), ""),
        };
        let sql = select!(Duty: "WHERE (repository, kind) > ($1, $2) ORDER BY repository, kind LIMIT $3");
        self.rows(sql, values![repository, kind, limit]).await
    }

    async fn database_bytes(&mut self) -> Result<Option<u64>, Error> {
        self.only(C::DATABASE_BYTES, values![], "size of the database").await
    }
}
