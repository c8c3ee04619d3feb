//! What must not be removed before a person has looked: freezes, snapshots from the future, locks that stay, damage.

use core::time::Duration;
use http::StatusCode;
use restic_manager_proto::{
    JobEnd, LockSeen, SnapshotSeen, Timestamp,
    agent::ReportItem,
    api::{
        Page, alerts::Alert, freezes::Freeze, hosts::Host, jobs::Job, repositories::Repository,
        source_groups::SourceGroup,
    },
    vocabulary::{
        AlertKind, AlertState, Cause, FreezeCause, JobKind, JobState, RepositoryState, Role, UpkeepState,
    },
};
use restic_manager_store::Audit;
use serde_json::{Value, json};

use crate::{
    fleet::{Fleet, failed, good, rounds},
    support::PASSWORD,
    world::{World, add_user},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

impl Fleet {
    fn upkeep_path(&self) -> String {
        format!("/api/v1/repositories/{}/upkeep/jobs", self.repository)
    }

    fn freezes_path(&self) -> String {
        format!("/api/v1/repositories/{}/freezes", self.repository)
    }

    async fn freezes(&self) -> Vec<Freeze> {
        let page: Page<Freeze> = self.admin.get(&self.freezes_path()).await.expect(StatusCode::OK).json();
        page.items
    }

    async fn lift(&self, freeze: &Freeze) {
        let path = format!("{}/{}", self.freezes_path(), freeze.id);
        self.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    }

    /// The alerts of a kind that are not over.
    async fn alerts(&self, kind: AlertKind) -> Vec<Alert> {
        let page: Page<Alert> = self.admin.get("/api/v1/alerts").await.expect(StatusCode::OK).json();
        let lasts = |alert: &Alert| alert.kind == kind && alert.state != AlertState::Resolved;
        page.items.into_iter().filter(lasts).collect()
    }

    async fn keep(&self, host: usize, retention: Value) {
        let path = format!("/api/v1/hosts/{}/source-groups", self.hosts[host].persona.host);
        let groups: Page<SourceGroup> = self.admin.get(&path).await.expect(StatusCode::OK).json();
        let group = &groups.items[0];
        let body = json!({ "name": group.name, "includes": group.includes, "repository": self.repository,
            "retention": retention });
        let path = format!("/api/v1/source-groups/{}", group.id);
        self.admin.put(&path, Some(group.version), body).await.expect(StatusCode::OK);
    }

    async fn list(&mut self, host: usize, at: Timestamp, snapshots: &[SnapshotSeen]) {
        let parts = ReportItem::listing(self.repository, at, snapshots).expect("a few snapshots");
        let worker = &mut self.hosts[host];
        worker.persona.report(&mut worker.agent, parts).await;
    }

    async fn host(&self, host: usize) -> Host {
        let path = format!("/api/v1/hosts/{}", self.hosts[host].persona.host);
        self.admin.get(&path).await.expect(StatusCode::OK).json()
    }

    /// The machine of a host gives itself a name, which locks bear.
    async fn name_machine(&self, host: usize, hostname: &str) {
        let mut facts = self.host(host).await.facts;
        hostname.clone_into(&mut facts.hostname);
        let mut transaction = self.app.store.begin().await.unwrap();
        transaction.hosts().describe(self.hosts[host].persona.host, &facts).await.unwrap();
        transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    }

    async fn ended(&self, job: &Job) -> Job {
        let ended = async {
            loop {
                let job = self.job(job.id).await;
                if job.state.is_end() {
                    return job;
                }
            }
        };
        restic_manager_testkit::patiently(ended).await
    }

    /// The admin, with a proof of just now.
    async fn sign_in_again(&mut self) {
        self.admin = self.app.sign_in("alice", PASSWORD).await;
    }
}

fn snapshot(number: u8, time: Timestamp) -> SnapshotSeen {
    let mut seen = SnapshotSeen::new(format!("{number:02x}").repeat(32), time);
    seen.tags = vec!["default".to_owned()];
    seen
}

#[tokio::test]
async fn a_frozen_repository_loses_nothing_until_an_admin_lifts_it() {
    let mut fleet = Fleet::of(1).await;
    fleet.name_runner().await;
    fleet.give_policy(0).await;
    // One waits behind a backup while the freeze comes.
    let backup = fleet.backup(0).await;
    fleet.begins(0).await;
    let waiting = fleet.upkeep("prune").await;

    let path = fleet.freezes_path();
    add_user(&fleet.app, "olga", Role::Operator).await;
    let operator = fleet.app.sign_in("olga", PASSWORD).await;
    let body = json!({ "reason": "Ransomware on web-1" });
    let freeze: Freeze = operator.post(&path, body.clone()).await.expect(StatusCode::CREATED).json();
    assert_eq!((freeze.cause, freeze.frozen_by.as_deref()), (FreezeCause::Manual, Some("olga")));
    operator.post(&path, body).await.problem(StatusCode::CONFLICT);

    fleet.ends(0, backup.id, good()).await;
    let ended = fleet.ended(&waiting).await;
    assert_eq!((ended.state, ended.cause), (JobState::Skipped, Cause::RetentionFrozen), "{ended:?}");
    assert!(ended.detail.contains("Ransomware on web-1"), "{ended:?}");
    assert!(fleet.alerts(AlertKind::PruneFailed).await.is_empty(), "it was not tried");
    for kind in ["forget", "prune"] {
        let asked = fleet.admin.post(&fleet.upkeep_path(), json!({ "kind": kind })).await;
        let refused = asked.problem(StatusCode::CONFLICT);
        assert!(refused.detail.contains("Ransomware on web-1"), "{refused:?}");
    }
    for kind in [JobKind::Forget, JobKind::Prune] {
        assert_eq!(fleet.duty(kind).await, UpkeepState::Frozen);
    }
    assert_eq!(fleet.repository().await.upkeep.health, UpkeepState::Frozen, "what is frozen is not green");
    let check = fleet.upkeep("check").await;
    assert_eq!(fleet.begins(0).await.job, check.id, "what removes nothing goes on");
    fleet.ends(0, check.id, good()).await;
    let alerts = fleet.alerts(AlertKind::RetentionFrozen).await;
    assert!(alerts.len() == 1 && alerts[0].summary.contains("Ransomware on web-1"), "{alerts:?}");

    let lift = format!("{path}/{}", freeze.id);
    operator.delete(&lift).await.problem(StatusCode::FORBIDDEN);
    fleet.app.clock.advance(HOUR);
    fleet.admin.delete(&lift).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(fleet.freezes().await.len(), 1, "no recent proof, no lift");
    fleet.sign_in_again().await;
    fleet.lift(&freeze).await;
    fleet.admin.delete(&lift).await.problem(StatusCode::NOT_FOUND);
    assert!(fleet.alerts(AlertKind::RetentionFrozen).await.is_empty());
    let forget = fleet.upkeep("forget").await;
    assert_eq!(fleet.begins(0).await.job, forget.id);
}

#[tokio::test]
async fn upkeep_by_itself_waits_for_a_freeze_and_goes_on_after_it() {
    let mut fleet = Fleet::of(1).await;
    fleet.name_runner().await;
    let body = json!({ "reason": "Look first" });
    let freeze: Freeze = fleet.admin.post(&fleet.freezes_path(), body).await.json();
    let prune = |repository: &Repository| {
        repository.upkeep.duties.iter().find(|duty| duty.kind == JobKind::Prune).and_then(|duty| duty.job)
    };
    fleet.app.clock.advance(8 * 24 * HOUR);
    fleet.sign_in_again().await;
    rounds().await;
    rounds().await;
    assert_eq!(prune(&fleet.repository().await), None, "it is due, and frozen");
    fleet.lift(&freeze).await;
    fleet.app.clock.advance(HOUR);
    fleet.sign_in_again().await;
    for _ in 0..20 {
        rounds().await;
        if prune(&fleet.repository().await).is_some() {
            return;
        }
    }
    panic!("it is not done although nothing is frozen");
}

#[tokio::test]
async fn a_policy_that_keeps_less_waits_for_somebody_to_look() {
    let mut fleet = Fleet::of(2).await;
    fleet.name_runner().await;
    fleet.keep(0, json!({ "daily": 7 })).await;
    assert!(fleet.freezes().await.is_empty(), "there is nothing that it could take");
    let at = fleet.app.now();
    fleet.list(0, at, &[snapshot(1, at.before(HOUR))]).await;
    fleet.keep(0, json!({ "daily": 7, "weekly": 4 })).await;
    assert!(fleet.freezes().await.is_empty(), "it keeps more");
    fleet.keep(0, json!({ "daily": 3, "weekly": 4 })).await;
    fleet.keep(0, json!({ "daily": 2, "weekly": 4 })).await;
    let freezes = fleet.freezes().await;
    let [freeze] = &freezes[..] else { panic!("{freezes:?}") };
    assert_eq!((freeze.cause, freeze.host.as_deref()), (FreezeCause::KeepsLess, Some("web-1")));
    assert!(freeze.reason.contains("daily 7") && freeze.reason.contains("daily 3"), "{freeze:?}");
    assert_eq!(fleet.alerts(AlertKind::RetentionFrozen).await.len(), 1);

    // The others are seen to as ever.
    let run = fleet.upkeep_path();
    fleet.admin.post(&run, json!({ "kind": "forget" })).await.problem(StatusCode::CONFLICT);
    fleet.keep(1, json!({ "daily": 7 })).await;
    let forget = fleet.upkeep("forget").await;
    let order = fleet.begins(0).await;
    let policies = order.forget().expect("policies").policies.clone();
    assert_eq!(policies.iter().map(|policy| policy.host_name.as_str()).collect::<Vec<_>>(), ["web-2"]);
    fleet.ends(0, forget.id, good()).await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Frozen, "a part of it is");
    // A dry run shows what the frozen one would take.
    fleet.pass();
    let dry = json!({ "kind": "forget", "options": { "dry_run": true } });
    let dry: Job = fleet.admin.post(&run, dry).await.expect(StatusCode::ACCEPTED).json();
    let order = fleet.begins(0).await;
    assert_eq!((order.job, order.forget().expect("policies").policies.len()), (dry.id, 2));
    fleet.ends(0, dry.id, good()).await;
    fleet.lift(freeze).await;
    let forget = fleet.upkeep("forget").await;
    let order = fleet.begins(0).await;
    assert_eq!((order.job, order.forget().expect("policies").policies.len()), (forget.id, 2));
}

