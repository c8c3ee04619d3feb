//! Who is locked out gets in again by a command on the server's machine, while the server runs.

use std::process::{Output, Stdio};

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Failure, Outcome, Server, ServerOptions, Tools};
use restic_manager_proto::SecretText;
use restic_manager_proto::api::{account, setup};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const NEW: &str = "crimson kettles sing";

async fn admin(server: &Server, arguments: &[&str], input: &str) -> Outcome<Output> {
    let mut command = Command::new(Tools::binary("restic-manager-server")?);
    command.env_clear().env("RM_DATA_DIR", server.data()).env("RM_BASE_URL", server.base_url());
    command.arg("admin").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn()?;
    if let Some(mut pipe) = running.stdin.take() {
        pipe.write_all(input.as_bytes()).await?;
    }
    Ok(running.wait_with_output().await?)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn the_command_lets_the_admin_in_again_while_the_server_runs() -> Outcome {
    let folder = tempfile::tempdir()?;
    let server = Server::start(ServerOptions::new(folder.path().join("server"))).await?;
    let before = server.bootstrap(ADMIN, ADMIN_PASSWORD).await?;
    before.call::<account::Show>(&[], None, None).await?;

    let listed = admin(&server, &["list"], "").await?;
    assert!(listed.status.success() && said(&listed).contains(ADMIN), "{}", said(&listed));
    let unknown = admin(&server, &["reset", "nobody-here"], "").await?;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains(&format!("there are: {ADMIN}")), "{}", said(&unknown));
    assert_eq!(admin(&server, &["reset"], "").await?.status.code(), Some(2));
    let weak = admin(&server, &["reset", ADMIN, "--password"], "short\n").await?;
    assert_eq!(weak.status.code(), Some(1), "{}", said(&weak));
    before.call::<account::Show>(&[], None, None).await?;

    let reset = admin(&server, &["reset", ADMIN, "--password"], &format!("{NEW}\n")).await?;
    assert!(reset.status.success(), "{}", said(&reset));
    assert!(said(&reset).contains("WARN") && !said(&reset).contains(NEW), "{}", said(&reset));
    assert!(before.attempt::<account::Show>(&[], None, None).await?.is_err(), "the session has ended");
    let api = restic_manager_e2e::Api::sign_in(server.address(), &server.base_url(), ADMIN, NEW).await?;
    api.call::<account::Show>(&[], None, None).await?;

    let linked = admin(&server, &["reset", ADMIN], "").await?;
    let text = said(&linked);
    let token = text.split("/setup#").nth(1).and_then(|rest| rest.split_whitespace().next());
    let token = SecretText::new(token.ok_or_else(|| Failure::new(format!("no link in {text}")))?);
    let body = setup::FirstPassword { token, password: SecretText::new(ADMIN_PASSWORD) };
    api.call::<setup::Finish>(&[], None, Some(&body)).await?;
    restic_manager_e2e::Api::sign_in(server.address(), &server.base_url(), ADMIN, ADMIN_PASSWORD).await?;
    Ok(())
}
