//! Makes API keys, checks their form, and prints the regular expression that finds them.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use boltguard_apikey::{ApiKeyError, KeyFormat};

const USAGE: &str = "\
usage: boltguard-apikey pattern  --prefix PREFIX   prints a regular expression for a secret scanner
       boltguard-apikey generate --prefix PREFIX   prints a new key
       boltguard-apikey check  [--prefix PREFIX]   reads a key from standard input and checks its form
";

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("boltguard-apikey: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["pattern", "--prefix", prefix] => print(&KeyFormat::new(prefix)?.pattern()),
        ["generate", "--prefix", prefix] => print(KeyFormat::new(prefix)?.generate()?.expose()),
        ["check", "--prefix", prefix] => check(Some(prefix)),
        ["check"] => check(None),
        ["--help" | "-h" | "help"] => print(USAGE.trim_end()),
        _ => Err(USAGE.into()),
    }
}

fn print(line: &str) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

fn check(prefix: Option<&str>) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    io::stdin().take(4096).read_to_string(&mut text)?;
    let text = text.trim_end_matches(['\r', '\n']);
    let prefix = prefix.or_else(|| prefix_of(text));
    let format = KeyFormat::new(prefix.ok_or(ApiKeyError::Foreign)?)?;
    let id = format.parse(text)?.id();
    print(&format!(
        "a key of prefix {} and id {id}, well formed",
        format.prefix()
    ))
}

/// What comes before the last two `_`.
fn prefix_of(text: &str) -> Option<&str> {
    text.rsplitn(3, '_').nth(2)
}
