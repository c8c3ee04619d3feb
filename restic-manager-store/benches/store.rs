//! What SPEC's performance goals for the store cost here, each beside the simplest way to do the same, in one run:
//! `cargo bench -p restic-manager-store`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends where it cannot go on"
)]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use restic_manager_proto::{
    HostId, JobId, LogLine, Timestamp,
    vocabulary::{JobKind, LogStream, PresenceMode, Trigger},
};
use restic_manager_store::{
    Audit, PageRequest, PublicKey, Store, TokenHash,
    hosts::{HostFilter, HostOrder, NewHost},
    jobs::NewJob,
    sqlite::{SqliteOptions, SqliteStore},
};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

const LINES: u64 = 300_000;
const BATCH: usize = 200;
const CALLERS: usize = 64;
const CHANGES_EACH: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        logs().await;
        transactions().await;
        pages().await;
    });
}

async fn logs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
    enrol(&store, 1).await;
    let mut tx = store.begin().await.unwrap();
    tx.jobs().queue(&job()).await.unwrap();
    tx.commit(Audit::Routine("benchmark")).await.unwrap();
    let lines: Vec<_> = (1..=LINES).map(line).collect();
    let text: u64 = lines.iter().map(|line| line.text.len() as u64).sum();

    let start = Instant::now();
    for batch in lines.chunks(BATCH) {
        let mut tx = store.begin().await.unwrap();
        tx.logs().append(job().id, batch).await.unwrap();
        tx.commit(Audit::Routine("benchmark")).await.unwrap();
    }
    let chunked = per_second(LINES, start.elapsed());
    let start = Instant::now();
    let mut read = store.read().await.unwrap();
    assert_eq!(read.logs().lines(job().id, 1, LINES as usize).await.unwrap().len(), lines.len());
    let reading = per_second(LINES, start.elapsed());
    let start = Instant::now();
    read.logs().lines(job().id, LINES / 2, 500).await.unwrap();
    let page = start.elapsed();
    drop(read);
    store.close().await.unwrap();
    let stored = sum(&path, "SELECT SUM(LENGTH(body)) FROM job_logs").await;

    let naive_path = folder.path().join("naive.db");
    let naive = naive_lines(&naive_path, &lines).await;
    println!(
        "logs: {chunked:.0} lines/s appended in batches of {BATCH}, {:.1} x one row per line ({naive:.0}/s)",
        chunked / naive
    );
    println!("logs: stored at {:.1} % of the text", 100.0 * stored as f64 / text as f64);
    println!("logs: {reading:.0} lines/s read back, a page of 500 from the middle in {page:.1?}");
}

async fn naive_lines(path: &Path, lines: &[LogLine]) -> f64 {
    let pool = pool(path, 1).await;
    sqlx::query("CREATE TABLE lines (job BLOB, sequence INTEGER, at INTEGER, stream TEXT, text TEXT, PRIMARY KEY (job, sequence))")
        .execute(&pool)
        .await
        .unwrap();
    let start = Instant::now();
    for batch in lines.chunks(BATCH) {
        let mut tx = pool.begin().await.unwrap();
        for line in batch {
            sqlx::query("INSERT INTO lines VALUES ($1, $2, $3, $4, $5)")
                .bind(job().id.as_bytes().as_slice())
                .bind(line.sequence as i64)
                .bind(line.at.as_milliseconds())
                .bind(line.stream.as_str())
                .bind(&line.text)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    }
    per_second(lines.len() as u64, start.elapsed())
}

async fn transactions() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("store.db"))).await.unwrap();
    let (grouped, grouped_worst) = at_once(move |caller, number| {
        let store = store.clone();
        async move {
            let mut tx = store.begin().await.unwrap();
            tx.meta().put(&format!("{caller}-{number}"), "value").await.unwrap();
            tx.commit(Audit::Routine("benchmark")).await.unwrap();
        }
    })
    .await;

    let pool = pool(&folder.path().join("naive.db"), 8).await;
    sqlx::query("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)").execute(&pool).await.unwrap();
    let (pooled, pooled_worst) = at_once(move |caller, number| {
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            sqlx::query("INSERT INTO meta VALUES ($1, 'value')")
                .bind(format!("{caller}-{number}"))
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    })
    .await;
    println!(
        "transactions: {grouped:.0}/s from {CALLERS} callers, worst {grouped_worst:.0?}; \
         a pool does {pooled:.0}/s, worst {pooled_worst:.0?}: {:.1} x",
        grouped / pooled
    );
}

