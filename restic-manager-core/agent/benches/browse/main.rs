//! What the index of a snapshot costs and gives: time and memory to make it, bytes for each entry and for each field, pages
//! and searches, beside plain decoding and beside restic itself.
//!
//! `cargo xtask bench browse` prints figures and asserts nothing: machines differ, so the ratios count.
#![expect(clippy::print_stdout, reason = "the figures are the product")]
#![expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]

mod listing;
mod restic;

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use listing::{Made, homes, one_folder, real, scattered, show};
use restic_manager_agent::index::{
    Builder, Catalogue, Index, IndexError, Indexes, Keeper, Listing, Meta, Moment, Pattern, Sink, SnapshotId,
    SnapshotKey, View, search,
};
use restic_manager_crypto::ContentDigest;
use restic_manager_proto::{RepositoryId, Timestamp};
use restic_manager_restic::Decoder;

const ENTRIES: u64 = 1_000_000;
const NOW: Timestamp = Timestamp::from_milliseconds(1_795_316_400_000);
const PAGES: u64 = 2000;
const SNAPSHOTS: u8 = 100;

fn main() {
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    let place = tempfile::Builder::new().prefix("restic-manager-browse-").tempdir().expect("a folder");
    for (name, made) in [
        ("homes", make(place.path(), 1, || homes(ENTRIES))),
        ("one folder", make(place.path(), 2, || one_folder(ENTRIES))),
    ] {
        pages(name, &made);
    }
    fields();
    searches(place.path());
    restic::beside(place.path());
}

pub(crate) fn key(number: u8) -> SnapshotKey {
    let snapshot: SnapshotId = format!("{number:02x}").repeat(32).parse().expect("an id");
    SnapshotKey { repository: RepositoryId::from_bytes([1; 16]), snapshot }
}

/// Makes an index of a listing, and prints what it costs.
fn make<I: Iterator<Item = Made>>(place: &Path, number: u8, entries: impl Fn() -> I) -> Index {
    let id = key(number).snapshot.to_string();
    let made_up = timed(|| {
        show(&id, entries(), |chunk| {
            black_box(chunk);
        })
    })
    .0;
    let decoded = timed(|| decode(&id, entries())).0.saturating_sub(made_up);
    let indexes = Indexes::open(&place.join(format!("index-{number}")), u64::MAX).expect("it opens");
    let idle = peak_kib(true);
    let (took, catalogue) = timed(|| index(&indexes, key(number), &id, entries()));
    let (took, peak) = (took.saturating_sub(made_up), peak_kib(false));
    let bytes = indexes.bytes().expect("it reads");
    let count = catalogue.totals.entries;
    println!(
        "\n{count} entries: made in {:.2} s, {:.2} x decoding alone ({:.2} s); {} blocks, {:.2} bytes for each entry; \
         memory {:.1} MiB above idle",
        took.as_secs_f64(),
        took.as_secs_f64() / decoded.as_secs_f64(),
        decoded.as_secs_f64(),
        catalogue.rows.len(),
        bytes as f64 / count as f64,
        peak.saturating_sub(idle) as f64 / 1024.0,
    );
    indexes.index(key(number), NOW).expect("it is there")
}

fn decode(id: &str, entries: impl Iterator<Item = Made>) {
    let mut decoder = Decoder::new();
    show(id, entries, |chunk| {
        decoder.push(chunk);
        while let Some(event) = decoder.next_event_ref() {
            black_box(&event);
        }
    });
}

fn index(
    indexes: &Arc<Indexes>,
    key: SnapshotKey,
    id: &str,
    entries: impl Iterator<Item = Made>,
) -> Catalogue {
    let mut listing = Listing::new(key, indexes.keeper());
    show(id, entries, |chunk| listing.push(chunk).expect("it is a listing"));
    let (catalogue, keeper) = listing.finish().expect("it is whole");
    indexes.commit(&catalogue, keeper, NOW).expect("the disk takes it");
    catalogue
}

/// Pages of 500 at random places, each of a folder that was not looked at just before.
fn pages(name: &str, index: &Index) {
    let mut times = Vec::new();
    for number in 0..PAGES {
        let at = scattered(number);
        let (folder, after) = match name {
            "homes" => (format!("/home/team/project-{:06}/part-{}", at % (ENTRIES / 250), at % 10), 0),
            _ => ("/spool".to_owned(), at % (ENTRIES - 500)),
        };
        let view = View { after, limit: 500, ..View::default() };
        let (took, page) = timed(|| index.page(folder.as_bytes(), &view).expect("blocks read"));
        assert!(page.is_some_and(|page| !page.entries.is_empty()), "{folder}");
        times.push(took);
    }
    println!("a page of {name}: {}", percentiles(&mut times));
}

