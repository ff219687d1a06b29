//! The project's development commands: `cargo xtask <command>`.
//!
//! The dependencies are few and small, so that the first command starts within seconds. Everything else that a command
//! needs (packages, tools, servers for tests) is only installed below `target/`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a command line program measures time and writes to its standard output"
)]

use std::fmt;
use std::process::ExitCode;

use anyhow::{Result, bail};
use pico_args::Arguments;

use crate::workspace::Workspace;

mod bench;
mod ci;
mod demo;
mod fuzz;
mod process;
mod python;
mod services;
mod soak;
mod test;
mod tidy;
mod workspace;

fn main() -> ExitCode {
    match dispatch(Arguments::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

fn dispatch(mut args: Arguments) -> Result<()> {
    let asks_help = args.contains(["-h", "--help"]);
    match args.subcommand()?.as_deref() {
        None if asks_help => println!("{}", overview()),
        None => {
            println!("{}", overview());
            bail!(Usage("no command given".into()));
        }
        Some("help") => match args.subcommand()? {
            None => println!("{}", overview()),
            Some(name) => find(&name)?.print_help(),
        },
        Some(name) if asks_help => find(name)?.print_help(),
        Some(name) => (find(name)?.run)(&Workspace::find()?, args)?,
    }
    Ok(())
}

/// A subcommand of `cargo xtask`.
struct Command {
    name: &'static str,
    summary: &'static str,
    usage: &'static str,
    run: fn(&Workspace, Arguments) -> Result<()>,
}

const COMMANDS: [Command; 7] = [
    demo::COMMAND,
    test::COMMAND,
    bench::COMMAND,
    soak::COMMAND,
    fuzz::COMMAND,
    tidy::COMMAND,
    ci::COMMAND,
];

impl Command {
    fn print_help(&self) {
        println!("{}.\n\nUsage: cargo xtask {}", self.summary, self.usage);
    }
}

fn find(name: &str) -> Result<&'static Command> {
    let unknown = || Usage(format!("`{name}` is not a command; see `cargo xtask help`"));
    let mut commands = COMMANDS.iter();
    let found = commands.find(|command| command.name == name);
    Ok(found.ok_or_else(unknown)?)
}

fn overview() -> String {
    let line = |command: &Command| format!("  {:6} {}\n", command.name, command.summary);
    let commands: String = COMMANDS.iter().map(line).collect();
    format!(
        "The project's development commands.\n\nUsage: cargo xtask <command> [options]\n\n{commands}\n\
         `cargo xtask <command> --help` lists the options of a command."
    )
}

/// An invalid command line. The exit code is then 2, as with most tools, and otherwise 1.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<Usage>() || error.is::<pico_args::Error>()
}

/// The arguments that are left after the options; unknown options are errors.
fn names(args: Arguments) -> Result<Vec<String>> {
    let left = args.finish().into_iter();
    let names: Vec<String> = left.map(|word| word.to_string_lossy().into()).collect();
    match names.iter().find(|word| word.starts_with('-')) {
        Some(option) => bail!(Usage(format!("`{option}` is not an option; see --help"))),
        None => Ok(names),
    }
}

/// Fails if an argument is left after the options.
fn finish(args: Arguments) -> Result<()> {
    match names(args)?.first() {
        Some(word) => bail!(Usage(format!("unexpected `{word}`; see --help"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Arguments {
        Arguments::from_vec(text.split_whitespace().map(Into::into).collect())
    }

    #[test]
    fn every_command_has_help() {
        for command in &COMMANDS {
            assert!(dispatch(words(&format!("{} --help", command.name))).is_ok());
            assert!(dispatch(words(&format!("help {}", command.name))).is_ok());
            assert!(command.usage.starts_with(command.name));
            assert!(overview().contains(command.summary));
        }
    }

    #[test]
    fn invalid_command_lines_are_refused_before_any_work() {
        for line in [
            "",
            "dmeo",
            "help dmeo",
            "demo --port x",
            "demo --port",
            "demo 80",
        ] {
            let refused = dispatch(words(line));
            assert!(refused.is_err_and(|error| is_usage(&error)), "{line}");
        }
        for command in &COMMANDS {
            let refused = dispatch(words(&format!("{} --no-such-option", command.name)));
            assert!(
                refused.is_err_and(|error| is_usage(&error)),
                "{}",
                command.name
            );
        }
    }
}