#[tokio::test]
async fn a_snapshot_from_the_future_counts_for_nothing_and_is_told() {
    let mut fleet = Fleet::of(1).await;
    fleet.keep(0, json!({ "daily": 7 })).await;
    let (now, year) = (fleet.app.now(), 366 * 24 * HOUR);
    let (real, ahead) = (snapshot(1, now.before(HOUR)), snapshot(2, now.after(year)));
    // The clock of the host dates snapshot and listing alike.
    fleet.list(0, now.after(year), &[real.clone(), ahead.clone()]).await;
    let host = fleet.host(0).await;
    assert_eq!(host.last_snapshot_at, Some(real.time));
    assert!(host.fresh_until.is_some_and(|until| until < now.after(8 * 24 * HOUR)), "{host:?}");
    assert_eq!(fleet.repository().await.last_snapshot_at, Some(real.time));
    let alerts = fleet.alerts(AlertKind::FutureSnapshot).await;
    assert!(alerts.len() == 1 && alerts[0].summary.contains(&ahead.id[..8]), "{alerts:?}");
    let freezes = fleet.freezes().await;
    let [freeze] = &freezes[..] else { panic!("{freezes:?}") };
    assert_eq!(freeze.cause, FreezeCause::FutureSnapshot);

    // The real one is compared with.
    let backup = fleet.backup(0).await;
    let order = fleet.begins(0).await;
    assert_eq!(order.source().expect("a source").parent, Some(real.id.clone()));
    fleet.ends(0, backup.id, good()).await;

    // What somebody has looked at is not frozen anew by the next listing, and is over with the snapshot.
    fleet.lift(freeze).await;
    fleet.app.clock.advance(HOUR);
    fleet.sign_in_again().await;
    let at = fleet.app.now();
    fleet.list(0, at, &[real.clone(), ahead]).await;
    assert!(fleet.freezes().await.is_empty());
    assert_eq!(fleet.alerts(AlertKind::FutureSnapshot).await.len(), 1);
    fleet.list(0, at, &[real]).await;
    assert!(fleet.alerts(AlertKind::FutureSnapshot).await.is_empty());
}

