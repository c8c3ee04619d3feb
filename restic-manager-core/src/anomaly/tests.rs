use super::*;
use proptest::prelude::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAYS: usize = 400;

/// Numbers that are the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// From `low` to `high`, alike.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// Mostly little, seldom much: up to `scale` × 2^6.
    fn tail(&mut self, scale: u64) -> u64 {
        let doublings = (0..6).take_while(|_| self.next().is_multiple_of(4)).count();
        (scale << doublings) / 2 + self.between(0, scale)
    }
}

/// A host that lives quietly: how its backup of a day looks.
type Life = fn(usize, &mut Chance) -> Run;

const LIVES: [(&str, Life); 6] = [
    ("web server", |day, chance| {
        run(
            40_000 + 10 * day as u64,
            chance.tail(60),
            (20 * GIB) + day as u64 * 9 * MIB,
            chance.tail(40 * MIB),
            4,
        )
    }),
    ("database dumps", |day, chance| {
        let bytes = 8 * GIB + day as u64 * 3 * MIB + chance.between(0, 400 * MIB);
        run(30, 2, bytes, bytes / 6 + chance.between(0, 200 * MIB), 9)
    }),
    ("office share", |day, chance| {
        // Nobody works at the weekend, and the books are closed once a month.
        let busy = match (day % 7, day % 30) {
            (5 | 6, _) => 3,
            (_, 0) => 4_000,
            _ => 400,
        };
        run(
            250_000 + 60 * day as u64,
            chance.tail(busy),
            600 * GIB + day as u64 * 90 * MIB,
            chance.tail(busy * 400_000),
            25,
        )
    }),
    ("laptop", |day, chance| {
        run(
            90_000 + 5 * day as u64,
            chance.tail(700),
            120 * GIB + chance.between(0, 4 * GIB),
            chance.tail(200 * MIB),
            12,
        )
    }),
    ("build machine", |_, chance| {
        // Its artefacts come and go.
        run(
            chance.between(8_000, 20_000),
            chance.between(3_000, 7_000),
            chance.between(9 * GIB, 20 * GIB),
            chance.between(2 * GIB, 7 * GIB),
            15,
        )
    }),
    ("configuration", |_, chance| {
        run(600, chance.between(0, 3), 3 * MIB + chance.between(0, 40_000), chance.between(0, 60_000), 1)
    }),
];

fn run(files: u64, touched: u64, bytes: u64, added: u64, minutes: u64) -> Run {
    let touched = touched.min(files);
    Run {
        files_new: touched / 4,
        files_changed: touched - touched / 4,
        files_unmodified: files - touched,
        bytes_processed: bytes,
        bytes_added: added.min(bytes),
        milliseconds: minutes * 60_000 + added / 2_000,
    }
}

fn lived(life: Life, seed: u64) -> Vec<Run> {
    let mut chance = Chance(seed);
    (0..DAYS).map(|day| life(day, &mut chance)).collect()
}

#[test]
fn quiet_hosts_hardly_ever_cry() {
    const SEEDS: u64 = 25;
    let mut worst = Vec::new();
    for (name, life) in LIVES {
        let mut alarms = Vec::new();
        for seed in 0..SEEDS {
            let runs = lived(life, seed);
            for day in 0..DAYS {
                alarms.extend(judge(&runs[..day], &runs[day]).iter().map(|anomaly| anomaly.kind));
            }
        }
        let count = |kind| alarms.iter().filter(|alarm| **alarm == kind).count();
        println!(
            "{name}: {} false alarms over {SEEDS} hosts in {DAYS} days each (shrunk {}, grown {}, changes {}, duration {})",
            alarms.len(),
            count(AlertKind::SourceShrunk),
            count(AlertKind::SourceGrown),
            count(AlertKind::ChangeAnomaly),
            count(AlertKind::DurationAnomaly),
        );
        worst.push((alarms.len(), name));
    }
    let all: usize = worst.iter().map(|(alarms, _)| alarms).sum();
    let days = LIVES.len() * DAYS * usize::try_from(SEEDS).unwrap();
    println!("in all: {all} false alarms in {days} days of hosts");
    // One in eight years of a host.
    assert!(all * 8 * 365 <= days, "{worst:?}");
}

/// What a fault makes of a usual run.
type Plant = fn(&Run) -> Run;

