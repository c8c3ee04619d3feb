//! When schedules run, as rules: five fields of cron on the clock of a time zone, the slots that follow from them,
//! and what becomes of each slot.
//!
//! A slot is one due moment of one schedule. [`due`] decides from facts and `now` which slot runs and which are
//! passed over; a [`Mark`] remembers what was decided, so that however the clock jumps no slot runs twice, and none
//! is passed over without a word. Nothing here reads a clock or a file.

mod cron;
mod due;
mod jitter;
mod mark;
mod runs;
mod timetable;
mod told;
mod zone;

pub use cron::{Cron, CronError};
pub use due::{COUNT_LIMIT, DueFacts, LATE, Outlook, SETTLE, SINGLES, Skipped, due, replaced};
pub use jitter::{LONGEST_JITTER, starts_at};
pub use mark::{Mark, SET_BACK, Span};
pub use runs::{Run, runs, shortest_gap};
pub use timetable::{Slot, Timetable, TimetableError};
pub use told::{AHEAD, Doubt, TellingFacts, judge_told};
pub use zone::{Zone, ZoneError};

#[cfg(test)]
mod tests;
