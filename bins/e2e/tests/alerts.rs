//! Every way in which backups stop is an alert, with real programs: raised soon after its grace, once, and over when it is
//! over. The server's own clock cannot be moved, so where a grace is long the rows are moved into the past.

use std::time::Duration;

use restic_manager_e2e::{Outcome, World, until};
use restic_manager_proto::HostId;
use restic_manager_proto::api::Page;
use restic_manager_proto::api::alerts::{Alert, Filter, List, Resolve};
use restic_manager_proto::api::freezes::{self, Freeze};
use restic_manager_proto::api::jobs::Job;
use restic_manager_proto::api::schedules::{Create as CreateSchedule, ScheduleChange};
use restic_manager_proto::api::source_groups::{List as SourceGroups, SourceGroup};
use restic_manager_proto::vocabulary::{AlertKind, AlertState, FreezeCause, JobState};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::support::{expect_success, sample};

/// What was promised: raised so soon after the grace.
const SOON: Duration = Duration::from_secs(60);
const BUSY: Duration = Duration::from_secs(10);

async fn all_of(world: &World, kind: AlertKind) -> Outcome<Vec<Alert>> {
    let filter = Filter { kind: Some(kind), ..Filter::default() };
    let found: Page<Alert> = world.api.call::<List>(&[], Some(&filter), None).await?;
    Ok(found.items)
}

/// The only alert there ever was of a kind, once it stands so.
async fn one(world: &World, kind: AlertKind, state: AlertState) -> Outcome<Alert> {
    let what = format!("{kind} to be {state}");
    let found = until(&what, SOON, async || {
        let all = all_of(world, kind).await?;
        assert!(all.len() < 2, "once: {all:?}");
        Ok(all.into_iter().find(|alert| alert.state == state))
    });
    found.await
}

async fn backup(world: &World, host: HostId) -> Outcome<Job> {
    world.ended(world.ask_for_backup(host).await?.id).await
}

/// Changes rows behind the back of a server that does not run, as if time had passed.
async fn moved(world: &mut World, sql: &'static str) -> Outcome {
    world.server.stop().await?;
    let file = world.server.data().join("restic-manager.sqlite");
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(BUSY);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
    connection.close().await?;
    world.restart_server().await
}

#[tokio::test]
async fn a_backup_that_fails_and_storage_that_is_down_are_told_and_over_afterwards() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    expect_success(&backup(&world, host).await?)?;

    let aside = world.path("aside");
    std::fs::rename(&files, &aside)?;
    assert_eq!(backup(&world, host).await?.state, JobState::Failed);
    let missing = one(&world, AlertKind::SourceMissing, AlertState::Open).await?;
    assert!(missing.job.is_some() && !missing.next_step.is_empty(), "{missing:?}");
    std::fs::rename(&aside, &files)?;
    expect_success(&backup(&world, host).await?)?;
    one(&world, AlertKind::SourceMissing, AlertState::Resolved).await?;

    world.storage.stop().await?;
    assert_eq!(backup(&world, host).await?.state, JobState::Failed);
    let down = one(&world, AlertKind::RepositoryUnreachable, AlertState::Open).await?;
    assert_eq!(down.below, 1, "the failed backup stands below it: {down:?}");
    assert!(!down.evidence.is_empty(), "{down:?}");
    assert!(all_of(&world, AlertKind::BackupFailed).await?.is_empty(), "and is not told by itself");
    world.storage.begin().await?;
    expect_success(&backup(&world, host).await?)?;
    one(&world, AlertKind::RepositoryUnreachable, AlertState::Resolved).await?;
    let below = Filter { below: Some(down.id), ..Filter::default() };
    let below: Page<Alert> = world.api.call::<List>(&[], Some(&below), None).await?;
    assert!(below.items.iter().all(|alert| alert.state == AlertState::Resolved), "{below:?}");
    Ok(())
}

#[tokio::test]
async fn a_killed_agent_is_told_after_its_grace_and_over_when_it_is_back() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let mut agent = world.enrol("web-1", &[&files]).await?;
    agent.kill().await?;
    moved(&mut world, "UPDATE hosts SET last_seen = last_seen - 360000, watch_at = 0").await?;
    assert!(all_of(&world, AlertKind::HostOffline).await?.is_empty(), "6 minutes are within the grace");
    moved(&mut world, "UPDATE hosts SET last_seen = last_seen - 60000, watch_at = 0").await?;
    let silent = one(&world, AlertKind::HostOffline, AlertState::Open).await?;
    assert_eq!((silent.subject.as_str(), silent.count), ("web-1", 1));
    agent.begin()?;
    one(&world, AlertKind::HostOffline, AlertState::Resolved).await?;
    Ok(())
}

#[tokio::test]
async fn deleted_snapshots_are_missed_at_the_next_listing() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    for _ in 0..2 {
        expect_success(&backup(&world, host).await?)?;
    }
    // Whoever has the files of the storage can do this.
    for snapshot in std::fs::read_dir(world.repository_folder().join("snapshots"))? {
        std::fs::remove_file(snapshot?.path())?;
    }
    expect_success(&backup(&world, host).await?)?;
    let gone = one(&world, AlertKind::SnapshotsVanished, AlertState::Open).await?;
    assert!(gone.summary.starts_with("2 snapshots are gone from main"), "{gone:?}");
    // Their data may still be there: nothing is pruned before an admin has looked. Backups go on.
    let repository = world.repository.to_string();
    let frozen: Page<Freeze> = world.api.call::<freezes::List>(&[&repository], None, None).await?;
    assert_eq!(frozen.items.iter().map(|freeze| freeze.cause).collect::<Vec<_>>(), [FreezeCause::Alert]);
    expect_success(&backup(&world, host).await?)?;
    assert_eq!(one(&world, AlertKind::SnapshotsVanished, AlertState::Open).await?.count, 1);
    world.api.call::<Resolve>(&[&gone.id.to_string()], None, None).await?;
    one(&world, AlertKind::SnapshotsVanished, AlertState::Resolved).await?;
    Ok(())
}

#[tokio::test]
async fn an_overdue_schedule_is_told_until_a_fresh_snapshot_is_seen() -> Outcome {
    let mut world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let host = agent.host()?;
    let groups: Page<SourceGroup> = world.api.call::<SourceGroups>(&[&host.to_string()], None, None).await?;
    // Once a year: what is late is nothing that the agent would fire now.
    let yearly = ScheduleChange {
        name: "yearly".to_owned(),
        cron: "0 3 1 1 *".to_owned(),
        zone: "UTC".to_owned(),
        misfire: Default::default(),
        jitter_seconds: 0,
        bandwidth: Default::default(),
        enabled: true,
        source_groups: vec![groups.items[0].id],
    };
    world.api.call::<CreateSchedule>(&[&host.to_string()], None, Some(&yearly)).await?;
    assert!(all_of(&world, AlertKind::BackupOverdue).await?.is_empty());
    // Two years ago.
    moved(
        &mut world,
        "UPDATE source_groups SET created = created - 63072000000; UPDATE hosts SET watch_at = 0",
    )
    .await?;
    let overdue = one(&world, AlertKind::BackupOverdue, AlertState::Open).await?;
    assert_eq!(overdue.subject, "web-1/default", "{overdue:?}");
    world.online(host).await?;
    expect_success(&backup(&world, host).await?)?;
    let over = one(&world, AlertKind::BackupOverdue, AlertState::Resolved).await?;
    assert_eq!(over.count, 1);
    Ok(())
}
