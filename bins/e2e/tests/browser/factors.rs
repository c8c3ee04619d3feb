//! Second factors, the question for a proof, and API tokens in a real browser.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Outcome, Running, Server, ServerOptions, Tools};
use sqlx::{Connection as _, SqliteConnection};
use tokio::process::Command;

const STEP: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_second_factor_a_proof_and_a_token() -> Outcome {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("server");
    let options = ServerOptions {
        data: data.clone(),
        database_url: None,
        log: "info".to_owned(),
        settings: Vec::new(),
    };
    // Browsers make no passkeys for an address.
    let server = Server::start_as("localhost", options).await?;
    let mut browser = Running::start("browser", script(&server, folder.path())?)?;
    browser.line_with("AGE", STEP).await?;
    make_proofs_old(&data).await?;
    browser.line_with("DONE", STEP).await?;
    assert!(browser.ended(STEP).await?.success(), "{}", browser.text());
    Ok(())
}

/// Ten minutes pass in the database alone.
async fn make_proofs_old(data: &Path) -> Outcome {
    let path = data.join("restic-manager.sqlite");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?;
    sqlx::query("UPDATE sessions SET proved = 0").execute(&mut database).await?;
    database.close().await?;
    Ok(())
}

fn script(server: &Server, folder: &Path) -> Outcome<Command> {
    let screenshots = std::env::var_os("RESTIC_MANAGER_SCREENSHOTS").map(PathBuf::from);
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/factors.cjs"));
    command.env("NODE_PATH", Tools::node_modules()?).env("CHROMIUM", Tools::chromium()?);
    command.env("SCREENSHOTS", screenshots.unwrap_or_else(|| folder.join("screenshots")));
    command.env("BASE_URL", server.base_url()).env("BOOTSTRAP_TOKEN", server.bootstrap_token()?);
    command.env("ADMIN_NAME", ADMIN).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
    Ok(command)
}
