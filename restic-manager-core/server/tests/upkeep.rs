//! Who may use a repository when, and what upkeep comes to: a small fleet over real sockets.

use http::StatusCode;
use restic_manager_core::lease::LOOK_INTERVAL;
use restic_manager_proto::{
    api::{Page, alerts::Alert, hosts::Host},
    vocabulary::{AlertKind, Cause, JobKind, JobState, UpkeepState},
};
use restic_manager_testkit::patiently;
use serde_json::json;

use crate::{
    fleet::{Fleet, failed, good, rounds},
    support::PASSWORD,
};

#[tokio::test]
async fn exclusive_work_waits_for_who_is_there_and_holds_up_who_comes_after() {
    let mut fleet = Fleet::of(3).await;
    let first = fleet.backup(1).await;
    assert_eq!(fleet.begins(1).await.job, first.id);
    fleet.name_runner().await;
    let prune = fleet.upkeep("prune").await;
    let late = fleet.backup(2).await;

    let waiting = fleet.job(prune.id).await;
    assert_eq!((waiting.state, waiting.waiting_for.as_str()), (JobState::Queued, "the backup"));
    assert_eq!(waiting.queue_position, Some(1));
    let behind = fleet.placed(late.id, 2).await;
    assert_eq!(behind.state, JobState::Queued);
    assert_eq!(behind.waiting_for, "the prune that was asked for earlier");

    fleet.ends(1, first.id, good()).await;
    assert_eq!(fleet.begins(0).await.job, prune.id, "the first backup made room");
    assert_eq!(fleet.job(late.id).await.waiting_for, "the prune");
    fleet.ends(0, prune.id, good()).await;
    assert_eq!(fleet.begins(2).await.job, late.id, "and the prune for the second");
}

#[tokio::test]
async fn one_host_does_one_thing_at_a_time_on_a_repository() {
    let mut fleet = Fleet::of(1).await;
    let check = fleet.upkeep("check").await;
    assert_eq!(fleet.begins(0).await.job, check.id);
    let backup = fleet.backup(0).await;
    let waiting = fleet.job(backup.id).await;
    assert_eq!(waiting.waiting_for, "the check of the same host on the same repository");
    fleet.ends(0, check.id, good()).await;
    assert_eq!(fleet.begins(0).await.job, backup.id);
}

#[tokio::test]
async fn a_cancelled_job_gives_up_its_place() {
    let mut fleet = Fleet::of(3).await;
    fleet.name_runner().await;
    let backup = fleet.backup(1).await;
    fleet.begins(1).await;
    let prune = fleet.upkeep("prune").await;
    let late = fleet.backup(2).await;
    assert_eq!(fleet.job(late.id).await.waiting_for, "the prune that was asked for earlier");
    let path = format!("/api/v1/jobs/{}/cancel", prune.id);
    fleet.admin.post(&path, json!({})).await.expect(StatusCode::ACCEPTED);
    assert_eq!(fleet.begins(2).await.job, late.id, "two backups go together");
    fleet.ends(1, backup.id, good()).await;
}

#[tokio::test]
async fn a_lost_holder_keeps_its_lease_until_its_lock_is_gone() {
    let mut fleet = Fleet::of(2).await;
    fleet.name_runner().await;
    fleet.upkeep("prune").await;
    fleet.begins(0).await;
    let late = fleet.backup(1).await;
    fleet.lose(0).await;
    let mut asked = Vec::new();
    for locks_left in [1, 0] {
        fleet.app.clock.advance(LOOK_INTERVAL);
        rounds().await;
        let order = fleet.begins(0).await;
        assert_eq!(order.kind(), JobKind::Unlock);
        assert_eq!(
            fleet.job(late.id).await.waiting_for,
            "the prune whose host is away; its lock is being looked after"
        );
        let mut end = good();
        end.statistics.locks_left = Some(locks_left);
        fleet.ends(0, order.job, end).await;
        asked.push(order.job);
    }
    assert_ne!(asked[0], asked[1]);
    assert_eq!(fleet.begins(0).await.job, late.id, "nothing is locked any more");
}