/// Changes per second over all callers, and the longest that any of them took.
async fn at_once<F>(change: impl Fn(usize, usize) -> F + Clone + Send + 'static) -> (f64, Duration)
where
    F: Future<Output = ()> + Send,
{
    let start = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let change = change.clone();
        callers.spawn(async move {
            let mut worst = Duration::ZERO;
            for number in 0..CHANGES_EACH {
                let begun = Instant::now();
                change(caller, number).await;
                worst = worst.max(begun.elapsed());
            }
            worst
        });
    }
    let worst = callers.join_all().await.into_iter().max().unwrap();
    (per_second((CALLERS * CHANGES_EACH) as u64, start.elapsed()), worst)
}

async fn pages() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("store.db"))).await.unwrap();
    enrol(&store, 1_000).await;
    let small = page(&store).await;
    enrol(&store, 10_000).await;
    let large = page(&store).await;
    println!(
        "pages: 50 hosts of 1,000 in {small:.0?}, of 10,000 in {large:.0?}: {:.2} x",
        large.as_secs_f64() / small.as_secs_f64()
    );
}

/// The median time of a page from the middle of the list.
async fn page(store: &SqliteStore) -> Duration {
    let mut times = Vec::new();
    let mut after = None;
    for _ in 0..400 {
        let start = Instant::now();
        let mut read = store.read().await.unwrap();
        let request = after.take().map_or(PageRequest::first(50), |after| PageRequest::after(after, 50));
        let page = read.hosts().page(&HostFilter::default(), HostOrder::Name, request).await.unwrap();
        times.push(start.elapsed());
        after = page.next;
    }
    times.sort_unstable();
    times[times.len() / 2]
}

async fn enrol(store: &SqliteStore, hosts: u32) {
    let mut tx = store.begin().await.unwrap();
    for number in 0..hosts {
        let mut token = [0; 32];
        token[..4].copy_from_slice(&number.to_be_bytes());
        let host = NewHost {
            id: id(HostId::from_bytes, number),
            name: format!("host-{number:05}.example.org"),
            restic_name: format!("host-{number:05}.example.org"),
            tags: vec!["linux".into(), format!("rack-{}", number % 20)],
            presence_mode: PresenceMode::AlwaysOn,
            public_key: PublicKey::new([1; 32]),
            agent_token: TokenHash::new(token),
            enrolled: Timestamp::from_milliseconds(1_795_316_400_000),
        };
        if tx.hosts().find(host.id).await.unwrap().is_none() {
            tx.hosts().enrol(&host).await.unwrap();
        }
    }
    tx.commit(Audit::Routine("benchmark")).await.unwrap();
}

fn job() -> NewJob {
    NewJob {
        id: id(JobId::from_bytes, 1),
        host: id(HostId::from_bytes, 0),
        kind: JobKind::Backup,
        trigger: Trigger::Manual,
        requested_by: None,
        options: Default::default(),
        source_group: None,
        slots: None,
        repository: None,
        dispatch_by: None,
        end_by: None,
        created: Timestamp::from_milliseconds(1_795_316_400_000),
    }
}

fn id<T>(make: impl Fn([u8; 16]) -> T, number: u32) -> T {
    let mut bytes = [1; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    make(bytes)
}

/// A line such as restic's verbose output has, with names and numbers that differ from line to line.
fn line(sequence: u64) -> LogLine {
    let mix = (sequence ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    let text = format!(
        "new       /srv/share/projects/{:04}/documents/{:012x}-report.pdf, saved in {}.{:03}s ({}.{:03} MiB added)",
        mix % 700,
        mix & 0xffff_ffff_ffff,
        mix % 2,
        mix % 1000,
        mix % 17,
        mix % 997
    );
    let at = Timestamp::from_milliseconds(1_795_316_400_000 + (sequence * 3) as i64);
    LogLine { sequence, at, stream: LogStream::Stdout, text }
}

async fn pool(path: &Path, connections: u32) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(60));
    SqlitePoolOptions::new().max_connections(connections).connect_with(options).await.unwrap()
}

async fn sum(path: &Path, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&pool(path, 1).await).await.unwrap()
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
