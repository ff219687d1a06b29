//! `cargo xtask bench`: the engine beside its peers, in Rust and in Python.

use crate::Command;
use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::process;
use crate::python;
use crate::workspace::Workspace;

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    summary: "Measure beside the raw primitives and the peers",
    usage: "bench [--rust | --python] [--quick] [name…]

  --rust     only the Rust benches
  --python   only the Python benches
  --quick    fewer and shorter measurements: three minutes rather than fifteen
  name…      only the benches whose name contains one of these

Prints ratios against the goals, and writes a report with plots to target/bench/.",
    run,
};

fn run(workspace: &Workspace, mut args: Args) -> Result {
    let (only_rust, only_python) = (args.flag("--rust"), args.flag("--python"));
    let options = Options {
        is_quick: args.flag("--quick"),
        names: args.names()?,
    };
    if !only_python {
        rust(workspace, &options)?;
    }
    if !only_rust {
        python(workspace, &options)?;
    }
    println!("\nresults: {}", workspace.target("bench").display());
    Ok(())
}

struct Options {
    is_quick: bool,
    names: Vec<String>,
}

impl Options {
    /// What both kinds of benches are told.
    fn dress(&self, workspace: &Workspace, command: &mut std::process::Command) -> Result {
        command.env("BOLTGUARD_BENCH_DIR", workspace.scratch("bench")?);
        if self.is_quick {
            command.arg("--quick").env("BOLTGUARD_BENCH_QUICK", "1");
        }
        Ok(())
    }
}

/// The package of the benches is outside the default members, so that nobody pays for building the peers elsewhere.
fn rust(workspace: &Workspace, options: &Options) -> Result {
    process::heading("Rust benches");
    let mut cargo = workspace.cargo("bench");
    cargo.args(["--package", "boltguard-bench", "--"]);
    options.dress(workspace, &mut cargo)?;
    // Criterion takes one name, which may be a regular expression.
    cargo.args(Some(options.names.join("|")).filter(|pattern| !pattern.is_empty()));
    process::run(cargo.env("CRITERION_HOME", workspace.scratch("bench/criterion")?))
}

fn python(workspace: &Workspace, options: &Options) -> Result {
    let program = workspace.path("benches/python/run.py");
    if !program.is_file() {
        return Err(Failure::new(format!("{} is not there", program.display())));
    }
    let venv = python::bench_environment(workspace)?;
    process::heading("Python benches");
    let mut run = venv.python();
    run.arg(program);
    options.dress(workspace, &mut run)?;
    process::run(run.args(&options.names).current_dir(workspace.root()))
}
