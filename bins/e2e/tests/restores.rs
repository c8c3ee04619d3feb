//! Files that were lost come back: by the API, with real restic and real storage.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use restic_manager_e2e::{Agent, Failure, Outcome, Tools, World, same_content};
use restic_manager_proto::SnapshotEntry;
use restic_manager_proto::api::Page;
use restic_manager_proto::api::jobs::{Cancel, Job};
use restic_manager_proto::api::restores::{Create, NewRestore};
use restic_manager_proto::api::snapshots::{Folder, FolderQuery};
use restic_manager_proto::vocabulary::{Cause, JobState, Overwrite};
use restic_manager_proto::{Bandwidth, HostId, RawPath, RestoreOptions, RestoreTarget};

use crate::support::{expect_success, sample, snapshots, whole_log};

const LETTER: &str = "letter.txt";

/// A host whose files were saved.
pub(crate) struct Saved {
    pub(crate) world: World,
    pub(crate) agent: Agent,
    files: std::path::PathBuf,
    pub(crate) snapshot: String,
}

impl Saved {
    pub(crate) async fn new(megabytes: usize) -> Outcome<Self> {
        let world = World::start().await?;
        let files = sample(&world, "files", megabytes)?;
        std::fs::write(files.join(LETTER), "to whom it may concern")?;
        let agent = world.enrol("web-1", &[&files]).await?;
        let job = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
        expect_success(&job)?;
        let snapshot = snapshots(&world, agent.host()?).await?[0].snapshot.id.clone();
        Ok(Self { world, agent, files, snapshot })
    }

    fn raw(path: &Path) -> RawPath {
        RawPath::new(path.to_string_lossy().into_owned())
    }

    pub(crate) fn to_folder(&self, name: &str) -> RestoreOptions {
        let path = self.world.path(name).to_string_lossy().into_owned();
        let options = RestoreOptions::new(self.snapshot.clone(), RestoreTarget::Folder { path });
        RestoreOptions { paths: vec![Self::raw(&self.files)], verify: true, ..options }
    }

    async fn ask(&self, to: HostId, restore: RestoreOptions, confirm: Option<&str>) -> Outcome<Job> {
        let from = self.agent.host()?;
        let body = NewRestore {
            repository: self.world.repository,
            snapshot_host: (from != to).then_some(from),
            restore,
            confirm: confirm.map(str::to_owned),
            bandwidth: Bandwidth::default(),
        };
        self.world.api.call::<Create>(&[&to.to_string()], None, Some(&body)).await
    }

    pub(crate) async fn restore(&self, restore: RestoreOptions, confirm: Option<&str>) -> Outcome<Job> {
        let job = self.ask(self.agent.host()?, restore, confirm).await?;
        self.world.ended(job.id).await
    }

