//! Jobs on their way to an agent, and what it answers.

use futures_util::StreamExt as _;
use http::StatusCode;
use restic_manager_proto::{
    JobEnd, JobId,
    agent::{ErrorCode, KnownJob, Reply, ReportItem},
    api::jobs::Job,
    vocabulary::{Cause, JobState},
};
use restic_manager_store::Audit;
use restic_manager_testkit::{Agent, ended, lines, patiently, started};
use serde_json::json;

use crate::scene::{Scene, follow_events};

#[tokio::test]
async fn the_same_job_is_not_made_twice() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    let body = json!({ "host": scene.persona.host, "kind": "backup" });
    let problem = scene.admin.post("/api/v1/jobs", body).await.problem(StatusCode::CONFLICT);
    assert!(problem.detail.contains(&job.id.to_string()), "{problem:?}");
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn a_running_job_is_cancelled_by_its_agent() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    let cancelled: Job = scene
        .admin
        .post(&format!("/api/v1/jobs/{}/cancel", job.id), json!({}))
        .await
        .expect(StatusCode::ACCEPTED)
        .json();
    assert_eq!(cancelled.state, JobState::Running);
    assert!(cancelled.cancel_requested_at.is_some());
    assert_eq!(scene.agent().cancellation().await, job.id);
    let end = JobEnd::new(JobState::Cancelled, Cause::Cancelled);
    scene.report(vec![ReportItem::JobEnded { job: job.id, at: scene.app.now(), end }]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn the_job_of_a_host_that_is_away_is_cancelled_in_place_and_stopped_when_it_comes_back() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    scene.lose_agent().await;
    let cancelled: Job = scene.admin.post(&format!("/api/v1/jobs/{}/cancel", job.id), json!({})).await.json();
    assert_eq!(cancelled.state, JobState::Cancelled);
    scene.reconnect(vec![KnownJob::new(job.id, JobState::Running)]).await;
    assert_eq!(scene.agent().cancellation().await, job.id);
    // What the agent says of it afterwards changes nothing.
    scene.report(vec![ended(scene.app.now(), job.id)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_queued_job_waits_for_its_host_and_is_sent_when_it_comes() {
    let mut scene = Scene::new().await;
    scene.lose_agent().await;
    let job = scene.ask_for_backup().await;
    assert!(job.waiting_for.contains("not connected"), "{}", job.waiting_for);
    scene.reconnect(Vec::new()).await;
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn a_job_that_its_agent_does_not_know_any_more_is_lost() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    let lost = scene.job(job.id).await;
    assert_eq!((lost.state, lost.cause), (JobState::Failed, Cause::AgentLost));
    assert!(!lost.advice.is_empty());
}

#[tokio::test]
async fn an_order_that_did_not_arrive_is_sent_again() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().unanswered_order().await;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    assert_eq!(scene.agent().order().await.job, job.id);
    scene.report(vec![started(scene.app.now(), job.id), ended(scene.app.now(), job.id)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Succeeded);
}

#[tokio::test]
async fn an_order_that_is_refused_ends_its_job_with_the_agents_words() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    let mut events = follow_events(&scene.admin, scene.address()).await;
    let (number, _) = scene.agent().unanswered_order().await;
    let agent = scene.agent();
    let now = agent.link.now();
    let reply =
        Reply::Error { code: ErrorCode::Forbidden, message: "the policy file allows only /home".into() };
    agent.link.session().reply(now, number, reply).unwrap();
    let ended = loop {
        // The reply leaves while the agent listens.
        tokio::select! {
            _ = scene.agent.as_mut().unwrap().link.next() => {}
            event = patiently(events.next()) => { event.unwrap().unwrap(); }
        }
        let job = scene.job(job.id).await;
        if job.state.is_end() {
            break job;
        }
    };
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::AgentRefused));
    assert!(ended.detail.contains("/home"));
}

/// Answers an order, and sees to it that the answer leaves.
async fn answer_order(agent: &mut Agent, reply: Reply) -> JobId {
    let (number, order) = agent.unanswered_order().await;
    let now = agent.link.now();
    agent.link.session().reply(now, number, reply).unwrap();
    while agent.link.next_or_sent().await.unwrap().is_some() {}
    order.job
}

#[tokio::test]
async fn an_agent_that_stops_is_asked_once() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    let reply = Reply::Error { code: ErrorCode::Stopping, message: "the agent is stopping".into() };
    assert_eq!(answer_order(scene.agent(), reply).await, job.id);
    // The next words are acknowledgements, and no order.
    scene.report(vec![lines(scene.app.now(), job.id, 1..=1)]).await;
    scene.report(vec![lines(scene.app.now(), job.id, 2..=2)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Queued);
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn an_order_that_no_message_holds_ends_its_job_at_once() {
    let scene = Scene::new().await;
    let includes: Vec<_> = (0..256).map(|number| format!("/{number:04}{}", "a".repeat(4000))).collect();
    let mut transaction = scene.app.store.begin().await.unwrap();
    let group = transaction.sources().of_host(scene.persona.host).await.unwrap().remove(0);
    let (version, repository) = (group.version, group.repository);
    let group = restic_manager_store::sources::SourceGroup { includes: includes.clone(), ..group };
    transaction.sources().update(&group, version).await.unwrap();
    transaction.commit(Audit::Routine("as an older version let it be")).await.unwrap();
    let job = scene.ask_for_backup().await;
    let ended = patiently(async {
        loop {
            let job = scene.job(job.id).await;
            if job.state.is_end() {
                return job;
            }
        }
    });
    let ended = ended.await;
    assert_eq!(ended.state, JobState::Failed);
    assert!(ended.detail.contains("too large"), "{}", ended.detail);

    let path = format!("/api/v1/hosts/{}/source-groups", scene.persona.host);
    let body = json!({ "name": "long", "includes": includes, "repository": repository });
    let problem = scene.admin.post(&path, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "includes", "and nobody makes such a group any more");
}
