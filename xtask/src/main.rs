//! The project's own commands: `cargo xtask <command>`.
//!
//! Only the standard library, so that the first command starts within seconds. Whatever a command needs beyond the Rust
//! toolchain and a Python (packages, tools, servers for tests) it puts under `target/`, and nowhere else.

#![allow(
    clippy::print_stdout,
    reason = "a command line speaks on its standard output"
)]

use std::process::ExitCode;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

mod args;
mod bench;
mod ci;
mod demo;
mod failure;
mod fuzz;
mod process;
mod python;
mod services;
mod test;
mod tidy;
mod workspace;

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(mut words: Vec<String>) -> Result {
    if words.is_empty() {
        println!("{}", overview());
        return Err(Failure::usage("no command given"));
    }
    let name = words.remove(0);
    if is_help(&name) {
        return print_help(words.first());
    }
    let command = find(&name)?;
    if words.iter().any(|word| is_help(word)) {
        return print_help(Some(&name));
    }
    (command.run)(&Workspace::find()?, Args::new(words))
}

/// One thing that `cargo xtask` does.
struct Command {
    name: &'static str,
    summary: &'static str,
    usage: &'static str,
    run: fn(&Workspace, Args) -> Result,
}

const COMMANDS: [Command; 6] = [
    demo::COMMAND,
    test::COMMAND,
    bench::COMMAND,
    fuzz::COMMAND,
    tidy::COMMAND,
    ci::COMMAND,
];

fn find(name: &str) -> Result<&'static Command> {
    COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| {
            Failure::usage(format!("`{name}` is not a command"))
                .remedy("`cargo xtask help` lists them: demo, test, bench, fuzz, tidy, ci")
        })
}

fn is_help(word: &str) -> bool {
    matches!(word, "help" | "--help" | "-h")
}

fn print_help(name: Option<&String>) -> Result {
    match name {
        None => println!("{}", overview()),
        Some(name) => {
            let command = find(name)?;
            println!(
                "{}.\n\nUsage: cargo xtask {}",
                command.summary,
                command.usage.trim_end()
            );
        }
    }
    Ok(())
}

fn overview() -> String {
    let mut text =
        String::from("The project's own commands.\n\nUsage: cargo xtask <command> [options]\n\n");
    for command in &COMMANDS {
        text.push_str(&format!("  {:6} {}\n", command.name, command.summary));
    }
    text.push_str("\n`cargo xtask <command> --help` tells the options of one.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn every_command_has_help() {
        for command in &COMMANDS {
            assert!(dispatch(words(&format!("{} --help", command.name))).is_ok());
            assert!(command.usage.starts_with(command.name));
            assert!(overview().contains(command.summary));
        }
    }

    #[test]
    fn an_unknown_command_is_a_mistake_of_usage() {
        assert!(dispatch(words("dmeo")).is_err_and(|failure| failure.is_usage()));
        assert!(dispatch(words("")).is_err_and(|failure| failure.is_usage()));
    }

    #[test]
    fn an_unknown_option_is_refused_before_any_work() {
        for command in &COMMANDS {
            let refused = dispatch(words(&format!("{} --no-such-option", command.name)));
            assert!(
                refused.is_err_and(|failure| failure.is_usage()),
                "{}",
                command.name
            );
        }
    }
}
