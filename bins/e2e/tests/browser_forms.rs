//! What is typed into forms, in a real browser: refused, mended, stored, opened again; and live pages under the hands of
//! a reader.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Outcome, Running, Tools, World};
use tokio::process::Command;

use crate::support::sample;

const ALL: Duration = Duration::from_secs(300);
const HOST: &str = "web-01";

#[tokio::test]
async fn what_is_typed_is_what_is_stored() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol(HOST, &[&files]).await?;
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/forms.cjs"));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| world.path("screenshots")));
    command.env("BASE_URL", world.server.base_url());
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    command.env("HOST_ID", agent.host()?.to_string()).env("REPOSITORY_ID", world.repository.to_string());
    let mut browser = Running::start("browser", command)?;
    assert!(browser.ended(ALL).await?.success(), "{}", browser.text());
    assert!(browser.text().contains("DONE"));
    Ok(())
}
