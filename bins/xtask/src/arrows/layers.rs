//! Which modules of a crate may use which. The table is the architecture; an arrow that is not in it fails the build.

use std::collections::BTreeSet;

use super::names::Arrows;
use super::tree::Tree;

/// A crate, or a folder of one, and its layers from the ground up. A module may use what is in a layer below its own,
/// never a neighbour; what the root or the folder's own file holds is above all of them.
type Layers = (&'static str, &'static [&'static [&'static str]]);

pub(super) const LAYERS: &[Layers] = &[
    (
        "proto",
        &[
            &[
                "bandwidth",
                "limits",
                "opaque",
                "raw_path",
                "retention",
                "schedule",
                "time",
                "version",
                "vocabulary",
            ],
            &["capability", "contents", "credential", "hooks", "id"],
            &["rules"],
            &["policy", "restore"],
            &["job", "scope"],
            &["notification"],
            &["agent", "api"],
            &["frame"],
            &["session"],
        ],
    ),
    (
        "restic",
        &[
            &["error", "line", "mode", "redact", "report", "timestamp", "versions_and_quirks"],
            &["text"],
            &["cursor"],
            &["event"],
            &["document", "exit"],
            &["version"],
            &["command"],
            &["process"],
        ],
    ),
    (
        "crypto",
        &[
            &["derive", "digest", "error", "frame", "passkey", "random"],
            &["htpasswd", "key_file", "secret"],
            &["aead", "password", "sign", "token", "totp", "webhook"],
            &["channel", "keyring", "recovery"],
            &["handshake"],
        ],
    ),
    (
        "store",
        &[
            &["error", "page", "value"],
            &["noun"],
            &["nouns"],
            &["read"],
            &["transaction"],
            &["forward", "store"],
            &["conformance", "memory", "retry", "sql"],
            &["postgres", "sqlite"],
        ],
    ),
    (
        "core",
        &[
            &[
                "agent_token",
                "anomaly",
                "backoff",
                "clock",
                "handshake",
                "hook",
                "job",
                "lease",
                "limit",
                "maintenance",
                "presence",
                "retention",
                "schedule",
                "scope",
                "session",
                "shutdown",
                "task",
                "upkeep",
            ],
            &["alert", "announce", "freshness", "link", "mint"],
            &["notify"],
        ],
    ),
    (
        "server",
        &[
            &["limits"],
            &["audit", "config", "entry", "failure", "notify"],
            &["parts"],
            &["call", "domain"],
            &["agents", "background"],
            &["app"],
            &["http"],
            &["prepare"],
            &["acceptance", "recovery", "sealing", "serve"],
            &["server"],
        ],
    ),
    (
        "agent",
        &[
            &["files"],
            &["facts", "index", "outbox", "policy", "vault"],
            &["config", "restore", "state"],
            &["ledger"],
            &["configuration"],
            &["planner", "runner"],
            &["status"],
            &["link", "scheduler"],
            &["agent"],
        ],
    ),
    (
        "agent/index",
        &[
            &["bytes", "entry", "order"],
            &["cut", "error"],
            &["block", "catalogue"],
            &["builder", "reader", "room"],
            &["listing", "store"],
            &["build", "compare", "history", "pattern"],
            &["search"],
        ],
    ),
    ("agent/restore", &[&["disk", "target"], &["judge"], &["outline"], &["plan"]]),
    (
        "agent/runner",
        &[
            &["log", "owed", "planning", "progress", "stop", "unfinished"],
            &["restic", "stage", "watcher"],
            &["indexing"],
            &["end", "repository", "shared"],
            &["hooks", "locks", "restored"],
            &["run"],
            &["check", "deletion", "listing", "measure", "opening", "prune", "retention", "unlock"],
            &["connection", "entries", "forget", "preview"],
            &["backup", "browse", "restore"],
            &["job"],
            &["queue"],
        ],
    ),
    (
        "web",
        &[
            &["assets", "body", "headers", "length", "lines", "origin", "qr", "text"],
            &["api", "forms", "remote", "view"],
            &["kept", "render"],
            &["pages"],
            &["service"],
        ],
    ),
    (
        "server-bin",
        &[
            &["alerts", "dumps", "logging", "reference", "settings", "signals"],
            &["config"],
            &["run"],
            &["admin", "keys", "proof"],
            &["accept"],
        ],
    ),
    ("agent-bin", &[&["dumps", "failure", "logging", "signals"], &["run"], &["enrol"], &["announce"]]),
    ("web-bin", &[&["logging", "settings"], &["config"], &["serve"]]),
    ("testkit", &[&["agent", "items", "postgres"], &["persona"], &["guest"]]),
    (
        "e2e",
        &[
            &["failure"],
            &["client", "files", "process", "proxy", "tools", "wait"],
            &["agent", "database", "repository", "restic"],
            &["server"],
            &["world"],
            &["demo"],
        ],
    ),
    ("examples", &[&["mirrored"]]),
    (
        "xtask",
        &[
            &["failure"],
            &["shell"],
            &["workspace"],
            &["arrows", "facts", "install"],
            &["bench", "demo", "generated", "lines", "record", "test"],
            &["ci"],
        ],
    ),
];