#[test]
fn each_planted_fault_is_found_on_its_day() {
    let faults: [(&str, AlertKind, Plant); 6] = [
        ("nothing is mounted", AlertKind::SourceShrunk, |_| Run { milliseconds: 900, ..Run::default() }),
        ("most of it is deleted", AlertKind::SourceShrunk, |usual| Run {
            files_unmodified: usual.files() / 5,
            bytes_processed: usual.bytes_processed / 5,
            bytes_added: 10,
            milliseconds: usual.milliseconds,
            ..Run::default()
        }),
        ("a dump is left in it", AlertKind::SourceGrown, |usual| Run {
            bytes_processed: 4 * usual.bytes_processed + GIB,
            bytes_added: 3 * usual.bytes_processed + GIB,
            ..*usual
        }),
        ("every file is encrypted in place", AlertKind::ChangeAnomaly, |usual| Run {
            files_changed: usual.files(),
            files_unmodified: 0,
            files_new: 0,
            bytes_added: usual.bytes_processed.max(GIB),
            bytes_processed: usual.bytes_processed.max(GIB),
            ..*usual
        }),
        ("every file is encrypted under another name", AlertKind::ChangeAnomaly, |usual| Run {
            files_new: usual.files(),
            files_changed: 0,
            files_unmodified: 0,
            bytes_added: usual.bytes_processed,
            ..*usual
        }),
        ("the line is slow", AlertKind::DurationAnomaly, |usual| Run {
            milliseconds: 7 * usual.milliseconds + 30 * 60_000,
            ..*usual
        }),
    ];
    for (name, life) in LIVES {
        for (fault, kind, plant) in faults {
            for seed in 0..5 {
                let runs = lived(life, seed);
                for day in [20, 100, 399] {
                    let found = judge(&runs[..day], &plant(&runs[day]));
                    let kinds: Vec<_> = found.iter().map(|anomaly| anomaly.kind).collect();
                    assert!(kinds.contains(&kind), "{name}, day {day}: {fault}: {kinds:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_usual_is_not_known_before_ten_runs() {
    let usual = run(100, 1, 10 * GIB, MIB, 5);
    let grown = Run { bytes_processed: 90 * GIB, ..usual };
    assert_eq!(judge(&[usual; 9], &grown), []);
    assert_eq!(judge(&[usual; 10], &grown).len(), 1);
    let empty = Run::default();
    assert_eq!(judge(&[usual], &empty).len(), 1, "that it is empty needs no statistics");
    assert_eq!(judge(&[], &empty), [], "the first may be");
    assert_eq!(judge(&[empty], &empty), [], "it was before");
}

#[test]
fn a_snapshot_that_was_compared_with_none_is_no_rename() {
    let usual = run(10_000, 20, 10 * GIB, 30 * MIB, 5);
    let uncompared =
        Run { files_new: usual.files(), files_changed: 0, files_unmodified: 0, bytes_added: MIB, ..usual };
    assert_eq!(judge(&[usual; 20], &uncompared), []);
}

#[test]
fn sentences_say_how_much_and_against_what() {
    let usual = run(4_000, 10, 4 * GIB, 30 * MIB, 5);
    let words = |found: &Run| judge(&[usual; 30], found)[0].words("web-01/system");
    let grown = words(&Run { bytes_processed: 20 * GIB + GIB / 2, ..usual });
    assert_eq!(grown, "web-01/system grew to 20.5 GiB, about 5 × its usual 4.0 GiB (last 30 runs).");
    let shrunk = words(&Run { bytes_processed: 300 * MIB, ..usual });
    assert_eq!(shrunk, "web-01/system shrank to 300.0 MiB; usual are 4.0 GiB (last 30 runs).");
    let empty = words(&Run::default());
    assert_eq!(empty, "The backup of web-01/system holds no files; the one before held 4000 (last 30 runs).");
    let slow = words(&Run { milliseconds: 60 * 60_000, ..usual });
    assert_eq!(slow, "The backup of web-01/system took 60 min, about 11 × its usual 5 min (last 30 runs).");
    let changed = words(&Run {
        files_changed: 3_000,
        files_unmodified: 1_000,
        files_new: 0,
        bytes_added: 3 * GIB,
        ..usual
    });
    assert_eq!(
        changed,
        "75.0 % of the files of web-01/system are new or changed; usual are 0.2 % (last 30 runs)."
    );
}

fn any_run() -> impl Strategy<Value = Run> {
    (any::<[u64; 3]>(), any::<[u64; 3]>()).prop_map(|(files, rest)| Run {
        files_new: files[0],
        files_changed: files[1],
        files_unmodified: files[2],
        bytes_processed: rest[0],
        bytes_added: rest[1],
        milliseconds: rest[2],
    })
}

proptest! {
    #[test]
    fn the_same_again_is_never_unusual(usual in any_run(), runs in 1..60_usize) {
        prop_assume!(usual.files() > 0);
        prop_assert_eq!(judge(&vec![usual; runs], &usual), []);
    }

    #[test]
    fn whatever_is_reported_is_judged_and_told_once_a_kind(
        before in prop::collection::vec(any_run(), 0..40), run in any_run()
    ) {
        let found = judge(&before, &run);
        let mut kinds: Vec<_> = found.iter().map(|anomaly| anomaly.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        prop_assert_eq!(kinds.len(), found.len());
        for anomaly in found {
            prop_assert!(anomaly.words("a").len() < 200);
        }
    }
}