#[tokio::test]
async fn what_may_delete_is_handed_to_the_runner_for_the_jobs_that_delete() {
    let mut fleet = Fleet::of(2).await;
    fleet.name_runner().await;
    fleet.give_policy(1).await;
    for (kind, username) in
        [("forget", "maintenance"), ("prune", "maintenance"), ("check", "everyday"), ("unlock", "everyday")]
    {
        let job = fleet.upkeep(kind).await;
        assert_eq!(job.host.id, fleet.hosts[0].persona.host, "{kind} is the runner's");
        let order = fleet.begins(0).await;
        assert_eq!((order.job, fleet.username(0, &order).as_str()), (job.id, username), "{kind}");
        assert!(!order.repository.initialise, "upkeep makes no repository");
        if let Some(forget) = order.forget() {
            let [policy] = &forget.policies[..] else { panic!("{forget:?}") };
            assert_eq!(
                (policy.host_name.as_str(), policy.tag.as_str(), policy.retention.daily),
                ("web-2", "default", Some(7))
            );
        }
        fleet.ends(0, job.id, good()).await;
    }
    let backup = fleet.backup(0).await;
    let order = fleet.begins(0).await;
    assert_eq!((order.job, fleet.username(0, &order).as_str()), (backup.id, "everyday"));

    let runner: Host =
        fleet.admin.get(&format!("/api/v1/hosts/{}", fleet.hosts[0].persona.host)).await.json();
    let other: Host = fleet.admin.get(&format!("/api/v1/hosts/{}", fleet.hosts[1].persona.host)).await.json();
    assert!(runner.is_runner && !other.is_runner);
    let path = format!("/api/v1/hosts/{}/repositories/{}", runner.id, fleet.repository);
    fleet.admin.delete(&path).await.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_may_delete_is_handed_to_nobody_while_no_runner_is_named() {
    let mut fleet = Fleet::of(2).await;
    fleet.give_policy(1).await;
    for kind in ["forget", "prune"] {
        let path = format!("/api/v1/repositories/{}/upkeep/jobs", fleet.repository);
        let problem = fleet.admin.post(&path, json!({ "kind": kind })).await.problem(StatusCode::CONFLICT);
        assert!(problem.detail.contains("no runner is named"), "{problem:?}");
        assert!(problem.next_step.contains("name a runner"), "{problem:?}");
    }
    assert!(fleet.repository().await.upkeep.risk.contains("named runner alone"));
    // Nor is it handed to a host that was the runner when the job was asked for, and is no more.
    let backup = fleet.backup(1).await;
    fleet.begins(1).await;
    fleet.name_runner().await;
    let prune = fleet.upkeep("prune").await;
    let version = fleet.repository().await.version;
    let path = format!("/api/v1/repositories/{}/upkeep", fleet.repository);
    let other = json!({ "runner": fleet.hosts[1].persona.host });
    fleet.admin.put(&path, Some(version), other).await.expect(StatusCode::OK);
    fleet.ends(1, backup.id, good()).await;
    let ended = patiently(async {
        loop {
            let job = fleet.job(prune.id).await;
            if job.state.is_end() {
                return job;
            }
        }
    });
    let ended = ended.await;
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::NotConfigured));
    assert!(ended.detail.contains("not the runner"), "{}", ended.detail);
}

#[tokio::test]
async fn health_turns_red_when_nothing_was_thinned_out_and_green_when_it_was() {
    let mut fleet = Fleet::of(1).await;
    fleet.name_runner().await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Idle, "nobody wants anything thinned out");
    fleet.give_policy(0).await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Pending);

    let job = fleet.upkeep("forget").await;
    fleet.begins(0).await;
    fleet.ends(0, job.id, failed(Cause::RepositoryLocked)).await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Failing, "it may be free the next time");
    let job = fleet.upkeep("forget").await;
    fleet.begins(0).await;
    fleet.ends(0, job.id, failed(Cause::AccessDenied)).await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Overdue, "the storage refuses");
    assert_eq!(fleet.repository().await.upkeep.health, UpkeepState::Overdue);
    let alerts: Page<Alert> = fleet.admin.get("/api/v1/alerts?state=open").await.json();
    assert!(
        alerts.items.iter().any(|alert| alert.kind == AlertKind::ForgetFailed && alert.count == 1),
        "{alerts:?}"
    );
    assert!(alerts.items.iter().any(|alert| alert.kind == AlertKind::RepositoryLocked), "{alerts:?}");

    let job = fleet.upkeep("forget").await;
    fleet.begins(0).await;
    fleet.ends(0, job.id, good()).await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Good);
    let alerts: Page<Alert> = fleet.admin.get("/api/v1/alerts?state=open").await.json();
    assert!(alerts.items.is_empty(), "{alerts:?}");

    fleet.app.clock.advance(core::time::Duration::from_secs(74 * 3600));
    fleet.admin = fleet.app.sign_in("alice", PASSWORD).await;
    assert_eq!(fleet.duty(JobKind::Forget).await, UpkeepState::Overdue, "the allowance is over");
}

#[tokio::test]
async fn everything_is_read_in_turn_and_a_part_counts_once_it_was_read() {
    let mut fleet = Fleet::of(1).await;
    let mut read = Vec::new();
    for end in [good(), failed(Cause::Unreachable), good()] {
        let job = fleet.upkeep("check").await;
        let order = fleet.begins(0).await;
        read.push(serde_json::to_value(&order.task).unwrap()["read_data"]["part"].clone());
        fleet.ends(0, job.id, end).await;
    }
    assert_eq!(read, [json!(1), json!(2), json!(2)]);
    let repository = fleet.repository().await;
    let check = &repository.upkeep.duties[2];
    assert_eq!((check.part, check.parts, check.full_read_days), (Some(3), Some(20), Some(600)));
}

#[tokio::test]
async fn a_runner_must_be_attached_and_numbers_make_sense() {
    let fleet = Fleet::of(1).await;
    let path = format!("/api/v1/repositories/{}/upkeep", fleet.repository);
    let version = Some(fleet.repository().await.version);
    for (field, body) in [
        ("runner", json!({ "runner": fleet.repository })),
        ("check_parts", json!({ "check_parts": 257 })),
        ("prune_every_hours", json!({ "prune_every_hours": 0 })),
        ("parallel", json!({ "parallel": 0 })),
    ] {
        let problem = fleet.admin.put(&path, version, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.fields[0].field, field);
    }
    fleet.admin.put(&path, Some(99), json!({})).await.problem(StatusCode::PRECONDITION_FAILED);
    let run = format!("{path}/jobs");
    fleet.admin.post(&run, json!({ "kind": "backup" })).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let body = json!({ "host": fleet.hosts[0].persona.host, "kind": "prune" });
    fleet.admin.post("/api/v1/jobs", body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}
