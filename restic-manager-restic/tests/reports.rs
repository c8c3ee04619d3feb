//! The text reports, against what was recorded.

use restic_manager_restic::{Capability, report};

use crate::corpus::each;

#[test]
fn every_prune_is_read() {
    let mut count = 0;
    for (version, scenario, recording) in each() {
        let says_figures = String::from_utf8_lossy(&recording.stdout).contains("total prune:");
        let prune = report::prune(&recording.stdout);
        assert_eq!(prune.is_some(), says_figures, "{version} {scenario}");
        let Some(prune) = prune else { continue };
        assert_eq!(
            prune.total.blobs,
            prune.removed_by_repacking.blobs + prune.to_delete.blobs,
            "{version} {scenario}"
        );
        let parts = prune.removed_by_repacking.bytes + prune.to_delete.bytes;
        assert!(prune.total.bytes.abs_diff(parts) <= prune.total.bytes / 500 + 64, "{version} {scenario}");
        count += 1;
    }
    assert!(count >= 30, "{count} prunes");
}

#[test]
fn every_copy_is_read() {
    let mut count = 0;
    for (version, scenario, recording) in each().filter(|(_, scenario, _)| scenario.starts_with("copy")) {
        let text = String::from_utf8_lossy(&recording.stdout);
        let copied = report::copied(&recording.stdout);
        let saved =
            text.lines().filter(|line| line.starts_with("snapshot ") && line.contains(" saved")).count();
        let skipped = text.lines().filter(|line| line.starts_with("skipping source snapshot ")).count();
        assert_eq!(copied.iter().filter(|copy| !copy.was_there).count(), saved, "{version} {scenario}");
        assert_eq!(copied.iter().filter(|copy| copy.was_there).count(), skipped, "{version} {scenario}");
        count += copied.len();
    }
    assert!(count >= 15, "{count} copies");
}

#[test]
fn every_rewrite_is_read() {
    let mut count = 0;
    for (version, scenario, recording) in each() {
        let text = String::from_utf8_lossy(&recording.stdout);
        let rewritten = report::rewritten(&recording.stdout);
        let saved = text.lines().filter(|line| line.starts_with("saved new snapshot ")).count();
        let removed = text.lines().filter(|line| line.starts_with("removed old snapshot ")).count();
        let planned = text.lines().filter(|line| *line == "would save new snapshot").count();
        assert_eq!(
            rewritten.iter().filter(|snapshot| snapshot.new_id.is_some()).count(),
            saved,
            "{version} {scenario}"
        );
        assert_eq!(
            rewritten.iter().filter(|snapshot| snapshot.was_removed).count(),
            removed,
            "{version} {scenario}"
        );
        assert_eq!(
            rewritten.iter().filter(|snapshot| snapshot.new_id.is_none()).count(),
            planned,
            "{version} {scenario}"
        );
        count += rewritten.len();
    }
    assert!(count >= 10, "{count} rewrites");
}

#[test]
fn older_tags_are_counted() {
    for (version, scenario, recording) in each().filter(|(_, scenario, _)| scenario.starts_with("tag-")) {
        let is_counted = report::tagged(&recording.stdout).is_some();
        let is_expected =
            recording.exit == "0" && !(version.has(Capability::TagJson) && recording.has_json());
        assert_eq!(is_counted, is_expected, "{version} {scenario}");
    }
}
