//! `cargo xtask tidy`: checks rules that no other tool checks.

mod binding;
mod layers;
mod modules;
mod retired;
mod sources;
mod words;

use std::fmt;

use anyhow::{Result, ensure};
use pico_args::Arguments;

use self::sources::Source;
use crate::Command;
use crate::workspace::Workspace;

pub(crate) const COMMAND: Command = Command {
    name: "tidy",
    summary: "Check the layers of crates and Python modules, and rules for the source files",
    usage: "tidy

Checks the layers of crates and of Python modules; which crates may use the cryptographic primitives; that manifests
inherit the lints of the workspace; the length of files and of comment lines; that nothing is left unfinished and no
path of a single machine is mentioned; and words that the project no longer uses.",
    run: |workspace, args| run(workspace, args),
};

fn run(workspace: &Workspace, args: Arguments) -> Result<()> {
    crate::finish(args)?;
    tidy(workspace)
}

pub(crate) fn tidy(workspace: &Workspace) -> Result<()> {
    let sources = Source::read_all(workspace)?;
    let findings = findings(workspace, &sources)?;
    findings.iter().for_each(|finding| println!("{finding}"));
    let errors = findings.iter().filter(|finding| !finding.is_warning);
    let errors = errors.count();
    ensure!(
        errors == 0,
        "tidy: {errors} errors; see CONTRIBUTING.md and docs/architecture.md"
    );
    println!(
        "tidy: {} files read, {} warnings",
        sources.len(),
        findings.len()
    );
    Ok(())
}

fn findings(workspace: &Workspace, sources: &[Source]) -> Result<Vec<Finding>> {
    let mut findings = layers::check(&workspace.members()?);
    findings.extend(binding::check(sources));
    findings.extend(modules::check(sources));
    findings.extend(retired::check(sources));
    findings.extend(words::check(sources));
    Ok(findings)
}

/// A place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    what: String,
    is_warning: bool,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            is_warning: false,
        }
    }

    fn warning(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            is_warning: true,
            ..Self::new(place, what)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.is_warning { "warning" } else { "error" };
        write!(f, "{level}: {}: {}", self.place, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_keeps_its_rules() {
        let workspace = Workspace::find().unwrap();
        let sources = Source::read_all(&workspace).unwrap();
        assert!(
            sources
                .iter()
                .any(|source| source.path == "xtask/src/tidy/mod.rs")
        );
        let broken: Vec<String> = findings(&workspace, &sources)
            .unwrap()
            .iter()
            .filter(|finding| !finding.is_warning)
            .map(Finding::to_string)
            .collect();
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}
