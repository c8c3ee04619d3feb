//! Whoever has the database's file writes what it likes into the audit log; it does not stay unnoticed.

use std::time::Duration;

use restic_manager_e2e::{ADMIN, Outcome, until};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::support::Fort;

/// What the server says when its own reading has found the log whole, and when it has not.
const SIGNED: &str = "keep this line elsewhere";
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
    // Each start signs the end of what is whole.
    fort.server.stop().await?;
    let signed = fort.server.text().matches(SIGNED).count();
    fort.server.begin().await?;
    fort.server.text_with(SIGNED, signed + 1).await?;
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