pub(crate) fn percentiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    format!("p50 {:.3} ms, p99 {:.3} ms, slowest {:.3} ms", at(50), at(99), at(100))
}

/// Counts what it is given.
#[derive(Default)]
struct Counted(u64);

impl Sink for Counted {
    fn keep(&mut self, file: &[u8]) -> Result<ContentDigest, IndexError> {
        self.0 += file.len() as u64;
        Ok(ContentDigest::of(file))
    }
}

fn size(entries: &[Made], without: impl Fn(Meta) -> Meta) -> f64 {
    let mut builder = Builder::new(Counted::default());
    for entry in entries {
        builder.add(entry.path.as_bytes(), without(entry.meta)).expect("it comes next");
    }
    let (_, counted) = builder.finish(key(0)).expect("memory takes it");
    counted.0 as f64 / entries.len() as f64
}

/// A field, and an entry without it.
type Field = (&'static str, fn(Meta) -> Meta);

/// What each field costs: how much smaller the index is where it is the same for all.
fn fields() {
    const FIELDS: [Field; 5] = [
        ("nanoseconds", |meta| Meta { mtime: Moment { nanoseconds: 0, ..meta.mtime }, ..meta }),
        ("the whole time", |meta| Meta { mtime: Moment::default(), ..meta }),
        ("size", |meta| Meta { size: 0, ..meta }),
        ("mode", |meta| Meta { mode: 0, ..meta }),
        ("owner and group", |meta| Meta { uid: 0, gid: 0, ..meta }),
    ];
    let mut usr = Vec::new();
    real(Path::new("/usr"), &mut usr);
    let homes: Vec<_> = homes(ENTRIES / 4).collect();
    for (name, entries) in [("/usr of this machine", usr), ("homes", homes)] {
        let folders =
            entries.iter().filter(|entry| entry.meta.is_dir()).count() as f64 / entries.len() as f64;
        let path_bytes: usize = entries.iter().map(|entry| entry.path.len()).sum();
        let all = size(&entries, |meta| meta);
        println!(
            "\n{name}: {} entries, paths of {:.0} bytes, {:.0} % folders: {all:.2} bytes for each entry",
            entries.len(),
            path_bytes as f64 / entries.len() as f64,
            folders * 100.0
        );
        for (field, without) in FIELDS {
            println!("  {field}: {:.2}", all - size(&entries, without));
        }
        println!("  sums of folders: {:.2}", folders * 8.0);
    }
}

/// A search for what is rare over many snapshots of 100,000 entries, between each of which one folder in a hundred differs.
fn searches(place: &Path) {
    let indexes = Indexes::open(&place.join("many"), u64::MAX).expect("it opens");
    let mut alone = 0;
    for number in 0..SNAPSHOTS {
        let mut builder: Builder<Keeper> = Builder::new(indexes.keeper());
        for (at, entry) in (0..).zip(homes(100_000)) {
            let differs = scattered(at / 25 * 1000 + u64::from(number)).is_multiple_of(100);
            let size = entry.meta.size + u64::from(differs && !entry.meta.is_dir());
            builder.add(entry.path.as_bytes(), Meta { size, ..entry.meta }).expect("it comes next");
        }
        let (catalogue, keeper) = builder.finish(key(number)).expect("the disk takes it");
        indexes.commit(&catalogue, keeper, NOW).expect("the disk takes it");
        if number == 0 {
            alone = indexes.bytes().expect("it reads");
        }
    }
    let all = indexes.bytes().expect("it reads");
    let opened: Vec<_> =
        (0..SNAPSHOTS).map(|number| indexes.index(key(number), NOW).expect("it is there")).collect();
    let opened: Vec<_> = opened.iter().collect();
    println!(
        "\n{SNAPSHOTS} snapshots of {} entries take {:.1} MiB, {:.1} x one of them",
        opened[0].totals().entries,
        all as f64 / (1 << 20) as f64,
        all as f64 / alone as f64
    );
    for text in ["0042 report.pdf", "part-7", "*beef*.rs"] {
        let pattern = Pattern::new(text.as_bytes()).expect("a pattern");
        let one = timed(|| search(&opened[..1], &pattern, None, 200, || true).expect("blocks read")).0;
        let (took, found) = timed(|| search(&opened, &pattern, None, 200, || true).expect("blocks read"));
        println!(
            "search for {text:?}: {} hits in {:.0} ms, {:.1} x as long as in one snapshot",
            found.hits.len(),
            took.as_secs_f64() * 1000.0,
            took.as_secs_f64() / one.as_secs_f64()
        );
    }
}

pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = act();
    (start.elapsed(), done)
}

/// The most memory this process has had, in KiB; from now on, where `anew`.
fn peak_kib(anew: bool) -> u64 {
    if anew {
        drop(std::fs::write("/proc/self/clear_refs", "5"));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
