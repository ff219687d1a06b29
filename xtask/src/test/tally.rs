//! The sum of the results of several test runners, read from their output.

use std::fmt;
use std::process::ExitStatus;

/// A complaint names this many failed tests.
const NAMED_FAILURES: usize = 40;

/// The results of all runners.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Counts,
    skipped: Vec<String>,
    failed: Vec<String>,
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
        let runner = &report.runner;
        let failed = report.failed.iter();
        self.failed
            .extend(failed.map(|name| format!("{name} ({runner})")));
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

    /// Which runners failed, and the first of the tests that failed.
    pub(super) fn complaint(&self) -> String {
        if self.bad.is_empty() {
            return "no test ran".to_owned();
        }
        let mut complaint = format!("not all tests passed: {}", self.bad.join("; "));
        for name in self.failed.iter().take(NAMED_FAILURES) {
            complaint += &format!("\n          failed: {name}");
        }
        let further = self.failed.len().saturating_sub(NAMED_FAILURES);
        if further > 0 {
            complaint += &format!("\n          and {further} more");
        }
        complaint
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
    failed: Vec<String>,
}

impl Report {
    pub(super) fn new(runner: impl Into<String>) -> Self {
        Self {
            runner: runner.into(),
            counts: Counts::default(),
            skipped: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Reads a line of libtest: `test a::b ... ignored, why`, `test a::b ... FAILED` or `test result: ok. 3 passed; …`.
    pub(super) fn read_cargo(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.count(result.split(['.', ';']));
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|test| test.strip_suffix(" ... FAILED"))
        {
            self.failed.push(name.to_owned());
        } else if let Some((name, reason)) = line
            .strip_prefix("test ")
            .and_then(|test| test.split_once(" ... ignored"))
        {
            let reason = reason.strip_prefix(", ").unwrap_or("ignored");
            self.skipped.push(format!("{name}: {reason}"));
        }
    }

    /// Reads a line of pytest's summary: `SKIPPED a.py::b - Skipped: why`, `FAILED a.py::b - why`, `ERROR a.py::b` or
    /// `=== 3 passed, 1 skipped in 0.12s ===`.
    pub(super) fn read_pytest(&mut self, line: &str) {
        if let Some(skip) = line.strip_prefix("SKIPPED ") {
            self.skipped.push(skip.replacen(" - Skipped: ", ": ", 1));
        } else if let Some(failure) = line
            .strip_prefix("FAILED ")
            .or_else(|| line.strip_prefix("ERROR "))
        {
            self.failed.push(failure.replacen(" - ", ": ", 1));
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
            FAILED tests/test_a.py::test_sum - assert 1 == 2\n\
            ERROR tests/test_b.py::test_set_up\n\
            === 1 failed, 41 passed, 1 skipped, 2 xfailed, 3 warnings, 1 error in 12.30s (0:00:12) ===";
        let tally = tally(Report::read_pytest, lines, 1);
        assert_eq!(
            tally.to_string(),
            "skipped:\n  tests/test_a.py::test_redis[RS256]: no Redis\n\n41 passed, 2 failed, 3 skipped"
        );
        assert!(!tally.is_good());
        let complaint = tally.complaint();
        for name in [
            "tests/test_a.py::test_sum: assert 1 == 2 (runner)",
            "tests/test_b.py::test_set_up (runner)",
        ] {
            assert!(
                complaint.contains(&format!("failed: {name}")),
                "{complaint}"
            );
        }
    }

    #[test]
    fn failed_tests_of_libtest_are_named() {
        let lines = "test a::one ... FAILED\n\
            test a::two ... ok\n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored";
        let tally = tally(Report::read_cargo, lines, 101);
        assert!(tally.complaint().ends_with("failed: a::one (runner)"));
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
