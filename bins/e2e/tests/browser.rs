//! The same way in a real browser.

mod factors;

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{
    ADMIN, ADMIN_PASSWORD, Agent, Failure, Outcome, REPOSITORY_PASSWORD, RestServer, Restic, Running,
    STORAGE_PASSWORD, STORAGE_USER, Server, ServerOptions, Tools, same_content, write_sample_files,
};
use tokio::process::Command;

const HOST: &str = "web-01";
const MEGABYTES: usize = 48;
const SLOW: Duration = Duration::from_millis(25);
const STEP: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_newcomer_gets_from_the_bootstrap_page_to_a_snapshot() -> Outcome {
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("files");
    std::fs::create_dir(&files)?;
    write_sample_files(&files, MEGABYTES)?;
    let storage = RestServer::start(&folder.path().join("storage")).await?;
    let options = ServerOptions::new(folder.path().join("server"));
    let server = Server::start(options).await?;

    let mut browser = Running::start("browser", flow(&server, &storage, &files, folder.path())?)?;
    let invitation = said(&browser, "INVITATION ").await?;
    let mut agent = Agent::new(&folder.path().join("agent"), "info")?;
    storage.network().delay(SLOW);
    enrol_as_shown(&mut agent, &invitation).await?;
    agent.begin()?;
    said(&browser, "RUNNING").await?;
    storage.network().delay(Duration::ZERO);
    let snapshot = said(&browser, "SNAPSHOT ").await?;
    said(&browser, "DONE").await?;
    assert!(browser.ended(STEP).await?.success(), "{}", browser.text());

    let restic = Restic::open(&storage.location_with_user("main"), REPOSITORY_PASSWORD)?;
    assert!(restic.run(&["snapshots", "--json", "--no-lock"]).await?.contains(&snapshot));
    let target = folder.path().join("restored");
    restic.restore_latest(&target).await?;
    same_content(&files, &target.join(files.strip_prefix("/")?))
}

/// The script, told where everything is. Screenshots go to the folder that `RESTIC_MANAGER_SCREENSHOTS` names, if any.
fn flow(server: &Server, storage: &RestServer, files: &Path, folder: &Path) -> Outcome<Command> {
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/flow.cjs"));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| folder.join("screenshots")));
    command.env("BASE_URL", server.base_url()).env("BOOTSTRAP_TOKEN", server.bootstrap_token()?);
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD).env("HOST_NAME", HOST);
    command
        .env("REPOSITORY_LOCATION", storage.location("main"))
        .env("REPOSITORY_PASSWORD", REPOSITORY_PASSWORD);
    command.env("STORAGE_USER", STORAGE_USER).env("STORAGE_PASSWORD", STORAGE_PASSWORD);
    command.env("INCLUDE_PATH", files);
    Ok(command)
}

/// What follows a word that the script prints; fails at once when the script fails.
async fn said(browser: &Running, word: &str) -> Outcome<String> {
    let line = browser.line_with(word, STEP).await?;
    Ok(line.trim_start_matches(word).trim().to_owned())
}

/// Enrols with what stands in the line on the page, not with what the server might tell a test. The line hands three
/// variables to the install script; its first half is run as a shell would.
async fn enrol_as_shown(agent: &mut Agent, line: &str) -> Outcome {
    let (variables, _) =
        line.split_once("; curl").ok_or_else(|| Failure::new(format!("no download in {line}")))?;
    let printed = Command::new("sh").arg("-c").arg(variables.trim_start_matches("{ ")).output().await?;
    let printed = String::from_utf8(printed.stdout)?;
    let value = |name: &str| {
        let found = printed.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found
            .map(|value| value.trim_matches('\''))
            .ok_or_else(|| Failure::new(format!("no {name} in {line}")))
    };
    let output = agent
        .try_enrol(value("RM_SERVER")?, value("RM_SERVER_FINGERPRINT")?, value("RM_ENROL_TOKEN")?)
        .await?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(String::from_utf8_lossy(&output.stderr).into_owned()))
}
