//! A database file whose pages were damaged, as by a failing disk.

use std::{
    fs::OpenOptions,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
};

use restic_manager_store::{
    Audit, Soundness, Store,
    sqlite::{SqliteOptions, SqliteStore},
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

async fn filled(path: &Path) {
    let store = SqliteStore::open(SqliteOptions::new(path)).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    for number in 0..200 {
        tx.meta().put(&format!("fact {number}"), &"long ".repeat(100)).await.unwrap();
    }
    tx.commit(Audit::Routine("test")).await.unwrap();
    assert_eq!(store.inspect().await.unwrap(), Soundness::Sound, "while it is in use");
    store.close().await.unwrap();
}

async fn number(path: &Path, sql: &str) -> u64 {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let number: i64 =
        sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap().get(0);
    connection.close().await.unwrap();
    number as u64
}

/// Writes nonsense over the first page of a table.
async fn damage(path: &Path, table: &str) {
    let size = number(path, "PRAGMA page_size").await;
    let root = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
    let page = number(path, &root).await;
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start((page - 1) * size)).unwrap();
    file.write_all(&vec![0xa5; size as usize]).unwrap();
    file.sync_all().unwrap();
}

#[tokio::test]
async fn a_damaged_page_is_found_though_the_database_opens() {
    for table in ["meta", "audit", "jobs"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        filled(&path).await;
        damage(&path, table).await;
        let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
        let found = store.inspect().await.unwrap();
        let Soundness::Damaged(words) = &found else { panic!("{table}: {found:?}") };
        assert!(!words.is_empty() && !words.contains('\n'), "{words:?}");
        let looked = SqliteStore::open_read_only(SqliteOptions::new(&path)).await.unwrap();
        assert_eq!(looked.inspect().await.unwrap(), found, "who only looks finds the same");
    }
}
