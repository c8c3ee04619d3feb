//! Lists snapshots, however many, without holding them all:
//!
//! ```sh
//! restic snapshots --json | cargo run -p restic-manager-restic --example list_snapshots
//! ```

use std::error::Error;
use std::io::{self, Read, Write};

use restic_manager_restic::document::Elements;
use restic_manager_restic::event::SnapshotRef;

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut elements = Elements::new();
    let mut piece = [0; 64 << 10];
    loop {
        let length = input.read(&mut piece)?;
        elements.push(&piece[..length]);
        while let Some(snapshot) = elements.next_element::<SnapshotRef<'_>>() {
            show(&mut output, &snapshot?)?;
        }
        if length == 0 {
            return Ok(elements.finish()?);
        }
    }
}

fn show(output: &mut impl Write, snapshot: &SnapshotRef<'_>) -> io::Result<()> {
    let id = snapshot.short_id.as_deref().unwrap_or("?");
    let tags: Vec<&str> = snapshot.tags.iter().collect();
    let paths: Vec<String> = snapshot.paths.iter().map(|path| path.escape_debug().to_string()).collect();
    let size = snapshot
        .summary
        .map_or(String::new(), |summary| format!("{} MiB", summary.total_bytes_processed >> 20));
    writeln!(
        output,
        "{id}  {}  {:20}  {size:>12}  [{}]  {}",
        snapshot.time,
        snapshot.hostname,
        tags.join(", "),
        paths.join(" ")
    )
}
