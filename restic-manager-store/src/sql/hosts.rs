use async_trait::async_trait;
use restic_manager_proto::{HostFacts, HostId, Scope, Timestamp, agent::ConfigurationVersion};

use super::{
    Connection, Sql, Value,
    record::{Select, columns, select, update},
    transaction::lost,
    value::values,
    within::{is_within, scoped},
};
use crate::{
    Error, ErrorKind, Page, PageRequest, PublicKey, TokenHash, fold,
    hosts::{
        Backups, ConfigurationState, DayTally, Host, HostCursor, HostFilter, HostOrder, HostPlan,
        HostQueries, HostSettings, HostStanding, Hosts, LastBackup, NewHost, OutboxPosition,
    },
};

columns! { LastBackup { job, state, cause, ended, bytes_processed = bytes } }

columns! { ConfigurationVersion { number, digest } }

columns! {
    ConfigurationState of hosts, "host" { wanted?: "wanted_", held?: "held_", drift_since, refusal }
}

columns! { OutboxPosition { outbox, sequence = outbox_sequence } }

columns! {
    Host of hosts, "host" {
        id, name, restic_name, tags, presence_mode, bandwidth, public_key, agent_token, next_token, last_token,
        token_since, enrolled, last_seen, generation, facts, address, last_backup?: "last_backup_",
        worst_backup?: "worst_backup_", last_good_backup, last_snapshot, snapshots, running_job, next_run,
        fresh_until, days, configuration: "", outbox?: "", version, deleted,
    }
    and |row| { name_key: fold(&row.name) }
}

/// A list that is sifted, the same with nothing but drifting hosts, failing ones, and deleted ones.
macro_rules! filtered {
    ($after:literal, $order:literal) => {
        [
            filtered!("deleted IS NULL AND ", $after, $order),
            filtered!("deleted IS NULL AND drift_since IS NOT NULL AND ", $after, $order),
            filtered!(
                "deleted IS NULL AND COALESCE(worst_backup_state, '') IN ('failed', 'incomplete') AND ",
                $after,
                $order
            ),
            filtered!("deleted IS NOT NULL AND ", $after, $order),
        ]
    };
    ($which:literal, $after:literal, $order:literal) => {
        select!(
Host:
            "WHERE ",
            $which,
            $after,
            " AND ($4 IS NULL OR EXISTS (SELECT 1 FROM host_tags WHERE tag = $4 AND host = hosts.id)) \
             AND ($5 IS NULL OR ($5 = 'failing') = (COALESCE(worst_backup_state, '') IN ('failed', 'incomplete'))) \
             AND (COALESCE($5, '') <> 'unknown' OR fresh_until IS NULL) \
             AND ($6 IS NULL OR name_key LIKE $6 ESCAPE '\\') \
             AND ($7 IS NULL OR fresh_until > $7) AND ($8 IS NULL OR fresh_until <= $8) AND ",
            is_within!("hosts.id"),
            $order
        )
    };
}

#[async_trait]
impl<C: Connection> HostQueries for Sql<C> {
    async fn find(&mut self, id: HostId) -> Result<Option<Host>, Error> {
        self.row(select!(Host: "WHERE id = $1"), values![id]).await
    }

    async fn named(&mut self, name: &str) -> Result<Option<Host>, Error> {
        self.row(select!(Host: "WHERE name_key = $1 AND deleted IS NULL"), values![fold(name)]).await
    }

    async fn has_restic_name(&mut self, restic_name: &str) -> Result<bool, Error> {
        let sql = "SELECT id FROM hosts WHERE restic_name = $1";
        self.any(sql, values![restic_name]).await
    }

    async fn with_agent_token(&mut self, token: &TokenHash) -> Result<Option<Host>, Error> {
        self.row(select!(Host: "WHERE agent_token = $1 AND deleted IS NULL"), values![token]).await
    }

