//! What jobs find out about a repository, with real restic and real storage.

use restic_manager_e2e::{
    Agent, Outcome, REPOSITORY_PASSWORD, RestServer, Restic, STORAGE_PASSWORD, STORAGE_USER, World,
};
use restic_manager_proto::api::Page;
use restic_manager_proto::api::alerts::{self, Alert};
use restic_manager_proto::api::hosts::{Attach, AttachmentChange};
use restic_manager_proto::api::jobs::{Job, Preview, PreviewQuery, RetentionPreview};
use restic_manager_proto::api::repositories::{
    ConnectionTest, MakeLogin, NewRestLogin, Repository, RepositoryStatistics, RestLogin, Show, Statistics,
    StatisticsQuery, Test,
};
use restic_manager_proto::api::source_groups::{self, PreviewRetention, RetentionDraft, SourceGroup};
use restic_manager_proto::api::upkeep::{NewUpkeepJob, Run};
use restic_manager_proto::vocabulary::{
    AlertKind, AlertState, Cause, DeletionVerdict, JobKind, JobState, UpkeepState,
};
use restic_manager_proto::{HostId, JobOptions, Retention, SecretText, TransportCredential};

use crate::support::{expect_success, sample};

async fn repository(world: &World) -> Outcome<Repository> {
    world.api.call::<Show>(&[&world.repository.to_string()], None, None).await
}

async fn run(world: &World, kind: JobKind) -> Outcome<Job> {
    let body = NewUpkeepJob { kind, host: None, options: JobOptions::default() };
    let job = world.api.call::<Run>(&[&world.repository.to_string()], None, Some(&body)).await?;
    world.ended(job.id).await
}

async fn back_up(world: &World, agent: &Agent) -> Outcome {
    expect_success(&world.ended(world.ask_for_backup(agent.host()?).await?.id).await?)
}

async fn verdict(world: &World) -> Outcome<Option<DeletionVerdict>> {
    Ok(repository(world).await?.upkeep.deletion.map(|test| test.verdict))
}

async fn open_alerts(world: &World) -> Outcome<Vec<AlertKind>> {
    let filter = alerts::Filter { state: Some(AlertState::Open), ..alerts::Filter::default() };
    let found: Page<Alert> = world.api.call::<alerts::List>(&[], Some(&filter), None).await?;
    Ok(found.items.into_iter().map(|alert| alert.kind).collect())
}

#[tokio::test]
async fn deletion_is_proven_refused_by_append_only_storage_and_seen_where_it_is_not() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    back_up(&world, &agent).await?;
    assert_eq!(verdict(&world).await?, None, "not tested");
    for _ in 0..2 {
        let job = run(&world, JobKind::DeletionTest).await?;
        expect_success(&job)?;
        let told = job.statistics.as_ref().and_then(|statistics| statistics.deletion);
        assert_eq!(told, Some(DeletionVerdict::Refused), "{job:?}");
    }
    assert_eq!(verdict(&world).await?, Some(DeletionVerdict::Refused));
    assert_eq!(
        world.restic()?.snapshot_count().await?,
        2,
        "the backup, and one snapshot to try on however often"
    );
    assert!(!open_alerts(&world).await?.contains(&AlertKind::EverydayCanDelete));

    // The same repository by a server that lets the same user delete.
    let open = world.storage.start_for_keeper().await?;
    let (host, id) = (agent.host()?.to_string(), world.repository.to_string());
    let location = Some(open.location("main"));
    world.api.call::<Attach>(&[&host, &id], None, Some(&AttachmentChange { location })).await?;
    let job = run(&world, JobKind::DeletionTest).await?;
    expect_success(&job)?;
    assert_eq!(verdict(&world).await?, Some(DeletionVerdict::Possible), "{job:?}");
    assert_eq!(world.restic()?.snapshot_count().await?, 1, "the backup is untouched");
    assert!(open_alerts(&world).await?.contains(&AlertKind::EverydayCanDelete));
    assert_eq!(repository(&world).await?.upkeep.health, UpkeepState::Failing);
    Ok(())
}

