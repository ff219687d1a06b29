//! `cargo xtask ci`: everything that must hold before a change lands.

use std::time::{Duration, Instant};

use crate::Command;
use crate::args::Args;
use crate::demo;
use crate::failure::{Failure, Result};
use crate::fuzz;
use crate::process;
use crate::python;
use crate::test::{self, Options};
use crate::tidy;
use crate::workspace::Workspace;

pub(crate) const COMMAND: Command = Command {
    name: "ci",
    summary: "Run everything that must hold before a change lands",
    usage: "ci [step…]

  step…   only these: format, lock, tidy, clippy, docs, test, features, demo, types, fuzz

Goes on after a step that fails, and lists all of them at the end.",
    run,
};

/// A part of the whole, which stands alone.
struct Step {
    name: &'static str,
    title: &'static str,
    run: fn(&Workspace) -> Result,
}

/// The quick ones first.
const STEPS: [Step; 10] = [
    Step {
        name: "format",
        title: "formatting of the Rust code",
        run: format,
    },
    Step {
        name: "lock",
        title: "Cargo.lock is up to date",
        run: lock,
    },
    Step {
        name: "tidy",
        title: "layers and house rules",
        run: tidy::tidy,
    },
    Step {
        name: "clippy",
        title: "clippy, warnings denied",
        run: clippy,
    },
    Step {
        name: "docs",
        title: "Rust documentation, warnings denied",
        run: docs,
    },
    Step {
        name: "test",
        title: "all tests, on every Python",
        run: tests,
    },
    Step {
        name: "features",
        title: "Rust tests with every optional feature",
        run: features,
    },
    Step {
        name: "demo",
        title: "the demo site's story",
        run: |workspace| demo::check(workspace, None),
    },
    Step {
        name: "types",
        title: "Python code and types",
        run: types,
    },
    Step {
        name: "fuzz",
        title: "a short run of each fuzz target",
        run: short_fuzz,
    },
];

/// Long enough to run the whole corpus of seeds, and some.
const FUZZ_SECONDS: u32 = 10;

fn run(workspace: &Workspace, args: Args) -> Result {
    let names = args.names()?;
    let outcomes: Vec<Outcome> = chosen(&names)?
        .into_iter()
        .map(|step| step.take(workspace))
        .collect();
    process::heading("summary");
    outcomes.iter().for_each(Outcome::print);
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .map(|outcome| outcome.name)
        .collect();
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("failed: {}", failed.join(", ")))
            .remedy(format!("cargo xtask ci {}", failed.join(" ")))),
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    let find = |name: &String| STEPS.iter().find(|step| step.name == name);
    names
        .iter()
        .map(|name| find(name).ok_or_else(|| Failure::usage(format!("`{name}` is no step"))))
        .collect()
}

/// How a step ended.
struct Outcome {
    name: &'static str,
    result: Result,
    time: Duration,
}

impl Step {
    fn take(&self, workspace: &Workspace) -> Outcome {
        println!("\n==== {}: {}", self.name, self.title);
        let start = Instant::now();
        let result = (self.run)(workspace);
        if let Err(failure) = &result {
            println!("{failure}");
        }
        Outcome {
            name: self.name,
            result,
            time: start.elapsed(),
        }
    }
}

impl Outcome {
    fn print(&self) {
        let word = if self.result.is_ok() { "ok" } else { "FAILED" };
        println!("{:9} {word:6} {:5} s", self.name, self.time.as_secs());
        if let Err(failure) = &self.result {
            println!("          {}", failure.what());
        }
    }
}

fn format(workspace: &Workspace) -> Result {
    let remedy = "cargo fmt --all && cargo fmt --manifest-path fuzz/Cargo.toml";
    let check = |args: &[&str]| {
        process::run(workspace.cargo("fmt").args(args)).map_err(|failure| failure.remedy(remedy))
    };
    check(&["--all", "--check"])?;
    check(&["--manifest-path", "fuzz/Cargo.toml", "--check"])
}

fn lock(workspace: &Workspace) -> Result {
    process::capture(
        workspace
            .cargo("metadata")
            .args(["--format-version", "1", "--locked"]),
    )
    .map(|_| ())
}

fn clippy(workspace: &Workspace) -> Result {
    let mut cargo = workspace.cargo("clippy");
    process::run(cargo.args([
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}

fn docs(workspace: &Workspace) -> Result {
    let mut cargo = workspace.cargo("doc");
    process::run(
        cargo
            .args(["--no-deps", "--all-features"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn tests(workspace: &Workspace) -> Result {
    let all = Options {
        rust: true,
        python: true,
        all_features: false,
        all_pythons: true,
        require_services: true,
    };
    test::test(workspace, all)
}

fn features(workspace: &Workspace) -> Result {
    let tested = workspace
        .members()?
        .into_iter()
        .filter(|member| member.is_tested_by_cargo(workspace));
    if !tested.into_iter().any(|member| member.has_features()) {
        println!("no crate has an optional feature");
        return Ok(());
    }
    let rust = Options {
        rust: true,
        python: false,
        all_features: true,
        all_pythons: false,
        require_services: true,
    };
    test::test(workspace, rust)
}

/// `stubtest` compares the stub of the Rust module with what is in the installed one.
fn types(workspace: &Workspace) -> Result {
    let venv = python::environment(workspace, &["lint"])?;
    process::heading("Python code and types");
    let package = workspace.binding();
    let run = |module: &str, args: &[&str]| {
        process::run(venv.module(module).args(args).current_dir(&package))
    };
    run("ruff", &["check", "."])?;
    run("ruff", &["format", "--check", "."])?;
    run("mypy", &["python/boltguard"])?;
    run("mypy.stubtest", &["boltguard._rust"])
}

/// With the replay of inputs that other tests leave out, since it needs another implementation to compare with.
fn short_fuzz(workspace: &Workspace) -> Result {
    process::heading("replay beside another implementation");
    let mut cargo = workspace.cargo("test");
    cargo.args([
        "--quiet",
        "--locked",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--test",
        "replay",
        "--target-dir",
    ]);
    process::run(cargo.arg(workspace.target("fuzz/test")))?;
    fuzz::fuzz(workspace, FUZZ_SECONDS, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name_and_unknown_ones_refused() {
        let names = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let chosen_names = |text| {
            chosen(&names(text)).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(chosen_names("tidy format").unwrap(), ["tidy", "format"]);
        assert!(chosen_names("tdiy").is_err_and(|failure| failure.is_usage()));
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
    }

    #[test]
    fn the_help_names_every_step() {
        let all = STEPS.map(|step| step.name).join(", ");
        assert!(COMMAND.usage.contains(&all), "{all}");
    }
}
