//! Databases as each version left them, from the first that was frozen on. All that follow must read them.
//!
//! `RM_FREEZE=1 cargo nextest run -p restic-manager-store frozen` freezes the present schema, once it has a new step. What
//! was frozen is never changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
};

use restic_manager_store::{
    Store,
    conformance::model::{Step, apply, populate, state},
    postgres::{PostgresOptions, PostgresStore},
    sqlite::{SqliteOptions, SqliteStore},
};
use restic_manager_testkit::postgres::Database;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, sqlite::SqliteConnectOptions,
};

/// The first schema that was frozen.
const FIRST: usize = 20;
const STEPS: u8 = 120;

fn place(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), file].iter().collect()
}

/// The texts of a database's steps.
fn steps(backend: &str) -> Vec<String> {
    let folder = fs::read_dir(place("migrations").join(backend)).unwrap();
    let files: BTreeSet<PathBuf> = folder.map(|file| file.unwrap().path()).collect();
    files.into_iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

fn frozen(backend: &str, number: usize) -> PathBuf {
    place("tests/frozen").join(format!("{backend}-{number:04}.sql"))
}

/// The numbers of the schemas from the first that was frozen to the present one.
fn numbers() -> Vec<usize> {
    let newest = steps("sqlite").len();
    // Steps that came in together were one schema.
    (FIRST..=newest).filter(|number| *number == newest || frozen("sqlite", *number).exists()).collect()
}

/// The same rows in every backend and at every time.
async fn fill(store: &dyn Store) {
    populate(store).await.unwrap();
    for number in 0..STEPS {
        let (row, other) = (number.wrapping_mul(7) % 12, number.wrapping_mul(5) % 12);
        let step = Step { verb: number.wrapping_mul(37), row, other, value: number.wrapping_mul(11) % 16 };
        apply(store, step).await.unwrap();
    }
}

/// The steps of a schema, and an INSERT for each row.
fn freeze(backend: &str, inserts: &[String]) {
    let mut text = steps(backend).concat();
    for insert in inserts {
        writeln!(text, "{insert}").unwrap();
    }
    fs::create_dir_all(place("tests/frozen")).unwrap();
    fs::write(frozen(backend, steps("sqlite").len()), text).unwrap();
}

fn is_wanted() -> bool {
    std::env::var_os("RM_FREEZE").is_some()
}

/// The first column of what a query finds.
macro_rules! texts {
    ($connection:expr, $sql:expr) => {
        sqlx::query($sql)
            .fetch_all($connection)
            .await
            .unwrap()
            .iter()
            .map(|row| row.get::<String, _>(0))
            .collect::<Vec<_>>()
    };
}

/// How many rows each table has; a step that moves rows to another table says so here.
macro_rules! counts {
    ($connection:expr, $tables:expr) => {{
        let mut counts = BTreeMap::new();
        for table in $tables.into_iter().filter(|table: &String| table != "schema_migrations") {
            let count = AssertSqlSafe(format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}"));
            let count = texts!($connection, count).remove(0);
            counts.insert(table, count);
        }
        counts
    }};
}

const SQLITE_TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
const POSTGRES_TABLES: &str =
    "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";

/// Every noun can be read, and there is something to read.
async fn reads(store: &dyn Store) {
    let state = state(store).await.unwrap();
    for row in ["Host {", "Repository {", "SourceGroup {", "Job {", "User {", "Alert {", "AuditEntry {"] {
        assert!(state.contains(row), "no {row}");
    }
}

#[tokio::test]
async fn sqlite_reads_every_frozen_database() {
    let options = |path: &PathBuf| SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let folder = tempfile::tempdir().unwrap();
    let fresh = folder.path().join("fresh.db");
    let store = SqliteStore::open(SqliteOptions::new(&fresh)).await.unwrap();
    fill(&store).await;
    store.close().await.unwrap();
    let mut fresh = options(&fresh).connect().await.unwrap();
    if is_wanted() {
        freeze("sqlite", &sqlite_inserts(&mut fresh).await);
    }
    for number in numbers() {
        let text = fs::read_to_string(frozen("sqlite", number)).expect("each schema is frozen; see above");
        let path = folder.path().join(format!("{number}.db"));
        let mut old = options(&path).foreign_keys(false).connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut old).await.unwrap();
        let before = counts!(&mut old, texts!(&mut old, SQLITE_TABLES));
        old.close().await.unwrap();
        let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
        reads(&store).await;
        store.close().await.unwrap();
        let mut upgraded = options(&path).connect().await.unwrap();
        let tables: Vec<String> = before.keys().cloned().collect();
        assert_eq!(counts!(&mut upgraded, tables), before, "schema {number}");
        let schema = "SELECT name || ': ' || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1";
        assert_eq!(texts!(&mut upgraded, schema), texts!(&mut fresh, schema), "schema {number}");
        assert_eq!(texts!(&mut upgraded, "PRAGMA foreign_key_check"), [""; 0], "schema {number}");
    }
}

#[tokio::test]
async fn postgresql_reads_every_frozen_database() {
    let open = async |database: &Database| {
        PostgresStore::open(PostgresOptions::from_url(database.url()).unwrap()).await.unwrap()
    };
    let database = Database::create().await;
    let store = open(&database).await;
    fill(&store).await;
    let mut fresh = PgConnection::connect(database.url()).await.unwrap();
    if is_wanted() {
        freeze("postgres", &postgres_inserts(&mut fresh).await);
    }
    for number in numbers() {
        let text = fs::read_to_string(frozen("postgres", number)).expect("each schema is frozen; see above");
        let database = Database::create().await;
        let mut old = PgConnection::connect(database.url()).await.unwrap();
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut old).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut old).await.unwrap();
        let before = counts!(&mut old, texts!(&mut old, POSTGRES_TABLES));
        reads(&open(&database).await).await;
        let tables: Vec<String> = before.keys().cloned().collect();
        assert_eq!(counts!(&mut old, tables), before, "schema {number}");
        for schema in [
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            "SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' \
             || COALESCE(column_default, '') FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1",
        ] {
            assert_eq!(texts!(&mut old, schema), texts!(&mut fresh, schema), "schema {number}");
        }
    }
}

async fn sqlite_inserts(connection: &mut sqlx::SqliteConnection) -> Vec<String> {
    let mut inserts = vec![
        "CREATE TABLE schema_migrations (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;"
            .to_owned(),
    ];
    for table in texts!(&mut *connection, SQLITE_TABLES) {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = texts!(&mut *connection, AssertSqlSafe(columns));
        let values: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        let select = format!(
            "SELECT 'INSERT INTO {table} ({}) VALUES (' || {} || ');' FROM \"{table}\" ORDER BY 1",
            columns.join(", "),
            values.join(" || ', ' || "),
        );
        inserts.extend(texts!(&mut *connection, AssertSqlSafe(select)));
    }
    inserts
}

async fn postgres_inserts(connection: &mut PgConnection) -> Vec<String> {
    let mut inserts = vec![
        "CREATE TABLE schema_migrations (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);".to_owned(),
    ];
    for table in texts!(&mut *connection, POSTGRES_TABLES) {
        let columns = format!(
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        );
        let columns = texts!(&mut *connection, AssertSqlSafe(columns));
        let values: Vec<_> = columns.iter().map(|column| format!("quote_nullable({column})")).collect();
        let select = format!(
            "SELECT 'INSERT INTO {table} ({}) VALUES (' || {} || ');' FROM {table} ORDER BY 1",
            columns.join(", "),
            values.join(" || ', ' || "),
        );
        inserts.extend(texts!(&mut *connection, AssertSqlSafe(select)));
    }
    inserts
}