    async fn page(
        &mut self,
        filter: &HostFilter,
        order: HostOrder,
        request: PageRequest<HostCursor>,
    ) -> Result<Page<Host, HostCursor>, Error> {
        let limit = request.limit + 1;
        let none = HostId::from_bytes([0; 16]);
        let hosts = if order == HostOrder::Name {
            let (after, id) = request.after.map_or((String::new(), none), |after| (after.name, after.id));
            if *filter == HostFilter::default() {
                let sql = select!(
                Host:
                                    "WHERE deleted IS NULL AND (name_key, id) > ($1, $2) ORDER BY name_key, id LIMIT $3"
                                );
                self.rows(sql, values![after, id, limit]).await?
            } else {
                let texts = filtered!("(name_key, id) > ($1, $2)", " ORDER BY name_key, id LIMIT $3");
                let (sql, values) = sifted(filter, texts, values![after, id, limit]);
                self.rows(sql, values).await?
            }
        } else {
            let (after, id) = request.after.map_or((i64::MIN, none), |after| (after.moment, after.id));
            let texts = match order {
                HostOrder::LastGood => filtered!(
                    "COALESCE(last_good_backup, -9223372036854775807) >= $1 \
                     AND (COALESCE(last_good_backup, -9223372036854775807), id) > ($1, $2)",
                    " ORDER BY COALESCE(last_good_backup, -9223372036854775807), id LIMIT $3"
                ),
                _ => filtered!(
                    "COALESCE(next_run, 9223372036854775807) >= $1 \
                     AND (COALESCE(next_run, 9223372036854775807), id) > ($1, $2)",
                    " ORDER BY COALESCE(next_run, 9223372036854775807), id LIMIT $3"
                ),
            };
            let (sql, values) = sifted(filter, texts, values![after, id, limit]);
            self.rows(sql, values).await?
        };
        Ok(Page::from_overfull(hosts, request.limit, |host| host.cursor(order)))
    }

    async fn within(&mut self, scope: &Scope, limit: usize) -> Result<Vec<HostId>, Error> {
        let mut hosts = self.hosts_within(scope, limit).await?;
        if let Scope::Hosts { hosts: named } = scope {
            hosts.clear();
            for id in named {
                if hosts.len() < limit && self.is_live(*id).await? {
                    hosts.push(*id);
                }
            }
        }
        Ok(hosts)
    }

    async fn tags(&mut self) -> Result<Vec<String>, Error> {
        // From each tag to the next one by the index: as many steps as there are tags, however many hosts carry them.
        let sql = "WITH RECURSIVE found (tag) AS (SELECT MIN(tag) FROM host_tags UNION ALL \
                   SELECT (SELECT MIN(tag) FROM host_tags WHERE tag > found.tag) FROM found \
                   WHERE found.tag IS NOT NULL) SELECT tag FROM found WHERE tag IS NOT NULL";
        let mut tags: Vec<String> = self.column(sql, vec![], "tag").await?;
        tags.sort_unstable();
        Ok(tags)
    }

    async fn run_passed(&mut self, now: Timestamp, limit: usize) -> Result<Vec<HostId>, Error> {
        let sql = "SELECT id FROM hosts WHERE deleted IS NULL AND COALESCE(next_run, 9223372036854775807) <= $1 \
                   ORDER BY COALESCE(next_run, 9223372036854775807), id LIMIT $2";
        self.column(sql, values![now, limit], "host").await
    }

    async fn to_watch(&mut self, now: Timestamp, limit: usize) -> Result<Vec<HostId>, Error> {
        let sql = "SELECT id FROM hosts WHERE watch_at <= $1 ORDER BY watch_at, id LIMIT $2";
        self.column(sql, values![now, limit], "host").await
    }

    async fn standings(&mut self, scope: &Scope, now: Timestamp) -> Result<Vec<HostStanding>, Error> {
        macro_rules! standings {
            ($($condition:tt)*) => {
                concat!(
                    "SELECT worst_backup_state, fresh_until > $1 AS is_fresh, COUNT(*) AS standing FROM hosts \
                     WHERE deleted IS NULL ",
                    $($condition)*
                    " GROUP BY 1, 2"
                )
            };
        }
        let (sql, values) = match scope {
            Scope::All => (standings!(), values![now]),
            _ => (standings!("AND ", is_within!("hosts.id"),), scoped(values![now], scope)),
        };
        self.rows_of(sql, values, "hosts", "host", |columns| {
            Ok(HostStanding {
                worst_backup: columns.get("worst_backup_state")?,
                is_fresh: columns.get("is_fresh")?,
                hosts: columns.get("standing")?,
            })
        })
        .await
    }
}

