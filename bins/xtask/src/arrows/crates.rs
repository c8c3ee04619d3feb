//! Which crate of ours may depend on which. The table is the architecture; an arrow that is not in it fails the build.

use crate::workspace::Metadata;

/// What each crate may use when it is built for others. A crate that is not listed here is unknown, and fails.
pub(super) const ALLOWED: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("restic", &[]),
    ("crypto", &[]),
    ("store", &["proto"]),
    ("core", &["proto", "crypto"]),
    ("server", &["core", "store", "proto", "crypto"]),
    ("agent", &["core", "restic", "proto", "crypto"]),
    ("web", &["proto", "crypto"]),
    ("server-bin", &["server", "web", "store"]),
    ("agent-bin", &["agent"]),
    ("web-bin", &["web"]),
    // Leaves: nothing that is shipped may use them, so what they use binds nobody.
    ("testkit", &["core", "proto", "crypto"]),
    ("e2e", &["proto", "restic", "crypto", "store"]),
    ("examples", &["core", "server", "agent", "web", "store", "proto", "crypto", "restic"]),
    ("example-parse", &["restic"]),
    ("xtask", &[]),
];

/// What tests and measurements may use besides: agents that follow a script, and databases.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[
    ("store", &["testkit"]),
    ("server", &["testkit"]),
    ("server-bin", &["proto", "testkit"]),
    ("e2e", &["core", "testkit"]),
];

const PREFIX: &str = "restic-manager-";

/// How many arrows there are, and what is wrong with them.
pub(super) fn judge_all(metadata: &Metadata) -> (usize, Vec<String>) {
    let packages = metadata.packages().into_iter();
    let arrows: Vec<_> = packages
        .flat_map(|package| package.arrows().map(move |(to, for_tests)| (package.name(), to, for_tests)))
        .collect();
    let wrong = arrows.iter().filter_map(|(from, to, for_tests)| judge(short(from), short(to), *for_tests));
    (arrows.len(), wrong.collect())
}

/// What is wrong with one arrow, if anything.
fn judge(from: &str, to: &str, for_tests: bool) -> Option<String> {
    let Some(allowed) = lookup(ALLOWED, from) else {
        return Some(format!(
            "{from} is not in the table of crates: add it to bins/xtask/src/arrows/crates.rs"
        ));
    };
    let in_tests = if for_tests { lookup(ALLOWED_IN_TESTS, from).unwrap_or_default() } else { &[] };
    // A crate's own tests may turn on its features by depending on itself.
    if allowed.contains(&to) || in_tests.contains(&to) || (for_tests && from == to) {
        return None;
    }
    let kind = if for_tests { " in tests" } else { "" };
    Some(format!("{from} may not depend on {to}{kind}: the arrows are in docs/ARCHITECTURE.md"))
}

fn lookup(table: &'static [(&str, &[&str])], name: &str) -> Option<&'static [&'static str]> {
    table.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

pub(super) fn short(package: &str) -> &str {
    package.strip_prefix(PREFIX).unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_and_agent_never_meet() {
        for (from, to) in [("server", "agent"), ("agent", "server"), ("agent", "store"), ("server", "restic")]
        {
            assert!(judge(from, to, false).is_some(), "{from} -> {to}");
            assert!(judge(from, to, true).is_some(), "{from} -> {to} in tests");
        }
    }

    #[test]
    fn what_is_shipped_never_uses_the_testkit() {
        for (from, _) in ALLOWED {
            assert!(judge(from, "testkit", false).is_some(), "{from}");
        }
        assert_eq!(judge("server", "testkit", true), None);
        assert!(judge("proto", "testkit", true).is_some());
    }

    #[test]
    fn the_ground_floor_rests_on_nothing() {
        for from in ["proto", "restic", "crypto"] {
            for (to, _) in ALLOWED.iter().filter(|(to, _)| *to != from) {
                assert!(judge(from, to, false).is_some(), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn a_new_crate_must_be_entered() {
        assert!(judge("newcomer", "proto", false).is_some_and(|wrong| wrong.contains("table")));
    }

    #[test]
    fn allowed_arrows_make_no_circle() {
        fn reaches(from: &str, to: &str) -> bool {
            lookup(ALLOWED, from).unwrap_or_default().iter().any(|next| *next == to || reaches(next, to))
        }
        assert!(ALLOWED.iter().all(|(from, _)| !reaches(from, from)));
    }
}
