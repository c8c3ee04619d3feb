//! The log is tampered with behind the server's back, and the command and the server notice. Keys are rotated, and a
//! rotation that was stopped goes on.
#![expect(clippy::unwrap_used, reason = "a test that fails may say so by panicking")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use restic_manager_proto::vocabulary::{Action, ActorKind, AlertKind, Outcome};
use restic_manager_proto::{AuditId, RepositoryId, Timestamp};
use restic_manager_server::audit::Checkpoint;
use restic_manager_server::sealing::{RotateError, key_status, rotate_keys};
use restic_manager_server::{Config, Context, Identity, Keyring, Server, Shutdown, SystemRandom, open_keys};
use restic_manager_store::alerts::AlertSubject;
use restic_manager_store::audit::{Actor, AuditEntry, NewAuditEntry, Subject};
use restic_manager_store::postgres::{PostgresOptions, PostgresStore};
use restic_manager_store::repositories::Repository;
use restic_manager_store::sealed::SealedPlace;
use restic_manager_store::sqlite::{SqliteOptions, SqliteStore};
use restic_manager_store::{Audit, SealedBlob, Store};
use restic_manager_testkit::postgres::Database;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::net::TcpListener;

const ENTRIES: u64 = 9;
/// More than two batches.
const SECRETS: u8 = 230;

/// A data folder with keys, and a database with a log that a checkpoint covers.
struct Site {
    folder: tempfile::TempDir,
    /// A database of PostgreSQL; SQLite in the folder when there is none.
    database: Option<Database>,
}

