//! A file that somebody deleted, back from the pages: into a folder and to its place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Outcome, Running, Tools, World};
use tokio::process::Command;

use crate::support::{expect_success, sample};

const ALL: Duration = Duration::from_secs(300);
const HOST: &str = "web-01";

#[tokio::test]
async fn a_deleted_file_comes_back_by_pages_alone() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    std::fs::write(files.join("letter.txt"), "to whom it may concern")?;
    let agent = world.enrol(HOST, &[&files]).await?;
    expect_success(&world.ended(world.ask_for_backup(agent.host()?).await?.id).await?)?;
    std::fs::remove_file(files.join("letter.txt"))?;
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/restore.cjs"));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| world.path("screenshots")));
    command.env("BASE_URL", world.server.base_url());
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    command.env("HOST_ID", agent.host()?.to_string()).env("HOST_NAME", HOST);
    command.env("FOLDER", &files).env("TARGET", world.path("back"));
    let began = tokio::time::Instant::now();
    let mut browser = Running::start("browser", command)?;
    assert!(browser.ended(ALL).await?.success(), "{}", browser.text());
    assert!(browser.text().contains("DONE"));
    println!("{}", browser.text());
    println!("from sign-in to the last byte: {:?}", began.elapsed());
    for back in [files.join("letter.txt"), world.path("back/letter.txt")] {
        assert_eq!(std::fs::read_to_string(back)?, "to whom it may concern");
    }
    Ok(())
}