/// Which of two texts of a `filtered!` list a filter takes, and its values.
fn sifted(
    filter: &HostFilter,
    [all, drifting, failing, deleted]: [Select<Host>; 4],
    mut start: Vec<Value>,
) -> (Select<Host>, Vec<Value>) {
    let search = filter.search.as_deref().map(containing);
    let (backups, fresh_at, stale_at) = match filter.backups {
        None => (None, None, None),
        Some(Backups::Failing) => (Some("failing"), None, None),
        Some(Backups::FreshAt(now)) => (Some("fresh"), Some(now), None),
        Some(Backups::StaleAt(now)) => (Some("stale"), None, Some(now)),
        Some(Backups::Unknown) => (Some("unknown"), None, None),
    };
    start.extend(values![filter.tag, backups, search, fresh_at, stale_at]);
    let sql = match filter {
        HostFilter { deleted: true, .. } => deleted,
        HostFilter { drifting: true, .. } => drifting,
        HostFilter { backups: Some(Backups::Failing), .. } => failing,
        _ => all,
    };
    (sql, scoped(start, &filter.scope))
}

/// A pattern for LIKE.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in fold(text).chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[async_trait]
impl<C: Connection> Hosts for Sql<C> {
    async fn enrol(&mut self, host: &NewHost) -> Result<(), Error> {
        self.expect_free_host_name(host.id, &host.name).await?;
        if self.has_restic_name(&host.restic_name).await? {
            return Err(Error::new(ErrorKind::Taken, "host name for restic"));
        }
        if !self.insert(&Host::enrolled(host)).await? {
            return Err(Error::new(ErrorKind::Taken, "agent token"));
        }
        self.index_tags(host.id, &host.tags).await
    }

    async fn take_over(
        &mut self,
        id: HostId,
        public_key: &PublicKey,
        agent_token: &TokenHash,
        enrolled: Timestamp,
    ) -> Result<(), Error> {
        self.expect_free_agent_token(id, agent_token).await?;
        let sql = "UPDATE hosts SET public_key = $2, agent_token = $3, next_token = NULL, last_token = NULL, \
                   token_since = $4, enrolled = $4, last_seen = NULL, \
                   outbox = NULL, outbox_sequence = NULL WHERE id = $1 AND deleted IS NULL";
        self.change_host(sql, values![id, public_key, agent_token, enrolled]).await?;
        self.hold_configuration(id, None, enrolled).await
    }

    async fn configure(&mut self, id: HostId, settings: &HostSettings, expected: i64) -> Result<i64, Error> {
        let sql = "SELECT version FROM hosts WHERE id = $1 AND deleted IS NULL";
        let stored = self.version(sql, values![id]).await?;
        if stored != Some(expected) {
            return Err(lost(stored, "host"));
        }
        self.expect_free_host_name(id, &settings.name).await?;
        let sql = "UPDATE hosts SET name = $2, name_key = $3, tags = $4, presence_mode = $5, \
                   bandwidth = $6, version = version + 1 WHERE id = $1";
        let HostSettings { name, tags, presence_mode, bandwidth } = settings;
        self.execute(sql, values![id, name, fold(name), tags, presence_mode, bandwidth]).await?;
        self.execute("DELETE FROM host_tags WHERE host = $1", values![id]).await?;
        self.index_tags(id, &settings.tags).await?;
        Ok(expected + 1)
    }

    async fn rotate_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error> {
        self.expect_free_agent_token(id, token).await?;
        let sql = "UPDATE hosts SET agent_token = $2, next_token = NULL, last_token = NULL \
                   WHERE id = $1 AND deleted IS NULL";
        self.change_host(sql, values![id, token]).await
    }