#[tokio::test]
async fn a_policy_is_previewed_and_the_repository_measured_without_a_change() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    for _ in 0..3 {
        back_up(&world, &agent).await?;
    }
    let groups: Page<SourceGroup> =
        world.api.call::<source_groups::List>(&[&agent.host()?.to_string()], None, None).await?;
    let draft = RetentionDraft { retention: Retention { last: Some(1), ..Retention::default() } };
    let group = groups.items[0].id.to_string();
    let job = world.api.call::<PreviewRetention>(&[&group], None, Some(&draft)).await?;
    expect_success(&world.ended(job.id).await?)?;
    let query = PreviewQuery::default();
    let preview: RetentionPreview =
        world.api.call::<Preview>(&[&job.id.to_string()], Some(&query), None).await?;
    assert_eq!((preview.kept, preview.removed), (Some(1), Some(2)), "{preview:?}");
    let kept: Vec<_> = preview.snapshots.items.iter().map(|one| one.kept_by.join(", ")).collect();
    assert_eq!(kept, ["last snapshot", "", ""], "newest first");
    assert_eq!(world.restic()?.snapshot_count().await?, 3);

    expect_success(&run(&world, JobKind::Statistics).await?)?;
    let found: RepositoryStatistics = world
        .api
        .call::<Statistics>(&[&world.repository.to_string()], Some(&StatisticsQuery::default()), None)
        .await?;
    let [day] = &found.days[..] else { panic!("{found:?}") };
    assert_eq!((day.measured.snapshots, day.measured.locks), (3, 0), "{day:?}");
    assert!(day.measured.raw_bytes > 0 && day.measured.restore_bytes > day.measured.raw_bytes, "{day:?}");
    Ok(())
}

async fn try_connection(
    world: &World,
    host: HostId,
    location: String,
    password: &str,
    secret: &str,
) -> Outcome<(JobState, Cause)> {
    let test = ConnectionTest {
        host,
        repository: None,
        location: Some(location),
        password: Some(SecretText::new(password)),
        credential: Some(TransportCredential::Rest {
            username: STORAGE_USER.to_owned(),
            password: SecretText::new(secret),
        }),
    };
    let job = world.api.call::<Test>(&[], None, Some(&test)).await?;
    let job = world.ended(job.id).await?;
    Ok((job.state, job.cause))
}

#[tokio::test]
async fn a_connection_test_tells_failures_apart_and_makes_nothing() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    back_up(&world, &agent).await?;
    let host = agent.host()?;
    let (main, other) = (world.storage.location("main"), world.storage.location("other"));
    let failed = |cause| (JobState::Failed, cause);
    let found = try_connection(&world, host, main.clone(), REPOSITORY_PASSWORD, STORAGE_PASSWORD).await?;
    assert_eq!(found, (JobState::Succeeded, Cause::None));
    let found = try_connection(&world, host, main.clone(), "another password", STORAGE_PASSWORD).await?;
    assert_eq!(found, failed(Cause::WrongPassword));
    let found = try_connection(&world, host, main, REPOSITORY_PASSWORD, "another secret").await?;
    assert_eq!(found, failed(Cause::AccessDenied));
    let found = try_connection(&world, host, other, REPOSITORY_PASSWORD, STORAGE_PASSWORD).await?;
    assert_eq!(found, failed(Cause::RepositoryMissing));
    assert!(!world.storage.repository_folder("other").exists(), "nothing is made");
    let nobody = "rest:http://127.0.0.1:1/fleet/main/".to_owned();
    let found = try_connection(&world, host, nobody, REPOSITORY_PASSWORD, STORAGE_PASSWORD).await?;
    assert_eq!(found, failed(Cause::Unreachable));
    Ok(())
}

#[tokio::test]
async fn a_real_rest_server_knows_the_user_that_was_made_for_it() -> Outcome {
    let world = World::start().await?;
    let body = NewRestLogin { username: "branch".to_owned(), password: None };
    let login: RestLogin = world.api.call::<MakeLogin>(&[], None, Some(&body)).await?;
    let storage = RestServer::start_with_users(&world.path("branch"), &login.htpasswd).await?;
    let at = |password: &str| format!("rest:http://branch:{password}@{}/branch/main/", storage.address());
    let restic = Restic::open(&at(login.password.expose()), REPOSITORY_PASSWORD)?;
    restic.run(&["init"]).await?;
    assert_eq!(restic.snapshot_count().await?, 0);
    let stranger = Restic::open(&at("guessed"), REPOSITORY_PASSWORD)?;
    assert!(stranger.run(&["cat", "config"]).await.is_err(), "another password opens nothing");
    Ok(())
}
