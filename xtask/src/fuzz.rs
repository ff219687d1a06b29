//! `cargo xtask fuzz`: runs the fuzz targets on the stable toolchain.

use std::fs;
use std::path::PathBuf;
use std::process;

use anyhow::{Context, Result, bail};
use pico_args::Arguments;

use crate::Command;
use crate::Usage;
use crate::process::{follow, heading, run as run_program};
use crate::workspace::Workspace;

pub(crate) const COMMAND: Command = Command {
    name: "fuzz",
    summary: "Feed random input to every fuzz target",
    usage: "fuzz [--seconds N] [target…]

  --seconds N   how long each target runs (default 60)
  target…       only these; without any, all of fuzz/fuzz_targets

Inputs that reach something new are kept in target/fuzz/, and used again by the next run. An input that crashes is named,
with the command that replays it; once it is in fuzz/crashes/, each run of the tests replays it. cargo-fuzz is built into
target/tools/ when it is first needed.",
    run,
};

const CARGO_FUZZ: &str = "0.13.2";

fn run(workspace: &Workspace, mut args: Arguments) -> Result<()> {
    let seconds = args.opt_value_from_str("--seconds")?.unwrap_or(60);
    fuzz(workspace, seconds, &crate::names(args)?)
}

/// Runs the named targets, or all of them, each for `seconds`.
pub(crate) fn fuzz(workspace: &Workspace, seconds: u32, names: &[String]) -> Result<()> {
    let fuzzer = Fuzzer::new(workspace)?;
    let targets = chosen(fuzzer.targets()?, names)?;
    let mut reached = Vec::new();
    for target in &targets {
        reached.push(fuzzer.run(target, seconds)?);
    }
    heading("executions");
    for (target, executions) in targets.iter().zip(reached) {
        println!("{executions:>12}  {target}");
    }
    Ok(())
}

fn chosen(all: Vec<String>, names: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!(Usage(format!(
            "`{unknown}` is not a fuzz target; the targets are {}",
            all.join(", ")
        )));
    }
    Ok(if names.is_empty() {
        all
    } else {
        names.to_vec()
    })
}

struct Fuzzer<'a> {
    workspace: &'a Workspace,
    directory: PathBuf,
    /// Where cargo finds `cargo-fuzz`.
    tools: PathBuf,
}

impl<'a> Fuzzer<'a> {
    fn new(workspace: &'a Workspace) -> Result<Self> {
        let fuzzer = Self {
            workspace,
            directory: workspace.path("fuzz"),
            tools: workspace.target("tools"),
        };
        fuzzer.install()?;
        Ok(fuzzer)
    }

    /// Does nothing if this version is already installed.
    fn install(&self) -> Result<()> {
        heading("cargo-fuzz");
        let line = format!("install cargo-fuzz --version {CARGO_FUZZ} --locked --quiet --root");
        let mut cargo = self.workspace.cargo(&line);
        cargo.arg(&self.tools).arg("--target-dir");
        run_program(cargo.arg(self.workspace.target("tools/build")))
    }

    fn targets(&self) -> Result<Vec<String>> {
        let directory = self.directory.join("fuzz_targets");
        let files = fs::read_dir(&directory).context(format!("read {}", directory.display()))?;
        let sources = files
            .flatten()
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
        let mut names: Vec<String> = sources
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Runs one target, and returns how many inputs it tried.
    fn run(&self, target: &str, seconds: u32) -> Result<u64> {
        heading(format!("fuzz {target}, {seconds} s"));
        let (mut executions, mut crash) = (0, None);
        let command = self.command(target, seconds)?;
        let status = follow(command, process::Command::stderr, |line| {
            executions = statistic(line).unwrap_or(executions);
            crash = crash.take().or_else(|| written_input(line));
        })?;
        match (status.success(), crash) {
            (true, _) => Ok(executions),
            (false, None) => bail!("fuzz target {target} could not run; see above"),
            (false, Some(input)) => bail!(
                "fuzz target {target} found an input that fails: {input}\n\
                 replay it: PATH={}:$PATH RUSTC_BOOTSTRAP=1 cargo fuzz run {target} {input}",
                self.tools.join("bin").display(),
            ),
        }
    }

    fn command(&self, target: &str, seconds: u32) -> Result<process::Command> {
        let mut command = self.cargo_fuzz("run");
        command
            .arg("--target-dir")
            .arg(self.workspace.target("fuzz/build"))
            .arg(target);
        // The fuzzer writes to the first corpus only, so the seeds stay unchanged.
        command.arg(self.workspace.scratch(&format!("fuzz/corpus/{target}"))?);
        let inputs = ["seeds", "crashes"].map(|kind| self.directory.join(kind).join(target));
        command.args(inputs.iter().filter(|inputs| inputs.is_dir()));
        command.args([
            "--",
            "-verbosity=0",
            "-print_final_stats=1",
            "-timeout=10",
            &format!("-max_total_time={seconds}"),
        ]);
        command.arg(format!(
            "-artifact_prefix={}/",
            self.artifacts(target)?.display()
        ));
        Ok(command)
    }

    /// `RUSTC_BOOTSTRAP` enables the compiler options that the sanitizers need on a stable toolchain.
    fn cargo_fuzz(&self, subcommand: &str) -> process::Command {
        let mut command = self.workspace.cargo("fuzz");
        command
            .args([subcommand, "--fuzz-dir"])
            .arg(&self.directory)
            .env("RUSTC_BOOTSTRAP", "1");
        let old = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.tools.join("bin")).chain(std::env::split_paths(&old));
        command.envs(std::env::join_paths(path).ok().map(|path| ("PATH", path)));
        command
    }

    fn artifacts(&self, target: &str) -> Result<PathBuf> {
        let directory = self.directory.join("artifacts").join(target);
        fs::create_dir_all(&directory).context(format!("make {}", directory.display()))?;
        Ok(directory)
    }
}

/// The count in `stat::number_of_executed_units: 12345`.
fn statistic(line: &str) -> Option<u64> {
    line.strip_prefix("stat::number_of_executed_units:")?
        .trim()
        .parse()
        .ok()
}

/// The path in `artifact_prefix='…/'; Test unit written to …/crash-0123`.
fn written_input(line: &str) -> Option<String> {
    let (_, path) = line.split_once("Test unit written to ")?;
    Some(path.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_final_statistics() {
        assert_eq!(
            statistic("stat::number_of_executed_units: 1048576"),
            Some(1_048_576)
        );
        assert_eq!(statistic("#1048576\tDONE   cov: 12"), None);
    }

    #[test]
    fn the_input_that_fails_is_read_from_what_the_fuzzer_prints() {
        let line = "artifact_prefix='/a/'; Test unit written to /a/crash-0123";
        assert_eq!(written_input(line).as_deref(), Some("/a/crash-0123"));
        assert_eq!(written_input("#1048576 DONE   cov: 12"), None);
    }

    #[test]
    fn a_target_that_is_not_there_is_named_with_those_that_are() {
        let all = || vec!["claims".to_owned(), "header".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &all()[1..]).unwrap(), ["header"]);
        let message = chosen(all(), &["heder".to_owned()])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("heder") && message.contains("claims, header"),
            "{message}"
        );
    }
}