    async fn folder(&self, path: &Path) -> Outcome<Vec<SnapshotEntry>> {
        let (host, repository) = (self.agent.host()?.to_string(), self.world.repository.to_string());
        let mut query = FolderQuery { path: Some(Self::raw(path)), limit: Some(3), ..FolderQuery::default() };
        let mut found = Vec::new();
        loop {
            let page: Page<SnapshotEntry> = self
                .world
                .api
                .call::<Folder>(&[&host, &repository, &self.snapshot], Some(&query), None)
                .await?;
            found.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }
}

#[tokio::test]
async fn a_lost_folder_comes_back_into_a_new_one_and_to_its_place() -> Outcome {
    let saved = Saved::new(4).await?;
    let names: Vec<_> = saved.folder(&saved.files).await?.into_iter().map(|entry| entry.name).collect();
    let mut wanted: Vec<_> = std::fs::read_dir(&saved.files)?
        .map(|entry| Ok(RawPath::new(entry?.file_name().to_string_lossy().into_owned())))
        .collect::<Outcome<_>>()?;
    wanted.sort();
    assert_eq!(names, wanted, "by pages of three");

    let job = saved.restore(saved.to_folder("back"), None).await?;
    expect_success(&job)?;
    let name = saved.files.file_name().ok_or_else(|| Failure::new("a name"))?;
    same_content(&saved.files, &saved.world.path("back").join(name))?;
    let restored = job.statistics.and_then(|statistics| statistics.restored).unwrap_or_default();
    assert!(restored.files_written > 0 && restored.files_failed == 0, "{restored:?}");

    let lost = saved.files.join(LETTER);
    std::fs::set_permissions(&lost, std::fs::Permissions::from_mode(0o604))?;
    let copy = saved.world.path("copy");
    std::fs::rename(&lost, &copy)?;
    let target = RestoreTarget::Original {};
    let in_place = RestoreOptions { paths: vec![Saved::raw(&lost)], target, ..saved.to_folder("") };
    let refused = saved.ask(saved.agent.host()?, in_place.clone(), None).await;
    assert!(refused.is_err(), "the host is not named");
    let job = saved.restore(in_place, Some("web-1")).await?;
    expect_success(&job)?;
    assert_eq!(std::fs::read(&lost)?, std::fs::read(&copy)?);
    assert_eq!(lost.metadata()?.mtime(), copy.metadata()?.mtime());
    assert!(saved.world.restic()?.locks().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn another_host_of_the_repository_writes_it_too() -> Outcome {
    let saved = Saved::new(1).await?;
    let other = saved.world.enrol("web-2", &[&saved.files]).await?;
    let job = saved.ask(other.host()?, saved.to_folder("elsewhere"), None).await?;
    let job = saved.world.ended(job.id).await?;
    expect_success(&job)?;
    assert_eq!(job.host.id, other.host()?);
    let name = saved.files.file_name().ok_or_else(|| Failure::new("a name"))?;
    same_content(&saved.files, &saved.world.path("elsewhere").join(name))
}

#[tokio::test]
async fn a_restore_is_cancelled_and_one_whose_agent_is_killed_ends_too() -> Outcome {
    let mut saved = Saved::new(24).await?;
    for how in ["cancelled", "killed"] {
        saved.world.storage.network().delay(std::time::Duration::from_millis(40));
        let job = saved.ask(saved.agent.host()?, saved.to_folder(how), None).await?;
        let running = |job: &Job| job.state == JobState::Running || job.state.is_end();
        let job = saved.world.job_when("the restore to be under way", job.id, running).await?;
        assert_eq!(job.state, JobState::Running, "{job:?}");
        if how == "cancelled" {
            saved.world.api.call::<Cancel>(&[&job.id.to_string()], None, None).await?;
        } else {
            saved.agent.kill().await?;
        }
        saved.world.storage.network().delay(std::time::Duration::ZERO);
        if how == "killed" {
            saved.agent.begin()?;
        }
        let job = saved.world.ended(job.id).await?;
        let expected = if how == "cancelled" {
            (JobState::Cancelled, Cause::Cancelled)
        } else {
            (JobState::Failed, Cause::AgentStopped)
        };
        assert_eq!((job.state, job.cause), expected, "{job:?}");
        whole_log(&saved.world, job.id).await?;
    }
    // What was begun is finished by asking again.
    let again = RestoreOptions { overwrite: Overwrite::IfChanged, ..saved.to_folder("killed") };
    expect_success(&saved.restore(again, None).await?)?;
    let name = saved.files.file_name().ok_or_else(|| Failure::new("a name"))?;
    same_content(&saved.files, &saved.world.path("killed").join(name))
}

#[tokio::test]
async fn an_old_restic_says_what_it_cannot_do() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let mut agent = world.enrol_only("web-1", &[&files]).await?;
    let config = agent.folder().join("agent.toml");
    let (newest, old) = (Tools::newest_restic()?, Tools::restic("0.14.0")?);
    let (newest, old) = (newest.to_string_lossy().into_owned(), old.to_string_lossy().into_owned());
    let text = std::fs::read_to_string(&config)?;
    assert!(text.contains(&newest), "{text}");
    std::fs::write(&config, text.replace(&newest, &old))?;
    agent.begin()?;
    world.online(agent.host()?).await?;
    expect_success(&world.ended(world.ask_for_backup(agent.host()?).await?.id).await?)?;
    let snapshot = snapshots(&world, agent.host()?).await?[0].snapshot.id.clone();
    let saved = Saved { world, agent, files, snapshot };
    let job = saved.restore(saved.to_folder("back"), None).await?;
    expect_success(&job)?;
    let below = saved.world.path("back").join(saved.files.strip_prefix("/")?);
    same_content(&saved.files, &below)?;
    let again = RestoreOptions { overwrite: Overwrite::IfNewer, ..saved.to_folder("back") };
    let job = saved.restore(again, None).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::ResticTooOld), "{job:?}");
    assert!(job.detail.contains("0.17"), "{job:?}");
    Ok(())
}
