//! Runs the example on what a backup prints.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What restic 0.18 prints, shortened, and a line that no restic prints yet.
const BACKUP: &str = r#"{"message_type":"status","percent_done":0.5,"total_files":2,"files_done":1,"total_bytes":10,"bytes_done":5}
{"message_type":"error","error":{"message":"open /srv/secret: permission denied"},"during":"archival","item":"/srv/secret"}
{"message_type":"horoscope","sign":"Aquarius"}
{"message_type":"summary","files_new":2,"files_changed":0,"files_unmodified":0,"dirs_new":1,"dirs_changed":0,"dirs_unmodified":0,"data_blobs":2,"tree_blobs":1,"data_added":4096,"total_files_processed":2,"total_bytes_processed":10,"total_duration":0.25,"snapshot_id":"fe2133c1"}"#;

#[test]
fn a_backup_is_followed() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parse_restic_json"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(BACKUP.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let shown = String::from_utf8(output.stderr).unwrap();
    for wanted in
        [" 50 % of ", "/srv/secret: open /srv/secret: permission denied", "snapshot fe2133c1: 2 files"]
    {
        assert!(shown.contains(wanted), "{wanted:?} is missing in {shown:?}");
    }
}
