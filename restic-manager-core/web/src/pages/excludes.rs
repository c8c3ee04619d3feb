//! Exclude patterns as a form has them: a text area, and boxes for patterns that many people want.

use serde::Serialize;

use super::form_state::FormState;
use crate::forms::Form;

/// Patterns that many people want, each offered as one box.
const PRESETS: &[Preset] = &[
    Preset { value: "temporary", label: "Temporary files", patterns: &["*.tmp", "*.temp", "*.swp", "*~"] },
    Preset { value: "caches", label: "Caches", patterns: &[".cache", "Cache", "CachedData", "__pycache__"] },
    Preset { value: "fetched", label: "What tools fetch again", patterns: &["node_modules", ".venv"] },
    Preset {
        value: "trash",
        label: "Waste bins",
        patterns: &[".Trash-*", ".local/share/Trash", "$RECYCLE.BIN"],
    },
    Preset {
        value: "system",
        label: "The system’s own file systems",
        patterns: &["/proc", "/sys", "/dev", "/run"],
    },
];

struct Preset {
    value: &'static str,
    label: &'static str,
    patterns: &'static [&'static str],
}

impl Preset {
    fn input(&self) -> String {
        format!("preset-{}", self.value)
    }

    fn is_within(&self, excludes: &[String]) -> bool {
        self.patterns.iter().all(|pattern| excludes.iter().any(|exclude| exclude == pattern))
    }

    fn has(&self, pattern: &str) -> bool {
        self.patterns.contains(&pattern)
    }
}

#[derive(Serialize)]
pub(super) struct PresetBox {
    name: String,
    label: &'static str,
    patterns: &'static [&'static str],
}

/// Adds the text area and the boxes to a form; a pattern of a ticked box stands in no line.
pub(super) fn fill(form: &mut FormState<'_>, stored: &[String]) -> Vec<PresetBox> {
    let whole: Vec<_> = PRESETS.iter().filter(|preset| preset.is_within(stored)).collect();
    let covered = |pattern: &String| whole.iter().any(|preset| preset.has(pattern));
    let lines: Vec<_> = stored.iter().filter(|pattern| !covered(pattern)).cloned().collect();
    form.lines("excludes", &lines);
    let mut boxed = |preset: &Preset| {
        form.flag(&preset.input(), preset.is_within(stored));
        PresetBox { name: preset.input(), label: preset.label, patterns: preset.patterns }
    };
    PRESETS.iter().map(&mut boxed).collect()
}

/// What was typed and ticked. The order counts, since a later pattern can take an earlier one back: patterns of boxes
/// that were ticked before keep their places between the lines, others follow at the end.
pub(super) fn read(form: &Form, stored: &[String]) -> Vec<String> {
    let ticked: Vec<_> = PRESETS.iter().filter(|preset| form.given(&preset.input()).is_some()).collect();
    let mut excludes = merged(stored, &form.lines("excludes"), &ticked);
    for pattern in ticked.iter().flat_map(|preset| preset.patterns) {
        if !excludes.iter().any(|exclude| exclude == pattern) {
            excludes.push((*pattern).to_owned());
        }
    }
    excludes
}

/// The lines, with the stored patterns of ticked boxes after the stored lines that they followed.
fn merged(stored: &[String], lines: &[String], ticked: &[&Preset]) -> Vec<String> {
    let of_box = |preset: &Preset, pattern: &String| preset.is_within(stored) && preset.has(pattern);
    let mut excludes = Vec::new();
    let mut rest = lines;
    for pattern in stored {
        if PRESETS.iter().any(|preset| of_box(preset, pattern)) {
            if ticked.iter().any(|preset| of_box(preset, pattern)) {
                excludes.push(pattern.clone());
            }
        } else if let Some(at) = rest.iter().position(|line| line == pattern) {
            excludes.extend_from_slice(&rest[..=at]);
            rest = &rest[at + 1..];
        }
    }
    excludes.extend_from_slice(rest);
    excludes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(stored: &[&str], form: &str) -> Vec<String> {
        let stored: Vec<_> = stored.iter().map(|pattern| (*pattern).to_owned()).collect();
        read(&Form::parse(form.as_bytes()), &stored)
    }

    #[test]
    fn what_nobody_changed_keeps_its_order() {
        let temporary = ["*.tmp", "*.temp", "*.swp", "*~"];
        let all = [&temporary[..], &["!keep.tmp"]].concat();
        assert_eq!(saved(&all, "excludes=!keep.tmp&preset-temporary=yes"), all);
        let between = ["a", "*.tmp", "b", "*.temp", "*.swp", "a", "*~", "*.tmp"];
        assert_eq!(saved(&between, "excludes=a%0Ab%0Aa&preset-temporary=yes"), between);
    }

    #[test]
    fn lines_are_added_moved_and_removed_around_them() {
        let stored = ["a", ".venv", "b", "node_modules", "!c"];
        let saved = |form| saved(&stored, form);
        assert_eq!(saved("excludes=a%0Ab%0A!c"), ["a", "b", "!c"], "the box was cleared");
        assert_eq!(saved("excludes=x%0Aa%0A!c&preset-fetched=y"), ["x", "a", ".venv", "node_modules", "!c"]);
        assert_eq!(saved("excludes=b%0Aa%0A!c&preset-fetched=y"), ["b", "a", ".venv", "node_modules", "!c"]);
        let more = saved("excludes=a%0Ab%0A!c&preset-fetched=y&preset-system=y");
        assert_eq!(more, ["a", ".venv", "b", "node_modules", "!c", "/proc", "/sys", "/dev", "/run"]);
    }
}
