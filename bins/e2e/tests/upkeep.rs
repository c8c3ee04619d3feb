//! Two hosts and a runner on one repository whose storage only takes additions, but from the keeper.

use std::time::Duration;

use restic_manager_e2e::{
    Agent, Failure, KEEPER, KEEPER_PASSWORD, Outcome, RestServer, Signal, World, WorldOptions, until,
};
use restic_manager_proto::api::Page;
use restic_manager_proto::api::freezes::{self, Freeze};
use restic_manager_proto::api::hosts::{Attach, AttachmentChange};
use restic_manager_proto::api::jobs::Job;
use restic_manager_proto::api::repositories::{NewCredential, Repository, SetCredential, Show};
use restic_manager_proto::api::source_groups::{self, SourceGroup, SourceGroupChange};
use restic_manager_proto::api::upkeep::{NewUpkeepJob, Run, Set, UpkeepChange};
use restic_manager_proto::vocabulary::{Cause, JobKind, JobState, UpkeepState};
use restic_manager_proto::{HostId, JobOptions, Retention, SecretText, TransportCredential};

use crate::secrets::{command_lines, files_below, holds};
use rustix::process::kill_process;
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    SLOW_MEGABYTES, children_of, expect_success, full_speed, running_backup, sample, whole_log,
};

async fn repository(world: &World) -> Outcome<Repository> {
    world.api.call::<Show>(&[&world.repository.to_string()], None, None).await
}

async fn upkeep(world: &World, kind: JobKind) -> Outcome<Job> {
    let body = NewUpkeepJob { kind, host: None, options: JobOptions::default() };
    world.api.call::<Run>(&[&world.repository.to_string()], None, Some(&body)).await
}

/// Keeps one snapshot of the host's only source group. Where that is less than before, the server waits until somebody says
/// that it is meant.
async fn keep_one(world: &World, host: HostId) -> Outcome {
    let groups: Page<SourceGroup> =
        world.api.call::<source_groups::List>(&[&host.to_string()], None, None).await?;
    let group =
        groups.items.into_iter().next().ok_or_else(|| Failure::new("a host without a source group"))?;
    let change = SourceGroupChange {
        name: group.name,
        includes: group.includes,
        excludes: group.excludes,
        options: group.options,
        repository: group.repository.id,
        retention: Retention { last: Some(1), ..Retention::default() },
    };
    world.api.change::<source_groups::Update>(&[&group.id.to_string()], group.version, &change).await?;
    let repository = world.repository.to_string();
    let frozen: Page<Freeze> = world.api.call::<freezes::List>(&[&repository], None, None).await?;
    assert_eq!(frozen.items.len(), 1, "there are snapshots that it would take");
    for freeze in frozen.items {
        world.api.call::<freezes::Lift>(&[&repository, &freeze.id.to_string()], None, None).await?;
    }
    Ok(())
}

/// Names the runner, which reaches the storage as the keeper.
async fn name_runner(world: &World, runner: HostId, keepers: &RestServer) -> Outcome {
    let (host, id) = (runner.to_string(), world.repository.to_string());
    let location = Some(keepers.location("main"));
    world.api.call::<Attach>(&[&host, &id], None, Some(&AttachmentChange { location })).await?;
    let credential = Some(TransportCredential::Rest {
        username: KEEPER.to_owned(),
        password: SecretText::new(KEEPER_PASSWORD),
    });
    world.api.call::<SetCredential>(&[&id, "maintenance"], None, Some(&NewCredential { credential })).await?;
    let change = UpkeepChange {
        runner: Some(runner),
        forget_every_hours: Some(24),
        prune_every_hours: Some(168),
        check_every_hours: Some(720),
        statistics_every_hours: Some(24),
        deletion_test_every_hours: Some(168),
        check_parts: None,
        parallel: None,
    };
    world.api.change::<Set>(&[&id], repository(world).await?.version, &change).await?;
    Ok(())
}

async fn back_up(world: &World, agent: &Agent) -> Outcome {
    expect_success(&world.ended(world.ask_for_backup(agent.host()?).await?.id).await?)
}

