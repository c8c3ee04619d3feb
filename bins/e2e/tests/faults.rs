//! Processes and connections that die at the worst moment.

use std::time::Duration;

use restic_manager_e2e::{Outcome, World};
use restic_manager_proto::vocabulary::{Cause, JobState};

use crate::support::{
    SLOW_MEGABYTES, expect_success, full_speed, running_backup, sample, snapshots, whole_log,
};

#[tokio::test]
async fn an_agent_killed_in_mid_backup_tells_the_truth_when_it_is_back() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let mut agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    let job = running_backup(&world, host).await?;
    agent.kill().await?;
    agent.begin()?;
    let ended = world.ended(job.id).await?;
    full_speed(&world);
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::AgentStopped), "{ended:?}");
    assert!(!ended.advice.is_empty());
    whole_log(&world, job.id).await?;
    let next = world.ended(world.ask_for_backup(host).await?.id).await?;
    expect_success(&next)?;
    let made = next.statistics.and_then(|statistics| statistics.snapshot);
    assert!(snapshots(&world, host).await?.iter().any(|known| Some(&known.snapshot.id) == made.as_ref()));
    Ok(())
}

#[tokio::test]
async fn a_server_killed_in_mid_job_has_the_whole_log_in_the_end() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = running_backup(&world, agent.host()?).await?;
    world.server.kill().await?;
    full_speed(&world);
    world.restart_server().await?;
    let ended = world.ended(job.id).await?;
    expect_success(&ended)?;
    whole_log(&world, job.id).await?;
    assert_eq!(snapshots(&world, agent.host()?).await?.len(), 1);
    assert_eq!(world.restic()?.snapshot_count().await?, 1, "it ran once");
    Ok(())
}

#[tokio::test]
async fn a_connection_cut_for_a_minute_loses_nothing() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = running_backup(&world, agent.host()?).await?;
    world.server.front().cut();
    full_speed(&world);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!world.api.job(job.id).await?.state.is_end(), "the server does not guess");
    world.server.front().lead_to(world.server.address());
    let ended = world.ended(job.id).await?;
    expect_success(&ended)?;
    whole_log(&world, job.id).await?;
    assert_eq!(snapshots(&world, agent.host()?).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_server_that_stops_while_jobs_run_stops_cleanly_and_takes_them_up_again() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = running_backup(&world, agent.host()?).await?;
    assert_eq!(world.server.stop().await?, Some(0));
    full_speed(&world);
    world.restart_server().await?;
    expect_success(&world.ended(job.id).await?)?;
    whole_log(&world, job.id).await?;
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_stopped_in_mid_backup_leaves_no_lock() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let mut agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    let job = running_backup(&world, host).await?;
    assert_eq!(agent.stop().await?, Some(0));
    full_speed(&world);
    assert!(world.restic()?.locks().await?.is_empty());
    agent.begin()?;
    let ended = world.ended(job.id).await?;
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::AgentStopped), "{ended:?}");
    whole_log(&world, job.id).await?;
    expect_success(&world.ended(world.ask_for_backup(host).await?.id).await?)
}
