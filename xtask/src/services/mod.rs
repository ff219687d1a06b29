//! Servers for tests: those that environment variables name, and otherwise private ones.
//!
//! A private server is a program of the machine, or else one from pip, on a free port of the loopback interface. It
//! stops when the tests are over. Servers that already run on the machine aren't used unless a variable names them. The
//! tests that need a server that can't be started are skipped, and a line reports this.

mod kinds;
mod server;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

pub(crate) use self::server::Server;

use self::kinds::KINDS;
use self::server::Place;
use crate::process;
use crate::python::{Interpreter, Venv};
use crate::workspace::Workspace;

/// The servers that tests may use, until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Services {
    private: Vec<(&'static Kind, Server)>,
}

/// A kind of server that tests use.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    /// Where tests read its URL.
    variable: &'static str,
    /// The names of its program.
    programs: &'static [&'static str],
    /// The end of the program's path in a package from pip. Only such servers can be required.
    packaged: Option<&'static str>,
    start: fn(&Path) -> Result<Server>,
}

impl Services {
    /// Starts the servers that no variable names. If `required`, those that every machine can have must start.
    pub(crate) fn start(workspace: &Workspace, required: bool) -> Result<Self> {
        process::heading("servers for tests");
        Self::start_kinds(|_| true, workspace, required)
    }

    /// Starts a PostgreSQL server for benches, unless its variable names one.
    pub(crate) fn postgres(workspace: &Workspace) -> Result<Self> {
        process::heading("server for benches");
        Self::start_kinds(|kind| kind.name == "PostgreSQL", workspace, false)
    }

    fn start_kinds(
        is_needed: fn(&Kind) -> bool,
        workspace: &Workspace,
        required: bool,
    ) -> Result<Self> {
        let mut services = Self::default();
        for kind in KINDS.iter().filter(|kind| is_needed(kind)) {
            let (name, variable) = (kind.name, kind.variable);
            if env::var_os(variable).is_some_and(|url| !url.is_empty()) {
                println!("{name}: the server in {variable}");
            } else if let Some(server) = kind.start(workspace) {
                println!("{name}: {}", server.url);
                services.private.push((kind, server));
            } else if required && kind.packaged.is_some() {
                bail!("{name} can't be started; start one and set {variable} to its URL");
            } else {
                println!("{name}: none; what needs it is SKIPPED (set {variable} to a URL)");
            }
        }
        Ok(services)
    }

    /// Passes the URLs of the servers to a program.
    pub(crate) fn show_to(&self, command: &mut Command) {
        for (kind, server) in &self.private {
            command.env(kind.variable, &server.url);
        }
    }

    /// Lets a program run without servers, including those that variables name.
    pub(crate) fn hide_from(command: &mut Command) {
        for kind in &KINDS {
            command.env_remove(kind.variable);
        }
    }
}

/// Starts a private server, also if a variable names another one.
pub(crate) fn private(workspace: &Workspace, name: &str) -> Result<Server> {
    let server = kind(name).and_then(|kind| kind.start(workspace));
    server.with_context(|| missing(name))
}

/// Starts a program of the workspace as a server, with these variables in its environment, and waits until it prints
/// that it is `ready`.
pub(crate) fn start(
    program: &Path,
    variables: &[(&'static str, String)],
    ready: &str,
    url: String,
) -> Result<Server> {
    let place = Place::new()?.with_variables(variables);
    place.start(program, &[], ready, url)
}

/// The program of a server, for a command that starts and stops it itself.
pub(crate) fn program(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let kind = kind(name).with_context(|| missing(name))?;
    let found = match installed(kind.programs) {
        None => packaged(workspace, kind.packaged.unwrap_or_default()),
        found => Ok(found),
    };
    found
        .with_context(|| missing(name))?
        .with_context(|| missing(name))
}

fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

fn missing(name: &str) -> String {
    let programs = kind(name).map_or_else(String::new, |kind| kind.programs.join(" or "));
    format!("{name} is missing, and can't be installed with pip; install the program {programs}")
}

impl Kind {
    fn start(&self, workspace: &Workspace) -> Option<Server> {
        let packaged = || self.packaged.map(|path| packaged(workspace, path));
        self.first_of([&|| Ok(installed(self.programs)), &|| {
            Ok(packaged().transpose()?.flatten())
        }])
    }

    /// Starts the first program that works. The reason why one doesn't is printed.
    fn first_of(&self, programs: [&dyn Fn() -> Result<Option<PathBuf>>; 2]) -> Option<Server> {
        programs.iter().find_map(|program| {
            let start = |path: PathBuf| (self.start)(&path);
            let started = program().and_then(|path| path.map(start).transpose());
            started.unwrap_or_else(|error| {
                println!("{}: {error:#}", self.name);
                None
            })
        })
    }
}

/// A program of the machine. Debian keeps servers off the PATH of ordinary users.
fn installed(names: &[&str]) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let postgres = versions.flatten().map(|version| version.path().join("bin"));
    let mut directories: Vec<PathBuf> = postgres.collect();
    directories.sort();
    directories.extend(["/usr/sbin".into(), "/usr/libexec".into()]);
    let elsewhere = |name: &str| {
        let mut paths = directories.iter().map(|directory| directory.join(name));
        paths.find(|path| path.is_file())
    };
    let path = |name: &&str| process::on_path(name).or_else(|| elsewhere(name));
    names.iter().find_map(path)
}

/// A program from pip, for machines that don't have it and for users who can't install it.
fn packaged(workspace: &Workspace, path: &str) -> Result<Option<PathBuf>> {
    let directory = workspace.target("venv-services");
    let venv = Venv::open(&directory, &Interpreter::find()?)?;
    venv.install(&workspace.requirements("services"))?;
    Ok(find(&directory, Path::new(path)))
}

fn find(directory: &Path, ending: &Path) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        match entry.file_type().ok()? {
            kind if kind.is_dir() => find(&path, ending),
            kind if kind.is_file() && path.ends_with(ending) => Some(path),
            _ => None,
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_broken_program_gives_place_to_the_next() {
        let kind = Kind {
            start: |program| {
                let args = ["-c", "echo ready; exec sleep 100"];
                Place::new()?.start(program, &args, "ready", "url".into())
            },
            ..KINDS[0]
        };
        let server = kind.first_of([&|| Ok(Some("/no/such/sh".into())), &|| {
            Ok(installed(&["sh"]))
        }]);
        assert_eq!(server.unwrap().url, "url");
        assert!(
            kind.first_of([&|| Ok(None), &|| bail!("no network")])
                .is_none()
        );
    }
}
