//! Whoever has the database's file writes what it likes into the audit log; it does not stay unnoticed.

use std::time::Duration;

use restic_manager_e2e::{ADMIN, Failure, Outcome, Running, Tools, until};
use restic_manager_store::Store as _;
use restic_manager_store::audit::AuditEntry;
use restic_manager_store::sqlite::{SqliteOptions, SqliteStore};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tokio::process::Command;

use super::support::Fort;

const BROKEN: &str = "the audit log is broken";
const WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_audit_entry_changed_in_the_file_is_found() -> Outcome {
    let fort = Fort::start().await?;
    fort.caller(super::support::HOME).sign_in(ADMIN, "wrong").await?.expect(401)?;
    let changed = "UPDATE audit SET detail = '{\"with\":[\"passkey\"]}' WHERE sequence = 2";
    is_found(fort, changed, "entry 2 was changed").await
}

#[tokio::test]
async fn an_audit_entry_that_is_taken_out_is_found() -> Outcome {
    let fort = Fort::start().await?;
    fort.caller(super::support::HOME).sign_in(ADMIN, "wrong").await?.expect(401)?;
    is_found(fort, "DELETE FROM audit WHERE sequence = 2", "entries 2 to 2 are missing").await
}

#[tokio::test]
async fn an_audit_log_without_its_tail_is_found() -> Outcome {
    let fort = Fort::start().await?;
    fort.caller(super::support::HOME).sign_in(ADMIN, "wrong").await?.expect(401)?;
    is_found(fort, "DELETE FROM audit WHERE sequence > 1", "truncated").await
}

/// The command finds it while the server is down, and the server by itself when it runs.
async fn is_found(mut fort: Fort, tampering: &str, fault: &str) -> Outcome {
    // Each stop signs the end of what is whole.
    fort.server.stop().await?;
    let (code, said) = fort.server.command_line(&["audit", "verify"]).await?;
    assert_eq!(code, Some(0), "{said}");

    let mut connection = fort.open_database().await?;
    sqlx::query(AssertSqlSafe(tampering)).execute(&mut connection).await?;
    drop(connection);
    let (code, said) = fort.server.command_line(&["audit", "verify"]).await?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(fault), "{said}");

    fort.server.begin().await?;
    fort.server.text_with(BROKEN, 1).await?;
    let admin = fort.signed_in(ADMIN).await?;
    let alert = until("the alert", WITHIN, async || {
        let alerts = admin.get("/api/v1/alerts").await?.json()?;
        Ok(Some(alerts["items"][0].clone()).filter(|alert| alert["kind"] == "audit-chain-broken"))
    });
    let alert: Value = alert.await?;
    assert!(alert["summary"].as_str().is_some_and(|summary| summary.contains(fault)), "{alert}");
    let state: Value = admin.get("/api/v1/audit/state").await?.json()?;
    assert!(state.to_string().contains(fault), "{state}");
    Ok(())
}

#[tokio::test]
async fn a_forged_audit_log_without_checkpoints_is_found() -> Outcome {
    let mut fort = Fort::start().await?;
    fort.caller(super::support::HOME).sign_in(ADMIN, "wrong").await?.expect(401)?;
    fort.server.stop().await?;
    let store = SqliteStore::open(SqliteOptions::new(fort.database())).await?;
    let entries = store.read().await?.audit().since(1, 1000).await?;
    store.close().await?;
    let (first, rest) = entries.split_first().ok_or_else(|| Failure::new("the log is empty"))?;
    let (mut head, mut connection) = (first.head(), fort.open_database().await?);
    for entry in rest {
        let mut entry = entry.entry.clone();
        entry.actor.name = Some("Eve".to_owned());
        let forged = AuditEntry::link(head, entry);
        head = forged.head();
        let sql = "UPDATE audit SET actor_name = 'Eve', previous_hash = $1, hash = $2 WHERE sequence = $3";
        sqlx::query(sql)
            .bind(forged.previous_hash.as_slice())
            .bind(forged.hash.as_slice())
            .bind(i64::try_from(forged.sequence)?)
            .execute(&mut connection)
            .await?;
    }
    sqlx::query("DELETE FROM audit_checkpoints").execute(&mut connection).await?;
    drop(connection);
    let (code, said) = fort.server.command_line(&["audit", "verify"]).await?;
    assert_eq!(code, Some(1), "{said}");
    fort.server.begin().await?;
    fort.server.text_with(BROKEN, 1).await
}

#[tokio::test]
async fn a_database_put_back_is_not_started_on() -> Outcome {
    let mut fort = Fort::start().await?;
    fort.server.stop().await?;
    let copy = fort.path("copy.sqlite");
    std::fs::copy(fort.database(), &copy)?;
    fort.server.begin().await?;
    fort.server.stop().await?;
    std::fs::copy(&copy, fort.database())?;
    is_refused_until_accepted(fort).await
}

#[tokio::test]
async fn a_database_that_lost_its_newest_changes_is_not_started_on() -> Outcome {
    let mut fort = Fort::start().await?;
    // All of the first start lies in the one file; what comes then lies beside it.
    fort.server.stop().await?;
    fort.server.begin().await?;
    fort.server.kill().await?;
    let mut log = fort.database().into_os_string();
    log.push("-wal");
    assert!(std::fs::metadata(&log)?.len() > 0, "there are newest changes");
    std::fs::remove_file(&log)?;
    is_refused_until_accepted(fort).await
}

/// A session of the older database opens nothing after it was accepted, and somebody is told.
async fn is_refused_until_accepted(mut fort: Fort) -> Outcome {
    let mut command = Command::new(Tools::binary("restic-manager-server")?);
    command.env_clear().env("RM_LISTEN", "127.0.0.1:0").env("RM_DATA_DIR", fort.server.data());
    let mut running = Running::start("server on an older database", command)?;
    assert!(!running.ended(WITHIN).await?.success(), "it started");
    let said = running.line_with("could not start", WITHIN).await?;
    assert!(said.contains("older than this server knew it") && said.contains("accept-database"), "{said}");

    let (code, said) = fort.server.command_line(&["accept-database"]).await?;
    assert!(code == Some(0) && said.contains("sessions ended: 1"), "{said}");
    fort.server.begin().await?;
    let admin = fort.admin.moved_to(fort.server.address());
    assert!(admin.attempt::<restic_manager_proto::api::account::Show>(&[], None, None).await?.is_err());
    let alerts = fort.signed_in(ADMIN).await?.get("/api/v1/alerts").await?.json()?;
    assert_eq!(alerts["items"][0]["kind"], "server-restored", "{alerts}");
    Ok(())
}
