//! Both databases have the same tables, columns and kinds of column, whatever each calls them.

use std::collections::BTreeMap;

use restic_manager_store::sealed::SealedPlace;
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

/// Columns of bytes that hold no sealed secret: ids, keys that are public, hashes, signatures, texts.
const PLAIN: &[&str] = &[
    "alerts.acknowledged_by",
    "alerts.cause",
    "alerts.host",
    "alerts.id",
    "alerts.job",
    "alerts.repository",
    "alerts.resolved_by",
    "api_tokens.id",
    "api_tokens.token",
    "api_tokens.user_id",
    "attachments.host",
    "attachments.repository",
    "audit.hash",
    "audit.id",
    "audit.previous_hash",
    "audit_checkpoints.hash",
    "audit_checkpoints.signature",
    "audit_checkpoints.signer",
    "backup_days.host",
    "backup_days.source_group",
    "bootstrap.token",
    "channels.id",
    "deliveries.channel",
    "deliveries.id",
    "deliveries.route",
    "deletion_tests.host",
    "deletion_tests.job",
    "deletion_tests.repository",
    "drafts.job",
    "enrolment_tags.enrolment",
    "enrolments.created_by",
    "enrolments.id",
    "enrolments.replaced_by",
    "enrolments.spent_by",
    "enrolments.take_over",
    "enrolments.token",
    "freezes.created_by",
    "freezes.id",
    "freezes.repository",
    "freezes.source_group",
    "hooks.owner",
    "hooks.set_by",
    "host_tags.host",
    "hosts.agent_token",
    "hosts.id",
    "hosts.last_backup_job",
    "hosts.last_token",
    "hosts.next_token",
    "hosts.outbox",
    "hosts.public_key",
    "hosts.running_job",
    "hosts.worst_backup_job",
    "job_logs.body",
    "job_logs.job",
    "jobs.host",
    "jobs.id",
    "jobs.repository",
    "jobs.requested_by",
    "jobs.schedule",
    "jobs.source_group",
    "leases.host",
    "leases.job",
    "leases.repository",
    "limits.lane",
    "maintenance.created_by",
    "maintenance.id",
    "measurements.repository",
    "notices.alert",
    "notices.id",
    "passkeys.credential",
    "passkeys.id",
    "passkeys.public_key",
    "passkeys.user_id",
    "pending_hosts.host",
    "pending_hosts.id",
    "pending_hosts.public_key",
    "previews.job",
    "recovery_codes.code",
    "recovery_codes.user_id",
    "replies.body",
    "replies.fingerprint",
    "repositories.id",
    "repositories.runner",
    "repository_credentials.repository",
    "repository_credentials.set_by",
    "repository_places.repository",
    "routes.id",
    "schedule_groups.schedule",
    "schedule_groups.source_group",
    "schedules.host",
    "schedules.id",
    "sessions.family",
    "sessions.id",
    "sessions.replaced_by",
    "sessions.token",
    "sessions.user_id",
    "setup_links.created_by",
    "setup_links.token",
    "setup_links.user_id",
    "silences.created_by",
    "silences.id",
    "snapshots.host",
    "snapshots.repository",
    "source_groups.host",
    "source_groups.id",
    "source_groups.last_backup_job",
    "source_groups.repository",
    "spent.what",
    "totp.user_id",
    "upkeep.job",
    "upkeep.last_job",
    "upkeep.repository",
    "users.id",
];

/// Whatever is sealed must be known to who seals it anew: a new column of bytes is a place, or it is listed as plain.
#[tokio::test]
async fn every_sealed_column_is_a_place() {
    let places: Vec<_> = SealedPlace::ALL.iter().map(|place| place.column()).collect();
    for ((table, column), (shape, _)) in sqlite_schema().await {
        let is_place = places.contains(&(&table, &column));
        let is_plain = PLAIN.contains(&format!("{table}.{column}").as_str());
        let told = "make a sealed column a `SealedPlace`, list any other here";
        assert_eq!(shape == "bytes", is_place || is_plain, "{table}.{column}: {told}");
        assert!(!(is_place && is_plain), "{table}.{column} is listed as plain and is a place");
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
