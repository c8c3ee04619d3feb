use async_trait::async_trait;
use restic_manager_proto::{HostFacts, HostId, Scope, Timestamp, agent::ConfigurationVersion};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::tables::{Tables, expect_version, remove, row};
use crate::{
    Error, ErrorKind, Page, PageRequest, PublicKey, TokenHash, fold,
    hooks::HookOwner,
    hosts::{
        DayTally, Host, HostCursor, HostFilter, HostOrder, HostPlan, HostQueries, HostSettings, HostStanding,
        Hosts, NewHost, OutboxPosition,
    },
    value::without_nul,
};

#[async_trait]
impl HostQueries for Tables {
    async fn find(&mut self, id: HostId) -> Result<Option<Host>, Error> {
        Ok(self.hosts.get(&id).cloned())
    }

    async fn named(&mut self, name: &str) -> Result<Option<Host>, Error> {
        let key = fold(name);
        Ok(self.live_hosts().find(|host| fold(&host.name) == key).cloned())
    }

    async fn has_restic_name(&mut self, restic_name: &str) -> Result<bool, Error> {
        Ok(self.hosts.values().any(|host| host.restic_name == restic_name))
    }

    async fn with_agent_token(&mut self, token: &TokenHash) -> Result<Option<Host>, Error> {
        Ok(self.live_hosts().find(|host| host.agent_token == *token).cloned())
    }

    async fn page(
        &mut self,
        filter: &HostFilter,
        order: HostOrder,
        request: PageRequest<HostCursor>,
    ) -> Result<Page<Host, HostCursor>, Error> {
        let search = filter.search.as_deref().map(fold).unwrap_or_default();
        let shown = |host: &&Host| {
            host.deleted.is_some() == filter.deleted
                && host.is_within(&filter.scope)
                && filter.tag.as_ref().is_none_or(|tag| host.deleted.is_none() && host.tags.contains(tag))
                && filter.backups.is_none_or(|backups| {
                    backups.are(host.worst_backup.as_ref().map(|worst| worst.state), host.fresh_until)
                })
                && (!filter.drifting || host.configuration.drift_since.is_some())
                && fold(&host.name).contains(&search)
        };
        let mut hosts: Vec<_> =
            self.hosts.values().filter(shown).map(|host| (host.cursor(order), host)).collect();
        hosts.retain(|(cursor, _)| request.after.as_ref().is_none_or(|after| cursor > after));
        hosts.sort_by(|(a, _), (b, _)| a.cmp(b));
        let items = hosts.into_iter().take(request.limit + 1).map(|(_, host)| host.clone()).collect();
        Ok(Page::from_overfull(items, request.limit, |host| host.cursor(order)))
    }

    async fn within(&mut self, scope: &Scope, limit: usize) -> Result<Vec<HostId>, Error> {
        let hosts = self.live_hosts().filter(|host| host.is_within(scope));
        Ok(hosts.take(limit).map(|host| host.id).collect())
    }

    async fn tags(&mut self) -> Result<Vec<String>, Error> {
        let tags: BTreeSet<_> = self.live_hosts().flat_map(|host| host.tags.iter().cloned()).collect();
        Ok(tags.into_iter().collect())
    }

    async fn run_passed(&mut self, now: Timestamp, limit: usize) -> Result<Vec<HostId>, Error> {
        let passed = |host: &&Host| host.next_run.is_some_and(|run| run <= now);
        let mut hosts: Vec<_> =
            self.live_hosts().filter(passed).map(|host| (host.next_run, host.id)).collect();
        hosts.sort_unstable();
        Ok(hosts.into_iter().take(limit).map(|(_, id)| id).collect())
    }

    async fn to_watch(&mut self, now: Timestamp, limit: usize) -> Result<Vec<HostId>, Error> {
        let mut due: Vec<_> =
            self.watches.iter().filter(|(_, at)| **at <= now).map(|(id, at)| (*at, *id)).collect();
        due.sort_unstable();
        Ok(due.into_iter().take(limit).map(|(_, id)| id).collect())
    }

    async fn standings(&mut self, scope: &Scope, now: Timestamp) -> Result<Vec<HostStanding>, Error> {
        let mut standings = BTreeMap::new();
        for host in self.live_hosts().filter(|host| host.is_within(scope)) {
            let worst_backup = host.worst_backup.as_ref().map(|worst| worst.state);
            let is_fresh = host.fresh_until.map(|until| until > now);
            *standings.entry((worst_backup, is_fresh)).or_default() += 1;
        }
        let standing = |((worst_backup, is_fresh), hosts)| HostStanding { worst_backup, is_fresh, hosts };
        Ok(standings.into_iter().map(standing).collect())
    }
}

