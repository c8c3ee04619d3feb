//! The main job: enrol, back up, watch, see the snapshot, restore.

use std::time::Duration;

use restic_manager_e2e::{Database, Outcome, World, WorldOptions, same_content};
use restic_manager_proto::api::hosts::Attachments;
use restic_manager_proto::vocabulary::{Cause, Health, JobState, RepositoryState};

use crate::support::{expect_success, sample, snapshots, whole_log};

const WATCH: Duration = Duration::from_secs(60);

#[tokio::test]
async fn files_come_back_as_they_were_with_sqlite() -> Outcome {
    files_come_back(Database::Sqlite).await
}

#[tokio::test]
async fn files_come_back_as_they_were_with_postgres() -> Outcome {
    files_come_back(Database::Postgres).await
}

async fn files_come_back(database: Database) -> Outcome {
    let world = World::with(WorldOptions { database, ..WorldOptions::default() }).await?;
    let files = sample(&world, "files", 4)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;

    let job = world.ask_for_backup(host).await?;
    let view = world.api.watch(job.id, 0, WATCH, |_| false).await?;
    let job = world.ended(job.id).await?;
    expect_success(&job)?;
    assert!(job.command.contains("restic backup ") || job.command.contains("restic --"), "{:?}", job.command);
    assert_eq!(view.lines, whole_log(&world, job.id).await?, "the live view shows what is stored");

    let made = job.statistics.as_ref().and_then(|statistics| statistics.snapshot.clone());
    let known = snapshots(&world, host).await?;
    assert_eq!(known.len(), 1);
    assert_eq!(Some(&known[0].snapshot.id), made.as_ref());
    assert_eq!(world.restic()?.snapshot_count().await?, 1);
    assert!(world.restic()?.locks().await?.is_empty());
    let host = world.host_when("the host to be good", host, |host| host.health == Health::Good).await?;
    assert_eq!(host.last_backup.map(|last| last.job), Some(job.id));

    let target = world.path("restored");
    world.restic()?.restore_latest(&target).await?;
    same_content(&files, &target.join(files.strip_prefix("/")?))
}

#[tokio::test]
async fn a_second_backup_adds_only_what_changed() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 2)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let first = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    expect_success(&first)?;
    std::fs::write(files.join("new"), "new")?;
    let second = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    expect_success(&second)?;
    let statistics = second.statistics.unwrap_or_default();
    assert_eq!((statistics.files_new, statistics.files_changed), (1, 0));
    assert_eq!(snapshots(&world, agent.host()?).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn two_hosts_share_a_repository_and_see_their_own_snapshots() -> Outcome {
    let world = World::start().await?;
    let (left, right) = (sample(&world, "left", 1)?, sample(&world, "right", 1)?);
    let agents = [world.enrol("left", &[&left]).await?, world.enrol("right", &[&right]).await?];
    let mut jobs = Vec::new();
    for agent in &agents {
        jobs.push(world.ask_for_backup(agent.host()?).await?.id);
    }
    for job in jobs {
        expect_success(&world.ended(job).await?)?;
    }
    assert_eq!(world.restic()?.snapshot_count().await?, 2);
    for (agent, folder) in agents.iter().zip([left, right]) {
        let known = snapshots(&world, agent.host()?).await?;
        assert_eq!(known.len(), 1);
        assert_eq!(known[0].snapshot.paths, [folder.to_string_lossy()]);
        let attached = world.api.call::<Attachments>(&[&agent.host()?.to_string()], None, None).await?;
        assert_eq!(attached.items[0].state, RepositoryState::Ready);
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_source_makes_the_backup_incomplete_and_says_which() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let missing = world.path("not-there");
    let agent = world.enrol("web-1", &[&files, &missing]).await?;
    let job = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    assert_eq!((job.state, job.exit_code), (JobState::Incomplete, Some(3)), "{job:?}");
    assert!(matches!(job.cause, Cause::SourceMissing | Cause::SourceUnreadable), "{:?}", job.cause);
    assert!(!job.advice.is_empty());
    let log = whole_log(&world, job.id).await?;
    assert!(log.iter().any(|line| line.text.contains("not-there")), "the log names the path");
    assert_eq!(world.restic()?.snapshot_count().await?, 1);
    Ok(())
}
