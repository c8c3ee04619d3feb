//! Stopping a job in each state.

use restic_manager_e2e::{Outcome, World};
use restic_manager_proto::api::jobs::Cancel;
use restic_manager_proto::vocabulary::{Cause, JobState};

use crate::support::{SLOW_MEGABYTES, expect_success, full_speed, running_backup, sample, whole_log};

#[tokio::test]
async fn a_queued_job_of_an_absent_host_is_cancelled_in_place() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let mut agent = world.enrol_only("web-1", &[&files]).await?;
    let job = world.ask_for_backup(agent.host()?).await?;
    assert_eq!(job.state, JobState::Queued);
    assert!(!job.waiting_for.is_empty(), "it says what it waits for");
    world.api.call::<Cancel>(&[&job.id.to_string()], None, None).await?;
    let ended = world.ended(job.id).await?;
    assert_eq!((ended.state, ended.cause), (JobState::Cancelled, Cause::Cancelled));

    agent.begin()?;
    world.online(agent.host()?).await?;
    let next = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    expect_success(&next)?;
    assert_eq!(world.restic()?.snapshot_count().await?, 1, "the cancelled one never ran");
    Ok(())
}

#[tokio::test]
async fn a_running_backup_stops_and_leaves_no_lock() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = running_backup(&world, agent.host()?).await?;
    world.api.call::<Cancel>(&[&job.id.to_string()], None, None).await?;
    let ended = world.ended(job.id).await?;
    full_speed(&world);
    assert_eq!((ended.state, ended.cause), (JobState::Cancelled, Cause::Cancelled), "{ended:?}");
    whole_log(&world, job.id).await?;
    assert!(world.restic()?.locks().await?.is_empty());
    assert_eq!(world.restic()?.snapshot_count().await?, 0);
    expect_success(&world.ended(world.ask_for_backup(agent.host()?).await?.id).await?)
}

#[tokio::test]
async fn a_job_that_has_ended_stays_as_it_is() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    expect_success(&job)?;
    let after = world.api.call::<Cancel>(&[&job.id.to_string()], None, None).await?;
    assert_eq!((after.state, after.ended_at, after.cancel_requested_at), (job.state, job.ended_at, None));
    Ok(())
}

#[tokio::test]
async fn cancelling_reaches_a_host_that_was_away_when_it_was_asked() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = running_backup(&world, agent.host()?).await?;
    world.server.front().cut();
    world.api.call::<Cancel>(&[&job.id.to_string()], None, None).await?;
    world.server.front().lead_to(world.server.address());
    let ended = world.ended(job.id).await?;
    full_speed(&world);
    assert_eq!(ended.state, JobState::Cancelled, "{ended:?}");
    whole_log(&world, job.id).await?;
    Ok(())
}
