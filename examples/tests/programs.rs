use std::{fs, path::Path, process::Command};

#[test]
fn embed_server() {
    let said = run(env!("CARGO_BIN_EXE_embed_server"));
    assert!(said.contains("/hello\nHTTP/1.1 200 OK\nhello from the program around it\n"), "{said}");
    assert!(said.contains("/api/version\nHTTP/1.1 200 OK\n{\"version\":"), "{said}");
    assert!(said.contains("/bootstrap\nHTTP/1.1 200 OK\n<!DOCTYPE html>\n"), "{said}");
    assert!(said.ends_with("ended: Clean\n"), "{said}");
}

#[test]
fn own_web_ui() {
    let said = run(env!("CARGO_BIN_EXE_own_web_ui"));
    let (before, after) = said.split_once("signed in:\n").unwrap();
    assert!(before.contains("sign in"), "{before}");
    assert!(after.contains("<li><b>offsite</b> at &#x2f;srv&#x2f;&lt;backup&gt;</li>"), "{after}");
}

#[test]
fn custom_store() {
    let said = run(env!("CARGO_BIN_EXE_custom_store"));
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        ["bootstrap: Done", "login: Done", "repository-create: Done"]
    );
}

#[test]
fn custom_clock() {
    let said = run(env!("CARGO_BIN_EXE_custom_clock"));
    let (first, second) = said.trim().split_once('\n').unwrap();
    assert_eq!(first.strip_prefix("first"), second.strip_prefix("second"));
    assert!(first.ends_with("session until \"2100-01-08T00:00:00Z\""), "{first}");
}

#[test]
fn custom_notifier() {
    let said = run(env!("CARGO_BIN_EXE_custom_notifier"));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["test: Test of restic-manager", "ended: Clean"]);
}

#[test]
fn the_readme_lists_every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let programs: Vec<&str> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|section| section.split("path = \"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(programs.len(), 6, "{programs:?}");
    for program in programs {
        assert!(readme.contains(&format!("]({program})")), "{program}");
    }
}

fn run(program: &str) -> String {
    let output = Command::new(program).output().expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
