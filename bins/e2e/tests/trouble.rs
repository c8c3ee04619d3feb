//! Repositories that cannot be used: each trouble has its own name and its own advice.

use restic_manager_e2e::{Outcome, REPOSITORY_PASSWORD, World, WorldOptions};
use restic_manager_proto::SecretText;
use restic_manager_proto::api::hosts::Attachments;
use restic_manager_proto::api::repositories::{NewPassword, SetPassword};
use restic_manager_proto::vocabulary::{Cause, JobState, RepositoryState};

use crate::support::{expect_success, sample};

#[tokio::test]
async fn a_wrong_password_is_called_that_and_setting_the_right_one_mends_it() -> Outcome {
    let options =
        WorldOptions { repository_password: "not-the-password-at-all".to_owned(), ..WorldOptions::default() };
    let world = World::with(options).await?;
    world.restic()?.run(&["init"]).await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;

    let job = world.ended(world.ask_for_backup(host).await?.id).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::WrongPassword), "{job:?}");
    assert!(!job.advice.is_empty());
    let attached = world.api.call::<Attachments>(&[&host.to_string()], None, None).await?;
    assert_eq!(attached.items[0].state, RepositoryState::WrongPassword);
    assert!(!attached.items[0].next_step.is_empty());

    let password = NewPassword { password: SecretText::new(REPOSITORY_PASSWORD) };
    world.api.call::<SetPassword>(&[&world.repository.to_string()], None, Some(&password)).await?;
    expect_success(&world.ended(world.ask_for_backup(host).await?.id).await?)
}

#[tokio::test]
async fn storage_that_is_down_is_called_unreachable_and_works_again_by_itself() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    expect_success(&world.ended(world.ask_for_backup(host).await?.id).await?)?;

    world.storage.stop().await?;
    let job = world.ended(world.ask_for_backup(host).await?.id).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::Unreachable), "{job:?}");
    world.storage.begin().await?;
    expect_success(&world.ended(world.ask_for_backup(host).await?.id).await?)
}
