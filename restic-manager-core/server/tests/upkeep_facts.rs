//! What jobs find out about repositories: what a policy would remove, what they hold, whether the everyday credential may
//! delete, whether a connection works.

use http::StatusCode;
use restic_manager_proto::{
    JobEnd, Measured, PreviewedSnapshot, Retention, TransportCredential,
    agent::ReportItem,
    api::{
        Page,
        jobs::{Job, RetentionPreview},
        repositories::RepositoryStatistics,
        source_groups::SourceGroup,
    },
    vocabulary::{AlertKind, Cause, DeletionVerdict, JobKind, JobState, UpkeepState},
};
use restic_manager_store::{Audit, measurements::Measurement};
use serde_json::json;

use crate::{
    fleet::{Fleet, failed, good},
    support::Client,
};

async fn only_group(fleet: &Fleet) -> SourceGroup {
    let path = format!("/api/v1/hosts/{}/source-groups", fleet.hosts[0].persona.host);
    let groups: Page<SourceGroup> = fleet.admin.get(&path).await.expect(StatusCode::OK).json();
    groups.items.into_iter().next().expect("the enrolment made one")
}

fn previewed(number: u8, fleet: &Fleet, kept_by: &[&str]) -> PreviewedSnapshot {
    let time = fleet.app.now().before(core::time::Duration::from_secs(u64::from(number) * 3600));
    let kept_by = kept_by.iter().map(|rule| (*rule).to_owned()).collect();
    PreviewedSnapshot { id: format!("{number:064x}"), time, kept_by }
}

#[tokio::test]
async fn a_policy_is_tried_before_it_is_kept() {
    let mut fleet = Fleet::of(1).await;
    let group = only_group(&fleet).await;
    let path = format!("/api/v1/source-groups/{}/retention-preview", group.id);
    let refused = fleet.admin.post(&path, json!({ "retention": {} })).await;
    assert!(refused.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0].field == "retention");
    let body = json!({ "retention": { "hourly": 24, "daily": 1 } });
    let job: Job = fleet.admin.post(&path, body).await.expect(StatusCode::ACCEPTED).json();

    let order = fleet.begins(0).await;
    assert_eq!((order.job, order.kind()), (job.id, JobKind::PreviewForget));
    assert_eq!(fleet.username(0, &order), "everyday", "nothing is deleted");
    assert!(!order.repository.initialise);
    let forget = order.forget().expect("a policy");
    assert!(forget.dry_run);
    let tried = Retention { hourly: Some(24), daily: Some(1), ..Retention::default() };
    assert_eq!((forget.policies.len(), forget.policies[0].retention), (1, tried));

    let rows = [previewed(5, &fleet, &[]), previewed(1, &fleet, &["daily snapshot"])];
    let report = ReportItem::RetentionPreviewed { job: job.id, snapshots: rows.to_vec() };
    let worker = &mut fleet.hosts[0];
    worker.persona.report(&mut worker.agent, vec![report.clone(), report]).await;
    let mut end = good();
    (end.statistics.snapshots_kept, end.statistics.snapshots_removed) = (Some(1), Some(1));
    fleet.ends(0, job.id, end).await;

    let path = format!("/api/v1/jobs/{}/preview", job.id);
    let preview: RetentionPreview = fleet.admin.get(&path).await.expect(StatusCode::OK).json();
    let [old, new] = rows;
    assert_eq!(preview.snapshots.items, [new, old], "newest first, each once");
    assert_eq!((preview.state, preview.retention), (JobState::Succeeded, tried));
    assert_eq!((preview.kept, preview.removed), (Some(1), Some(1)));
    let unfilled: Vec<_> = preview.unfilled.iter().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(unfilled, ["hourly", "daily"], "no schedule backs it up");
    assert!(only_group(&fleet).await.retention.is_empty(), "it was only tried");
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Idle, "and is no thinning out");
}

#[tokio::test]
async fn a_policy_that_schedules_do_not_fill_is_told_with_the_group() {
    let fleet = Fleet::of(1).await;
    let group = only_group(&fleet).await;
    let body = json!({
        "name": "nightly", "cron": "30 2 * * *", "zone": "UTC", "source_groups": [group.id],
    });
    let path = format!("/api/v1/hosts/{}/schedules", fleet.hosts[0].persona.host);
    fleet.admin.post(&path, body).await.expect(StatusCode::CREATED);
    fleet.give_policy(0).await;
    assert_eq!(only_group(&fleet).await.unfilled, [], "once a day fills daily");
    let body = json!({
        "name": group.name, "includes": group.includes, "repository": fleet.repository,
        "retention": { "hourly": 24, "daily": 7 },
    });
    let path = format!("/api/v1/source-groups/{}", group.id);
    let version = only_group(&fleet).await.version;
    fleet.admin.put(&path, Some(version), body).await.expect(StatusCode::OK);
    let unfilled = only_group(&fleet).await.unfilled;
    let told: Vec<_> = unfilled.iter().map(|rule| (rule.rule.as_str(), rule.runs_every_seconds)).collect();
    assert_eq!(told, [("hourly", Some(86_400))]);
}