#[tokio::test]
async fn a_long_listing_from_a_clock_that_is_ahead_makes_nothing_fresh() {
    let mut fleet = Fleet::of(1).await;
    let (now, year) = (fleet.app.now(), 366 * 24 * HOUR);
    let real = snapshot(1, now.before(HOUR));
    let ahead = |number: u32| SnapshotSeen::new(format!("{number:064}"), now.after(year));
    // More than is written at once: the pieces ahead of the end are dated as it is.
    let listing: Vec<_> = [real.clone()].into_iter().chain((0..1500).map(ahead)).collect();
    fleet.list(0, now.after(year), &listing).await;
    assert_eq!(fleet.host(0).await.last_snapshot_at, Some(real.time));
    let alerts = fleet.alerts(AlertKind::FutureSnapshot).await;
    assert!(alerts.len() == 1, "{alerts:?}");
}

#[tokio::test]
async fn an_empty_snapshot_makes_nothing_fresh() {
    let mut fleet = Fleet::of(1).await;
    let now = fleet.app.now();
    let (real, mut empty) = (snapshot(1, now.before(9 * 24 * HOUR)), snapshot(2, now.before(HOUR)));
    empty.empty = true;
    fleet.list(0, now, &[real.clone(), empty]).await;
    let host = fleet.host(0).await;
    assert_eq!(host.last_snapshot_at, Some(real.time));
    assert!(host.fresh_until.is_some_and(|until| until < now), "{host:?}");
    assert_eq!(fleet.repository().await.upkeep.backups, UpkeepState::Overdue);
}

