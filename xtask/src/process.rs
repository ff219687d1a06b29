//! Running other programs.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, PipeWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, ensure};

/// A program that doesn't inherit the variables set by `cargo run`: build scripts look at some of them, and would
/// compile ring again after each change between cargo and xtask.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if is_of_cargo_run(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

fn is_of_cargo_run(name: &str) -> bool {
    let kinds = ["PKG_", "MANIFEST_", "BIN_", "CRATE_", "PRIMARY_"];
    name.strip_prefix("CARGO_")
        .is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)))
}

/// Prints a heading, so that a long log can be skimmed.
pub(crate) fn heading(title: impl AsRef<str>) {
    println!("\n== {}", title.as_ref());
}

/// Runs a program to the end, showing its output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let status = command.status();
    check(command, status.with_context(|| cannot_start(command))?)
}

/// Runs a program to the end whose standard input ends when this process does, however it ends.
pub(crate) fn attached(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let child = command.stdin(Stdio::piped()).spawn();
    let mut child = child.with_context(|| cannot_start(command))?;
    // `wait` would close it at once.
    let input = child.stdin.take();
    let status = child.wait();
    drop(input);
    check(command, status?)
}

/// Runs a program to the end, and returns its standard output. Its standard error is shown.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| cannot_start(command))?;
    check(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("output of `{}`", line(command)))
}

/// Runs a program to the end, showing its output only if it fails.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| cannot_start(command))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    check(command, output.status).with_context(|| errors.trim().to_owned())
}

/// Whether a program can be run and succeeds. Its output is discarded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = quiet.stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a program to the end, showing its output and passing each line of one stream to `read`.
///
/// The stream is the one that `attach` connects: `Command::stdout` or `Command::stderr`.
pub(crate) fn follow(
    mut command: Command,
    attach: fn(&mut Command, PipeWriter) -> &mut Command,
    mut read: impl FnMut(&str),
) -> Result<ExitStatus> {
    println!("$ {}", line(&command));
    let (reader, writer) = std::io::pipe()?;
    let child = attach(&mut command, writer).spawn();
    let mut child = child.with_context(|| cannot_start(&command))?;
    // It holds an end of the pipe, which would never be at its end.
    drop(command);
    for bytes in BufReader::new(reader).split(b'\n') {
        let bytes = bytes?;
        let text = String::from_utf8_lossy(&bytes);
        println!("{text}");
        read(text.trim_end());
    }
    Ok(child.wait()?)
}

/// Fails unless the program succeeded.
pub(crate) fn check(command: &Command, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "`{}` ended with {status}", line(command));
    Ok(())
}

/// The path of a program, found as a shell does.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(&name))
        .find(|candidate| candidate.is_file())
}

/// A command as it is typed, without the directory of the program.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = program.file_name().into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", line(command))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn variables_that_the_user_set_for_cargo_stay() {
        for name in ["CARGO_PKG_VERSION", "CARGO_MANIFEST_DIR"] {
            assert!(is_of_cargo_run(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE"] {
            assert!(!is_of_cargo_run(name), "{name}");
        }
    }

    #[test]
    fn a_failing_program_is_named_with_its_exit_code() {
        let error = run(command("sh").args(["-c", "exit 3"])).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("sh -c exit 3") && message.ends_with('3'),
            "{message}"
        );
        let error = run(&mut command("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("cannot start"), "{error}");
    }

    #[test]
    fn the_input_of_an_attached_program_stays_open_while_it_runs() {
        let script = "exec 3<&0; (cat <&3 >/dev/null; kill $$) & sleep 0.2; kill $!";
        assert!(attached(command("sh").args(["-c", script])).is_ok());
        assert!(attached(command("sh").args(["-c", "exit 3"])).is_err());
    }

    #[test]
    fn lines_with_invalid_utf8_are_followed() {
        let mut seen = Vec::new();
        let mut printf = command("printf");
        printf.arg(r"one\n\377\nthree");
        let status = follow(printf, Command::stdout, |line| seen.push(line.to_owned()));
        assert!(status.unwrap().success());
        assert_eq!(seen, ["one", "\u{fffd}", "three"]);
    }
}
