//! A database per test in the PostgreSQL server that `RESTIC_MANAGER_POSTGRES_URL` names, as `cargo xtask` starts one.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const NONE: &str = "RESTIC_MANAGER_POSTGRES_URL names no server: run `cargo xtask test unit`, or \
                    `cargo xtask with cargo nextest run -p restic-manager-store`";

/// An empty database.
pub(crate) struct Database {
    url: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = env::var("RESTIC_MANAGER_POSTGRES_URL").expect(NONE);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        Self::execute(&server, create).await;
        let (server, _) = server.rsplit_once('/').expect("an address with a database");
        Self { url: format!("{server}/{name}") }
    }

    /// Gives its space back at once, for a test that makes many.
    pub(crate) async fn discard(self) {
        let (_, name) = self.url.rsplit_once('/').expect("an address with a database");
        let server = env::var("RESTIC_MANAGER_POSTGRES_URL").expect(NONE);
        Self::execute(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn execute(server: &str, statement: String) {
        let mut connection = PgConnection::connect(server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}
