//! A PostgreSQL server for tests: one cluster for all test processes, one database per test.
//!
//! `RESTIC_MANAGER_POSTGRES_URL`, which `cargo xtask test` sets, names a server to use. Without it the first test starts a temporary cluster from
//! the programs in `RESTIC_MANAGER_POSTGRES_BIN` or the usual places, and a small watcher stops and removes it when no test
//! has used it for a while. It writes without fsync: these tests are about what we say to PostgreSQL.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::SystemTime,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const INSTALL: &str = "no PostgreSQL found; `cargo xtask install` installs it (Debian: postgresql), \
                       or set RESTIC_MANAGER_POSTGRES_BIN to the folder of initdb and pg_ctl";

/// A database of its own for one test.
#[derive(Debug)]
pub struct Database {
    url: String,
}

impl Database {
    /// An empty one.
    pub async fn create() -> Self {
        let server = server();
        let name = format!("test_{}_{}", std::process::id(), next_number());
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Self { url: format!("{server}/{name}") }
    }

    /// Gives its space back at once, for a test that makes many.
    pub async fn discard(self) {
        let (server, name) = self.url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
    }

    /// How to connect to it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn next_number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The server's URL without a database.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<File>)> = OnceLock::new();
    let (url, _in_use) = SERVER.get_or_init(|| match env::var("RESTIC_MANAGER_POSTGRES_URL") {
        Ok(url) => (url.rsplit_once('/').expect("a URL with a database").0.to_owned(), None),
        Err(_) => {
            let (url, in_use) = shared_cluster();
            (url, Some(in_use))
        }
    });
    url
}

/// Joins the cluster of this build folder, or starts it. The lock that comes back keeps it alive.
fn shared_cluster() -> (String, File) {
    let folder = env::temp_dir().join(format!("restic-manager-postgres-{}", fingerprint()));
    fs::create_dir_all(&folder).unwrap();
    let starting = lock_file(&folder.join("starting.lock"));
    starting.lock().unwrap();
    let in_use = lock_file(&folder.join("in-use.lock"));
    in_use.lock_shared().unwrap();
    in_use.set_modified(now()).unwrap();
    let mut port = String::new();
    if let Ok(mut file) = File::open(folder.join("port")) {
        file.read_to_string(&mut port).unwrap();
    }
    if port.is_empty() {
        port = start(&folder);
    }
    (format!("postgres://postgres@127.0.0.1:{port}"), in_use)
}

/// Two checkouts must not share a cluster.
fn fingerprint() -> String {
    let path = env!("CARGO_MANIFEST_DIR");
    let hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn lock_file(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the age of the cluster's lock is real time")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn start(folder: &Path) -> String {
    let programs = programs();
    let data = folder.join("data");
    if data.exists() {
        fs::remove_dir_all(&data).unwrap();
    }
    fs::create_dir(&data).unwrap();
    if is_root() {
        run(Command::new("chown").arg("nobody:nogroup").arg(&data));
        run(Command::new("chmod").arg("755").arg(folder));
    }
    let mut initdb = as_anybody(&programs.join("initdb"));
    initdb.arg("-D").arg(&data);
    run(initdb.args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let options = format!(
        "-k {} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200",
        data.display()
    );
    let mut server = as_anybody(&programs.join("pg_ctl"));
    server.arg("-D").arg(&data).args(["-o", &options, "-l"]).arg(data.join("log"));
    run(server.args(["-w", "start"]));
    File::create(folder.join("port")).unwrap().write_all(port.as_bytes()).unwrap();
    watch(folder, &programs);
    port
}

/// Stops the cluster once nobody holds it and nobody took it up for twenty seconds.
fn watch(folder: &Path, programs: &Path) {
    let script = r#"
        (cd / && while sleep 5; do
            test -e "$1/port" || exit 0
            exec 8>>"$1/starting.lock" 9>>"$1/in-use.lock"
            flock 8
            if [ $(( $(date +%s) - $(stat -c %Y "$1/in-use.lock") )) -gt 20 ] && flock -n 9; then
                rm -f "$1/port"
                shift_user() { if [ "$(id -u)" = 0 ]; then
                    setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi; }
                shift_user "$2/pg_ctl" -D "$1/data" -m immediate stop
                doomed="$1/doomed-$(date +%s)"
                mv "$1/data" "$doomed"
                exec 8>&- 9>&-
                rm -rf "$doomed"
                exit 0
            fi
            exec 8>&- 9>&-
        done) &"#;
    let mut watcher = Command::new("setsid");
    watcher.args(["sh", "-c", script, "sh"]).arg(folder).arg(programs);
    watcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(watcher.status().unwrap().success());
}

fn programs() -> PathBuf {
    let fixed = env::var_os("RESTIC_MANAGER_POSTGRES_BIN").map(PathBuf::from);
    let mut places: Vec<PathBuf> = fixed.into_iter().collect();
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    places.extend(versions.into_iter().rev());
    places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let whole = |place: &PathBuf| place.join("initdb").exists() && place.join("pg_ctl").exists();
    places.into_iter().find(whole).expect(INSTALL)
}

/// PostgreSQL refuses to run as root.
fn as_anybody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn run(command: &mut Command) {
    let output = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
