//! The pages as a process of their own, in front of a server elsewhere.

use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Api, Outcome, Running, Tools, World, address_in};
use restic_manager_proto::api::{fleet, server};
use tokio::process::Command;

#[tokio::test]
async fn they_show_the_login_and_pass_the_api_on() -> Outcome {
    let world = World::start().await?;
    let mut command = Command::new(Tools::binary("restic-manager-web")?);
    command
        .env_clear()
        .env("RM_LISTEN", "127.0.0.1:0")
        .env("RM_SERVER", format!("http://{}", world.server.address()));
    let pages = Running::start("web", command)?;
    let address = address_in(&pages.line_with("listening on", Duration::from_secs(30)).await?)?;

    // A browser has the address of the pages; here the harness stands in for the name that leads to them.
    let anonymous = Api::anonymous(address, &world.server.base_url());
    let login = anonymous.page("/login").await?;
    assert!(login.contains("Sign in"), "{login}");
    let there = anonymous.call::<server::Version>(&[], None, None).await?;
    let here = world.api.call::<server::Version>(&[], None, None).await?;
    assert_eq!(there.fingerprint, here.fingerprint);

    let signed_in = Api::sign_in(address, &world.server.base_url(), ADMIN, ADMIN_PASSWORD).await?;
    assert_eq!(signed_in.call::<fleet::Show>(&[], None, None).await?.hosts, 0);
    assert!(signed_in.page("/").await?.contains(ADMIN));
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_refused_by_name_before_anything_starts() -> Outcome {
    for (program, name, value) in [
        ("restic-manager-web", "RM_SERVER", "backup.example.com"),
        ("restic-manager-server", "RM_LISTEN", "everywhere"),
        ("restic-manager-server", "RM_LISTNE", "127.0.0.1:8080"),
    ] {
        let mut command = Command::new(Tools::binary(program)?);
        let output = command.env_clear().env(name, value).arg("check-config").output().await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{name}={value} was accepted");
        assert!(said.contains(name) || said.contains(value), "{said}");
    }
    Ok(())
}
