//! What open pages are told when a job ends, however it ends.

use core::fmt::Debug;
use futures_util::StreamExt as _;
use http::StatusCode;
use restic_manager_proto::{
    RepositoryId,
    api::{Page, events::FleetEvent, hosts::Attachment, jobs::Job},
    vocabulary::JobState,
};
use restic_manager_testkit::{ended, patiently, started};
use serde_json::json;

use crate::scene::{Scene, Socket, follow_events};

impl Scene {
    async fn repository(&self) -> RepositoryId {
        let path = format!("/api/v1/hosts/{}/repositories", self.persona.host);
        self.admin.get(&path).await.json::<Page<Attachment>>().items[0].repository.id
    }

    /// A check of the repository, which only this host can do.
    async fn ask_for_check(&self) -> Job {
        let path = format!("/api/v1/repositories/{}/upkeep/jobs", self.repository().await);
        self.admin.post(&path, json!({ "kind": "check" })).await.expect(StatusCode::ACCEPTED).json()
    }

    /// The end of a check on this host, as pages of it, of its repository, of its job and of alerts are told.
    async fn hears_of_the_end(&self, events: &mut Socket, job: &Job) {
        let host = self.persona.host;
        let mut missing = vec![
            FleetEvent::Job { job: job.id, host },
            FleetEvent::Host { host },
            FleetEvent::Repository { repository: job.repository.as_ref().unwrap().id },
            FleetEvent::Alerts {},
        ];
        while !missing.is_empty() {
            let told = next(events, &missing).await;
            missing.retain(|event| *event != told);
        }
    }
}

async fn next(events: &mut Socket, missing: &impl Debug) -> FleetEvent {
    let Some(Ok(message)) = patiently(events.next()).await else { panic!("nobody was told of {missing:?}") };
    serde_json::from_str(&message.into_text().unwrap()).unwrap()
}

#[tokio::test]
async fn an_end_that_the_agent_reports() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_check().await;
    assert_eq!(scene.agent().order().await.job, job.id);
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    let mut events = follow_events(&scene.admin, scene.address()).await;
    scene.report(vec![ended(scene.app.now(), job.id)]).await;
    scene.hears_of_the_end(&mut events, &job).await;
}

#[tokio::test]
async fn a_cancel_in_place() {
    let mut scene = Scene::new().await;
    scene.lose_agent().await;
    let job = scene.ask_for_check().await;
    let mut events = follow_events(&scene.admin, scene.address()).await;
    let cancelled: Job = scene.admin.post(&format!("/api/v1/jobs/{}/cancel", job.id), json!({})).await.json();
    assert_eq!(cancelled.state, JobState::Cancelled);
    scene.hears_of_the_end(&mut events, &job).await;
}

#[tokio::test]
async fn the_removal_of_its_host() {
    let mut scene = Scene::new().await;
    scene.lose_agent().await;
    let job = scene.ask_for_check().await;
    let mut events = follow_events(&scene.admin, scene.address()).await;
    let path = format!("/api/v1/hosts/{}", scene.persona.host);
    scene.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(scene.job(job.id).await.state, JobState::Cancelled);
    scene.hears_of_the_end(&mut events, &job).await;
}