#[tokio::test]
async fn upkeep_and_backups_take_turns_and_the_maintenance_secret_is_found_nowhere() -> Outcome {
    let world = World::with(WorldOptions { log: "trace".to_owned(), ..WorldOptions::default() }).await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let (one, two) = (world.enrol("web-1", &[&files]).await?, world.enrol("web-2", &[&files]).await?);
    let runner = world.enrol("runner", &[&files]).await?;
    let keepers = world.storage.start_for_keeper().await?;
    name_runner(&world, runner.host()?, &keepers).await?;
    for agent in [&one, &two, &one] {
        back_up(&world, agent).await?;
    }
    keep_one(&world, one.host()?).await?;

    // Everything is asked for at once, while a backup is under way.
    std::fs::write(files.join("more"), noise(32 * 1024 * 1024))?;
    let first = running_backup(&world, two.host()?).await?;
    let forget = upkeep(&world, JobKind::Forget).await?;
    let late = world.ask_for_backup(one.host()?).await?;
    let held = world.api.job(forget.id).await?;
    assert_eq!((held.state, held.waiting_for.as_str()), (JobState::Queued, "the backup"), "{held:?}");
    let behind = world.api.job(late.id).await?;
    assert_eq!(behind.state, JobState::Queued, "{behind:?}");
    full_speed(&world);
    let first = world.ended(first.id).await?;
    let forget = world.ended(forget.id).await?;
    let late = world.ended(late.id).await?;
    for job in [&first, &forget, &late] {
        expect_success(job)?;
    }
    assert!(first.ended_at <= forget.started_at && forget.ended_at <= late.started_at, "they met");
    let removed = forget.statistics.as_ref().and_then(|statistics| statistics.snapshots_removed);
    assert_eq!(removed, Some(1), "{forget:?}");

    keepers.network().delay(Duration::from_millis(40));
    let prune = upkeep(&world, JobKind::Prune).await?;
    world.job_when("the prune to run", prune.id, |job| job.state != JobState::Queued).await?;
    let live = command_lines();
    keepers.network().delay(Duration::ZERO);
    expect_success(&world.ended(prune.id).await?)?;
    expect_success(&world.ended(upkeep(&world, JobKind::Check).await?.id).await?)?;
    let health = repository(&world).await?.upkeep;
    assert_eq!(health.health, UpkeepState::Good, "{health:?}");

    let kept = files_below(&[&world.path("server"), one.folder(), two.folder(), runner.folder()])?;
    for secret in [KEEPER_PASSWORD] {
        assert!(!live.iter().any(|line| line.contains(secret)), "in the process list");
        assert!(!world.server.text().contains(secret), "in the server's log");
        for agent in [&one, &two, &runner] {
            assert!(!agent.text().contains(secret), "in an agent's log");
        }
        assert!(!world.server.front().has_passed(secret.as_bytes()), "on the wire");
        for job in [&forget, &prune] {
            assert!(!serde_json::to_string(&whole_log(&world, job.id).await?)?.contains(secret), "in a job");
        }
        for (path, content) in &kept {
            assert!(!holds(content, secret.as_bytes()), "in {}", path.display());
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_everyday_credential_removes_nothing_and_health_says_so() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    for _ in 0..2 {
        back_up(&world, &agent).await?;
    }
    keep_one(&world, agent.host()?).await?;
    let refused = world.ended(upkeep(&world, JobKind::Forget).await?.id).await?;
    assert_eq!((refused.state, refused.cause), (JobState::Failed, Cause::AccessDenied), "{refused:?}");
    assert_eq!(world.restic()?.snapshot_count().await?, 2);
    let upkeep = repository(&world).await?.upkeep;
    assert_eq!((upkeep.backups, upkeep.health), (UpkeepState::Good, UpkeepState::Overdue), "{upkeep:?}");
    assert!(upkeep.risk.contains("No runner is named"), "{}", upkeep.risk);
    Ok(())
}

#[tokio::test]
async fn upkeep_recovers_from_the_lock_of_a_killed_restic_and_leaves_a_living_one() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let mut agent = world.enrol("web-1", &[&files]).await?;
    let killed = running_backup(&world, agent.host()?).await?;
    // The whole machine stops, so to speak: nobody is left to tidy up.
    agent.running()?.signal(Signal::Stop)?;
    let restics = children_of(agent.running()?.id())?;
    for restic in &restics {
        kill_process(*restic, rustix::process::Signal::KILL)?;
    }
    agent.kill().await?;
    full_speed(&world);
    let direct = world.restic()?;
    let left = direct.locks().await?;
    assert_eq!((restics.len(), left.len()), (1, 1));

    agent.begin()?;
    let killed = world.ended(killed.id).await?;
    assert_eq!(killed.cause, Cause::AgentStopped, "{killed:?}");
    // Nobody asks for it: the server has the host look for what it left.
    until("the lock to go", Duration::from_secs(60), || async {
        Ok(direct.locks().await?.is_empty().then_some(()))
    })
    .await?;
    let check = world.ended(upkeep(&world, JobKind::Check).await?.id).await?;
    expect_success(&check)?;
    assert!(direct.locks().await?.is_empty());

    // Somebody is at work without the manager.
    let mut living = direct.begin(&["backup", "--stdin", "--stdin-filename", "slow"])?;
    let held = until("a lock", Duration::from_secs(30), || async {
        Ok(Some(direct.locks().await?).filter(|locks| !locks.is_empty()))
    })
    .await?;
    let unlock = world.ended(upkeep(&world, JobKind::Unlock).await?.id).await?;
    assert_eq!(unlock.statistics.and_then(|statistics| statistics.locks_left), Some(1));
    assert_eq!(direct.locks().await?, held);
    if let Some(mut stdin) = living.stdin.take() {
        stdin.write_all(b"something").await?;
    }
    assert!(living.wait().await?.success(), "its work was not disturbed");
    Ok(())
}

/// Bytes that neither compress nor repeat.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}
