//! The world around the product works as the other tests assume.

use restic_manager_e2e::{
    Database, Outcome, REPOSITORY_PASSWORD, RestServer, Restic, same_content, write_sample_files,
};

#[tokio::test]
async fn storage_keeps_what_restic_gives_it_over_a_restart() -> Outcome {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("files");
    std::fs::create_dir(&files)?;
    write_sample_files(&files, 2)?;
    let mut storage = RestServer::start(&folder.path().join("storage")).await?;
    let restic = Restic::open(&storage.location_with_user("main"), REPOSITORY_PASSWORD)?;
    restic.run(&["init"]).await?;
    restic.run(&["backup", &files.to_string_lossy()]).await?;

    storage.stop().await?;
    assert!(storage.is_silent().await);
    storage.begin().await?;

    assert_eq!(restic.snapshot_count().await?, 1);
    assert!(restic.locks().await?.is_empty());
    let target = folder.path().join("restored");
    restic.restore_latest(&target).await?;
    same_content(&files, &target.join(files.strip_prefix("/")?))
}

#[tokio::test]
async fn storage_refuses_to_forget() -> Outcome {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("file"), "content")?;
    let storage = RestServer::start(&folder.path().join("storage")).await?;
    let restic = Restic::open(&storage.location_with_user("main"), REPOSITORY_PASSWORD)?;
    restic.run(&["init"]).await?;
    restic.run(&["backup", &folder.path().join("file").to_string_lossy()]).await?;
    restic.output(&["forget", "latest", "--unsafe-allow-remove-all", "--no-lock"]).await?;
    assert_eq!(restic.snapshot_count().await?, 1);
    Ok(())
}

#[tokio::test]
async fn each_world_gets_a_postgres_database_of_its_own() -> Outcome {
    let name = format!("harness-{}", std::process::id());
    let url = Database::Postgres.prepare(&name).await?;
    assert!(url.is_some_and(|url| url.ends_with(&name)));
    assert!(Database::Postgres.prepare(&name).await.is_err());
    assert!(Database::Sqlite.prepare(&name).await?.is_none());
    Ok(())
}
