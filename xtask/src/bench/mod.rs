//! `cargo xtask bench`: compares Boltguard with other libraries, and reports on the goals.

mod goals;
mod machine;
mod measured;
mod page;
mod plot;
mod report;
mod versions;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use pico_args::Arguments;

use crate::Command;
use crate::process;
use crate::python;
use crate::services::Services;
use crate::workspace::Workspace;

use self::measured::Run;
use self::report::Report;

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    summary: "Compare with the cryptographic primitives and with other libraries",
    usage: "bench [--rust | --python] [--quick] [name…]
       cargo xtask bench conformance
       cargo xtask bench fleet

  --rust     only the Rust benches
  --python   only the Python benches
  --quick    fewer and shorter measurements (3 instead of 15 minutes)
  name…      only the contests whose path contains one of these, such as verify/HS256 or wsgi
  conformance
             only the verdicts of Boltguard and of other Rust libraries on the conformance vectors
  fleet      only the simulation of a thousand nodes, which prints the tables of docs/fleet-sizing.md

Prints what was measured against the goals, and writes a page with plots to target/bench/report.html.",
    run,
};

fn run(workspace: &Workspace, mut args: Arguments) -> Result<()> {
    let (only_rust, only_python) = (args.contains("--rust"), args.contains("--python"));
    let benches = Benches {
        workspace,
        directory: workspace.scratch("bench")?,
        is_quick: args.contains("--quick"),
        names: crate::names(args)?,
    };
    match benches.names.as_slice() {
        [name] if name == "conformance" => return benches.conformance(),
        [name] if name == "fleet" => return benches.fleet(),
        _ => {}
    }
    for name in RESULTS {
        // Results of an earlier run.
        let _ = fs::remove_file(benches.directory.join(name));
    }
    if !only_python {
        benches.rust()?;
    }
    if !only_rust {
        benches.python()?;
    }
    benches.report()
}

/// The path of the contest that requires PostgreSQL.
const REFRESH: &str = "python/refresh";

/// The files that the benches write.
const RESULTS: [&str; 2] = ["rust.json", "python.json"];

struct Benches<'w> {
    workspace: &'w Workspace,
    directory: PathBuf,
    is_quick: bool,
    names: Vec<String>,
}

impl Benches<'_> {
    /// The benches aren't a default member, so that other commands don't build the peers.
    fn rust(&self) -> Result<()> {
        process::heading("Rust benches");
        let line = "bench --package boltguard-bench --bench engine --";
        let mut cargo = self.workspace.cargo(line);
        cargo.env("CRITERION_HOME", self.directory.join("criterion"));
        process::run(self.dress(&mut cargo))
    }

    /// Verdicts rather than times, so it doesn't need an optimized build.
    fn conformance(&self) -> Result<()> {
        process::heading("conformance of Rust libraries");
        let line = "bench --profile dev --package boltguard-bench --bench conformance";
        let mut cargo = self.workspace.cargo(line);
        process::run(cargo.env("BOLTGUARD_BENCH_DIR", &self.directory))?;
        let lock = fs::read_to_string(self.workspace.path("Cargo.lock"))?;
        println!("\n{}", versions::text(&versions::read(&lock)));
        let different = self.directory.join("conformance.tsv");
        println!("different verdicts: {}", different.display());
        Ok(())
    }

    /// A simulation rather than a measurement, so it has no goals.
    fn fleet(&self) -> Result<()> {
        process::heading("simulation of a fleet");
        process::run(
            &mut self
                .workspace
                .cargo("run --release --package boltguard-fleet"),
        )
    }

    fn python(&self) -> Result<()> {
        let program = self.workspace.path("benches/python/run.py");
        if !program.is_file() {
            bail!("{} doesn't exist", program.display());
        }
        let venv = python::bench_environment(self.workspace)?;
        let services = self.services()?;
        process::heading("Python benches");
        let mut run = venv.python();
        run.arg(program).current_dir(self.workspace.root());
        services.show_to(&mut run);
        process::run(self.dress(&mut run))
    }

    /// The PostgreSQL server, if sessions are measured.
    fn services(&self) -> Result<Services> {
        let is_selected = |name: &String| REFRESH.contains(name.as_str());
        if self.names.is_empty() || self.names.iter().any(is_selected) {
            return Services::postgres(self.workspace);
        }
        Ok(Services::default())
    }

    /// Adds the options of both kinds of benches.
    fn dress<'c>(&self, command: &'c mut std::process::Command) -> &'c mut std::process::Command {
        command.env("BOLTGUARD_BENCH_DIR", &self.directory);
        command.args(self.is_quick.then_some("--quick"));
        command.args(&self.names)
    }

    fn report(&self) -> Result<()> {
        let paths = RESULTS.map(|name| self.directory.join(name));
        let mut runs = Vec::new();
        for path in paths.iter().filter(|path| path.is_file()) {
            let text = fs::read_to_string(path).context(format!("read {}", path.display()))?;
            runs.push(Run::read(&text).context(format!("read {}", path.display()))?);
        }
        let report = Report::new(self.workspace, runs)?;
        process::heading("goals");
        println!("{}", report.table());
        let page = self.directory.join("report.html");
        fs::write(&page, page::html(&report)).context("write the report")?;
        fs::write(self.directory.join("goals.json"), report.json()).context("write the goals")?;
        println!("\nplots: {}", page.display());
        Ok(())
    }
}
