//! `cargo xtask test`: runs all tests, and prints their number at the end.

mod suite;
mod tally;

use std::process::Command;

use anyhow::{Result, ensure};
use pico_args::Arguments;

use self::suite::Suite;
use self::tally::{Report, Tally};
use crate::process;
use crate::python::{self, Interpreter, Venv};
use crate::services::Services;
use crate::workspace::Workspace;

pub(crate) const COMMAND: crate::Command = crate::Command {
    name: "test",
    summary: "Run the Rust and Python tests, doctests and acceptance checks",
    usage: "test [--rust | --python] [options]

  --rust               only the Rust tests and doctests
  --python             only the tests of the installed Python package, and the acceptance checks if there are any
  --all-features       Rust tests with every optional feature
  --all-pythons        Python tests also on the oldest and the newest other Python that is installed, except for those
                       that need a server, which don't depend on the version
  --require-services   fail if Redis or PostgreSQL can't be started, instead of skipping the tests that need them

The tests use the servers in BOLTGUARD_TEST_REDIS_URL, BOLTGUARD_TEST_POSTGRES_URL and BOLTGUARD_TEST_MARIADB_URL. For
those that aren't set, it starts private servers, from installed programs or from pip (which has no MariaDB).",
    run,
};

/// Which tests to run, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) rust: bool,
    pub(crate) python: bool,
    pub(crate) all_features: bool,
    pub(crate) all_pythons: bool,
    pub(crate) require_services: bool,
}

fn run(workspace: &Workspace, mut args: Arguments) -> Result<()> {
    let (only_rust, only_python) = (args.contains("--rust"), args.contains("--python"));
    let options = Options {
        rust: only_rust || !only_python,
        python: only_python || !only_rust,
        all_features: args.contains("--all-features"),
        all_pythons: args.contains("--all-pythons"),
        require_services: args.contains("--require-services"),
    };
    crate::finish(args)?;
    test(workspace, options)
}

pub(crate) fn test(workspace: &Workspace, options: Options) -> Result<()> {
    let services = Services::start(workspace, options.require_services)?;
    let runner = Runner {
        workspace,
        services: &services,
    };
    let mut tally = Tally::default();
    if options.rust {
        runner.rust(options.all_features, &mut tally)?;
    }
    if options.python {
        runner.python(options.all_pythons, &mut tally)?;
    }
    drop(services);
    println!("\n{tally}");
    ensure!(tally.is_good(), tally.complaint());
    Ok(())
}

struct Runner<'a> {
    workspace: &'a Workspace,
    services: &'a Services,
}

impl Runner<'_> {
    /// All crates except the binding and the benches, which have no Rust tests and take long to build.
    fn rust(&self, all_features: bool, tally: &mut Tally) -> Result<()> {
        let members = self.workspace.members()?;
        let (tested, outside): (Vec<_>, Vec<_>) = members
            .iter()
            .partition(|member| member.is_tested_by_cargo(self.workspace));
        process::heading("Rust tests and doctests");
        let mut cargo = self.workspace.cargo("test --workspace --no-fail-fast");
        for member in outside {
            cargo.args(["--exclude", &member.name]);
        }
        if all_features {
            let features = tested.iter().flat_map(|member| member.optional_features());
            cargo.args(["--features", &features.collect::<Vec<_>>().join(",")]);
        }
        self.services.show_to(&mut cargo);
        let mut report = Report::new("cargo test");
        let status = process::follow(cargo, Command::stdout, |line| report.read_cargo(line))?;
        tally.add(report, status);
        Ok(())
    }

    fn python(&self, all_pythons: bool, tally: &mut Tally) -> Result<()> {
        let lists = ["test"];
        let (venv, wheel) = python::environment_and_wheel(self.workspace, &lists)?;
        let main = Interpreter::find()?;
        for suite in self.suites(&main, &venv) {
            process::heading(suite.name());
            suite.run(Some(self.services), tally)?;
        }
        let mut others = Vec::new();
        for other in main.others().iter().filter(|_| all_pythons) {
            process::heading(format!("virtual environment, Python {}", other.version()));
            let venv = python::environment_of(self.workspace, other, &wheel, &lists)?;
            others.push(self.suites(other, &venv));
        }
        suite::run_side_by_side(&others, tally)
    }

    /// The tests of the installed package, and the acceptance checks in another process, since each configures Django
    /// in its own way.
    fn suites(&self, python: &Interpreter, venv: &Venv) -> Vec<Suite> {
        let tests = self.workspace.binding().join("tests");
        let directories = [Some(tests), self.workspace.acceptance()];
        let suites = directories.into_iter().flatten();
        suites
            .map(|tests| Suite::new(python, venv, tests))
            .collect()
    }
}
