//! How fast the streams that come by the million are decoded, beside the usual ways to do it.
//!
//! `cargo bench -p restic-manager-restic --bench decoder [stream]` prints, for each stream and each way, GB/s, lines/s,
//! allocations for each line and the speed relative to serde_json into a tagged enum. Nothing is asserted: machines differ.

#![expect(clippy::print_stdout, reason = "the figures are the product")]

mod allocations;
mod streams;
mod ways;

use std::time::{Duration, Instant};

use streams::Stream;
use ways::{WAYS, Way};

const MEASURED: Duration = Duration::from_secs(4);

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!(
        "{:15} {:22} {:>7} {:>10} {:>12} {:>9}",
        "stream", "way", "GB/s", "Mlines/s", "allocs/line", "relative"
    );
    for stream in streams::all() {
        if wanted.is_empty() || wanted.iter().any(|name| name == stream.name) {
            measure_stream(&stream);
        }
    }
}

fn measure_stream(stream: &Stream) {
    let allocations: Vec<u64> = WAYS.iter().map(|way| allocations_of(stream, way)).collect();
    let seconds = fastest_runs(stream);
    let base = WAYS.iter().position(|way| way.is_base).map_or(1.0, |index| seconds[index]);
    for ((way, allocations), seconds) in WAYS.iter().zip(allocations).zip(seconds) {
        println!(
            "{:15} {:22} {:7.3} {:10.2} {:12.3} {:8.2}x",
            stream.name,
            way.name,
            stream.bytes.len() as f64 / seconds / 1e9,
            stream.lines as f64 / seconds / 1e6,
            allocations as f64 / stream.lines as f64,
            base / seconds,
        );
    }
}

fn allocations_of(stream: &Stream, way: &Way) -> u64 {
    let before = allocations::count();
    assert_eq!((way.run)(stream), stream.lines, "{} {}", stream.name, way.name);
    allocations::count() - before
}

/// The seconds of the fastest run of each way: whatever else the machine does only adds. The ways take turns, so that
/// a busy moment does not fall on one alone.
#[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
fn fastest_runs(stream: &Stream) -> Vec<f64> {
    let mut fastest = vec![f64::INFINITY; WAYS.len()];
    let begin = Instant::now();
    while begin.elapsed() < MEASURED {
        for (way, fastest) in WAYS.iter().zip(&mut fastest) {
            let start = Instant::now();
            std::hint::black_box((way.run)(stream));
            *fastest = fastest.min(start.elapsed().as_secs_f64());
        }
    }
    fastest
}
