//! Restores, and looks into snapshots, over real sockets.

use http::StatusCode;
use restic_manager_proto::{
    PlanRow, PlanSummary, RawPath, RestoreOptions, RestoreTarget, SearchHit, SnapshotEntry, SnapshotSeen,
    Timestamp,
    agent::{Answer, AnswerPart, ErrorCode, Message, Question, ReportItem},
    api::{Code, Page, jobs::Job, restores::RestorePlan},
    limits::ANSWER_PARTS,
    vocabulary::{Action, EntryKind, JobKind, JobState, Overwrite, PlanClass},
};
use serde_json::json;

use crate::{
    fleet::Fleet,
    scene::{PASSWORD, Scene},
};

fn snapshot() -> String {
    "b".repeat(64)
}

/// The host has one snapshot in its repository.
async fn scene() -> (Scene, restic_manager_proto::RepositoryId) {
    let mut scene = Scene::new().await;
    let page: Page<restic_manager_proto::api::hosts::Attachment> =
        scene.admin.get(&format!("/api/v1/hosts/{}/repositories", scene.persona.host)).await.json();
    let repository = page.items[0].repository.id;
    list(&mut scene, repository).await;
    (scene, repository)
}

async fn list(scene: &mut Scene, repository: restic_manager_proto::RepositoryId) {
    let now = scene.app.now();
    let seen = SnapshotSeen::new(snapshot(), Timestamp::from_milliseconds(now.as_milliseconds() - 1000));
    let snapshots = vec![seen];
    scene.report(vec![ReportItem::Snapshots { repository, at: now, snapshots, part: 0, last: true }]).await;
}

fn folder(name: &str) -> SnapshotEntry {
    SnapshotEntry::new(RawPath::new(name), EntryKind::Folder)
}

fn restore(target: RestoreTarget) -> RestoreOptions {
    RestoreOptions { paths: vec![RawPath::new("/srv/www")], ..RestoreOptions::new(snapshot(), target) }
}

