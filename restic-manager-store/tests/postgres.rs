use restic_manager_store::{
    Audit, ErrorKind, Store,
    postgres::{PostgresOptions, PostgresStore},
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