#[async_trait]
impl Hosts for Tables {
    async fn enrol(&mut self, host: &NewHost) -> Result<(), Error> {
        self.expect_free_host_name(host.id, &host.name)?;
        if self.has_restic_name(&host.restic_name).await? {
            return Err(Error::new(ErrorKind::Taken, "host name for restic"));
        }
        self.expect_free_agent_token(host.id, &host.agent_token)?;
        if self.hosts.contains_key(&host.id) {
            return Err(Error::new(ErrorKind::Taken, "host"));
        }
        Arc::make_mut(&mut self.hosts).insert(host.id, Host::enrolled(host));
        Ok(())
    }

    async fn take_over(
        &mut self,
        id: HostId,
        public_key: &PublicKey,
        agent_token: &TokenHash,
        enrolled: Timestamp,
    ) -> Result<(), Error> {
        self.expect_free_agent_token(id, agent_token)?;
        let host = self.live_host(id)?;
        host.public_key = *public_key;
        host.agent_token = *agent_token;
        (host.next_token, host.last_token, host.token_since) = (None, None, Some(enrolled));
        host.enrolled = enrolled;
        host.last_seen = None;
        host.outbox = None;
        host.configuration.hold(None, enrolled);
        Ok(())
    }

    async fn configure(&mut self, id: HostId, settings: &HostSettings, expected: i64) -> Result<i64, Error> {
        expect_version(self.live_host(id)?.version, expected, "host")?;
        self.expect_free_host_name(id, &settings.name)?;
        let host = self.live_host(id)?;
        host.name.clone_from(&settings.name);
        host.tags.clone_from(&settings.tags);
        host.presence_mode = settings.presence_mode;
        host.bandwidth = settings.bandwidth;
        host.version += 1;
        Ok(host.version)
    }

    async fn rotate_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error> {
        self.expect_free_agent_token(id, token)?;
        let host = self.live_host(id)?;
        (host.agent_token, host.next_token, host.last_token) = (*token, None, None);
        Ok(())
    }

    async fn offer_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error> {
        let host = self.live_host(id)?;
        if host.next_token.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "agent token"));
        }
        host.next_token = Some(*token);
        Ok(())
    }

    async fn confirm_token(&mut self, id: HostId, token: &TokenHash, now: Timestamp) -> Result<(), Error> {
        if self.live_host(id)?.next_token != Some(*token) {
            return Err(Error::new(ErrorKind::Conflict, "agent token"));
        }
        self.expect_free_agent_token(id, token)?;
        let host = self.live_host(id)?;
        host.last_token = Some(host.agent_token);
        (host.agent_token, host.next_token, host.token_since) = (*token, None, Some(now));
        Ok(())
    }

    async fn withdraw_token(&mut self, id: HostId) -> Result<(), Error> {
        self.live_host(id)?.next_token = None;
        Ok(())
    }

    async fn age_token(&mut self, id: HostId) -> Result<(), Error> {
        self.live_host(id)?.token_since = None;
        Ok(())
    }

    async fn connect(
        &mut self,
        id: HostId,
        now: Timestamp,
        facts: &HostFacts,
        address: Option<&str>,
    ) -> Result<i64, Error> {
        let host = self.live_host(id)?;
        host.last_seen = Some(now);
        host.facts = facts.clone();
        host.address = address.map(str::to_owned);
        host.generation += 1;
        Ok(host.generation)
    }

    async fn describe(&mut self, id: HostId, facts: &HostFacts) -> Result<(), Error> {
        self.live_host(id)?.facts = facts.clone();
        Ok(())
    }

    async fn note_last_seen(&mut self, id: HostId, now: Timestamp) -> Result<(), Error> {
        if let Ok(host) = self.live_host(id) {
            host.last_seen = Some(now);
        }
        Ok(())
    }

    async fn note_all_seen(&mut self, seen: &[(HostId, Timestamp)]) -> Result<(), Error> {
        for (id, at) in seen {
            Hosts::note_last_seen(self, *id, *at).await?;
        }
        Ok(())
    }

    async fn advance_outbox(&mut self, id: HostId, position: OutboxPosition) -> Result<(), Error> {
        let host = self.live_host(id)?;
        if host.outbox.is_some_and(|old| old.outbox == position.outbox && old.sequence > position.sequence) {
            return Err(Error::new(ErrorKind::Conflict, "outbox position"));
        }
        host.outbox = Some(position);
        Ok(())
    }

    async fn plan(&mut self, id: HostId, plan: &HostPlan) -> Result<(), Error> {
        let host = self.live_host(id)?;
        host.next_run = plan.next_run;
        host.fresh_until = plan.fresh_until;
        host.worst_backup.clone_from(&plan.worst_backup);
        Ok(())
    }

    async fn watch(&mut self, id: HostId, at: Option<Timestamp>) -> Result<(), Error> {
        let watches = Arc::make_mut(&mut self.watches);
        match at.filter(|_| self.hosts.contains_key(&id)) {
            Some(at) => watches.insert(id, at),
            None => watches.remove(&id),
        };
        Ok(())
    }

    async fn watch_by(&mut self, id: HostId, at: Timestamp) -> Result<(), Error> {
        if self.hosts.contains_key(&id) {
            let next = Arc::make_mut(&mut self.watches).entry(id).or_insert(at);
            *next = at.min(*next);
        }
        Ok(())
    }

    async fn watch_all(&mut self, at: Timestamp) -> Result<(), Error> {
        let live: Vec<_> = self.live_hosts().map(|host| host.id).collect();
        let watches = Arc::make_mut(&mut self.watches);
        for id in live {
            let next = watches.entry(id).or_insert(at);
            *next = at.min(*next);
        }
        Ok(())
    }

    async fn note_missed(&mut self, id: HostId, days: &[i64]) -> Result<(), Error> {
        let host = self.live_host(id)?;
        days.iter().for_each(|day| DayTally::note(&mut host.days, *day, |tally| tally.missed += 1));
        Ok(())
    }

    async fn want_configuration(
        &mut self,
        id: HostId,
        digest: &str,
        now: Timestamp,
    ) -> Result<ConfigurationVersion, Error> {
        let host = self.live_host(id)?;
        host.configuration.want(digest, now);
        host.configuration.wanted.clone().ok_or(Error::new(ErrorKind::NotFound, "configuration"))
    }

    async fn hold_configuration(
        &mut self,
        id: HostId,
        held: Option<&ConfigurationVersion>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.live_host(id)?.configuration.hold(held, now);
        Ok(())
    }

    async fn refuse_configuration(&mut self, id: HostId, reason: &str) -> Result<(), Error> {
        self.live_host(id)?.configuration.refusal = Some(without_nul(reason));
        Ok(())
    }

    async fn delete(&mut self, id: HostId, now: Timestamp) -> Result<(), Error> {
        self.live_host(id)?.deleted = Some(now);
        Ok(())
    }

    async fn purge(&mut self, id: HostId, limit: usize) -> Result<bool, Error> {
        if self.hosts.get(&id).is_none_or(|host| host.deleted.is_none()) {
            return Err(Error::new(ErrorKind::NotFound, "host"));
        }
        let mut room = limit;
        let sources = Arc::clone(&self.sources);
        take(&mut self.hooks, &mut room, |hooks| match hooks.owner {
            HookOwner::Host(owner) => owner == id,
            HookOwner::SourceGroup(group) => sources.get(&group).is_some_and(|group| group.host == id),
        });
        take(&mut self.backup_days, &mut room, |day| day.host == id);
        take(&mut self.schedules, &mut room, |schedule| schedule.host == id);
        for group in take(&mut self.sources, &mut room, |group| group.host == id) {
            remove(&mut self.freezes, |freeze| freeze.source_group == Some(group));
        }
        take(&mut self.snapshots, &mut room, |snapshot| snapshot.host == id);
        take(&mut self.attachments, &mut room, |attachment| attachment.host == id);
        for job in take(&mut self.jobs, &mut room, |job| job.host == id) {
            self.forget_what_belongs_to(&job);
        }
        let is_gone = !take(&mut self.hosts, &mut room, |host| host.id == id).is_empty();
        if is_gone {
            Arc::make_mut(&mut self.watches).remove(&id);
        }
        Ok(is_gone)
    }
}

