//! Retention, schedules, upkeep and the repository's page in a real browser.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{
    ADMIN, ADMIN_PASSWORD, Outcome, Running, STORAGE_PASSWORD, STORAGE_USER, Tools, World,
};
use tokio::process::Command;

use crate::support::sample;

const ALL: Duration = Duration::from_secs(480);
const HOST: &str = "web-01";

#[tokio::test]
async fn policies_are_tried_and_upkeep_is_watched_to_its_end() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol(HOST, &[&files]).await?;
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let other = world.storage.location("other");
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/upkeep.cjs"));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| world.path("screenshots")));
    command.env("BASE_URL", world.server.base_url());
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    command.env("HOST_ID", agent.host()?.to_string()).env("HOST_NAME", HOST);
    command.env("REPOSITORY_ID", world.repository.to_string()).env("INCLUDE_PATH", &files);
    command.env("OTHER_ADDRESS", other.trim_start_matches("rest:"));
    command.env("STORAGE_USER", STORAGE_USER).env("STORAGE_PASSWORD", STORAGE_PASSWORD);
    let mut browser = Running::start("browser", command)?;
    assert!(browser.ended(ALL).await?.success(), "{}", browser.text());
    assert!(browser.text().contains("DONE"));
    Ok(())
}
