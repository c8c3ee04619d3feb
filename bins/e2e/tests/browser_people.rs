//! Sessions, setup links, scopes and the audit log in a real browser.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Outcome, Running, Server, ServerOptions, Tools};
use tokio::process::Command;

const ALL: Duration = Duration::from_secs(240);

#[tokio::test]
async fn people_end_sessions_follow_setup_links_and_have_roles_for_a_part() -> Outcome {
    run("people.cjs").await
}

#[tokio::test]
async fn the_audit_log_is_filtered_shown_and_taken_home() -> Outcome {
    run("audit.cjs").await
}

/// Runs a script against a server at its first start. Screenshots go to the folder that `RESTIC_MANAGER_SCREENSHOTS`
/// names, if any.
async fn run(script: &str) -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::start(ServerOptions::new(folder.path().join("server"))).await?;
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| folder.path().join("screenshots")));
    command.env("BASE_URL", server.base_url()).env("BOOTSTRAP_TOKEN", server.bootstrap_token()?);
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    let mut browser = Running::start("browser", command)?;
    assert!(browser.ended(ALL).await?.success(), "{}", browser.text());
    assert!(browser.text().contains("DONE"));
    Ok(())
}