/// Removes rows that match while there is room; gives their keys.
fn take<K: Ord + Clone, V: Clone>(
    table: &mut Arc<BTreeMap<K, V>>,
    room: &mut usize,
    doomed: impl Fn(&V) -> bool,
) -> Vec<K> {
    let keys: Vec<_> =
        table.iter().filter(|(_, row)| doomed(row)).take(*room).map(|(key, _)| key.clone()).collect();
    *room -= keys.len();
    if !keys.is_empty() {
        let table = Arc::make_mut(table);
        keys.iter().for_each(|key| drop(table.remove(key)));
    }
    keys
}

impl Tables {
    pub(super) fn sees(&self, scope: &Scope, host: HostId) -> bool {
        scope.is_all() || self.hosts.get(&host).is_some_and(|host| host.is_within(scope))
    }

    fn live_hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values().filter(|host| host.deleted.is_none())
    }

    pub(super) fn live_host(&mut self, id: HostId) -> Result<&mut Host, Error> {
        match row(&mut self.hosts, &id, "host") {
            Ok(host) if host.deleted.is_none() => Ok(host),
            _ => Err(Error::new(ErrorKind::NotFound, "host")),
        }
    }

    fn expect_free_host_name(&self, id: HostId, name: &str) -> Result<(), Error> {
        let key = fold(name);
        if self.live_hosts().any(|other| other.id != id && fold(&other.name) == key) {
            return Err(Error::new(ErrorKind::Taken, "host name"));
        }
        Ok(())
    }

    fn expect_free_agent_token(&self, id: HostId, token: &TokenHash) -> Result<(), Error> {
        if self.hosts.values().any(|other| other.id != id && other.agent_token == *token) {
            return Err(Error::new(ErrorKind::Taken, "agent token"));
        }
        Ok(())
    }
}