impl Site {
    fn url(&self) -> Option<&str> {
        self.database.as_ref().map(Database::url)
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    fn sqlite(&self) -> PathBuf {
        self.data().join("restic-manager.sqlite")
    }

    fn keys(&self) -> PathBuf {
        self.data().join("secret.key")
    }

    fn mark(&self) -> PathBuf {
        self.data().join("database.mark")
    }

    fn identity(&self) -> PathBuf {
        self.data().join("identity.key")
    }

    async fn store(&self) -> Arc<dyn Store> {
        match self.url() {
            None => Arc::new(SqliteStore::open(SqliteOptions::new(self.sqlite())).await.unwrap()),
            Some(url) => {
                Arc::new(PostgresStore::open(PostgresOptions::from_url(url).unwrap()).await.unwrap())
            }
        }
    }

    async fn tamper(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.url() {
            None => {
                let url = format!("sqlite://{}", self.sqlite().display());
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// What the command says, and its exit code.
    fn command(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restic-manager-server"));
        command.args(words).env("RM_DATA_DIR", self.data());
        if let Some(url) = self.url() {
            command.env("RM_DATABASE_URL", url);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        (status.code().unwrap(), said)
    }

    async fn server(&self, store: &Arc<dyn Store>, shutdown: &Shutdown) -> Server {
        let random = SystemRandom::new();
        let (keyring, identity) = open_keys(&**store, &self.keys(), &self.identity(), &random).await.unwrap();
        let config = Config::new("https://backup.example.com".parse().unwrap());
        let server = Server::builder(Arc::clone(store), keyring, identity, config);
        let server = server.shutdown(shutdown.clone()).mark_file(self.mark()).build();
        server.prepare().await.unwrap();
        server
    }

    /// A first start, entries, and a checkpoint over them.
    async fn fill(&self) {
        let store = self.store().await;
        self.server(&store, &Shutdown::new()).await;
        for number in 1..=ENTRIES {
            let mut transaction = store.begin().await.unwrap();
            transaction.meta().put("round", &number.to_string()).await.unwrap();
            transaction.commit(Audit::entry(sample(number))).await.unwrap();
        }
        let identity = Identity::open_file(&self.identity()).unwrap();
        let mut transaction = store.begin().await.unwrap();
        let head = transaction.audit().head().await.unwrap();
        let checkpoint = Checkpoint::sign(&identity, head, sample(1).moment);
        transaction.checkpoints().add(checkpoint.stored()).await.unwrap();
        transaction.commit(Audit::Routine("a fixture")).await.unwrap();
        store.close().await.unwrap();
    }

    /// Serves until the log was judged: whether the alert lasts then.
    async fn serve_until_judged(&self) -> Option<String> {
        let store = self.store().await;
        let shutdown = Shutdown::new();
        let server = self.server(&store, &shutdown).await;
        let before = store.read().await.unwrap().checkpoints().last().await.unwrap();
        // Something new, so that a whole log gets a checkpoint.
        let last = store.read().await.unwrap().audit().head().await.unwrap().sequence;
        store.begin().await.unwrap().commit(Audit::entry(sample(100 + last))).await.ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let serving = tokio::spawn({
            let server = server.clone();
            async move { server.serve(listener, server.service()).await }
        });
        let judged = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                let mut read = store.read().await.unwrap();
                let subject = AlertSubject::server();
                let alert = read.alerts().unresolved(AlertKind::AuditChainBroken, &subject).await.unwrap();
                if let Some(alert) = alert {
                    return Some(alert.summary);
                }
                if read.checkpoints().last().await.unwrap() != before {
                    return None;
                }
                drop(read);
                tokio::task::yield_now().await;
            }
        });
        let judged = judged.await.expect("the server reads the log at its start");
        shutdown.request();
        let _finish = serving.await.unwrap();
        judged
    }
}

fn sample(number: u64) -> NewAuditEntry {
    NewAuditEntry {
        id: AuditId::from_parts(Timestamp::from_milliseconds(0), [number as u8; 10]),
        moment: Timestamp::from_milliseconds(1_795_316_400_000 + number as i64),
        actor: Actor { kind: ActorKind::User, id: Some("1".to_owned()), name: Some("Ada".to_owned()) },
        action: Action::HostUpdate,
        subject: Some(Subject { kind: "host".to_owned(), id: None, name: Some(format!("host-{number}")) }),
        outcome: Outcome::Done,
        address: None,
        detail: serde_json::json!({ "number": number }),
    }
}

/// SQLite, and PostgreSQL.
async fn sites() -> [Site; 2] {
    let database = Database::create().await;
    let sites =
        [None, Some(database)].map(|database| Site { folder: tempfile::tempdir().unwrap(), database });
    for site in &sites {
        site.fill().await;
    }
    sites
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_whole() {
    for site in sites().await {
        let (code, said) = site.command(&["audit", "verify"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("9 entries") && said.contains("covers all of it"), "{said}");
        let (code, line) = site.command(&["audit", "checkpoint"]);
        assert_eq!(code, 0, "{line}");
        assert_eq!(site.command(&["audit", "verify", "--checkpoint", line.trim()]).0, 0);
        assert_eq!(site.serve_until_judged().await, None);
        // Verifying changes nothing, so it works on a log that a server goes on writing to.
        assert_eq!(site.command(&["audit", "verify", "--checkpoint", line.trim()]).0, 0);
    }
}

async fn notices(sql: &str, words: &str) {
    for site in sites().await {
        site.tamper(sql).await;
        let (code, said) = site.command(&["audit", "verify"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(words), "{said}");
        let alert = site.serve_until_judged().await.expect("an alert");
        assert!(alert.contains(words), "{alert}");
        let (code, _) = site.command(&["audit", "verify"]);
        assert_eq!(code, 1, "it is not signed over");
    }
}

#[tokio::test]
async fn a_changed_row_is_noticed() {
    notices("UPDATE audit SET actor_name = 'Eve' WHERE sequence = 4", "entry 4 was changed").await;
}

#[tokio::test]
async fn a_row_that_is_no_entry_any_more_is_noticed() {
    notices("UPDATE audit SET action = 'nonsense' WHERE sequence = 4", "entry 4 was changed").await;
}

#[tokio::test]
async fn a_deleted_row_is_noticed() {
    notices("DELETE FROM audit WHERE sequence IN (4, 5)", "entries 4 to 5 are missing").await;
}

#[tokio::test]
async fn swapped_rows_are_noticed() {
    let swap = "UPDATE audit SET sequence = 1000 WHERE sequence = 4; UPDATE audit SET sequence = 4 WHERE sequence = 6; \
                UPDATE audit SET sequence = 6 WHERE sequence = 1000;";
    notices(swap, "at 4 stands what was written as entry 6").await;
}

#[tokio::test]
async fn a_truncated_tail_is_noticed() {
    notices("DELETE FROM audit WHERE sequence > 6", "").await;
    for site in sites().await {
        site.tamper("DELETE FROM audit WHERE sequence > 6").await;
        let (code, said) = site.command(&["audit", "verify"]);
        assert_eq!(code, 1);
        assert!(said.contains("ends at entry 6, and entry 9 is known"), "{said}");
        // Who also deletes the checkpoint is found out by the line that was kept elsewhere.
        let (_, line) = site.command(&["audit", "checkpoint"]);
        site.tamper("DELETE FROM audit_checkpoints").await;
        let (code, said) = site.command(&["audit", "verify"]);
        assert!(code == 3 && said.contains("NOT PROVEN: there is no checkpoint"), "{said}");
        let (code, said) = site.command(&["audit", "verify", "--checkpoint", line.trim()]);
        assert!(code == 1 && said.contains("truncated"), "{said}");
    }
}

#[tokio::test]
async fn an_end_that_no_checkpoint_covers_is_not_called_whole() {
    for site in sites().await {
        let store = site.store().await;
        store.begin().await.unwrap().commit(Audit::entry(sample(77))).await.unwrap();
        store.close().await.unwrap();
        let (code, said) = site.command(&["audit", "verify"]);
        assert!(code == 3 && said.contains("NOT PROVEN from entry 10 on"), "{said}");
    }
}

/// Writes the log anew from an entry on, as whoever has the database can: every hash fits.
async fn forge(site: &Site, from: u64) {
    let store = site.store().await;
    let entries = store.read().await.unwrap().audit().since(1, 1000).await.unwrap();
    store.close().await.unwrap();
    let (kept, forged) = entries.split_at(from as usize - 1);
    let mut head = kept.last().unwrap().head();
    let bytes = |bytes: &[u8]| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if site.url().is_some() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") }
    };
    let mut sql = "DELETE FROM audit_checkpoints;".to_owned();
    for entry in forged {
        let mut entry = entry.entry.clone();
        entry.actor.name = Some("Eve".to_owned());
        let linked = AuditEntry::link(head, entry);
        head = linked.head();
        let (previous, hash) = (bytes(&linked.previous_hash), bytes(&linked.hash));
        sql.push_str(&format!(
            "UPDATE audit SET actor_name = 'Eve', previous_hash = {previous}, hash = {hash} WHERE sequence = {};",
            linked.sequence
        ));
    }
    site.tamper(&sql).await;
}

#[tokio::test]
async fn a_forged_log_without_its_checkpoints_is_found_by_what_the_mark_knows() {
    for site in sites().await {
        // At its end a server signs all of the log, outside of the database too.
        assert_eq!(site.serve_until_judged().await, None);
        let (code, said) = site.command(&["audit", "verify"]);
        assert!(code == 0 && said.contains("covers all of it"), "{said}");
        forge(&site, 4).await;
        let (code, said) = site.command(&["audit", "verify"]);
        assert!(code == 1 && said.contains("BROKEN"), "{said}");
        let alert = site.serve_until_judged().await.expect("an alert");
        assert!(alert.contains("not as it was written"), "{alert}");
        let (code, said) = site.command(&["audit", "verify"]);
        assert_eq!(code, 1, "it is not signed over: {said}");

        // Without the mark it cannot be told, and is not called whole; and no server starts on it.
        std::fs::remove_file(site.mark()).unwrap();
        site.tamper("DELETE FROM audit_checkpoints").await;
        let (code, said) = site.command(&["audit", "verify"]);
        assert!(code == 3 && said.contains("NOT PROVEN"), "{said}");
        let (code, said) = site.command(&["run"]);
        assert!(code == 1 && said.contains("accept-database"), "{said}");
    }
}

#[tokio::test]
async fn a_database_that_went_back_in_time_is_refused_until_it_is_accepted() {
    for site in sites().await {
        assert_eq!(site.serve_until_judged().await, None);
        let marked = std::fs::read_to_string(site.mark()).unwrap();
        // As an older copy would say.
        site.tamper("UPDATE meta SET value = '1' WHERE name = 'generation'").await;
        let (code, said) = site.command(&["run"]);
        assert!(code == 1 && said.contains("older than this server knew it"), "{said}");
        assert!(said.contains("accept-database"), "it says what to do: {said}");
        assert_eq!(std::fs::read_to_string(site.mark()).unwrap(), marked, "a refusal changes nothing");

        let (code, said) = site.command(&["accept-database"]);
        assert!(code == 0 && said.contains("the database is accepted"), "{said}");
        assert_eq!(site.serve_until_judged().await, None, "it starts again, and the log is whole");
        let store = site.store().await;
        let mut read = store.read().await.unwrap();
        let alert = read.alerts().unresolved(AlertKind::ServerRestored, &AlertSubject::server()).await;
        let alert = alert.unwrap().expect("somebody is to know");
        assert!(alert.summary.contains("accepted"), "{}", alert.summary);
        let entries = read.audit().since(1, 1000).await.unwrap();
        let accepted = entries.iter().find(|entry| entry.entry.action == Action::DatabaseAccept);
        let detail = &accepted.expect("it is in the audit log").entry.detail;
        assert!(
            detail["known_checkpoint"]
                .as_str()
                .is_some_and(|line| line.starts_with("restic-manager-audit-1:"))
        );
        drop(read);
        store.close().await.unwrap();
        assert_eq!(site.command(&["audit", "verify"]).0, 0);
    }
}

#[tokio::test]
async fn a_database_in_order_is_never_refused() {
    for site in sites().await {
        for _ in 0..2 {
            assert_eq!(site.serve_until_judged().await, None);
        }
        // A start that was broken off between the database and its mark.
        let older = std::fs::read_to_string(site.mark()).unwrap();
        assert_eq!(site.serve_until_judged().await, None);
        std::fs::write(site.mark(), older).unwrap();
        assert_eq!(site.serve_until_judged().await, None, "a mark that is behind says nothing wrong");
        assert_eq!(site.command(&["audit", "verify"]).0, 0);
        std::fs::write(site.mark(), "nonsense").unwrap();
        let (code, said) = site.command(&["run"]);
        assert!(code == 1 && said.contains("database.mark"), "{said}");
    }
}

#[tokio::test]
async fn nobody_accepts_a_database_under_a_running_server() {
    let site = &sites().await[0];
    let lock = std::fs::File::create(site.data().join("server.lock")).unwrap();
    lock.lock().unwrap();
    let (code, said) = site.command(&["accept-database"]);
    assert!(code == 1 && said.contains("stop the server"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_told_has_a_code_of_its_own() {
    let site = &sites().await[0];
    assert_eq!(site.command(&["audit", "verify", "--checkpoint", "nonsense"]).0, 2);
    assert_eq!(site.command(&["audit", "verify", "--file", "/nonexistent", "--fingerprint", "x"]).0, 2);
    std::fs::remove_file(site.identity()).unwrap();
    let (code, said) = site.command(&["audit", "verify"]);
    assert!(code == 2 && said.contains("--fingerprint"), "{said}");
}

/// Repositories with a sealed password each.
async fn seal_secrets(store: &dyn Store, keyring: &Keyring) {
    let random = SystemRandom::new();
    let mut transaction = store.begin().await.unwrap();
    for number in 0..SECRETS {
        let id = RepositoryId::from_bytes([number; 16]);
        let sealed = keyring.seal(&Context::repository_password(id.as_bytes()), &[number], &random);
        let repository = Repository {
            id,
            name: format!("r{number}"),
            location: "/srv".to_owned(),
            backend: "local".to_owned(),
            password: Some(SealedBlob::new(sealed.into_bytes())),
            password_set: Some(sample(1).moment),
            runner: None,
            parallel: None,
            created: sample(1).moment,
            version: 1,
            deleted: None,
        };
        transaction.repositories().add(&repository).await.unwrap();
    }
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}

/// Every secret opens, and only where it belongs.
async fn expect_secrets(store: &dyn Store, keyring: &Keyring) {
    let rows =
        store.read().await.unwrap().sealed().rows(SealedPlace::RepositoryPassword, None, 500).await.unwrap();
    assert_eq!(rows.len(), usize::from(SECRETS));
    for row in rows {
        let sealed = restic_manager_server::Sealed::from_bytes(row.sealed.as_bytes());
        let opened = keyring.open(&Context::repository_password(&row.row), &sealed).unwrap();
        assert_eq!(opened.expose(), &row.row[..1]);
        let elsewhere = [row.row[0].wrapping_add(1); 16];
        assert!(keyring.open(&Context::repository_password(&elsewhere), &sealed).is_err());
    }
}

#[tokio::test]
async fn a_rotation_that_was_stopped_goes_on_and_drops_the_old_key_at_the_end() {
    for site in sites().await {
        let (store, random) = (site.store().await, SystemRandom::new());
        let old = Keyring::open_file(&site.keys()).unwrap();
        seal_secrets(&*store, &old).await;
        let stop = |_| ControlFlow::Break(());
        let stopped = rotate_keys(&*store, &site.keys(), &random, sample(1).moment, stop).await;
        assert!(matches!(stopped, Err(RotateError::Stopped)), "{stopped:?}");
        let between = Keyring::open_file(&site.keys()).unwrap();
        assert_eq!(between.key_ids().count(), 2, "the old key is still needed");
        expect_secrets(&*store, &between).await;
        let status = key_status(&*store, &between).await.unwrap();
        assert_eq!(
            status[0].by_key.values().copied().collect::<Vec<_>>().iter().sum::<u64>(),
            u64::from(SECRETS)
        );
        assert_eq!(status[0].by_key.len(), 2);
        // A server may start in between; it writes with the new key.
        site.server(&store, &Shutdown::new()).await;
        store.close().await.unwrap();

        let (code, said) = site.command(&["keys", "rotate"]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("went on") && said.contains("left the file"), "{said}");
        let after = Keyring::open_file(&site.keys()).unwrap();
        assert_eq!(after.key_ids().collect::<Vec<_>>(), [between.newest_id()]);
        let store = site.store().await;
        expect_secrets(&*store, &after).await;
        store.close().await.unwrap();
        let (code, said) = site.command(&["keys", "status"]);
        assert!(code == 0 && said.contains(&format!("{SECRETS} with {}", after.newest_id())), "{said}");
    }
}

#[tokio::test]
async fn a_secret_that_opens_nowhere_keeps_the_old_key_and_is_named() {
    let site = &sites().await[0];
    let store = site.store().await;
    seal_secrets(&*store, &Keyring::open_file(&site.keys()).unwrap()).await;
    store.close().await.unwrap();
    // Two secrets change places.
    site.tamper(
        "UPDATE repositories SET password = (SELECT password FROM repositories WHERE name = 'r8') WHERE name = 'r7'",
    )
    .await;
    let (code, said) = site.command(&["keys", "rotate"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&"07".repeat(16)) && said.contains("the old key stays"), "{said}");
    assert_eq!(Keyring::open_file(&site.keys()).unwrap().key_ids().count(), 2);
}

#[tokio::test]
async fn keys_that_do_not_fit_the_database_are_refused_with_the_way_back() {
    let site = &sites().await[0];
    let whole = std::fs::read_to_string(site.keys()).unwrap();
    let refused = || {
        let (code, said) = site.command(&["run"]);
        assert_ne!(code, 0, "{said}");
        said
    };
    std::fs::remove_file(site.keys()).unwrap();
    let said = refused();
    assert!(said.contains("secret.key") && said.contains("put back your copy"), "{said}");
    assert!(!site.keys().exists(), "no new key hides the loss");
    let short = &whole[..whole.len() - 10];
    write_private(&site.keys(), short);
    assert!(refused().contains("cut short"));
    let other = tempfile::tempdir().unwrap();
    Keyring::open_or_create(&other.path().join("k"), &SystemRandom::new()).unwrap();
    write_private(&site.keys(), &std::fs::read_to_string(other.path().join("k")).unwrap());
    assert!(refused().contains("put the key file back that belongs to the database"));
    write_private(&site.keys(), &whole);
    std::fs::remove_file(site.identity()).unwrap();
    assert!(refused().contains("identity.key"));
    assert_eq!(site.command(&["keys", "status"]).0, 0);
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn nobody_rotates_under_a_running_server() {
    let site = &sites().await[0];
    let lock = std::fs::File::create(site.data().join("server.lock")).unwrap();
    lock.lock().unwrap();
    let (code, said) = site.command(&["keys", "rotate"]);
    assert!(code == 1 && said.contains("stop the server"), "{said}");
}

#[tokio::test]
async fn commands_for_admins_leave_an_older_schema_as_it_is() {
    for site in sites().await {
        site.tamper(
            "DELETE FROM schema_migrations WHERE number = (SELECT MAX(number) FROM schema_migrations)",
        )
        .await;
        for words in [["admin", "list"].as_slice(), &["admin", "reset", "alice"]] {
            let (code, said) = site.command(words);
            assert_eq!(code, 1, "{said}");
            assert!(said.contains("older schema"), "{said}");
        }
    }
}
