//! Counting: what the runners say in words becomes the one line at the end.

use std::fmt;

use crate::failure::{Failure, Outcome};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Tally {
    /// Reads nextest's summary: `12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`. What is skipped
    /// there is what a filter left to another suite, so it is not counted.
    pub(super) fn of_nextest(said: &str) -> Self {
        let mut tally = Self::default();
        for line in said.lines().filter(|line| line.trim_start().starts_with("Summary [")) {
            let Some((before, after)) = line.split_once(" run: ") else { continue };
            // `9/12 tests run` when the run was cut short.
            let ran = before.split_whitespace().rev().nth(1).and_then(|count| count.split('/').next());
            let ran = ran.and_then(|count| count.parse().ok()).unwrap_or(0);
            let passed = number_before(after, "passed").min(ran);
            tally.add(Self { passed, failed: ran - passed, skipped: 0 });
        }
        tally
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; …`, once per crate.
    pub(super) fn of_doc_tests(said: &str) -> Self {
        let mut tally = Self::default();
        for line in said.lines().filter(|line| line.starts_with("test result: ")) {
            tally.add(Self {
                passed: number_before(line, "passed"),
                failed: number_before(line, "failed"),
                skipped: number_before(line, "ignored"),
            });
        }
        tally
    }

    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Counts a suite that could not run: skipped with a notice when somebody watches, failed otherwise.
    pub(super) fn leave_out(&mut self, suite: &str, reason: &Failure, unattended: bool) {
        eprintln!("notice: suite {suite} cannot run: {reason}");
        if unattended {
            self.failed += 1;
        } else {
            self.skipped += 1;
        }
    }

    pub(super) fn at_least_one_failed(self) -> Self {
        Self { failed: self.failed.max(1), ..self }
    }

    pub(super) fn verdict(self) -> Outcome {
        match self {
            Self { failed: 0, passed: 0, .. } => Err(Failure::new("nothing ran")),
            Self { failed: 0, .. } => Ok(()),
            _ => Err(Failure::new("some tests failed")),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

/// The number in front of a word: 10 for `passed` in `10 passed (1 slow), 2 failed`.
fn number_before(text: &str, word: &str) -> u32 {
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches([',', ';', '(', ')'])).collect();
    let at = words.iter().position(|candidate| *candidate == word);
    at.and_then(|at| words.get(at.checked_sub(1)?)).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u32, failed: u32, skipped: u32) -> Tally {
        Tally { passed, failed, skipped }
    }

    #[test]
    fn all_kinds_of_nextest_failures_count() {
        let said = "     Summary [   3.1s] 14 tests run: 10 passed (1 slow), 2 failed, 1 exec failed, 1 timed out, 3 skipped\n";
        assert_eq!(Tally::of_nextest(said), tally(10, 4, 0));
        assert_eq!(
            Tally::of_nextest("     Summary [   0.1s] 1 test run: 1 passed, 0 skipped\n"),
            tally(1, 0, 0)
        );
        assert_eq!(
            Tally::of_nextest("     Summary [   0.1s] 9/12 tests run: 8 passed, 1 failed\n"),
            tally(8, 1, 0)
        );
        assert_eq!(Tally::of_nextest("error: could not compile"), tally(0, 0, 0));
    }

    #[test]
    fn doc_tests_add_up_over_crates() {
        let said = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\
                    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(Tally::of_doc_tests(said), tally(4, 2, 1));
    }

    #[test]
    fn only_a_run_with_passes_and_without_failures_is_good() {
        assert!(tally(1, 0, 3).verdict().is_ok());
        assert!(tally(0, 0, 3).verdict().is_err());
        assert!(tally(5, 1, 0).verdict().is_err());
        assert!(tally(5, 0, 0).at_least_one_failed().verdict().is_err());
    }

    #[test]
    fn the_last_line_reads_as_promised() {
        assert_eq!(tally(7, 0, 0).to_string(), "7 passed, 0 failed");
        assert_eq!(tally(7, 1, 2).to_string(), "7 passed, 1 failed, 2 skipped");
    }
}