    async fn offer_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error> {
        let sql = "UPDATE hosts SET next_token = $2 WHERE id = $1 AND deleted IS NULL AND next_token IS NULL";
        self.change_token(id, sql, values![id, token]).await
    }

    async fn confirm_token(&mut self, id: HostId, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
        let offered = "SELECT id FROM hosts WHERE id = $1 AND next_token = $2 AND deleted IS NULL";
        if self.any(offered, values![id, token]).await? {
            self.expect_free_agent_token(id, token).await?;
        }
        let sql = "UPDATE hosts SET last_token = agent_token, agent_token = $2, next_token = NULL, token_since = $3 \
                   WHERE id = $1 AND deleted IS NULL AND next_token = $2";
        self.change_token(id, sql, values![id, token, now]).await
    }

    async fn withdraw_token(&mut self, id: HostId) -> Result<(), Error> {
        self.change_host("UPDATE hosts SET next_token = NULL WHERE id = $1 AND deleted IS NULL", values![id])
            .await
    }

    async fn age_token(&mut self, id: HostId) -> Result<(), Error> {
        self.change_host("UPDATE hosts SET token_since = NULL WHERE id = $1 AND deleted IS NULL", values![id])
            .await
    }

    async fn connect(
        &mut self,
        id: HostId,
        now: Timestamp,
        facts: &HostFacts,
        address: Option<&str>,
    ) -> Result<i64, Error> {
        let sql = "UPDATE hosts SET last_seen = $2, facts = $3, address = $4, generation = generation + 1 \
                   WHERE id = $1 AND deleted IS NULL RETURNING generation";
        let generation = self.only(sql, values![id, now, facts, address], "host").await?;
        generation.ok_or(Error::new(ErrorKind::NotFound, "host"))
    }

    async fn describe(&mut self, id: HostId, facts: &HostFacts) -> Result<(), Error> {
        let sql = "UPDATE hosts SET facts = $2 WHERE id = $1 AND deleted IS NULL";
        self.change_host(sql, values![id, facts]).await
    }

    async fn note_last_seen(&mut self, id: HostId, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE hosts SET last_seen = $2 WHERE id = $1 AND deleted IS NULL";
        self.execute(sql, values![id, now]).await?;
        Ok(())
    }

    async fn note_all_seen(&mut self, seen: &[(HostId, Timestamp)]) -> Result<(), Error> {
        let pair = |(id, at): &(HostId, Timestamp)| (id.to_string().replace('-', ""), at.as_milliseconds());
        let pairs: Vec<_> = seen.iter().map(pair).collect();
        let pairs = serde_json::to_string(&pairs)
            .map_err(|error| Error::new(ErrorKind::Corrupt, "list of hosts").because(error))?;
        self.execute(C::NOTE_ALL_SEEN, values![pairs]).await?;
        Ok(())
    }

    async fn advance_outbox(&mut self, id: HostId, position: OutboxPosition) -> Result<(), Error> {
        let sql = "UPDATE hosts SET outbox = $2, outbox_sequence = $3 WHERE id = $1 AND deleted IS NULL \
                   AND (outbox IS NULL OR outbox <> $2 OR outbox_sequence <= $3)";
        if self.change(sql, values![id, position.outbox, position.sequence]).await? {
            return Ok(());
        }
        self.expect_live_host(id).await?;
        Err(Error::new(ErrorKind::Conflict, "outbox position"))
    }

    async fn plan(&mut self, id: HostId, plan: &HostPlan) -> Result<(), Error> {
        let worst = plan.worst_backup.as_ref();
        let (sql, values) = update!(hosts {
            next_run: plan.next_run,
            fresh_until: plan.fresh_until,
            worst_backup_job: worst.map(|worst| worst.job),
            worst_backup_state: worst.map(|worst| worst.state),
            worst_backup_cause: worst.map(|worst| worst.cause),
            worst_backup_ended: worst.map(|worst| worst.ended),
            worst_backup_bytes: worst.map(|worst| worst.bytes_processed),
        } where "id = $1 AND deleted IS NULL", [id]);
        self.change_host(sql, values).await
    }