fn measured(raw_bytes: u64) -> JobEnd {
    let mut end = good();
    end.statistics.measured =
        Some(Measured { snapshots: 3, raw_bytes, restore_bytes: 4000, ..Measured::default() });
    end
}

async fn statistics(fleet: &Fleet) -> RepositoryStatistics {
    let path = format!("/api/v1/repositories/{}/statistics", fleet.repository);
    fleet.admin.get(&path).await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn a_repository_is_measured_by_jobs_and_its_days_are_kept() {
    let mut fleet = Fleet::of(1).await;
    assert_eq!(statistics(&fleet).await.days, []);
    let yesterday = Measurement {
        repository: fleet.repository,
        at: fleet.app.now().before(core::time::Duration::from_secs(86_400)),
        measured: Measured { raw_bytes: 1000, ..Measured::default() },
    };
    let mut tx = fleet.app.store.begin().await.unwrap();
    tx.measurements().record(&yesterday).await.unwrap();
    tx.commit(Audit::Routine("a fixture")).await.unwrap();
    for raw_bytes in [500, 2000] {
        fleet.upkeep("statistics").await;
        let order = fleet.begins(0).await;
        assert_eq!((order.kind(), fleet.username(0, &order)), (JobKind::Statistics, "everyday".to_owned()));
        fleet.ends(0, order.job, measured(raw_bytes)).await;
    }
    let found = statistics(&fleet).await;
    let sizes: Vec<_> = found.days.iter().map(|day| day.measured.raw_bytes).collect();
    assert_eq!((sizes, found.ratio), (vec![1000, 2000], Some(2.0)), "a day keeps its newest");
    let repository = fleet.repository().await;
    assert_eq!(repository.measured.expect("it was measured").measured.snapshots, 3);
    assert_eq!(repository.trend.iter().map(|day| day.raw_bytes).collect::<Vec<_>>(), [1000, 2000]);
    let path = format!("/api/v1/repositories/{}/statistics?days=401", fleet.repository);
    assert_eq!(
        fleet.admin.get(&path).await.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0].field,
        "days"
    );

    let failed_try = fleet.upkeep("statistics").await;
    fleet.begins(0).await;
    fleet.ends(0, failed_try.id, failed(Cause::Unreachable)).await;
    assert!(fleet.repository().await.upkeep.health != UpkeepState::Overdue, "old figures harm nobody");
    assert_eq!(alert_kinds(&fleet.admin).await, []);
}

#[tokio::test]
async fn a_backup_brings_the_next_measuring_forward() {
    let mut fleet = Fleet::of(1).await;
    let next = async |fleet: &Fleet| {
        let duties = fleet.repository().await.upkeep.duties;
        duties.into_iter().find(|duty| duty.kind == JobKind::Statistics).and_then(|duty| duty.next_at)
    };
    let planned = next(&fleet).await.expect("it is planned");
    let job = fleet.backup(0).await;
    fleet.begins(0).await;
    fleet.ends(0, job.id, good()).await;
    let soon = next(&fleet).await.expect("it is planned");
    assert!(soon < planned, "{soon} after {planned}");
    assert_eq!(soon.since(fleet.app.now()), core::time::Duration::from_secs(300));
}

async fn alert_kinds(admin: &Client) -> Vec<AlertKind> {
    let alerts: Page<restic_manager_proto::api::alerts::Alert> =
        admin.get("/api/v1/alerts?state=open").await.expect(StatusCode::OK).json();
    alerts.items.into_iter().map(|alert| alert.kind).collect()
}

impl Fleet {
    async fn deletion_test(&mut self, verdict: DeletionVerdict) {
        self.upkeep("deletion-test").await;
        let order = self.begins(0).await;
        assert_eq!((order.kind(), self.username(0, &order)), (JobKind::DeletionTest, "everyday".to_owned()));
        let mut end = good();
        end.statistics.deletion = Some(verdict);
        self.ends(0, order.job, end).await;
    }

    async fn verdict(&self) -> Option<DeletionVerdict> {
        self.repository().await.upkeep.deletion.map(|test| test.verdict)
    }
}

#[tokio::test]
async fn an_everyday_credential_that_deletes_is_an_alert_until_it_is_refused() {
    let mut fleet = Fleet::of(1).await;
    assert_eq!(fleet.verdict().await, None, "not tested");
    fleet.deletion_test(DeletionVerdict::Possible).await;
    assert_eq!(fleet.verdict().await, Some(DeletionVerdict::Possible));
    assert_eq!(alert_kinds(&fleet.admin).await, [AlertKind::EverydayCanDelete]);
    assert_eq!(fleet.repository().await.upkeep.health, UpkeepState::Failing);

    fleet.deletion_test(DeletionVerdict::Refused).await;
    assert_eq!(fleet.verdict().await, Some(DeletionVerdict::Refused));
    assert_eq!(alert_kinds(&fleet.admin).await, []);

    fleet.pass();
    let path = format!("/api/v1/repositories/{}/credentials/everyday", fleet.repository);
    let body = json!({ "credential": { "kind": "rest", "username": "other", "password": "another one" } });
    fleet.admin.put(&path, None, body).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(fleet.verdict().await, None, "nobody has tried the new one");
}

