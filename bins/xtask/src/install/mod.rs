//! Programs that tests and demo use, fetched once into a cache folder and handed on by environment variables.
//!
//! Nothing on the system is upgraded. What can be unpacked beside it needs no rights; the rest is installed by the
//! package manager where this process may, and otherwise named with the command that does it.

mod built;
mod cache;
mod debian;
mod node;
mod postgres;
mod prometheus;
mod restic;
mod system;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Outcome};
pub(crate) use cache::Cache;

/// A program, or a family of them, that may have to be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Restic,
    RestServer,
    Postgres,
    Prometheus,
    Sqlite,
    Openssl,
    Chromium,
    NodeModules,
    Nextest,
    Deny,
}

struct Recipe {
    tool: Tool,
    name: &'static str,
    /// Where tests look for it.
    variable: &'static str,
    /// Finds or fetches it; says nothing when it is there already.
    ensure: fn(&Cache) -> Outcome<PathBuf>,
}

const RECIPES: &[Recipe] = &[
    Recipe {
        tool: Tool::Nextest,
        name: "nextest",
        variable: "RESTIC_MANAGER_NEXTEST",
        ensure: built::ensure_nextest,
    },
    Recipe {
        tool: Tool::Deny,
        name: "cargo-deny",
        variable: "RESTIC_MANAGER_CARGO_DENY",
        ensure: built::ensure_deny,
    },
    Recipe {
        tool: Tool::Restic,
        name: "restic",
        variable: "RESTIC_MANAGER_RESTIC_DIR",
        ensure: restic::ensure_clients,
    },
    Recipe {
        tool: Tool::RestServer,
        name: "rest-server",
        variable: "RESTIC_MANAGER_REST_SERVER",
        ensure: restic::ensure_server,
    },
    Recipe {
        tool: Tool::Postgres,
        name: "postgres",
        variable: "RESTIC_MANAGER_POSTGRES_BIN",
        ensure: postgres::ensure,
    },
    Recipe {
        tool: Tool::Prometheus,
        name: "prometheus",
        variable: "RESTIC_MANAGER_PROMETHEUS_BIN",
        ensure: prometheus::ensure,
    },
    Recipe {
        tool: Tool::Sqlite,
        name: "sqlite",
        variable: "RESTIC_MANAGER_SQLITE",
        ensure: system::ensure_sqlite,
    },
    Recipe {
        tool: Tool::Openssl,
        name: "openssl",
        variable: "RESTIC_MANAGER_OPENSSL",
        ensure: system::ensure_openssl,
    },
    Recipe {
        tool: Tool::Chromium,
        name: "chromium",
        variable: "RESTIC_MANAGER_CHROMIUM",
        ensure: system::ensure_chromium,
    },
    Recipe {
        tool: Tool::NodeModules,
        name: "node-modules",
        variable: "RESTIC_MANAGER_NODE_MODULES",
        ensure: node::ensure_modules,
    },
];

/// What was found or fetched, and what could not be.
#[derive(Default)]
pub(crate) struct Installed {
    found: Vec<(Tool, &'static str, PathBuf)>,
    missing: Vec<(Tool, Failure)>,
}

impl Installed {
    pub(crate) fn path(&self, tool: Tool) -> Outcome<&PathBuf> {
        if let Some((_, _, path)) = self.found.iter().find(|(found, _, _)| *found == tool) {
            return Ok(path);
        }
        let reason =
            self.missing.iter().find(|(missing, _)| *missing == tool).map(|(_, reason)| reason.clone());
        Err(reason.unwrap_or_else(|| Failure::new(format!("{tool:?} was not asked for"))))
    }

    /// Why these cannot all be used, if so.
    pub(crate) fn lacking(&self, tools: &[Tool]) -> Option<&Failure> {
        self.missing.iter().find(|(tool, _)| tools.contains(tool)).map(|(_, reason)| reason)
    }

    /// Tells a child process where everything is.
    pub(crate) fn export(&self, command: &mut Command) {
        for (_, variable, path) in &self.found {
            command.env(variable, OsString::from(path));
        }
    }
}

/// Finds or fetches the tools asked for; each failure is kept with the tool it concerns.
pub(crate) fn ensure(tools: &[Tool]) -> Outcome<Installed> {
    let cache = Cache::open()?;
    let _lock = cache.lock()?;
    let mut installed = Installed::default();
    for recipe in RECIPES.iter().filter(|recipe| tools.contains(&recipe.tool)) {
        match (recipe.ensure)(&cache) {
            Ok(path) => installed.found.push((recipe.tool, recipe.variable, path)),
            Err(failure) => installed.missing.push((recipe.tool, failure)),
        }
    }
    Ok(installed)
}

/// `cargo xtask install [tool…]`: prints what is where, in the form a shell can read.
pub(crate) fn run(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !RECIPES.iter().any(|recipe| recipe.name == *name)) {
        let known: Vec<_> = RECIPES.iter().map(|recipe| recipe.name).collect();
        return Err(Failure::new(format!("no tool {unknown:?}; there are {}", known.join(", "))));
    }
    let asked =
        RECIPES.iter().filter(|recipe| names.is_empty() || names.iter().any(|name| name == recipe.name));
    let installed = ensure(&asked.map(|recipe| recipe.tool).collect::<Vec<_>>())?;
    for (_, variable, path) in &installed.found {
        println!("export {variable}='{}'", path.display());
    }
    for (_, reason) in &installed.missing {
        eprintln!("missing: {reason}");
    }
    if installed.missing.is_empty() { Ok(()) } else { Err(Failure::new("not everything could be installed")) }
}
