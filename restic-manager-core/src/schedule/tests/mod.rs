mod cron;
mod due;
mod laws;
mod zone;

use restic_manager_proto::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}
mod runs;