#[tokio::test]
async fn a_test_with_the_credential_before_says_nothing_about_the_one_after() {
    let mut fleet = Fleet::of(1).await;
    let job = fleet.upkeep("deletion-test").await;
    fleet.begins(0).await;
    fleet.pass();
    let path = format!("/api/v1/repositories/{}/credentials/everyday", fleet.repository);
    let body = json!({ "credential": { "kind": "rest", "username": "other", "password": "another one" } });
    fleet.admin.put(&path, None, body).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(
        fleet.hosts[0].agent.order().await.kind(),
        JobKind::CheckRepository,
        "the new one is looked at"
    );
    let mut end = good();
    end.statistics.deletion = Some(DeletionVerdict::Refused);
    fleet.ends(0, job.id, end).await;
    assert_eq!(fleet.verdict().await, None);
}

#[tokio::test]
async fn a_connection_is_tried_with_what_was_typed_and_nothing_is_kept() {
    let mut fleet = Fleet::of(1).await;
    let body = json!({
        "host": fleet.hosts[0].persona.host,
        "location": "rest:https://new.example.com/",
        "password": "typed password",
        "credential": { "kind": "rest", "username": "typed", "password": "typed too" },
    });
    let job: Job =
        fleet.admin.post("/api/v1/connection-tests", body).await.expect(StatusCode::ACCEPTED).json();
    let draft = fleet.app.store.read().await.unwrap().drafts().find(job.id).await.unwrap();
    let sealed = draft.expect("it is kept until the job ends").sealed;
    assert!(!sealed.as_bytes().windows(5).any(|bytes| bytes == b"typed"), "sealed");

    let order = fleet.begins(0).await;
    assert_eq!(
        (order.kind(), order.repository.location.as_str()),
        (JobKind::ConnectionTest, "rest:https://new.example.com/")
    );
    assert!(!order.repository.initialise);
    let secrets = fleet.hosts[0].agent.secrets(&order);
    assert_eq!(secrets.password.expose(), "typed password");
    assert!(
        matches!(secrets.credential, Some(TransportCredential::Rest { username, .. }) if username == "typed")
    );
    fleet.ends(0, job.id, failed(Cause::WrongPassword)).await;
    assert_eq!(fleet.job(job.id).await.cause, Cause::WrongPassword);
    assert_eq!(fleet.app.store.read().await.unwrap().drafts().find(job.id).await.unwrap(), None, "wiped");
}

#[tokio::test]
async fn what_is_kept_of_a_repository_is_tried_where_it_is_kept_for_and_nowhere_else() {
    let mut fleet = Fleet::of(1).await;
    let host = fleet.hosts[0].persona.host;
    let test = |more: serde_json::Value| {
        let mut body = json!({ "host": host, "repository": fleet.repository });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let elsewhere = test(json!({ "location": "rest:https://evil.example.com/" }));
    let refused = fleet.admin.post("/api/v1/connection-tests", elsewhere).await;
    assert_eq!(refused.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0].field, "location");
    fleet.admin.post("/api/v1/connection-tests", test(json!({}))).await.expect(StatusCode::ACCEPTED);
    let order = fleet.begins(0).await;
    assert_eq!(order.repository.location, "rest:https://backup.example.com/main/");
    assert_eq!(fleet.username(0, &order), "everyday");

    let path = format!("/api/v1/hosts/{host}/repositories/{}", fleet.repository);
    let groups = only_group(&fleet).await.id;
    fleet.admin.delete(&format!("/api/v1/source-groups/{groups}")).await.expect(StatusCode::NO_CONTENT);
    fleet.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    let body = json!({ "host": host, "repository": fleet.repository });
    let refused = fleet.admin.post("/api/v1/connection-tests", body).await;
    assert_eq!(
        refused.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0].field,
        "host",
        "it is not attached"
    );
}

#[tokio::test]
async fn a_duty_shows_the_job_that_somebody_asked_for() {
    let mut fleet = Fleet::of(1).await;
    fleet.name_runner().await;
    let shown = async |fleet: &Fleet| {
        let duties = fleet.repository().await.upkeep.duties;
        duties.into_iter().find(|duty| duty.kind == JobKind::Prune).and_then(|duty| duty.job)
    };
    assert_eq!(shown(&fleet).await, None);
    let job = fleet.upkeep("prune").await;
    assert_eq!(shown(&fleet).await, Some(job.id));
    fleet.begins(0).await;
    fleet.ends(0, job.id, good()).await;
    assert_eq!(shown(&fleet).await, None, "it is over");
}