/// What is wrong with the modules of one crate, given a tree with its arrows for each root file.
pub(super) fn judge(name: &str, trees: &[(Tree, Arrows)], layers: &[Layers]) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    let scopes = layers.iter().filter(|(place, _)| place.split('/').next() == Some(name));
    for (place, layers) in scopes {
        let scope = Scope { place, layers };
        scope.judge_names(trees, &mut wrong);
        trees.iter().for_each(|(tree, arrows)| scope.judge_arrows(tree, arrows, &mut wrong));
    }
    if trees.iter().any(|(tree, _)| tree.modules.len() > 1) && !layers.iter().any(|(place, _)| *place == name)
    {
        wrong.insert(format!("{name} has no layers: enter them in bins/xtask/src/arrows/layers.rs"));
    }
    wrong
}

struct Scope<'a> {
    place: &'a str,
    layers: &'a [&'a [&'a str]],
}

impl Scope<'_> {
    /// Every module is in a layer, and every name in a layer is a module.
    fn judge_names(&self, trees: &[(Tree, Arrows)], wrong: &mut BTreeSet<String>) {
        let place = self.place;
        let modules = trees.iter().flat_map(|(tree, _)| &tree.modules);
        let there: BTreeSet<&str> = modules.filter_map(|module| self.name(&module.path)).collect();
        let listed: BTreeSet<&str> = self.layers.iter().copied().flatten().copied().chain([FOLDER]).collect();
        wrong.extend(there.difference(&listed).map(|module| format!("{place}: {module} is in no layer")));
        let gone = listed.difference(&there).filter(|module| **module != FOLDER);
        wrong.extend(gone.map(|module| format!("{place}: {module} is in a layer and not there")));
    }

    fn judge_arrows(&self, tree: &Tree, arrows: &Arrows, wrong: &mut BTreeSet<String>) {
        for (from, to) in arrows.iter().map(|(from, to)| (&tree.modules[*from].path, &tree.modules[*to].path))
        {
            let Some((user, used)) = self.name(from).zip(self.name(to)).filter(|(user, used)| user != used)
            else {
                continue;
            };
            if self.height(user) <= self.height(used) {
                let (place, from, to) = (self.place, from.join("::"), to.join("::"));
                wrong.insert(format!("{place}: {user} may not use {used} ({from} uses {to})"));
            }
        }
    }

    /// The folder's own file is above all layers.
    fn height(&self, module: &str) -> usize {
        self.layers.iter().position(|layer| layer.contains(&module)).unwrap_or(self.layers.len())
    }

    /// Which module of this place a path belongs to, if any.
    fn name<'p>(&self, path: &'p [String]) -> Option<&'p str> {
        let folder: Vec<&str> = self.place.split('/').skip(1).collect();
        let is_inside =
            path.len() >= folder.len() && path.iter().zip(&folder).all(|(one, other)| one == other);
        is_inside.then(|| path.get(folder.len()).map_or(FOLDER, String::as_str))
    }
}

/// Stands for the root, or for a folder's own file.
const FOLDER: &str = "";