#[tokio::test]
async fn a_group_does_not_act_on_snapshots_that_were_there_before_it() {
    let mut fleet = Fleet::of(1).await;
    let now = fleet.app.now();
    let mut old = snapshot(1, now.before(24 * HOUR));
    old.tags = vec!["etc".to_owned()];
    fleet.list(0, now, &[old.clone()]).await;
    let path = format!("/api/v1/hosts/{}/source-groups", fleet.hosts[0].persona.host);
    for (name, retention, frozen) in
        [("srv", json!({ "last": 1 }), 0), ("etc", json!({ "last": 1 }), 1), ("opt", json!({}), 1)]
    {
        let body = json!({ "name": name, "includes": ["/etc"], "repository": fleet.repository,
            "retention": retention });
        fleet.admin.post(&path, body).await.expect(StatusCode::CREATED);
        assert_eq!(fleet.freezes().await.len(), frozen, "{name}");
    }
    let freezes = fleet.freezes().await;
    assert_eq!(freezes[0].cause, FreezeCause::OlderSnapshots);
    assert!(freezes[0].reason.contains(&old.id[..8]), "{freezes:?}");
}

fn lock(number: u8, hostname: &str, at: Timestamp) -> LockSeen {
    LockSeen {
        id: format!("{number:02x}").repeat(32),
        hostname: hostname.to_owned(),
        process: 42,
        username: "root".to_owned(),
        exclusive: false,
        refreshed_at: at,
        stale_at: at.after(HOUR / 2),
    }
}

fn with_locks(mut end: JobEnd, removed: u64, locks: Vec<LockSeen>) -> JobEnd {
    end.statistics.locks_removed = Some(removed);
    end.statistics.locks_left = Some(locks.len() as u64);
    end.statistics.locks = locks;
    end
}