    async fn watch(&mut self, id: HostId, at: Option<Timestamp>) -> Result<(), Error> {
        self.execute("UPDATE hosts SET watch_at = $2 WHERE id = $1", values![id, at]).await?;
        Ok(())
    }

    async fn watch_by(&mut self, id: HostId, at: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE hosts SET watch_at = $2 WHERE id = $1 AND (watch_at IS NULL OR watch_at > $2)";
        self.execute(sql, values![id, at]).await?;
        Ok(())
    }

    async fn watch_all(&mut self, at: Timestamp) -> Result<(), Error> {
        let sql =
            "UPDATE hosts SET watch_at = $1 WHERE deleted IS NULL AND (watch_at IS NULL OR watch_at > $1)";
        self.execute(sql, values![at]).await?;
        Ok(())
    }

    async fn note_missed(&mut self, id: HostId, days: &[i64]) -> Result<(), Error> {
        self.expect_live_host(id).await?;
        self.note_days(id, days, |tally| tally.missed += 1).await
    }

    async fn want_configuration(
        &mut self,
        id: HostId,
        digest: &str,
        now: Timestamp,
    ) -> Result<ConfigurationVersion, Error> {
        let mut state = self.configuration(id).await?;
        state.want(digest, now);
        self.put_configuration(id, &state).await?;
        state.wanted.ok_or(Error::new(ErrorKind::NotFound, "configuration"))
    }

    async fn hold_configuration(
        &mut self,
        id: HostId,
        held: Option<&ConfigurationVersion>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut state = self.configuration(id).await?;
        state.hold(held, now);
        self.put_configuration(id, &state).await
    }

    async fn refuse_configuration(&mut self, id: HostId, reason: &str) -> Result<(), Error> {
        let sql = "UPDATE hosts SET refusal = $2 WHERE id = $1 AND deleted IS NULL";
        self.change_host(sql, values![id, reason]).await
    }

    async fn delete(&mut self, id: HostId, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE hosts SET deleted = $2 WHERE id = $1 AND deleted IS NULL";
        self.change_host(sql, values![id, now]).await?;
        self.execute("DELETE FROM host_tags WHERE host = $1", values![id]).await?;
        Ok(())
    }

    async fn purge(&mut self, id: HostId, limit: usize) -> Result<bool, Error> {
        let known = "SELECT id FROM hosts WHERE id = $1 AND deleted IS NOT NULL";
        if !self.any(known, values![id]).await? {
            return Err(Error::new(ErrorKind::NotFound, "host"));
        }
        let mut room = limit as u64;
        for sql in KEPT_OF_HOST {
            room -= self.execute(sql, values![id, room]).await?;
        }
        room -= self.purge_jobs(id, room).await?;
        let sql = "DELETE FROM hosts WHERE id IN (SELECT id FROM hosts WHERE id = $1 LIMIT $2)";
        self.change(sql, values![id, room]).await
    }
}

/// What is kept of a host besides its jobs, whoever refers to others first. Groups of schedules go with them.
const KEPT_OF_HOST: [&str; 8] = [
    "DELETE FROM backup_days WHERE host = $1 AND (day, source_group) IN \
     (SELECT day, source_group FROM backup_days WHERE host = $1 LIMIT $2)",
    "DELETE FROM hooks WHERE kind = 'source-group' AND owner IN (SELECT owner FROM hooks \
     JOIN source_groups ON source_groups.id = hooks.owner \
     WHERE hooks.kind = 'source-group' AND source_groups.host = $1 LIMIT $2)",
    "DELETE FROM hooks WHERE kind = 'host' AND owner IN \
     (SELECT owner FROM hooks WHERE kind = 'host' AND owner = $1 LIMIT $2)",
    "DELETE FROM schedules WHERE id IN (SELECT id FROM schedules WHERE host = $1 LIMIT $2)",
    "DELETE FROM source_groups WHERE id IN (SELECT id FROM source_groups WHERE host = $1 LIMIT $2)",
    "DELETE FROM snapshots WHERE host = $1 AND (repository, id) IN \
     (SELECT repository, id FROM snapshots WHERE host = $1 LIMIT $2)",
    "DELETE FROM attachments WHERE host = $1 AND repository IN \
     (SELECT repository FROM attachments WHERE host = $1 LIMIT $2)",
    "DELETE FROM job_logs WHERE (job, first_sequence) IN (SELECT job, first_sequence FROM job_logs \
     WHERE job IN (SELECT id FROM jobs WHERE host = $1) LIMIT $2)",
];

