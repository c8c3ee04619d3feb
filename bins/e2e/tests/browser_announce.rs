//! Announced hosts in a real browser, with real agents.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{
    ADMIN, ADMIN_PASSWORD, Agent, Failure, Outcome, Running, Server, ServerOptions, Tools,
};
use tokio::process::Command;

const STEP: Duration = Duration::from_secs(120);

#[tokio::test]
async fn an_admin_compares_accepts_and_rejects_announced_hosts_and_purges_a_removed_one() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::start(ServerOptions::new(folder.path().join("server"))).await?;
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/announce.cjs"));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| folder.path().join("screenshots")));
    command.env("BASE_URL", server.base_url()).env("BOOTSTRAP_TOKEN", server.bootstrap_token()?);
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    let mut browser = Running::start("browser", command)?;

    // What the page shows is what an operator would paste.
    let line = browser.line_with("ANNOUNCE ", STEP).await?;
    let fingerprint = line
        .split('\'')
        .find(|part| part.parse::<restic_manager_crypto::Fingerprint>().is_ok())
        .ok_or_else(|| Failure::new(format!("no fingerprint in {line}")))?
        .to_owned();
    let mut good = Agent::new(&folder.path().join("good"), "info")?;
    let mut accepted = good.announce(&server.base_url(), &fingerprint)?;
    accepted.line_with("Announced.", STEP).await?;
    browser.line_with("SEEN", STEP).await?;
    let stranger = Agent::new(&folder.path().join("stranger"), "info")?;
    let mut rejected = stranger.announce(&server.base_url(), &fingerprint)?;
    assert!(accepted.ended(STEP).await?.success(), "{}", accepted.text());
    good.begin()?;
    assert_eq!(rejected.ended(STEP).await?.code(), Some(5), "{}", rejected.text());
    let shown = browser.line_with("FINGERPRINT ", STEP).await?;
    let shown = shown.trim_start_matches("FINGERPRINT ").trim();
    assert!(accepted.text().contains(shown), "{shown} is not in {}", accepted.text());
    browser.line_with("DONE", STEP).await?;
    assert!(browser.ended(STEP).await?.success(), "{}", browser.text());
    Ok(())
}
