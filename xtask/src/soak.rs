//! `cargo xtask soak`: tests revocation across the processes of a site, under load and with faults.

use anyhow::{Result, bail};
use pico_args::Arguments;

use crate::Usage;
use crate::demo::fleet;
use crate::process;
use crate::python;
use crate::services;
use crate::workspace::Workspace;

pub(crate) const COMMAND: crate::Command = crate::Command {
    name: "soak",
    summary: "Test revocation across processes for a while, under load and with faults",
    usage: "soak [--seconds N] [--seed N] [--follower plain]

  --seconds N        how long the load lasts, at least 10 (default 60); the measurements before it take up to a minute
  --seed N           repeats the random choices of an earlier run; the timing still differs
  --follower plain   replaces ReplicatedRevocation with a copy that ignores every fault; the soak must then fail

Two processes of a site (WSGI and ASGI) share the revocation list, in PostgreSQL with a stream in Redis. A Rust service,
the one of `cargo xtask demo --fleet`, accepts their tokens and follows the same stream. Clients log in, refresh, revoke
and log out over HTTP, while Redis is suspended, killed, flushed or loses its stream, PostgreSQL is stopped or killed, and
processes are suspended. The exit code is 1 if a token was accepted later than max_staleness after its revocation was
acknowledged, a client was logged out wrongly, a status code was unexpected, or too few requests could be judged. Before
that, it measures a guarded request with each kind of revocation store.

Builds the wheel in release, and the service without optimizations. Starts its own PostgreSQL and Redis, from installed
programs or from pip, even if the variables of `cargo xtask test` are set: it stops and empties them.",
    run,
};

fn run(workspace: &Workspace, mut args: Arguments) -> Result<()> {
    let options = Options {
        seconds: args.opt_value_from_str("--seconds")?.unwrap_or(60),
        seed: args.opt_value_from_str("--seed")?,
        follower: args.opt_value_from_str("--follower")?,
    };
    crate::finish(args)?;
    options.check()?;
    if !cfg!(unix) {
        bail!("the soak suspends processes, which requires a Unix system");
    }
    // Fails before the build, which takes a minute.
    let redis = services::program(workspace, "Redis")?;
    let postgres = services::program(workspace, "PostgreSQL")?;
    let service = fleet::build_service(workspace)?;
    let venv = python::environment(workspace, &["soak"])?;
    process::heading("soak");
    let mut soak = venv.module("soak");
    soak.args(options.words())
        .arg("--postgres")
        .arg(postgres)
        .arg("--redis-server")
        .arg(redis)
        .arg("--service")
        .arg(service)
        .arg("--demo")
        .arg(workspace.binding().join("demo"))
        .arg("--directory")
        .arg(workspace.scratch("soak")?)
        .current_dir(workspace.path("benches"));
    process::attached(&mut soak)
}

/// What the command line selects.
struct Options {
    seconds: u32,
    seed: Option<u32>,
    follower: Option<String>,
}

impl Options {
    fn check(&self) -> Result<()> {
        if self.seconds < LEAST_SECONDS {
            let seconds = self.seconds;
            bail!(Usage(format!(
                "--seconds is {seconds}; it must be at least {LEAST_SECONDS}, so that there are faults"
            )));
        }
        match self.follower.as_deref() {
            None | Some("plain" | "replicated") => Ok(()),
            Some(other) => bail!(Usage(format!(
                "--follower is `{other}`; it must be `plain` or `replicated`"
            ))),
        }
    }

    /// The arguments of the driver.
    fn words(&self) -> Vec<String> {
        let mut words = vec!["--seconds".into(), self.seconds.to_string()];
        words.extend(
            self.seed
                .iter()
                .flat_map(|seed| ["--seed".into(), seed.to_string()]),
        );
        words.extend(
            self.follower
                .iter()
                .flat_map(|name| ["--follower".into(), name.clone()]),
        );
        words
    }
}

const LEAST_SECONDS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let words = line.split(' ').map(Into::into).collect();
        let error = run(&Workspace::find().unwrap(), Arguments::from_vec(words)).unwrap_err();
        assert!(crate::is_usage(&error), "{error}");
        error.to_string()
    }

    #[test]
    fn invalid_options_are_refused_before_anything_is_started() {
        assert!(refused("--seconds 9").contains("at least 10"));
        assert!(refused("--follower none").contains("`none`"));
        refused("--seconds soon");
        refused("--seed -1");
        refused("now");
    }
}
