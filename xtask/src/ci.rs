//! `cargo xtask ci`: all checks that must pass before a change is merged.

use std::env;
use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use pico_args::Arguments;

use crate::demo;
use crate::fuzz;
use crate::process;
use crate::python;
use crate::services;
use crate::test::{self, Options};
use crate::tidy;
use crate::workspace::Workspace;
use crate::{Command, Usage};

pub(crate) const COMMAND: Command = Command {
    name: "ci",
    summary: "Run all checks that must pass before a change is merged",
    usage: "ci [step…]

  step…   only these: format, lock, tidy, clippy, docs, deny, test, features, wasm, demo, types, fuzz

Continues after a step that fails, and lists the failed steps at the end.",
    run,
};

/// A part of the checks, which can be run alone: its name, its title, and what it does.
struct Step(&'static str, &'static str, fn(&Workspace) -> Result<()>);

/// The quick steps come first.
const STEPS: [Step; 12] = [
    Step("format", "formatting of the Rust code", format),
    Step("lock", "Cargo.lock is up to date", lock),
    Step("tidy", "layers and rules for the sources", tidy::tidy),
    Step("clippy", "clippy, warnings denied", clippy),
    Step("docs", "Rust documentation, warnings denied", docs),
    Step(
        "deny",
        "licences, duplicates and vulnerabilities of dependencies",
        deny,
    ),
    Step("test", "all tests, on three Pythons", tests),
    Step(
        "features",
        "Rust tests with every optional feature",
        features,
    ),
    Step("wasm", "verification of tokens in WebAssembly", wasm),
    Step(
        "demo",
        "the demo site, alone and beside a Rust service, over HTTP",
        demo_site,
    ),
    Step("types", "Python code and types", types),
    Step("fuzz", "a short run of each fuzz target", short_fuzz),
];

