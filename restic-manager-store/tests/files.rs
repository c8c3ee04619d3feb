//! What SQLite's file may look like when it is opened, and what it looks like afterwards.

use restic_manager_store::{
    Audit, Error, ErrorKind, Store,
    sqlite::{SqliteOptions, SqliteStore},
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use std::path::Path;

async fn open(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(SqliteOptions::new(path)).await
}

async fn tamper(path: &Path, sql: &str) {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.meta().put("fact", "kept").await.unwrap();
    tx.commit(Audit::Routine("test")).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.begin().await.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
    let store = open(&path).await.unwrap();
    assert_eq!(store.read().await.unwrap().meta().value("fact").await.unwrap().as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    open(&path).await.unwrap().close().await.unwrap();
    tamper(&path, "INSERT INTO schema_migrations VALUES (9999, 'from_the_future')").await;
    let error = open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerSchema);
    assert!(format!("{error:?}").contains("from_the_future"));
}

#[tokio::test]
async fn a_strange_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.db");
    tamper(&foreign, "CREATE TABLE recipes (name TEXT)").await;
    assert_eq!(open(&foreign).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let text = folder.path().join("notes.txt");
    let content = "not a database at all, but long enough to look at ".repeat(50);
    std::fs::write(&text, &content).unwrap();
    assert_eq!(open(&text).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read_to_string(&text).unwrap(), content);
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let error = open(Path::new("/nonexistent/folder/store.db")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(format!("{error:?}").contains("/nonexistent/folder/store.db"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.meta().put("fact", "kept").await.unwrap();
    tx.commit(Audit::Routine("test")).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() > 1, "the log is a file of its own");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_named_by_table_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).await.unwrap();
    tamper(&path, "INSERT INTO bootstrap (slot, token, created) VALUES (1, x'00', 5)").await;
    let error = store.read().await.unwrap().bootstrap().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "column token of bootstrap: no value of its kind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_beside_the_file_is_cut_off_though_somebody_always_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut options = SqliteOptions::new(&path);
    options.wal_limit = 1 << 20;
    let store = SqliteStore::open(options).await.unwrap();
    let length = || std::fs::metadata(folder.path().join("store.db-wal")).unwrap().len();
    let readers = tokio::spawn(read_for_ever(store.clone()));
    let mut longest = 0;
    for round in 0..250 {
        let mut tx = store.begin().await.unwrap();
        tx.meta().put("fact", &format!("{round:64}").repeat(1 << 10)).await.unwrap();
        tx.commit(Audit::Routine("test")).await.unwrap();
        if length() < longest {
            assert!(longest > 1 << 20, "a log within its limit is left alone");
            return readers.abort();
        }
        longest = longest.max(length());
    }
    panic!("the log has {longest} bytes");
}

/// A reader begins before the one before it ends.
async fn read_for_ever(store: SqliteStore) {
    let mut _reader = None;
    loop {
        let mut next = store.read().await.unwrap();
        next.meta().value("fact").await.unwrap();
        _reader = Some(next);
    }
}
