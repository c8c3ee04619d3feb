//! `cargo xtask bench`: figures, not verdicts. A machine's load changes them; nothing here fails a build.

use crate::failure::{Failure, Outcome};
use crate::install::{self, Tool};
use crate::shell;
use crate::workspace::{Profile, build_binaries, cargo};

struct Bench {
    name: &'static str,
    about: &'static str,
    package: &'static str,
    target: &'static str,
    features: &'static [&'static str],
    needs: &'static [Tool],
    /// How the product is built for it, where it needs the binaries.
    binaries: Option<Profile>,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "decoder",
        about: "restic's JSON: lines/s and GB/s beside plain serde_json",
        package: "restic-manager-restic",
        target: "decoder",
        features: &[],
        needs: &[],
        binaries: None,
    },
    Bench {
        name: "store",
        about: "rows and log lines per second, pages, on SQLite",
        package: "restic-manager-store",
        target: "store",
        features: &["sqlite"],
        needs: &[],
        binaries: None,
    },
    Bench {
        name: "system",
        about: "idle memory, time from POST to command, backup beside bare restic, cost of an idle agent",
        package: "restic-manager-e2e",
        target: "system",
        features: &[],
        needs: &[Tool::Restic, Tool::RestServer],
        binaries: Some(Profile::Release),
    },
    Bench {
        name: "bandwidth",
        about: "what a speed limit lets through, beside the limit and beside no limit",
        package: "restic-manager-e2e",
        target: "bandwidth",
        features: &[],
        needs: &[Tool::Restic, Tool::RestServer],
        // restic is what is measured.
        binaries: Some(Profile::Debug),
    },
    Bench {
        name: "logins",
        about: "logins per second beside argon2id itself, and what a flood of them costs other requests",
        package: "restic-manager-e2e",
        target: "logins",
        features: &[],
        needs: &[],
        binaries: Some(Profile::Release),
    },
    Bench {
        name: "browse",
        about: "the index of a snapshot: making it, its size, pages and searches, beside restic ls",
        package: "restic-manager-agent",
        target: "browse",
        features: &[],
        needs: &[Tool::Restic],
        binaries: None,
    },
    Bench {
        name: "audit",
        about: "verifying a million audit entries beside hashing the same bytes",
        package: "restic-manager-server-bin",
        target: "audit",
        features: &[],
        needs: &[],
        binaries: None,
    },
];

pub(crate) fn run(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !BENCHES.iter().any(|bench| bench.name == *name)) {
        let known: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        return Err(Failure::new(format!("no bench {unknown:?}; there are {}", known.join(", "))));
    }
    for bench in
        BENCHES.iter().filter(|bench| names.is_empty() || names.iter().any(|name| name == bench.name))
    {
        println!("\n== {}: {}", bench.name, bench.about);
        measure(bench)?;
    }
    Ok(())
}

fn measure(bench: &Bench) -> Outcome {
    let installed = install::ensure(bench.needs)?;
    if let Some(reason) = installed.lacking(bench.needs) {
        return Err(reason.clone());
    }
    let mut command = cargo(&["bench", "-p", bench.package, "--bench", bench.target]);
    if !bench.features.is_empty() {
        command.args(["--features", &bench.features.join(",")]);
    }
    installed.export(&mut command);
    if let Some(profile) = bench.binaries {
        command.env("RESTIC_MANAGER_BIN_DIR", build_binaries(profile)?);
    }
    if bench.binaries == Some(Profile::Debug) {
        command.args(["--profile", "dev"]);
    }
    shell::run(&mut command)
}
