//! `cargo xtask demo`: builds and serves the demo site.

pub(crate) mod fleet;

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use anyhow::{Context, Result, bail};
use pico_args::Arguments;

use crate::process;
use crate::python::{self, Venv};
use crate::services;
use crate::workspace::Workspace;

pub(crate) const COMMAND: crate::Command = crate::Command {
    name: "demo",
    summary: "Serve the demo site on this machine, or check it from end to end",
    usage: "demo [--fleet] [--port N] [--check]

  --fleet    also serve a Rust service that accepts the tokens of the site, on the next port, and let both follow
             revocations in a private Redis, which is started from an installed program or from pip
  --port N   serve on 127.0.0.1:N (default 8000; with --check, any free port)
  --check    test the served site over HTTP, then stop; the exit code is 0 if all checks pass

Builds the wheel in release and installs it with Django in a private environment under target/.",
    run,
};

fn run(workspace: &Workspace, mut args: Arguments) -> Result<()> {
    let port = args.opt_value_from_str("--port")?;
    let is_check = args.contains("--check");
    let is_fleet = args.contains("--fleet");
    crate::finish(args)?;
    match (is_fleet, is_check) {
        (false, false) => site(workspace, port.unwrap_or(PORT), &[]),
        (false, true) => check(workspace, port),
        (true, _) => {
            let ports = fleet::Ports::choose(port, is_check)?;
            let redis = services::private(workspace, "Redis")?;
            fleet::run(workspace, &redis, &ports, is_check)
        }
    }
}

/// The default port of the site.
const PORT: u16 = 8000;

/// Tests the demo site over HTTP.
pub(crate) fn check(workspace: &Workspace, port: Option<u16>) -> Result<()> {
    site(workspace, port.map_or_else(free_port, Ok)?, &["--check"])
}

/// A free port of the loopback interface.
pub(crate) fn free_port() -> Result<u16> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(bound.local_addr()?.port())
}

fn site(workspace: &Workspace, port: u16, options: &[&str]) -> Result<()> {
    // Fails before the build, which takes a minute.
    refuse_taken(port)?;
    let venv = python::environment(workspace, &["demo"])?;
    process::heading("demo site");
    let mut manage = manage(workspace, &venv)?;
    process::run(manage.args(["--port", &port.to_string()]).args(options))
}

fn manage(workspace: &Workspace, venv: &Venv) -> Result<Command> {
    let mut manage = venv.python();
    manage
        .arg(workspace.binding().join("demo/manage.py"))
        .arg("demo")
        .current_dir(workspace.scratch("demo")?);
    Ok(manage)
}

fn refuse_taken(port: u16) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!(
            "cannot listen on 127.0.0.1:{port}: {error}\n  try: cargo xtask demo --port {}",
            free_port()?
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_and_another_one_offered() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = refuse_taken(port).unwrap_err().to_string();
        assert!(
            message.contains(&format!("127.0.0.1:{port}")) && message.contains("demo --port "),
            "{message}"
        );
        drop(taken);
        assert!(refuse_taken(port).is_ok());
    }
}