#[tokio::test]
async fn a_folder_is_shown_as_the_agent_tells_it() {
    let (mut scene, repository) = scene().await;
    let base =
        format!("/api/v1/hosts/{}/repositories/{repository}/snapshots/{}", scene.persona.host, snapshot());
    let seen: restic_manager_proto::api::snapshots::Snapshot =
        scene.admin.get(&base).await.expect(StatusCode::OK).json();
    assert_eq!(seen.snapshot.id, snapshot());

    let (admin, path) = (scene.admin.clone(), format!("{base}/folder?path=/srv&limit=2"));
    let asking = tokio::spawn(async move { admin.get(&path).await });
    let ask = scene.agent().asked().await;
    assert_eq!(scene.agent().secrets_of(&ask).password.expose(), PASSWORD);
    let Question::Folder { snapshot: of, folder: path, after, limit, .. } = &ask.question else {
        panic!("{ask:?}")
    };
    assert_eq!((of, path.as_text(), *after, *limit), (&snapshot(), Some("/srv"), 0, 2));
    scene.agent().answer(ask.id, AnswerPart::Working { entries: 5 }).await;
    scene.agent().answer(ask.id, AnswerPart::Entries { entries: vec![folder("a"), folder("b")] }).await;
    scene.agent().answer(ask.id, AnswerPart::End { more: true }).await;
    let page: Page<SnapshotEntry> = asking.await.unwrap().expect(StatusCode::OK).json();
    assert_eq!(page.items, [folder("a"), folder("b")]);

    let next = page.next.expect("there is more");
    let (admin, path) = (scene.admin.clone(), format!("{base}/folder?path=/srv&after={next}"));
    let asking = tokio::spawn(async move { admin.get(&path).await });
    let ask = scene.agent().asked().await;
    let Question::Folder { after, .. } = &ask.question else { panic!("{ask:?}") };
    assert_eq!(*after, 2, "behind the two that were shown");
    let message = "/srv is no folder of the snapshot".to_owned();
    scene.agent().answer(ask.id, AnswerPart::Failed { code: ErrorCode::Failed, message }).await;
    let problem = asking.await.unwrap().problem(StatusCode::CONFLICT);
    assert!(problem.detail.contains("no folder of the snapshot"), "{problem:?}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_said() {
    let (mut scene, repository) = scene().await;
    let base = format!("/api/v1/hosts/{}/repositories/{repository}/snapshots", scene.persona.host);
    let gone = format!("{base}/{}/folder", "c".repeat(64));
    assert_eq!(scene.admin.get(&gone).await.problem(StatusCode::NOT_FOUND).code, Code::NotFound);
    let wrong = format!("{base}/{}/folder?path=/srv/..", snapshot());
    assert_eq!(
        scene.admin.get(&wrong).await.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0].field,
        "path"
    );
    for (text, limit) in [("", 1), (&*"x".repeat(257), 1), ("x", 501)] {
        let wrong = format!("{base}/{}/search?text={text}&limit={limit}", snapshot());
        scene.admin.get(&wrong).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    scene.lose_agent().await;
    let away = format!("{base}/{}/folder", snapshot());
    assert_eq!(scene.admin.get(&away).await.problem(StatusCode::SERVICE_UNAVAILABLE).code, Code::Unavailable);
}

#[tokio::test]
async fn an_agent_that_sends_more_than_there_is_room_for_is_cut_off() {
    let (mut scene, repository) = scene().await;
    let path = format!(
        "/api/v1/hosts/{}/repositories/{repository}/snapshots/{}/folder",
        scene.persona.host,
        snapshot()
    );
    let admin = scene.admin.clone();
    let asking = tokio::spawn(async move { admin.get(&path).await });
    let ask = scene.agent().asked().await;
    // What is taken makes room; so much at once there is never.
    for _ in 0..200 * ANSWER_PARTS {
        let part = AnswerPart::Working { entries: 1 };
        scene.agent().send(Message::Answer(Answer { question: ask.id, part }));
    }
    while scene.agent().link.next().await.is_ok() {}
    assert_eq!(asking.await.unwrap().problem(StatusCode::SERVICE_UNAVAILABLE).code, Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_answer_is_not_waited_for() {
    let (mut scene, repository) = scene().await;
    let path = format!(
        "/api/v1/hosts/{}/repositories/{repository}/snapshots/{}/folder",
        scene.persona.host,
        snapshot()
    );
    let admin = scene.admin.clone();
    let asking = tokio::spawn(async move { admin.get(&path).await });
    let ask = scene.agent().asked().await;
    assert_eq!(asking.await.unwrap().problem(StatusCode::GATEWAY_TIMEOUT).code, Code::Timeout);
    loop {
        match scene.agent().message().await {
            (_, Message::AnswerStop { question }) => break assert_eq!(question, ask.id),
            (_, Message::Acknowledge { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_restore_becomes_an_order_and_an_entry_in_the_audit_log() {
    let (mut scene, repository) = scene().await;
    let path = format!("/api/v1/hosts/{}/restores", scene.persona.host);
    let mut wanted = restore(RestoreTarget::Folder { path: "/var/restores/web".into() });
    wanted.overwrite = Overwrite::IfChanged;
    let body = json!({ "repository": repository, "restore": wanted });
    let job: Job = scene.admin.post(&path, body.clone()).await.expect(StatusCode::ACCEPTED).json();
    assert_eq!((job.kind, job.options.restore()), (JobKind::Restore, Some(&wanted)));
    let mut many = wanted.clone();
    many.paths = (0..100).map(|number| RawPath::new(format!("/srv/{number}"))).collect();
    let body_of_many = json!({ "repository": repository, "restore": many });
    let large: Job = scene.admin.post(&path, body_of_many).await.expect(StatusCode::ACCEPTED).json();
    let listed: Page<Job> = scene.admin.get("/api/v1/jobs").await.expect(StatusCode::OK).json();
    let listed = listed.items.iter().find(|job| job.id == large.id).expect("it is listed");
    assert_eq!(listed.options.restore().map(|restore| restore.paths.len()), Some(20));
    assert_eq!(scene.job(large.id).await.options.restore(), Some(&many));
    scene
        .admin
        .post(&format!("/api/v1/jobs/{}/cancel", large.id), json!({}))
        .await
        .expect(StatusCode::ACCEPTED);
    let twin = scene.admin.post(&path, body).await.problem(StatusCode::CONFLICT);
    assert_eq!(twin.code, Code::Conflict);
    let order = scene.agent().order().await;
    assert_eq!((order.job, order.restore()), (job.id, Some(&wanted)));
    assert!(!order.repository.initialise, "a restore makes no repository");
    assert!(scene.app.audited().await.contains(&Action::RestoreCreate));
    let (now, job) = (scene.app.now(), job.id);
    scene
        .report(vec![restic_manager_testkit::started(now, job), restic_manager_testkit::ended(now, job)])
        .await;
    assert_eq!(scene.job(job).await.state, JobState::Succeeded);
}

#[tokio::test]
async fn a_restore_that_cannot_be_asked_for_is_refused_by_its_field() {
    let (scene, repository) = scene().await;
    let path = format!("/api/v1/hosts/{}/restores", scene.persona.host);
    let to_folder = restore(RestoreTarget::Folder { path: "/var/restores/web".into() });
    let in_place = restore(RestoreTarget::Original {});
    let gone = RestoreOptions { snapshot: "c".repeat(64), ..to_folder.clone() };
    let nothing = RestoreOptions { paths: Vec::new(), ..to_folder.clone() };
    let other = restic_manager_proto::RepositoryId::from_bytes([9; 16]);
    for (body, status, field) in [
        (
            json!({ "repository": repository, "restore": in_place }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "confirm",
        ),
        (
            json!({ "repository": repository, "restore": in_place, "confirm": "web-02" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "confirm",
        ),
        (
            json!({ "repository": repository, "restore": nothing }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "restore.paths",
        ),
        (json!({ "repository": repository, "restore": gone }), StatusCode::NOT_FOUND, ""),
        (json!({ "repository": other, "restore": to_folder }), StatusCode::NOT_FOUND, ""),
    ] {
        let problem = scene.admin.post(&path, body).await.problem(status);
        assert_eq!(problem.fields.first().map_or("", |one| one.field.as_str()), field, "{problem:?}");
    }
    let body = json!({ "repository": repository, "restore": in_place, "confirm": "web-01" });
    scene.admin.post(&path, body).await.expect(StatusCode::ACCEPTED);
    // A restore is asked for as one, and not as any job.
    let body = json!({ "host": scene.persona.host, "kind": "restore", "repository": repository });
    assert_eq!(
        scene.admin.post("/api/v1/jobs", body).await.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0]
            .field,
        "kind"
    );
}

#[tokio::test]
async fn another_host_restores_only_what_the_caller_has_just_proved_to_be_theirs() {
    let mut fleet = Fleet::of(2).await;
    let repository = fleet.repository().await.id;
    let now = fleet.app.now();
    let seen = SnapshotSeen::new(snapshot(), Timestamp::from_milliseconds(now.as_milliseconds() - 1000));
    let items =
        vec![ReportItem::Snapshots { repository, at: now, snapshots: vec![seen], part: 0, last: true }];
    let (from, to) = (fleet.hosts[0].persona.host, fleet.hosts[1].persona.host);
    let one = &mut fleet.hosts[0];
    one.persona.report(&mut one.agent, items).await;
    let wanted = restore(RestoreTarget::Folder { path: "/var/restores/web".into() });
    let body = json!({ "repository": repository, "snapshot_host": from, "restore": wanted });
    let job: Job = fleet
        .admin
        .post(&format!("/api/v1/hosts/{to}/restores"), body.clone())
        .await
        .expect(StatusCode::ACCEPTED)
        .json();
    let order = fleet.hosts[1].agent.order().await;
    assert_eq!(
        (order.job, order.restore().map(|restore| restore.snapshot.clone())),
        (job.id, Some(snapshot()))
    );
    fleet.app.clock.advance(core::time::Duration::from_secs(11 * 60));
    let late = fleet.admin.post(&format!("/api/v1/hosts/{to}/restores"), body).await;
    assert_eq!(late.problem(StatusCode::FORBIDDEN).code, Code::ProofNeeded);
}

#[tokio::test]
async fn a_plan_and_a_search_are_what_the_agent_tells() {
    let (mut scene, repository) = scene().await;
    let (admin, host) = (scene.admin.clone(), scene.persona.host);
    let wanted = restore(RestoreTarget::Original {});
    let body = json!({ "repository": repository, "restore": wanted });
    let asking =
        tokio::spawn(async move { admin.post(&format!("/api/v1/hosts/{host}/restore-plans"), body).await });
    let ask = scene.agent().asked().await;
    let Question::Plan { restore: asked, .. } = &ask.question else { panic!("{ask:?}") };
    assert_eq!(**asked, wanted, "a plan replaces nothing, so no name is asked for");
    let mut plan = PlanSummary::default();
    (plan.id, plan.bytes) = (format!("sha256:{}", "c".repeat(64)), 7);
    let rows = vec![PlanRow { class: PlanClass::Replaced, path: RawPath::new("/srv/www/a"), size: 7 }];
    scene.agent().answer(ask.id, AnswerPart::Working { entries: 9 }).await;
    scene.agent().answer(ask.id, AnswerPart::Plan { plan: plan.clone() }).await;
    scene.agent().answer(ask.id, AnswerPart::PlanRows { rows: rows.clone() }).await;
    scene.agent().answer(ask.id, AnswerPart::End { more: false }).await;
    let told: RestorePlan = asking.await.unwrap().expect(StatusCode::OK).json();
    assert_eq!(told, RestorePlan { summary: plan, rows, more: false });

    let admin = scene.admin.clone();
    let path =
        format!("/api/v1/hosts/{host}/repositories/{repository}/snapshots/{}/search?text=www", snapshot());
    let asking = tokio::spawn(async move { admin.get(&path).await });
    let ask = scene.agent().asked().await;
    let Question::Search { text, after: None, limit: 50, .. } = &ask.question else { panic!("{ask:?}") };
    assert_eq!(text, "www");
    let hits = vec![SearchHit { folder: RawPath::new("/srv"), entry: folder("www") }];
    scene.agent().answer(ask.id, AnswerPart::Hits { hits: hits.clone() }).await;
    scene.agent().answer(ask.id, AnswerPart::End { more: true }).await;
    let page: Page<SearchHit> = asking.await.unwrap().expect(StatusCode::OK).json();
    assert_eq!((page.items, page.next.is_some()), (hits, true));
}
