use restic_manager_store::{
    Store,
    postgres::{PostgresOptions, PostgresStore},
};

use crate::postgres_cluster::Database;

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