impl<C: Connection> Sql<C> {
    pub(super) async fn expect_live_host(&mut self, id: HostId) -> Result<(), Error> {
        if self.is_live(id).await? { Ok(()) } else { Err(Error::new(ErrorKind::NotFound, "host")) }
    }

    async fn is_live(&mut self, id: HostId) -> Result<bool, Error> {
        self.any("SELECT id FROM hosts WHERE id = $1 AND deleted IS NULL", values![id]).await
    }

    async fn configuration(&mut self, id: HostId) -> Result<ConfigurationState, Error> {
        let select = select!(ConfigurationState: "WHERE id = $1 AND deleted IS NULL");
        self.row(select, values![id]).await?.ok_or(Error::new(ErrorKind::NotFound, "host"))
    }

    async fn put_configuration(&mut self, id: HostId, state: &ConfigurationState) -> Result<(), Error> {
        let ConfigurationState { wanted, held, drift_since, refusal } = state;
        let (wanted, held) = (wanted.as_ref(), held.as_ref());
        let (sql, values) = update!(hosts {
            wanted_number: wanted.map(|version| version.number),
            wanted_digest: wanted.map(|version| &version.digest),
            held_number: held.map(|version| version.number),
            held_digest: held.map(|version| &version.digest),
            drift_since: drift_since,
            refusal: refusal,
        } where "id = $1", [id]);
        self.execute(sql, values).await?;
        Ok(())
    }

    pub(super) async fn note_days(
        &mut self,
        id: HostId,
        days: &[i64],
        count: fn(&mut DayTally),
    ) -> Result<(), Error> {
        let sql = "SELECT days FROM hosts WHERE id = $1";
        let mut tallies: Vec<DayTally> = self.only(sql, values![id], "host").await?.unwrap_or_default();
        days.iter().for_each(|day| DayTally::note(&mut tallies, *day, count));
        self.execute("UPDATE hosts SET days = $2 WHERE id = $1", values![id, tallies]).await?;
        Ok(())
    }

    async fn change_host(&mut self, sql: &'static str, values: Vec<Value>) -> Result<(), Error> {
        self.expect((sql, values), Error::new(ErrorKind::NotFound, "host")).await
    }

    async fn change_token(
        &mut self,
        id: HostId,
        sql: &'static str,
        values: Vec<super::Value>,
    ) -> Result<(), Error> {
        if self.change(sql, values).await? {
            return Ok(());
        }
        self.expect_live_host(id).await?;
        Err(Error::new(ErrorKind::Conflict, "agent token"))
    }

    async fn expect_free_host_name(&mut self, id: HostId, name: &str) -> Result<(), Error> {
        let sql = "SELECT id FROM hosts WHERE name_key = $1 AND id <> $2 AND deleted IS NULL";
        if self.any(sql, values![fold(name), id]).await? {
            return Err(Error::new(ErrorKind::Taken, "host name"));
        }
        Ok(())
    }

    async fn expect_free_agent_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error> {
        if self.any("SELECT id FROM hosts WHERE agent_token = $1 AND id <> $2", values![token, id]).await? {
            return Err(Error::new(ErrorKind::Taken, "agent token"));
        }
        Ok(())
    }

    async fn index_tags(&mut self, id: HostId, tags: &[String]) -> Result<(), Error> {
        for tag in tags {
            let sql = "INSERT INTO host_tags (tag, host) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            self.execute(sql, values![tag, id]).await?;
        }
        Ok(())
    }
}
