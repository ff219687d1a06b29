//! Running other programs: told aloud, with an environment of ours, and with their failures in words.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Context, Failure, Result};

/// A program without what `cargo run` put into this one's environment: build scripts look at some of those
/// variables, and would compile ring anew after each change between cargo and xtask.
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
    let prefixes = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Prints a heading, so that a long log can be skimmed.
pub(crate) fn heading(title: impl AsRef<str>) {
    println!("\n== {}", title.as_ref());
}

/// Runs to the end, showing what it prints.
pub(crate) fn run(command: &mut Command) -> Result {
    tell(command);
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    check(command, status)
}

/// Runs to the end, and gives what it printed on standard output; its standard error is shown.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    check(command, output.status)?;
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::new(format!("`{}` printed no UTF-8", line(command))))
}

/// Whether it runs and ends well; silent.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// One of the two streams of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Runs to the end, showing what it prints and handing each line of one stream to `read`.
pub(crate) fn follow(
    command: &mut Command,
    stream: Stream,
    mut read: impl FnMut(&str),
) -> Result<ExitStatus> {
    tell(command);
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    let pipe: Option<Box<dyn Read>> = match stream {
        Stream::Stdout => child
            .stdout
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read>),
        Stream::Stderr => child
            .stderr
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read>),
    };
    let mut lines = BufReader::new(pipe.unwrap_or_else(|| Box::new(std::io::empty())));
    let mut bytes = Vec::new();
    while lines
        .read_until(b'\n', &mut bytes)
        .context("read what a program printed")?
        > 0
    {
        let text = String::from_utf8_lossy(&bytes);
        print!("{text}");
        read(text.trim_end());
        bytes.clear();
    }
    child.wait().context("wait for a program")
}

/// An error unless the program ended well.
pub(crate) fn check(command: &Command, status: ExitStatus) -> Result {
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` ended with {status}",
        line(command)
    )))
}

/// Where a program is, going through the PATH as a shell would.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path)
        .map(|directory| directory.join(&name))
        .find(|candidate| candidate.is_file())
}

/// The words of a command, as one would type them.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![short(command.get_program())];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

fn short(program: &OsStr) -> String {
    let name = PathBuf::from(program)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| program.to_string_lossy().into_owned())
}

fn tell(command: &Command) {
    println!("$ {}", line(command));
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot start `{}`: {error}", line(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_the_user_set_for_cargo_stay() {
        assert!(is_of_cargo_run("CARGO_PKG_VERSION") && is_of_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(
            !is_of_cargo_run("CARGO_HOME")
                && !is_of_cargo_run("CARGO_TARGET_DIR")
                && !is_of_cargo_run("CARGO_NET_OFFLINE")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_program_is_named_with_its_exit_code() {
        let failure = run(command("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(
            failure.what().contains("sh -c exit 3") && failure.what().contains('3'),
            "{failure}"
        );
        let failure = run(&mut command("no-such-program-here")).unwrap_err();
        assert!(failure.what().contains("cannot start"), "{failure}");
    }

    #[cfg(unix)]
    #[test]
    fn lines_are_followed_even_when_they_are_no_utf8() {
        let mut seen = Vec::new();
        let status = follow(
            command("printf").arg(r"one\n\377\nthree"),
            Stream::Stdout,
            |line| seen.push(line.to_owned()),
        );
        assert!(status.unwrap().success());
        assert_eq!(seen, ["one", "\u{fffd}", "three"]);
    }
}
