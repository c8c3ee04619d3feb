//! A progress bar for a backup that runs elsewhere:
//!
//! ```sh
//! restic backup --json ~/documents | cargo run -p restic-manager-restic --example backup_progress
//! ```

use std::io::{self, Read, Write};

use restic_manager_restic::event::{BackupSummary, Status};
use restic_manager_restic::{Decoder, Event};

fn main() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stderr().lock();
    let mut decoder = Decoder::new();
    let mut piece = [0; 64 << 10];
    loop {
        let length = input.read(&mut piece)?;
        if length == 0 {
            decoder.finish();
        }
        decoder.push(&piece[..length]);
        while let Some(event) = decoder.next_event() {
            show(&mut output, &event)?;
        }
        if length == 0 {
            return Ok(());
        }
    }
}

fn show(output: &mut impl Write, event: &Event) -> io::Result<()> {
    match event {
        Event::Status(status) => show_status(output, status),
        Event::BackupSummary(summary) => show_summary(output, summary),
        Event::Failure(failure) => {
            let item = failure.item.as_deref().unwrap_or("?").escape_debug();
            writeln!(output, "\r\x1b[K{item}: {}", failure.text())
        }
        Event::Text { text, .. } => writeln!(output, "\r\x1b[K{}", text.escape_debug()),
        _ => Ok(()),
    }
}

fn show_status(output: &mut impl Write, status: &Status) -> io::Result<()> {
    const WIDTH: usize = 40;
    let filled = (status.fraction() * WIDTH as f64) as usize;
    let remaining = status.remaining().map_or(String::new(), |time| format!(", {} s left", time.as_secs()));
    write!(
        output,
        "\r\x1b[K[{}{}] {:3.0} % of {} MiB in {} files{remaining}",
        "#".repeat(filled),
        " ".repeat(WIDTH - filled),
        status.fraction() * 100.0,
        status.total_bytes >> 20,
        status.total_files,
    )?;
    output.flush()
}

fn show_summary(output: &mut impl Write, summary: &BackupSummary) -> io::Result<()> {
    let id = summary.snapshot_id.as_deref().unwrap_or("none, nothing had changed");
    writeln!(
        output,
        "\r\x1b[Ksnapshot {id}: {} files, {} new, {} changed, {} MiB added in {:.1} s",
        summary.total_files_processed,
        summary.files_new,
        summary.files_changed,
        summary.data_added >> 20,
        summary.total_duration_seconds,
    )
}
