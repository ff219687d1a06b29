//! The sum of the results of several test runners, read from their output.

use std::fmt;
use std::process::ExitStatus;

/// The results of all runners.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Counts,
    skipped: Vec<String>,
    /// Runners that failed.
    bad: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    /// Adds the results of a runner. If it fails without reporting a failed test, this counts as a failure, so that the
    /// sum never looks better than the exit code.
    pub(super) fn add(&mut self, mut report: Report, status: ExitStatus) {
        let ran_none = report.counts == Counts::default();
        if !status.success() || ran_none {
            report.counts.failed = report.counts.failed.max(1);
            let how = if ran_none {
                "ran no test".to_owned()
            } else {
                format!("ended with {status}")
            };
            self.bad.push(format!("`{}` {how}", report.runner));
        }
        self.counts.passed += report.counts.passed;
        self.counts.failed += report.counts.failed;
        self.counts.skipped += report.counts.skipped;
        // The same test may have been skipped on another Python.
        report.skipped.retain(|name| !self.skipped.contains(name));
        self.skipped.append(&mut report.skipped);
    }

    /// Whether tests ran, and all of them passed.
    pub(super) fn is_good(&self) -> bool {
        self.bad.is_empty() && self.counts.failed == 0 && self.counts.passed > 0
    }

    pub(super) fn complaint(&self) -> String {
        match self.bad.is_empty() {
            true => "no test ran".to_owned(),
            false => format!("not all tests passed: {}", self.bad.join("; ")),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.skipped.is_empty() {
            writeln!(f, "skipped:")?;
            self.skipped
                .iter()
                .try_for_each(|name| writeln!(f, "  {name}"))?;
            writeln!(f)?;
        }
        let Counts {
            passed,
            failed,
            skipped,
        } = self.counts;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The results of one runner so far.
#[derive(Debug)]
pub(super) struct Report {
    runner: String,
    counts: Counts,
    skipped: Vec<String>,
}

impl Report {
    pub(super) fn new(runner: impl Into<String>) -> Self {
        Self {
            runner: runner.into(),
            counts: Counts::default(),
            skipped: Vec::new(),
        }
    }

    /// Reads a line of libtest: `test a::b ... ignored, why` or `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(super) fn read_cargo(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.count(result.split(['.', ';']));
        } else if let Some((name, reason)) = line
            .strip_prefix("test ")
            .and_then(|test| test.split_once(" ... ignored"))
        {
            let reason = reason.strip_prefix(", ").unwrap_or("ignored");
            self.skipped.push(format!("{name}: {reason}"));
        }
    }

    /// Reads a line of pytest: `SKIPPED a.py::b - Skipped: why` or `=== 3 passed, 1 skipped in 0.12s ===`.
    pub(super) fn read_pytest(&mut self, line: &str) {
        if let Some(skip) = line.strip_prefix("SKIPPED ") {
            self.skipped.push(skip.replacen(" - Skipped: ", ": ", 1));
        } else if let Some((result, _)) = line.trim_matches(['=', ' ']).rsplit_once(" in ") {
            self.count(result.split(','));
        }
    }

    fn count<'t>(&mut self, parts: impl Iterator<Item = &'t str>) {
        for part in parts {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(word)) =
                (words.next().map(str::parse::<usize>), words.next())
            else {
                continue;
            };
            match word {
                "passed" | "xpassed" => self.counts.passed += number,
                "failed" | "error" | "errors" => self.counts.failed += number,
                "skipped" | "ignored" | "xfailed" => self.counts.skipped += number,
                _ => (),
            }
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn tally(reader: fn(&mut Report, &str), lines: &str, code: i32) -> Tally {
        let mut tally = Tally::default();
        let mut report = Report::new("runner");
        lines.lines().for_each(|line| reader(&mut report, line));
        tally.add(report, ExitStatus::from_raw(code << 8));
        tally
    }

    #[test]
    fn libtest_is_summed_over_its_binaries() {
        let lines = "running 3 tests\n\
            test a::one ... ok\n\
            test a::two ... ignored, needs a server\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test src/lib.rs - (line 3) ... ignored\n\
            test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.10s";
        let tally = tally(Report::read_cargo, lines, 0);
        assert_eq!(
            tally.to_string(),
            "skipped:\n  a::two: needs a server\n  src/lib.rs - (line 3): ignored\n\n7 passed, 0 failed, 2 skipped"
        );
        assert!(tally.is_good());
    }

    #[test]
    fn pytest_is_read_from_its_last_line() {
        let lines = "tests/test_a.py ..s                    [100%]\n\
            SKIPPED tests/test_a.py::test_redis[RS256] - Skipped: no Redis\n\
            === 1 failed, 41 passed, 1 skipped, 2 xfailed, 3 warnings, 1 error in 12.30s (0:00:12) ===";
        let tally = tally(Report::read_pytest, lines, 1);
        assert_eq!(
            tally.to_string(),
            "skipped:\n  tests/test_a.py::test_redis[RS256]: no Redis\n\n41 passed, 2 failed, 3 skipped"
        );
        assert!(!tally.is_good());
    }

    #[test]
    fn a_runner_that_breaks_off_counts_as_a_failure() {
        let broken = tally(
            Report::read_cargo,
            "test result: ok. 2 passed; 0 failed; 0 ignored",
            101,
        );
        assert_eq!(broken.to_string(), "2 passed, 1 failed, 0 skipped");
        assert!(broken.complaint().contains("runner"));
    }

    #[test]
    fn a_runner_that_ran_nothing_counts_as_a_failure() {
        let empty = tally(Report::read_pytest, "=== no tests ran in 0.01s ===", 0);
        assert!(!empty.is_good() && empty.complaint().contains("ran no test"));
        assert!(!Tally::default().is_good());
    }

    #[test]
    fn what_tests_print_is_not_counted() {
        let lines = "we have 3 passed, so far\nrunning 3 passed tests\ntest result: ok. 1 passed; 0 failed; 0 ignored";
        assert_eq!(
            tally(Report::read_cargo, lines, 0).to_string(),
            "1 passed, 0 failed, 0 skipped"
        );
    }
}
