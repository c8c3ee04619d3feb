//! Restores that would write where they must not, by somebody who may restore.

use restic_manager_e2e::Outcome;
use restic_manager_proto::api::restores::{Create, NewRestore};
use restic_manager_proto::api::snapshots::{Folder, FolderQuery};
use restic_manager_proto::vocabulary::{Cause, JobState, Overwrite};
use restic_manager_proto::{Bandwidth, RawPath, RestoreOptions, RestoreTarget};

use crate::restores::Saved;

#[tokio::test]
async fn a_restore_out_of_its_snapshot_or_over_the_agent_is_refused() -> Outcome {
    let saved = Saved::new(1).await?;
    let good = saved.to_folder("back");
    let (host, repository) = (saved.agent.host()?.to_string(), saved.world.repository.to_string());
    let odd = |path: &str| RestoreOptions { paths: vec![RawPath::new(path)], ..good.clone() };
    let to = |path: &str| RestoreOptions {
        target: RestoreTarget::Folder { path: path.to_owned() },
        ..good.clone()
    };
    let nameless = RestoreOptions { target: RestoreTarget::Original {}, ..good.clone() };
    let other = RestoreOptions { snapshot: "latest".to_owned(), ..good.clone() };
    for restore in
        [odd("/srv/../etc"), odd("etc"), odd("/a//b"), to("/"), to("srv"), to("/srv/.."), nameless, other]
    {
        let body = NewRestore {
            repository: saved.world.repository,
            snapshot_host: None,
            restore,
            confirm: Some("another".to_owned()),
            bandwidth: Bandwidth::default(),
        };
        let refused = saved.world.api.attempt::<Create>(&[&host], None, Some(&body)).await?;
        assert!(refused.is_err(), "{body:?}");
    }
    let query = FolderQuery { path: Some(RawPath::new("/srv/..")), ..FolderQuery::default() };
    let by = [host.as_str(), repository.as_str(), saved.snapshot.as_str()];
    assert!(saved.world.api.attempt::<Folder>(&by, Some(&query), None).await?.is_err());

    // Over the agent's own folders, from above, from within, and by a link: the host refuses by itself.
    let own = saved.agent.folder().to_path_buf();
    let link = saved.world.path("link");
    std::os::unix::fs::symlink(&own, &link)?;
    for target in [own.clone(), own.join("state"), link, saved.world.folder().to_path_buf()] {
        let restore = RestoreOptions { overwrite: Overwrite::Always, ..to(&target.to_string_lossy()) };
        let job = saved.restore(restore, None).await?;
        assert_eq!((job.state, job.cause), (JobState::Failed, Cause::AgentRefused), "{job:?}");
        assert!(job.detail.contains("own folder"), "{job:?}");
    }
    assert!(!saved.world.path("back").exists());
    Ok(())
}