#[tokio::test]
async fn a_lock_that_upkeep_met_is_for_the_host_whose_it_is() {
    let mut fleet = Fleet::of(2).await;
    fleet.name_runner_alone().await;
    let (now, hostname) = (fleet.app.now(), "machine-2".to_owned());
    fleet.name_machine(1, &hostname).await;
    let prune = fleet.upkeep("prune").await;
    fleet.begins(0).await;
    let met = vec![lock(1, &hostname, now), lock(2, "a-stranger", now)];
    let mut end = with_locks(failed(Cause::RepositoryLocked), 0, met);
    end.detail = "locked by process 42".to_owned();
    fleet.ends(0, prune.id, end).await;
    fleet.pass();

    let alerts = fleet.alerts(AlertKind::RepositoryLocked).await;
    assert!(alerts.len() == 1 && fleet.alerts(AlertKind::PruneFailed).await.is_empty(), "{alerts:?}");
    let shown = fleet.repository().await.upkeep.locks.expect("they are shown");
    let owners: Vec<_> =
        shown.locks.iter().map(|lock| lock.host.as_ref().map(|host| host.name.as_str())).collect();
    assert_eq!((shown.count, owners), (2, vec![Some("web-2"), None]));

    let order = fleet.begins(1).await;
    assert_eq!((order.kind(), order.locks().len()), (JobKind::Unlock, 0), "the host looks for its own");
    fleet.ends(1, order.job, with_locks(good(), 1, vec![lock(2, "a-stranger", now)])).await;
    assert_eq!(fleet.alerts(AlertKind::RepositoryLocked).await.len(), 1, "the stranger's is left");

    // A person has looked, and asks for exactly that one.
    let run = fleet.upkeep_path();
    for wrong in [
        json!({ "kind": "unlock", "options": { "locks": ["02"] } }),
        json!({ "kind": "prune", "options": { "locks": [lock(2, "", now).id] } }),
        json!({ "kind": "check", "options": { "remake": true } }),
    ] {
        fleet.admin.post(&run, wrong).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    fleet.pass();
    let body = json!({ "kind": "unlock", "options": { "locks": [lock(2, "", now).id] } });
    let asked: Job = fleet.admin.post(&run, body).await.expect(StatusCode::ACCEPTED).json();
    let order = fleet.begins(0).await;
    assert_eq!((order.job, order.locks().to_vec()), (asked.id, vec![lock(2, "", now).id]));
    fleet.ends(0, asked.id, with_locks(good(), 1, Vec::new())).await;
    assert!(fleet.alerts(AlertKind::RepositoryLocked).await.is_empty());
    assert_eq!(fleet.repository().await.upkeep.locks, None);
}

#[tokio::test]
async fn a_person_who_asks_for_an_unlock_asks_the_host_whose_lock_was_seen() {
    let mut fleet = Fleet::of(2).await;
    fleet.name_runner().await;
    let (now, hostname) = (fleet.app.now(), "machine-2".to_owned());
    fleet.name_machine(1, &hostname).await;
    let unlock = fleet.upkeep("unlock").await;
    assert_eq!(fleet.begins(0).await.job, unlock.id, "nobody knows of any lock");
    fleet.ends(0, unlock.id, with_locks(good(), 0, vec![lock(1, &hostname, now)])).await;
    let referred = fleet.begins(1).await;
    assert_eq!(referred.kind(), JobKind::Unlock);
    fleet.ends(1, referred.job, with_locks(good(), 0, vec![lock(1, &hostname, now)])).await;
    let again = fleet.upkeep("unlock").await;
    assert_eq!(fleet.begins(1).await.job, again.id);
}

#[tokio::test]
async fn what_an_agent_left_when_it_was_cut_off_is_looked_for_by_its_host() {
    let mut fleet = Fleet::of(2).await;
    let backup = fleet.backup(1).await;
    fleet.begins(1).await;
    let mut end = failed(Cause::AgentStopped);
    end.lock_left = true;
    fleet.ends(1, backup.id, end).await;
    assert_eq!(fleet.begins(1).await.kind(), JobKind::Unlock);
}

#[tokio::test]
async fn damage_is_told_whatever_found_it_and_over_when_a_check_finds_none() {
    let mut fleet = Fleet::of(1).await;
    let backup = fleet.backup(0).await;
    fleet.begins(0).await;
    let mut end = JobEnd::new(JobState::Incomplete, Cause::RepositoryDamaged);
    end.detail = "tree 01ab is not known".to_owned();
    fleet.ends(0, backup.id, end).await;
    let alerts = fleet.alerts(AlertKind::RepositoryDamaged).await;
    let [alert] = &alerts[..] else { panic!("{alerts:?}") };
    assert!(alert.summary.contains("backup") && alert.summary.contains("tree 01ab"), "{alert:?}");
    let freezes = fleet.freezes().await;
    let [freeze] = &freezes[..] else { panic!("a prune of what is damaged makes it worse: {freezes:?}") };
    assert_eq!((freeze.cause, &freeze.source_group), (FreezeCause::Alert, &None));
    let check = fleet.upkeep("check").await;
    fleet.begins(0).await;
    fleet.ends(0, check.id, good()).await;
    assert!(fleet.alerts(AlertKind::RepositoryDamaged).await.is_empty());
}

/// A backup of a host that finds so many files.
async fn backs_up(fleet: &mut Fleet, host: usize, files: u64) {
    let backup = fleet.backup(host).await;
    fleet.begins(host).await;
    let mut end = good();
    (end.statistics.files_unmodified, end.statistics.bytes_processed) = (files, files << 20);
    fleet.ends(host, backup.id, end).await;
}

#[tokio::test]
async fn a_source_that_is_suddenly_empty_keeps_its_snapshots_until_an_admin_has_looked() {
    let mut fleet = Fleet::of(2).await;
    fleet.name_runner_alone().await;
    fleet.give_policy(0).await;
    for files in [1000, 0] {
        backs_up(&mut fleet, 0, files).await;
        backs_up(&mut fleet, 1, files).await;
    }
    let freezes = fleet.freezes().await;
    let [freeze] = &freezes[..] else { panic!("a group without a policy loses nothing: {freezes:?}") };
    assert_eq!((freeze.cause, freeze.host.as_deref()), (FreezeCause::Alert, Some("web-1")));
    assert_eq!(freeze.frozen_by, None);
    assert!(freeze.reason.starts_with("The backup of web-1/default holds no files"), "{freeze:?}");
    let run = json!({ "kind": "forget" });
    fleet.admin.post(&fleet.upkeep_path(), run).await.problem(StatusCode::CONFLICT);

    // That the files are back says nothing of what is in them.
    backs_up(&mut fleet, 0, 1000).await;
    assert!(fleet.alerts(AlertKind::SourceShrunk).await.iter().all(|alert| alert.subject != "web-1/default"));
    assert_eq!(fleet.freezes().await.len(), 1);
    fleet.lift(freeze).await;
    let forget = fleet.upkeep("forget").await;
    assert_eq!(fleet.begins(0).await.job, forget.id);
    fleet.ends(0, forget.id, good()).await;

    // Who lifts it while the alert lasts has looked: the next backup that is so too does not freeze again.
    fleet.app.clock.advance(2 * HOUR);
    fleet.sign_in_again().await;
    for _ in 0..10 {
        backs_up(&mut fleet, 0, 1000).await;
    }
    backs_up(&mut fleet, 0, 300).await;
    let freezes = fleet.freezes().await;
    let [freeze] = &freezes[..] else { panic!("another matter, another freeze: {freezes:?}") };
    fleet.lift(freeze).await;
    backs_up(&mut fleet, 0, 300).await;
    let alerts = fleet.alerts(AlertKind::SourceShrunk).await;
    let lasts = alerts.iter().find(|alert| alert.subject == "web-1/default");
    assert_eq!(lasts.map(|alert| alert.count), Some(2), "{alerts:?}");
    assert!(fleet.freezes().await.is_empty());
}

#[tokio::test]
async fn what_somebody_else_removed_is_not_pruned_before_an_admin_has_looked() {
    let mut fleet = Fleet::of(1).await;
    fleet.name_runner_alone().await;
    let now = fleet.app.now();
    fleet.list(0, now, &[snapshot(1, now.before(HOUR)), snapshot(2, now.before(HOUR / 2))]).await;
    fleet.list(0, now.after(HOUR / 60), &[snapshot(2, now.before(HOUR / 2))]).await;
    assert_eq!(fleet.alerts(AlertKind::SnapshotsVanished).await.len(), 1);
    let freezes = fleet.freezes().await;
    let [freeze] = &freezes[..] else { panic!("{freezes:?}") };
    assert_eq!((freeze.cause, &freeze.source_group), (FreezeCause::Alert, &None));
    let prune = json!({ "kind": "prune" });
    fleet.admin.post(&fleet.upkeep_path(), prune).await.problem(StatusCode::CONFLICT);
    let backup = fleet.backup(0).await;
    assert_eq!(fleet.begins(0).await.job, backup.id, "backups go on");
    fleet.ends(0, backup.id, good()).await;
    fleet.lift(freeze).await;
    let prune = fleet.upkeep("prune").await;
    assert_eq!(fleet.begins(0).await.job, prune.id);
}

#[tokio::test]
async fn only_what_was_broken_off_is_made_anew() {
    let world = World::new().await;
    let path = |repository| format!("/api/v1/hosts/{}/repositories/{repository}/remake", world.host);
    world.admin.post(&path(world.repository), json!({})).await.problem(StatusCode::CONFLICT);
    world.admin.post(&path(world.unused), json!({})).await.problem(StatusCode::NOT_FOUND);
    let asked = world.admin.post(&path(world.spare), json!({})).await;
    let job: Job = asked.expect(StatusCode::ACCEPTED).json();
    assert_eq!(job.kind, JobKind::CheckRepository);
    world.admin.post(&path(world.spare), json!({})).await.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_repository_that_is_gone_is_made_anew_by_an_admin_alone() {
    let world = World::new().await;
    let path = format!("/api/v1/hosts/{}/repositories/{}/remake", world.host, world.repository);
    let mut transaction = world.app.store.begin().await.unwrap();
    let (missing, now) = (RepositoryState::Missing, world.app.now());
    transaction.attachments().record_check(world.host, world.repository, missing, None, now).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    let asked = world.admin.post(&path, json!({})).await;
    let job: Job = asked.expect(StatusCode::ACCEPTED).json();
    assert_eq!((job.kind, job.options.is_remake()), (JobKind::CheckRepository, true));
    world.admin.post(&path, json!({})).await.problem(StatusCode::CONFLICT);
}
