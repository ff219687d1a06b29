//! Generates API keys, checks their format, and prints a regular expression that matches them.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use boltguard_apikey::{ApiKeyError, KeyFormat};

const USAGE: &str = "\
usage: boltguard-apikey pattern  --prefix PREFIX   prints a regular expression for a secret scanner
       boltguard-apikey generate --prefix PREFIX   prints a new key
       boltguard-apikey check  [--prefix PREFIX]   reads a key from standard input and checks its format
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
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
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
    let mut input = String::new();
    io::stdin().take(4096).read_to_string(&mut input)?;
    let key = input.trim_end_matches(['\r', '\n']);
    let prefix = prefix.or_else(|| prefix_of(key));
    let format = KeyFormat::new(prefix.ok_or(ApiKeyError::Format)?)?;
    let id = format.parse(key)?.id();
    print(&format!(
        "valid format: prefix {}, ID {id}",
        format.prefix()
    ))
}

/// Returns the part before the last two `_`.
fn prefix_of(key: &str) -> Option<&str> {
    key.rsplitn(3, '_').nth(2)
}
