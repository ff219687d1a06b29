//! A run of pytest, shown at once or beside others.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context, Result, anyhow};

use super::tally::{Report, Tally};
use crate::process;
use crate::python::{Interpreter, Venv};
use crate::services::Services;

/// A directory of Python tests, and the environment that runs them.
pub(super) struct Suite {
    name: String,
    venv: Venv,
    tests: PathBuf,
}

impl Suite {
    pub(super) fn new(python: &Interpreter, venv: &Venv, tests: PathBuf) -> Self {
        let name = format!("pytest {} on Python {}", tests.display(), python.version());
        let venv = venv.clone();
        Self { name, venv, tests }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs it in several processes, each of which has separate files, and shows its output.
    pub(super) fn run(&self, services: Option<&Services>, tally: &mut Tally) -> Result<()> {
        let mut report = Report::new(self.name.clone());
        let mut pytest = self.pytest(services);
        pytest.args(["-n", &processes().to_string(), "--dist", "loadfile"]);
        let status = process::follow(pytest, Command::stdout, |line| report.read_pytest(line))?;
        tally.add(report, status);
        Ok(())
    }

    /// Runs in the parent directory of the tests, where only the installed package can be imported.
    fn pytest(&self, services: Option<&Services>) -> Command {
        let mut pytest = self.venv.module("pytest");
        let options = "--no-fold-skipped -rfEs -p no:cacheprovider";
        pytest.args(options.split(' ')).arg(&self.tests);
        pytest.env("PYTHONDONTWRITEBYTECODE", "1");
        pytest.current_dir(self.tests.parent().unwrap_or(&self.tests));
        match services {
            Some(services) => services.show_to(&mut pytest),
            None => Services::hide_from(&mut pytest),
        }
        pytest
    }

    /// Runs several, one after another, without showing their output.
    fn outputs(suites: &[Self]) -> Vec<Result<Output>> {
        let output = |suite: &Self| {
            let mut pytest = suite.pytest(None);
            pytest
                .stdin(Stdio::null())
                .output()
                .context(suite.name.clone())
        };
        suites.iter().map(output).collect()
    }

    fn show(&self, output: &Output, tally: &mut Tally) {
        process::heading(&self.name);
        let mut report = Report::new(self.name.clone());
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            println!("{line}");
            report.read_pytest(line);
        }
        print!("{}", String::from_utf8_lossy(&output.stderr));
        tally.add(report, output.status);
    }
}

/// As many as there are cores, up to 4: many tests wait for a server, and some measure its answers.
fn processes() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(4))
}

/// Runs the suites of several Pythons at the same time, those of each one after another. None may use a server. The
/// output is shown when all of them have ended.
pub(super) fn run_side_by_side(pythons: &[Vec<Suite>], tally: &mut Tally) -> Result<()> {
    let outputs: Vec<_> = thread::scope(|scope| {
        let suites = pythons.iter();
        let running: Vec<_> = suites
            .map(|suites| scope.spawn(|| Suite::outputs(suites)))
            .collect();
        running.into_iter().map(ScopedJoinHandle::join).collect()
    });
    for (suites, outputs) in pythons.iter().zip(outputs) {
        let outputs = outputs.map_err(|_| anyhow!("the thread of a test run panicked"))?;
        for (suite, output) in suites.iter().zip(outputs) {
            suite.show(&output?, tally);
        }
    }
    Ok(())
}
