//! Whether the pages of a file are sound.

use sqlx::{ConnectOptions as _, Connection as _, Row as _, sqlite::SqliteConnectOptions};

use super::driver;
use crate::{Error, ErrorKind, Soundness};

/// How many findings are told; one damaged page can make thousands.
const CHECK: &str = "PRAGMA quick_check(3)";

/// On a connection of its own, so that no reader waits for it.
pub(super) async fn inspect(look: &SqliteConnectOptions) -> Result<Soundness, Error> {
    match quick_check(look).await {
        Ok(findings) if findings == ["ok"] => Ok(Soundness::Sound),
        Ok(findings) => Ok(Soundness::Damaged(findings.join("; "))),
        Err(error) => {
            let text = error.to_string();
            let error = driver::error(error, "a look whether it is sound");
            if error.kind() == ErrorKind::Corrupt { Ok(Soundness::Damaged(text)) } else { Err(error) }
        }
    }
}

async fn quick_check(look: &SqliteConnectOptions) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = look.connect().await?;
    let findings = sqlx::query(CHECK).fetch_all(&mut connection).await?;
    connection.close().await?;
    Ok(findings.iter().map(|finding| one_line(finding.get(0))).collect())
}

fn one_line(finding: &str) -> String {
    finding.split_whitespace().collect::<Vec<_>>().join(" ")
}
