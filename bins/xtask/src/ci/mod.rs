//! `cargo xtask ci`: what CI runs, cheapest first, timed.

pub(crate) mod api;
mod cross;
mod deny;
mod steps;

use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::{arrows, generated};

pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn() -> Outcome,
}

pub(crate) const STEPS: &[Step] = &[
    Step { name: "format", about: "rustfmt has nothing to change", run: steps::format },
    Step { name: "lock", about: "Cargo.lock is current", run: steps::lock },
    Step {
        name: "arrows",
        about: "crates and modules depend on each other only as allowed, files in no circle",
        run: arrows::check,
    },
    Step {
        name: "deny",
        about: "licences, sources, duplicates and advisories of dependencies",
        run: deny::check,
    },
    Step {
        name: "parse-only",
        about: "the restic crate alone pulls in at most a dozen crates",
        run: steps::parse_only,
    },
    Step { name: "clippy", about: "each package by itself, warnings denied", run: steps::clippy },
    Step { name: "cross", about: "what is built for arm64 and Windows compiles", run: cross::check },
    Step { name: "docs", about: "rustdoc, warnings denied", run: steps::docs },
    Step { name: "fuzz", about: "the fuzz targets compile", run: steps::fuzz },
    Step { name: "publish", about: "the published crates could be published", run: steps::publish },
    Step {
        name: "generated",
        about: "pages made from tables in the code are current",
        run: generated::check,
    },
    Step { name: "api", about: "the listings of public APIs are current", run: api::check_listings },
    Step { name: "semver", about: "no published crate breaks its last release", run: api::check_semver },
    Step { name: "test", about: "all suites", run: steps::test },
];

/// Runs the steps named, or all; stops at the first that fails.
pub(crate) fn run(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == *name)) {
        return Err(Failure::new(format!("no step {unknown:?}; `cargo xtask help` lists them")));
    }
    let mut times = Vec::new();
    let mut failed = None;
    for step in STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)) {
        println!("\n=== {}: {}", step.name, step.about);
        let (outcome, took) = timed(step.run);
        times.push((step.name, took));
        if let Err(failure) = outcome {
            failed = Some(Failure::new(format!("{}: {failure}", step.name)));
            break;
        }
    }
    print_times(&times);
    failed.map_or(Ok(()), Err)
}

#[expect(clippy::disallowed_methods, reason = "measures its own steps")]
fn timed(run: fn() -> Outcome) -> (Outcome, Duration) {
    let start = Instant::now();
    (run(), start.elapsed())
}

fn print_times(times: &[(&str, Duration)]) {
    println!();
    for (name, took) in times {
        println!("{name:<12} {:>7.1} s", took.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, took)| *took).sum();
    println!("{:<12} {:>7.1} s", "total", total.as_secs_f64());
}
