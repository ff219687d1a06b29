//! `cargo xtask demo --fleet`: the demo site and a Rust service, which accept the same tokens.
//!
//! The site reports the revocation of a token in a private Redis, and the service refuses the token within a guaranteed
//! time. Redis and the service stop when this process ends, however it ends, and so does the site.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{PORT, free_port, manage, refuse_taken};
use crate::process;
use crate::python::{self, Venv};
use crate::services::{self, Server};
use crate::workspace::Workspace;

/// Where the site and the service listen.
#[derive(Debug)]
pub(crate) struct Ports {
    site: u16,
    service: u16,
}

impl Ports {
    /// The service listens on the port after that of the site. A check without a port uses free ones.
    pub(crate) fn choose(port: Option<u16>, is_check: bool) -> Result<Self> {
        let ports = match port {
            None if is_check => Self::free()?,
            port => Self::following(port.unwrap_or(PORT))?,
        };
        refuse_taken(ports.site)?;
        refuse_taken(ports.service)?;
        Ok(ports)
    }

    /// Two ports that differ, although each is free when it is chosen.
    fn free() -> Result<Self> {
        let site = free_port()?;
        loop {
            let service = free_port()?;
            if service != site {
                return Ok(Self { site, service });
            }
        }
    }

    fn following(site: u16) -> Result<Self> {
        let service = site.checked_add(1).filter(|_| site > 0);
        let service = service.with_context(|| {
            format!(
                "--port is {site}; the service uses the next port, so it must be from 1 to 65534"
            )
        })?;
        Ok(Self { site, service })
    }
}

/// What both halves are configured with: the variables of `bookshop/fleet_variables.py`.
struct Fleet(Vec<(&'static str, String)>);

impl Fleet {
    fn new(redis: &Server, ports: &Ports, venv: &Venv) -> Result<Self> {
        Ok(Self(vec![
            ("FLEET_SITE_URL", local(ports.site)),
            ("FLEET_SERVICE_URL", local(ports.service)),
            ("FLEET_SERVICE_PORT", ports.service.to_string()),
            ("FLEET_REDIS_URL", redis.url().to_owned()),
            ("FLEET_TOKEN_SECRET", random(venv)?),
            ("FLEET_SERVICE_KEY", random(venv)?),
            ("FLEET_GUARD", GUARD.to_owned()),
        ]))
    }
}

/// The guard of `/orders` of the service, and of `/fleet/orders` of the site.
const GUARD: &str = r#"perm("books.add")"#;

/// Serves the site and the service, or tests both over HTTP.
pub(crate) fn run(
    workspace: &Workspace,
    redis: &Server,
    ports: &Ports,
    is_check: bool,
) -> Result<()> {
    let venv = python::environment(workspace, &["fleet"])?;
    let program = build_service(workspace)?;
    let fleet = Fleet::new(redis, ports, &venv)?;
    // It responds with 503 until the site runs.
    let _service = start(&program, &fleet, ports)?;
    process::heading("demo site beside a Rust service");
    let mut manage = manage(workspace, &venv)?;
    manage.args(is_check.then_some("--check")).envs(fleet.0);
    process::attached(&mut manage)
}

/// Builds the service, and returns the path of its program.
pub(crate) fn build_service(workspace: &Workspace) -> Result<PathBuf> {
    process::heading("Rust service");
    process::run(&mut workspace.cargo("build --package boltguard-axum --example fleet"))?;
    let program = format!("debug/examples/fleet{}", env::consts::EXE_SUFFIX);
    let program = workspace.target(&program);
    ensure!(
        program.is_file(),
        "{} is missing; unset CARGO_BUILD_TARGET, with which cargo builds it elsewhere",
        program.display()
    );
    Ok(program)
}

fn start(program: &Path, fleet: &Fleet, ports: &Ports) -> Result<Server> {
    let url = local(ports.service);
    let ready = format!("listening on {url}");
    services::start(program, &fleet.0, &ready, url)
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// A random string of 64 digits.
fn random(venv: &Venv) -> Result<String> {
    let code = "import secrets; print(secrets.token_hex(32))";
    let printed = process::capture(venv.python().args(["-c", code]))?;
    Ok(printed.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn the_service_listens_on_the_port_after_that_of_the_site() {
        let ports = Ports::following(8000).unwrap();
        assert_eq!((ports.site, ports.service), (8000, 8001));
        for port in [0, u16::MAX] {
            let message = Ports::choose(Some(port), true).unwrap_err().to_string();
            assert!(message.contains(&format!("--port is {port};")), "{message}");
        }
    }

    #[test]
    fn both_ports_of_a_check_are_free_and_differ() {
        let ports = Ports::choose(None, true).unwrap();
        assert_ne!(ports.site, ports.service);
    }

    #[test]
    fn the_port_of_the_service_must_be_free_too() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = Ports::choose(Some(port - 1), false)
            .unwrap_err()
            .to_string();
        assert!(message.contains("cannot listen on 127.0.0.1:"), "{message}");
    }
}
