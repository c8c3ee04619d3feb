//! `cargo xtask test`: every suite, and one line at the end that counts what ran.

mod cluster;
mod tally;

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::install::{self, Installed, Tool};
use crate::shell;
use crate::workspace::{self, Profile, build_binaries};
use cluster::Cluster;
use tally::Tally;

pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    needs: &'static [Tool],
    /// Whether the stock binaries must be built first.
    binaries: bool,
    runs: &'static [Run],
}

enum Run {
    /// Arguments of `cargo nextest run`.
    Nextest(&'static [&'static str]),
    /// Arguments of `cargo test --doc`.
    Doc(&'static [&'static str]),
}

pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "unit",
        about: "every crate: rules, laws, recorded outputs, stores, engines in process, examples in docs",
        needs: &[Tool::Nextest, Tool::Restic, Tool::RestServer, Tool::Postgres],
        binaries: false,
        runs: &[
            Run::Nextest(&[
                "--workspace",
                "--exclude",
                "restic-manager-e2e",
                "--all-features",
                "-E",
                "not test(/^simulation::/)",
            ]),
            Run::Doc(&["--workspace", "--exclude", "restic-manager-e2e", "--all-features"]),
        ],
    },
    Suite {
        name: "simulation",
        about: "years of schedules in seconds: sleep, clocks that jump, crashes, links that break",
        needs: &[Tool::Nextest],
        binaries: false,
        runs: &[Run::Nextest(&[
            "--workspace",
            "--exclude",
            "restic-manager-e2e",
            "--all-features",
            "-E",
            "test(/^simulation::/)",
        ])],
    },
    Suite {
        name: "e2e",
        about: "real server, agent, restic, rest-server, Prometheus, receivers of notifications; SQLite and PostgreSQL",
        needs: &[
            Tool::Nextest,
            Tool::Restic,
            Tool::RestServer,
            Tool::Postgres,
            Tool::Sqlite,
            Tool::NodeModules,
            Tool::Openssl,
            Tool::Prometheus,
        ],
        binaries: true,
        runs: &[Run::Nextest(&["-p", "restic-manager-e2e", "-E", "not test(/^(browser|abuse::)/)"])],
    },
    Suite {
        name: "abuse",
        about: "attacks on the real server over the network, one per line of the threat model",
        needs: &[Tool::Nextest, Tool::Postgres],
        binaries: true,
        runs: &[Run::Nextest(&["-p", "restic-manager-e2e", "-E", "test(/^abuse::/)"])],
    },
    Suite {
        name: "browser",
        about: "the same, driven from pages in a real Chromium",
        needs: &[
            Tool::Nextest,
            Tool::Restic,
            Tool::RestServer,
            Tool::Postgres,
            Tool::Chromium,
            Tool::NodeModules,
        ],
        binaries: true,
        runs: &[Run::Nextest(&["-p", "restic-manager-e2e", "-E", "test(/^browser/)"])],
    },
];

/// Runs the suites named, or all, and of them the tests whose names contain one of the words after `--`, or all; an
/// error when anything failed or nothing ran.
pub(crate) fn run(operands: &[String]) -> Outcome {
    let mut parts = operands.splitn(2, |operand| operand == "--");
    let suites = choose(parts.next().unwrap_or_default())?;
    let only = parts.next().unwrap_or_default();
    let installed = install::ensure(&needs_of(&suites))?;
    let needs_cluster = suites.iter().any(|suite| suite.needs.contains(&Tool::Postgres));
    let cluster = needs_cluster.then(|| start_cluster(&installed));
    let mut tally = Tally::default();
    for suite in suites {
        println!("\n== {}: {}", suite.name, suite.about);
        if let Some(reason) = installed.lacking(suite.needs) {
            tally.leave_out(suite.name, reason, shell::is_ci());
            continue;
        }
        match cluster.as_ref().filter(|_| suite.needs.contains(&Tool::Postgres)) {
            Some(Err(reason)) => tally.leave_out(suite.name, reason, shell::is_ci()),
            Some(Ok(cluster)) => tally.add(run_suite(suite, only, &installed, Some(cluster))?),
            None => tally.add(run_suite(suite, only, &installed, None)?),
        }
    }
    println!("\n{tally}");
    tally.verdict()
}

fn start_cluster(installed: &Installed) -> Outcome<Cluster> {
    installed.path(Tool::Postgres).and_then(|binaries| Cluster::start(binaries))
}

fn choose(names: &[String]) -> Outcome<Vec<&'static Suite>> {
    if names.is_empty() {
        return Ok(SUITES.iter().collect());
    }
    let find = |name: &String| {
        SUITES.iter().find(|suite| suite.name == name).ok_or_else(|| {
            let known: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
            Failure::new(format!("no suite {name:?}; there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn needs_of(suites: &[&Suite]) -> Vec<Tool> {
    suites.iter().flat_map(|suite| suite.needs).copied().collect()
}

fn run_suite(
    suite: &Suite,
    only: &[String],
    installed: &Installed,
    cluster: Option<&Cluster>,
) -> Outcome<Tally> {
    let binaries = if suite.binaries { Some(build_binaries(Profile::Debug)?) } else { None };
    let mut tally = Tally::default();
    let is_chosen = |run: &&Run| only.is_empty() || matches!(run, Run::Nextest(_));
    for run in suite.runs.iter().filter(is_chosen) {
        tally.add(run_tests(run, only, installed, cluster, binaries.as_ref())?);
    }
    Ok(tally)
}

fn run_tests(
    run: &Run,
    only: &[String],
    installed: &Installed,
    cluster: Option<&Cluster>,
    binaries: Option<&PathBuf>,
) -> Outcome<Tally> {
    let mut command = shell::cargo();
    match run {
        Run::Nextest(arguments) => {
            shell::put_on_path(&mut command, installed.path(Tool::Nextest)?)?;
            command
                .args(["nextest", "run", "--no-fail-fast", "--no-tests=pass", "--color=never"])
                .args(*arguments)
                .args(only);
        }
        Run::Doc(arguments) => {
            command.args(["test", "--doc", "--no-fail-fast", "--color=never"]).args(*arguments);
        }
    }
    command.current_dir(workspace::root());
    installed.export(&mut command);
    if let Some(cluster) = cluster {
        command.env("RESTIC_MANAGER_POSTGRES_URL", cluster.url());
    }
    if let Some(folder) = binaries {
        command.env("RESTIC_MANAGER_BIN_DIR", folder);
    }
    let (succeeded, said) = shell::tee(&mut command)?;
    let counted = match run {
        Run::Nextest(_) => Tally::of_nextest(&said),
        Run::Doc(_) => Tally::of_doc_tests(&said),
    };
    // A runner that fails without a failed test did not compile or was stopped: that is a failure to be counted.
    Ok(if succeeded { counted } else { counted.at_least_one_failed() })
}
