use restic_manager_store::{
    Store,
    sqlite::{SqliteOptions, SqliteStore},
};
use tempfile::TempDir;

pub(crate) async fn open() -> (Box<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("test.db"))).await.unwrap();
    (Box::new(store), folder)
}

mod conformance {
    restic_manager_store::conformance!(crate::sqlite::open);
}
