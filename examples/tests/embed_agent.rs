//! The example's agent against a server in this process.

use core::time::Duration;
use restic_manager_agent::{config::Config as AgentConfig, status::Status};
use restic_manager_core::shutdown::{Finish, Shutdown};
use restic_manager_crypto::{Identity, Keyring, SystemRandom};
use restic_manager_examples::Browser;
use restic_manager_server::{BoxError, Config, Server};
use restic_manager_store::memory::MemoryStore;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::{path::Path, process::Stdio, sync::Arc};
use tokio::{net::TcpListener, process::Command, time::timeout};

/// For hangs, not for speed.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn it_enrols_connects_and_stops() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let random = SystemRandom::new();
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let (store, shutdown) = (Arc::new(MemoryStore::new()), Shutdown::new());
    let server = Server::builder(store, keyring, identity, Config::new(base_url.parse()?))
        .shutdown(shutdown.clone())
        .build();
    let token = server.prepare().await?.bootstrap_token.unwrap();
    let mut browser = Browser::open(server.service());
    let service = server.service();
    let serving = tokio::spawn(async move { server.serve(listener, service).await });
    browser.sign_up(token.expose()).await?;
    let invitation = browser.post("/api/v1/enrolments", json!({ "host_name": "web-01" })).await?;

    let folder = tempfile::tempdir()?;
    let agent = Command::new(env!("CARGO_BIN_EXE_embed_agent"))
        .arg(folder.path())
        .env("RM_SERVER", &base_url)
        .env("RM_SERVER_FINGERPRINT", invitation["server_fingerprint"].as_str().unwrap())
        .env("RM_ENROL_TOKEN", invitation["token"].as_str().unwrap())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    timeout(PATIENCE, connected(folder.path())).await?;
    kill_process(Pid::from_raw(agent.id().unwrap().try_into()?).unwrap(), Signal::INT)?;
    let output = timeout(PATIENCE, agent.wait_with_output()).await??;
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout)?, "enrolled as web-01\nstopped\n");

    shutdown.request();
    assert_eq!(serving.await?, Finish::Clean);
    Ok(())
}

/// Waits until the agent has written down that it is connected.
async fn connected(folder: &Path) {
    let path = folder.join("agent.toml");
    while !AgentConfig::read(&path).is_ok_and(|config| Status::read(&config).is_connected()) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
