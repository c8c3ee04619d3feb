use restic_manager_store::{
    Audit, ErrorKind, Store,
    postgres::{Claim, Claimed, PostgresOptions, PostgresStore},
};

use sqlx::{Connection as _, PgConnection};

use restic_manager_testkit::postgres::Database;

pub(crate) async fn open() -> (Box<dyn Store>, Database) {
    let database = Database::create().await;
    let mut options = PostgresOptions::from_url(database.url()).unwrap();
    options.connections = 5;
    let store = PostgresStore::open(options).await.unwrap();
    (Box::new(store), database)
}

mod conformance {
    restic_manager_store::conformance!(crate::postgres::open);
}

#[test]
fn a_password_in_the_url_is_not_shown() {
    let options = PostgresOptions::from_url("postgres://ada:hunter2@db.example/fleet").unwrap();
    let shown = format!("{options:?}");
    assert!(shown.contains("db.example") && !shown.contains("hunter2"), "{shown}");
    let error = PostgresOptions::from_url("postgres://ada:hunter2@[broken").unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (store, database) = open().await;
    store.close().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::query("INSERT INTO schema_migrations VALUES (9999, 'from_the_future')")
        .execute(&mut connection)
        .await
        .unwrap();
    let error = PostgresStore::open(PostgresOptions::from_url(database.url()).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerSchema);
}

#[tokio::test]
async fn servers_that_start_together_migrate_once() {
    let database = Database::create().await;
    let start = || async { PostgresStore::open(PostgresOptions::from_url(database.url()).unwrap()).await };
    let (a, b, c) = tokio::join!(start(), start(), start());
    a.and(b).and(c).unwrap();
}

#[tokio::test]
async fn a_lost_race_is_told_and_retried() {
    let (store, _database) = open().await;
    let (mut first, mut second) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    for tx in [&mut first, &mut second] {
        assert_eq!(tx.meta().value("fact").await.unwrap(), None);
    }
    first.meta().put("fact", "first").await.unwrap();
    first.commit(Audit::Routine("test")).await.unwrap();
    let lost = match second.meta().put("fact", "second").await {
        Ok(()) => second.commit(Audit::Routine("test")).await,
        lost => lost,
    };
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::Contention);
}

async fn claim(database: &Database) -> Result<Claim, String> {
    match PostgresOptions::from_url(database.url()).unwrap().claim().await.unwrap() {
        Claimed::Ours(claim) => Ok(claim),
        Claimed::Theirs(holder) => Err(holder.to_string()),
    }
}

/// Ends the connections to the database behind their backs, as a break of the network does.
async fn cut_off(database: &Database) {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn one_server_at_a_time_has_the_database() {
    let (database, other) = (Database::create().await, Database::create().await);
    let first = claim(&database).await.unwrap();
    let refused = claim(&database).await.unwrap_err();
    assert!(
        refused.contains("another server uses this database (from ") && refused.contains(" UTC)"),
        "{refused}"
    );
    claim(&other).await.unwrap();
    drop(first);
    // The connection of the first one ends a moment after it was dropped.
    while claim(&database).await.is_err() {}
}

#[tokio::test]
async fn a_server_that_was_cut_off_takes_the_database_again_or_learns_who_has_it() {
    let database = Database::create().await;
    let first = claim(&database).await.unwrap();
    cut_off(&database).await;
    let first = tokio::spawn(first.lost());
    // It takes it again.
    while claim(&database).await.is_ok() {}
    assert!(!first.is_finished());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let second = loop {
        if let Ok(second) = claim(&database).await {
            break second;
        }
    };
    cut_off(&database).await;
    let _third = claim(&database).await.unwrap();
    let holder = second.lost().await.to_string();
    assert!(holder.contains("stop that one"), "{holder}");
}
