//! Verifying a long audit log beside the floor of it: hashing as many bytes, in as many pieces.
//!
//! Prints, asserts nothing of time. Run by `cargo xtask bench audit`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends where it cannot go on"
)]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::{Duration, Instant};

use restic_manager_proto::{
    AuditId, Timestamp,
    vocabulary::{Action, ActorKind, Outcome},
};
use restic_manager_server::{
    Identity, SystemRandom,
    audit::{Verdict, verify},
};
use restic_manager_store::{
    Audit, Store,
    audit::{Actor, NewAuditEntry, Subject},
    sqlite::{SqliteOptions, SqliteStore},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const ENTRIES: u64 = 1_000_000;
/// Entries that are written together.
const BATCH: u64 = 10_000;
/// The hash covers so many fields of an entry, each with its length before it.
const FIELDS: usize = 15;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("restic-manager.sqlite");
    let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
    let (bytes, written) = write(&store).await;
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{ENTRIES} entries, {} MB of them hashed, {} MB on disk", bytes / 1_000_000, size / 1_000_000);
    println!("  written   {:>8.2} s", written.as_secs_f64());

    let floor = floor(bytes);
    let signer = Identity::generate(&SystemRandom::new()).public_key();
    let start = Instant::now();
    let verdict = verify(&store, &signer, &[]).await.unwrap();
    let verified = start.elapsed();
    assert!(matches!(&verdict, Verdict::Whole(whole) if whole.head.sequence == ENTRIES), "{verdict:?}");
    println!(
        "  verified  {:>8.2} s   {:>9.0} entries/s",
        verified.as_secs_f64(),
        ENTRIES as f64 / verified.as_secs_f64()
    );
    println!(
        "  hashing the same bytes alone {:.2} s   ratio {:.1}",
        floor.as_secs_f64(),
        verified.as_secs_f64() / floor.as_secs_f64()
    );
    store.close().await.unwrap();
}

/// How many bytes are hashed, and how long it took.
async fn write(store: &dyn Store) -> (usize, Duration) {
    let (start, mut bytes) = (Instant::now(), 0);
    for batch in 0..ENTRIES / BATCH {
        let entries: Vec<_> = (1..=BATCH).map(|number| entry(batch * BATCH + number)).collect();
        bytes += entries.iter().map(hashed_bytes).sum::<usize>();
        store.begin().await.unwrap().commit(Audit::Entries(entries)).await.unwrap();
    }
    (bytes, start.elapsed())
}

/// One hash an entry, of as many bytes as an entry has.
fn floor(bytes: usize) -> Duration {
    let entry = vec![7_u8; bytes / ENTRIES as usize];
    let start = Instant::now();
    for _ in 0..ENTRIES {
        std::hint::black_box(Sha256::digest(std::hint::black_box(&entry)));
    }
    start.elapsed()
}

/// What a person leaves who looks after hosts.
fn entry(number: u64) -> NewAuditEntry {
    let mut entropy = [0; 10];
    entropy[2..].copy_from_slice(&number.to_be_bytes());
    let moment = Timestamp::from_milliseconds(1_700_000_000_000 + number as i64 * 1000);
    NewAuditEntry {
        id: AuditId::from_parts(moment, entropy),
        moment,
        actor: Actor {
            kind: ActorKind::User,
            id: Some(format!("01932f6e-1c2d-7a4b-8e9f-{:012x}", number % 40)),
            name: Some(format!("user-{}", number % 40)),
        },
        action: Action::HostUpdate,
        subject: Some(Subject {
            kind: "host".to_owned(),
            id: Some(format!("01932f6e-1c2d-7a4b-8e9f-{:012x}", number % 5000)),
            name: Some(format!("web-{}", number % 5000)),
        }),
        outcome: Outcome::Done,
        address: Some(format!("192.0.2.{}", number % 256)),
        detail: json!({ "name": { "before": "web", "after": format!("web-{number}") }, "tags": ["linux"] }),
    }
}

fn hashed_bytes(entry: &NewAuditEntry) -> usize {
    let texts = [&entry.actor.id, &entry.actor.name, &entry.address];
    let texts = texts.iter().map(|text| text.as_ref().map_or(0, String::len)).sum::<usize>();
    let subject = entry.subject.as_ref().map_or(0, |subject| {
        let named = [&subject.id, &subject.name]
            .iter()
            .map(|text| text.as_ref().map_or(0, String::len))
            .sum::<usize>();
        subject.kind.len() + named
    });
    let words = entry.actor.kind.as_str().len() + entry.action.as_str().len() + entry.outcome.as_str().len();
    // Label, hash before, number, id, moment.
    let fixed = 28 + 32 + 8 + 16 + 8;
    FIELDS * 8 + fixed + texts + subject + words + entry.detail.to_string().len()
}
