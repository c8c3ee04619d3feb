//! The two databases a server may use.

use tokio::process::Command;

use crate::failure::{Failure, Outcome};
use crate::tools::Tools;

/// Which database a server keeps its records in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file in the server's data folder.
    Sqlite,
    /// A fresh database in the cluster of this run.
    Postgres,
}

impl Database {
    /// The URL for the server; none means its default, SQLite in the data folder.
    pub async fn prepare(self, name: &str) -> Outcome<Option<String>> {
        match self {
            Self::Sqlite => Ok(None),
            Self::Postgres => create(name).await.map(Some),
        }
    }
}

async fn create(name: &str) -> Outcome<String> {
    let cluster = Tools::postgres_url()?;
    let mut command = Command::new(Tools::postgres("psql")?);
    command.arg(&cluster).args([
        "--quiet",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        &format!("CREATE DATABASE \"{name}\""),
    ]);
    let output = command.output().await?;
    if !output.status.success() {
        return Err(Failure::new(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let (server, _) =
        cluster.rsplit_once('/').ok_or_else(|| Failure::new("the cluster's URL names no database"))?;
    Ok(format!("{server}/{name}"))
}
