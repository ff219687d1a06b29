//! The program `boltguard-apikey`.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};

use boltguard_apikey::KeyFormat;
use regex::Regex;

fn run(arguments: &[&str], input: &str) -> io::Result<Output> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_boltguard-apikey"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Writing fails if the program exits without reading its input.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}

fn stdout(arguments: &[&str], input: &str) -> String {
    let output = run(arguments, input).expect("the program runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

#[test]
fn printed_pattern_matches_generated_key() {
    let key = stdout(&["generate", "--prefix", "acme"], "");
    let pattern = stdout(&["pattern", "--prefix", "acme"], "");
    let found = Regex::new(pattern.trim_end())
        .unwrap()
        .find(&key)
        .unwrap()
        .range();
    assert_eq!(found, 0..key.trim_end().len());
}

#[test]
fn check_accepts_generated_key_without_printing_it() {
    let key = stdout(&["generate", "--prefix", "acme_live"], "");
    let id = KeyFormat::new("acme_live")
        .unwrap()
        .parse(key.trim_end())
        .unwrap()
        .id()
        .to_owned();
    for arguments in [&["check"][..], &["check", "--prefix", "acme_live"]] {
        let output = stdout(arguments, &key);
        assert!(
            output.contains(&id) && output.contains("acme_live"),
            "{output}"
        );
        assert!(!output.contains(&key.trim_end()[23..]), "{output}");
    }
}

#[test]
fn check_rejects_invalid_key_without_printing_it() {
    let key = stdout(&["generate", "--prefix", "acme"], "").replace("acme", "acmf");
    for (arguments, input) in [
        (&["check"][..], key.as_str()),
        (&["check", "--prefix", "other"], &key),
        (&["check"], "no-key-at-all"),
        (&["check"], ""),
    ] {
        let output = run(arguments, input).unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments:?}"
        );
        assert!(
            message.starts_with("boltguard-apikey: ") && !message.contains("no-key"),
            "{message}"
        );
    }
}

#[test]
fn invalid_arguments_print_the_usage() {
    for arguments in [&[][..], &["generate"], &["pattern", "--prefix"], &["show"]] {
        let output = run(arguments, "").unwrap();
        assert!(!output.status.success());
        assert!(
            String::from_utf8(output.stderr).unwrap().contains("usage:"),
            "{arguments:?}"
        );
    }
    let output = run(&["generate", "--prefix", "S K"], "").unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(stdout(&["--help"], "").starts_with("usage:"));
}
