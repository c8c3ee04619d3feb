//! The threat model and this suite say the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use restic_manager_e2e::Outcome;

/// Every line of what is defended names a test that is run, and no test goes unnamed.
#[test]
fn every_defended_line_has_its_test() -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/threat-model.md");
    let named = named_in(&std::fs::read_to_string(path)?);
    let listed = Command::new(std::env::current_exe()?).args(["--list", "--format", "terse"]).output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let run: BTreeSet<_> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|name| name.starts_with("abuse::") && !name.starts_with("abuse::model::"))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = named.difference(&run).collect();
    let unnamed: Vec<_> = run.difference(&named).collect();
    assert!(missing.is_empty(), "the threat model names tests that there are not: {missing:#?}");
    assert!(unnamed.is_empty(), "the threat model does not name: {unnamed:#?}");
    assert!(run.len() > 20);
    Ok(())
}

#[test]
fn a_line_of_the_table_without_a_test_is_noticed() -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/threat-model.md");
    let text = std::fs::read_to_string(path)?;
    let tables = text.split("## What is defended").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows = tables.unwrap_or_default().lines().filter(|line| line.starts_with("| "));
    let rows: Vec<_> = rows.filter(|line| !line.starts_with("| What is tried |")).collect();
    assert!(rows.len() > 20, "{} lines", rows.len());
    for row in rows {
        assert!(row.contains("| `abuse::"), "no test is named: {row}");
    }
    Ok(())
}

fn named_in(text: &str) -> BTreeSet<String> {
    let names = text.split('`').filter(|part| part.starts_with("abuse::"));
    names.map(str::to_owned).collect()
}
