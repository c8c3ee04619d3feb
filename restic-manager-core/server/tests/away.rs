//! PostgreSQL goes away and comes back, as while it is restarted.

use core::time::Duration;
use http::{StatusCode, header};
use restic_manager_proto::api::Code;
use restic_manager_server::Config;
use restic_manager_store::postgres::{PostgresOptions, PostgresStore};
use restic_manager_testkit::postgres::Database;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;

use crate::support::{App, Background, Client, PASSWORD};

/// A server on PostgreSQL whose looks wait so long, its admin, and who opens and shuts its database.
async fn server(database_time: Duration) -> (App, Client, Door) {
    let database = Database::create().await;
    let (server, name) = database.url().rsplit_once('/').unwrap();
    let connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let door = Door { connection, database: name.to_owned(), url: database.url().to_owned() };
    let options = PostgresOptions::from_url(database.url()).unwrap();
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    let change = |config: &mut Config| config.limits.database_time = database_time;
    let app = App::over(|_| store, change, Background::Rests).await;
    app.make_admin().await;
    let admin = app.sign_in("alice", PASSWORD).await;
    (app, admin, door)
}

/// Who opens and shuts the database of a test.
struct Door {
    connection: PgConnection,
    database: String,
    url: String,
}

impl Door {
    async fn run(&mut self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await.unwrap();
    }

    /// Throws everybody out, and lets nobody in.
    async fn shut(&mut self) {
        self.run(format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.database)).await;
        self.run(format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.database
        ))
        .await;
    }

    async fn open(&mut self) {
        self.run(format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.database)).await;
    }
}

#[tokio::test]
async fn looks_wait_for_a_database_that_is_restarted() {
    let (_app, admin, mut door) = server(Duration::from_secs(60 * 60)).await;
    // Connections are open, and some look while the door is shut.
    let busy: Vec<_> = (0..8)
        .map(|_| {
            let admin = admin.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);
                }
            })
        })
        .collect();
    door.shut().await;
    let looks: Vec<_> = ["/api/v1/hosts", "/api/v1/fleet", "/api/v1/alerts", "/readyz", "/api/v1/session"]
        .map(|path| {
            let admin = admin.clone();
            tokio::spawn(async move { admin.get(path).await.status })
        })
        .into();
    let change = tokio::spawn({
        let admin = admin.clone();
        async move { admin.post("/api/v1/enrolments", json!({ "host_name": "web-1" })).await.status }
    });
    // Whoever else knocks is turned away, so those have been too.
    for _ in 0..5 {
        assert!(PgConnection::connect(&door.url).await.is_err());
    }
    assert!(looks.iter().all(|look| !look.is_finished()), "they wait");
    door.open().await;
    for look in looks {
        assert_eq!(look.await.unwrap(), StatusCode::OK);
    }
    for one in busy {
        one.await.unwrap();
    }
    // A change waits for who asks; only once it has begun it is not run again.
    assert_eq!(change.await.unwrap(), StatusCode::CREATED);
}

#[tokio::test]
async fn looks_are_refused_when_the_stated_time_is_over() {
    let (_app, admin, mut door) = server(Duration::from_millis(300)).await;
    door.shut().await;
    let answer = admin.get("/api/v1/hosts").await;
    assert_eq!(answer.problem(StatusCode::SERVICE_UNAVAILABLE).code, Code::Unavailable);
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    door.open().await;
    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);
}
