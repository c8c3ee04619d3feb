//! What is worth something only together: database, keys, rows.

use std::time::Duration;

use restic_manager_e2e::{Failure, Outcome, Running, Tools, until};
use serde_json::Value;
use tokio::process::Command;

use super::support::Fort;

const WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_copied_database_opens_nothing_without_the_keys() -> Outcome {
    let mut fort = Fort::start().await?;
    fort.repository("main").await?;
    fort.server.stop().await?;
    let other = Fort::start().await?;
    for (name, keys) in [("none", None), ("another's", Some(other.server.data()))] {
        let data = fort.path(name);
        std::fs::create_dir(&data)?;
        std::fs::copy(fort.database(), data.join("restic-manager.sqlite"))?;
        for key in ["secret.key", "identity.key"] {
            if let Some(keys) = keys {
                std::fs::copy(keys.join(key), data.join(key))?;
            }
        }
        let mut command = Command::new(Tools::binary("restic-manager-server")?);
        command.env_clear().env("RM_LISTEN", "127.0.0.1:0").env("RM_DATA_DIR", &data);
        let mut running = Running::start("server with a copied database", command)?;
        assert!(!running.ended(WITHIN).await?.success(), "{name}: it started");
        let said = running.line_with("could not start", WITHIN).await?;
        assert!(said.contains("key file"), "{name}: it says what it needs: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_sealed_secret_moved_to_another_row_opens_nothing() -> Outcome {
    let fort = Fort::start().await?;
    let (mine, theirs) = (fort.repository("mine").await?, fort.repository("theirs").await?);
    let mut connection = fort.open_database().await?;
    let sql =
        "UPDATE repositories SET password = (SELECT password FROM repositories WHERE id = $1) WHERE id = $2";
    let (from, to) = (theirs.as_bytes().as_slice(), mine.as_bytes().as_slice());
    sqlx::query(sql).bind(from).bind(to).execute(&mut connection).await?;
    let (_remote, persona, _agent) = fort.host("web-1", &[], &[mine]).await?;
    let admin = fort.signed_in(restic_manager_e2e::ADMIN).await?;
    // Attaching a host asks for a look at the repository: the order would carry the secret.
    let path = format!("/api/v1/jobs?host={}", persona.host);
    let ended = until("the job that needs the secret to end", WITHIN, async || {
        let jobs = admin.get(&path).await?.json()?;
        Ok(Some(jobs["items"][0].clone()).filter(|job| job["state"] == "failed"))
    });
    let job: Value = ended.await?;
    assert_eq!(job["cause"], "secret-unreadable", "{job}");
    Ok(())
}

#[tokio::test]
async fn the_files_of_the_server_are_for_its_user_alone() -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let fort = Fort::start().await?;
    let mode =
        |path: &std::path::Path| Ok::<_, Failure>(std::fs::metadata(path)?.permissions().mode() & 0o777);
    assert_eq!(mode(fort.server.data())?, 0o700);
    let mut looked = 0;
    for entry in std::fs::read_dir(fort.server.data())? {
        let path = entry?.path();
        if path.is_file() {
            assert_eq!(mode(&path)? & 0o077, 0, "{}", path.display());
            looked += 1;
        }
    }
    assert!(looked >= 3, "database and keys were looked at");
    Ok(())
}
