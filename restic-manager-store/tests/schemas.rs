//! Both databases have the same tables, columns and kinds of column, whatever each calls them.

use std::collections::BTreeMap;

use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};

type Schema = BTreeMap<(String, String), (String, bool)>;

#[tokio::test]
async fn both_schemas_are_equal() {
    let (sqlite, postgres) = (sqlite_schema().await, postgres_schema().await);
    assert!(sqlite.len() > 100, "{} columns", sqlite.len());
    for column in sqlite.keys().chain(postgres.keys()) {
        assert_eq!(sqlite.get(column), postgres.get(column), "{column:?}");
    }
}

#[test]
fn migrations_have_the_same_names() {
    let names = |backend: &str| {
        let folder = format!("{}/migrations/{backend}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

async fn sqlite_schema() -> Schema {
    let (store, folder) = crate::sqlite::open().await;
    store.close().await.unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let sql = "SELECT t.name, c.name, c.type, c.\"notnull\" FROM sqlite_schema t, pragma_table_info(t.name) c \
               WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let columns = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    columns.iter().map(|row| column(row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

async fn postgres_schema() -> Schema {
    let (_store, database) = crate::postgres::open().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let sql = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO' \
               FROM information_schema.columns WHERE table_schema = 'public'";
    let columns = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    columns.iter().map(|row| column(row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

fn column(table: String, name: String, shape: String, required: bool) -> ((String, String), (String, bool)) {
    let shape = match shape.as_str() {
        "BLOB" | "bytea" => "bytes",
        "INTEGER" | "bigint" | "boolean" => "number",
        "TEXT" | "text" => "text",
        other => panic!("{table}.{name} is {other}"),
    };
    ((table, name), (shape.to_owned(), required))
}
