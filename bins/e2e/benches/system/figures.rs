//! Reading times, memory and processor time, and writing them down.

use std::time::Duration;

use restic_manager_e2e::{Failure, Outcome};

/// Linux counts processor time in hundredths of a second for every program that asks.
const TICKS_PER_SECOND: f64 = 100.0;

/// A share of sorted times: 0.5 is the median.
pub(crate) fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    milliseconds(times[(last as f64 * share).round() as usize])
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// What is in memory, shared program text included.
    pub(crate) resident: f64,
    /// What no other process shares.
    pub(crate) private: f64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Outcome<Self> {
        let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        let field = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
        };
        Ok(Self { resident: field("Rss:"), private: field("Private_Clean:") + field("Private_Dirty:") })
    }
}

/// Processor time of a process, in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Processor {
    pub(crate) own: f64,
    /// Of the children that it has waited for.
    pub(crate) children: f64,
}

impl Processor {
    pub(crate) fn of(process: u32) -> Outcome<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        // The name may hold blanks and parentheses; what follows its last one does not.
        let (_, fields) = stat.rsplit_once(')').ok_or_else(|| Failure::new("no name in a stat file"))?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |range: std::ops::Range<usize>| {
            let sum: f64 = fields[range].iter().filter_map(|field| field.parse::<f64>().ok()).sum();
            sum * 1000.0 / TICKS_PER_SECOND
        };
        Ok(Self { own: ticks(11..13), children: ticks(13..15) })
    }

    pub(crate) fn total(self) -> f64 {
        self.own + self.children
    }
}