/// Why a step, or the rest of it, can't be run on this machine.
#[derive(Debug)]
struct Skipped(&'static str);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

/// Long enough to run all seeds and some new inputs.
const FUZZ_SECONDS: u32 = 10;

fn run(workspace: &Workspace, args: Arguments) -> Result<()> {
    let names = crate::names(args)?;
    let mut summary = String::new();
    let mut failed = Vec::new();
    for Step(name, title, run) in chosen(&names)? {
        println!("\n==== {name}: {title}");
        let start = Instant::now();
        let result = run(workspace);
        let seconds = start.elapsed().as_secs();
        let word = match &result {
            Ok(()) => "ok",
            Err(error) if error.is::<Skipped>() => "SKIPPED",
            Err(_) => "FAILED",
        };
        summary += &format!("{name:9} {word:7} {seconds:5} s\n");
        if let Err(error) = result {
            println!("{error:#}");
            summary += &format!("          {error:#}\n");
            failed.extend((word == "FAILED").then_some(*name));
        }
    }
    process::heading("summary");
    print!("{summary}");
    let again = failed.join(" ");
    ensure!(
        failed.is_empty(),
        "run the failed steps again with `cargo xtask ci {again}`"
    );
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    let find = |name: &String| STEPS.iter().find(|Step(own, ..)| own == name);
    names
        .iter()
        .map(|name| find(name).ok_or_else(|| Usage(format!("`{name}` is not a step")).into()))
        .collect()
}

fn format(workspace: &Workspace) -> Result<()> {
    let remedy = "run `cargo fmt --all && cargo fmt --manifest-path fuzz/Cargo.toml`";
    let check = |line| process::run(&mut workspace.cargo(line)).context(remedy);
    check("fmt --all --check")?;
    check("fmt --manifest-path fuzz/Cargo.toml --check")
}

fn lock(workspace: &Workspace) -> Result<()> {
    process::capture(&mut workspace.cargo("metadata --format-version 1 --locked")).map(|_| ())
}

fn clippy(workspace: &Workspace) -> Result<()> {
    let line = "clippy --workspace --all-targets --all-features -- -D warnings";
    process::run(&mut workspace.cargo(line))
}

fn docs(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo("doc --no-deps --all-features");
    process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Rules on licences, banned and duplicate crates, their sources, and known vulnerabilities, from `deny.toml`.
fn deny(workspace: &Workspace) -> Result<()> {
    if !process::succeeds(&mut workspace.cargo("deny --version")) {
        bail!(Skipped(
            "install it with `cargo install --locked cargo-deny`"
        ));
    }
    process::run(&mut workspace.cargo("deny check bans licenses sources"))?;
    if !process::succeeds(&mut workspace.cargo("deny fetch db")) {
        bail!(Skipped("the database of advisories can't be fetched"));
    }
    process::run(&mut workspace.cargo("deny check --disable-fetch advisories"))
}

fn tests(workspace: &Workspace) -> Result<()> {
    let all = Options {
        rust: true,
        python: true,
        all_pythons: true,
        require_services: true,
        ..Options::default()
    };
    test::test(workspace, all)
}

/// Each crate alone with sets of its features, so that no crate compiles only because of a feature that another one
/// turns on. Then the tests with all features.
fn features(workspace: &Workspace) -> Result<()> {
    let members = workspace.members()?;
    for member in members
        .iter()
        .filter(|member| member.name != "boltguard-bench")
    {
        for set in member.feature_sets() {
            let features = set.join(",");
            let line = format!(
                "clippy --quiet --package {} --features={features}",
                member.name
            );
            process::run(workspace.cargo(&line).args(["--", "-D", "warnings"]))?;
        }
    }
    let rust = Options {
        rust: true,
        all_features: true,
        require_services: true,
        ..Options::default()
    };
    test::test(workspace, rust)
}

/// The crates that verify tokens, for WebAssembly. `ring` contains C code.
fn wasm(workspace: &Workspace) -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let library = ["--print", "target-libdir", "--target", TARGET];
    let library = process::capture(std::process::Command::new("rustc").args(library))?;
    if !Path::new(library.trim()).is_dir() {
        bail!(Skipped(
            "install the target with `rustup target add wasm32-unknown-unknown`"
        ));
    }
    let has_compiler = env::var_os("CC_wasm32_unknown_unknown").is_some()
        || process::succeeds(std::process::Command::new("clang").arg("--version"));
    if !has_compiler {
        bail!(Skipped(
            "install clang, or set CC_wasm32_unknown_unknown to a C compiler for this target"
        ));
    }
    let line = "check --package boltguard-jwt --features boltguard-keys/wasm-js";
    process::run(workspace.cargo(line).args(["--target", TARGET]))
}

fn demo_site(workspace: &Workspace) -> Result<()> {
    demo::check(workspace, None)?;
    match services::private(workspace, "Redis") {
        Ok(redis) => demo::fleet::run(
            workspace,
            &redis,
            &demo::fleet::Ports::choose(None, true)?,
            true,
        ),
        Err(error) => {
            println!("{error:#}");
            bail!(Skipped(
                "`cargo xtask demo --fleet --check` requires Redis; the rest of the demo works"
            ))
        }
    }
}

/// `stubtest` compares the stub of the Rust module with the installed module.
fn types(workspace: &Workspace) -> Result<()> {
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

/// Also replays inputs against another implementation, which the other tests omit.
fn short_fuzz(workspace: &Workspace) -> Result<()> {
    process::heading("replay beside another implementation");
    let line = "test --quiet --locked --manifest-path fuzz/Cargo.toml --test replay --target-dir";
    process::run(workspace.cargo(line).arg(workspace.target("fuzz/test")))?;
    fuzz::fuzz(workspace, FUZZ_SECONDS, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name_and_unknown_ones_refused() {
        let names = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let chosen_names = |text| {
            chosen(&names(text)).map(|steps| steps.iter().map(|step| step.0).collect::<Vec<_>>())
        };
        assert_eq!(chosen_names("tidy format").unwrap(), ["tidy", "format"]);
        assert!(chosen_names("tdiy").is_err_and(|error| crate::is_usage(&error)));
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
    }

    #[test]
    fn the_help_names_every_step() {
        let all = STEPS.map(|step| step.0).join(", ");
        assert!(COMMAND.usage.contains(&all), "{all}");
    }
}
