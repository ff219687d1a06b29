//! What must be undone or stopped when the tests are over, however they end.

use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::process;

/// Something borrowed; dropping it gives it back.
pub(super) struct Lease {
    end: Box<dyn FnMut()>,
}

impl Lease {
    pub(super) fn new(end: impl FnMut() + 'static) -> Self {
        Self { end: Box::new(end) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        (self.end)();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

/// A directory that goes when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Made among the system's temporary files, where every user can reach it, under a name that nobody has yet.
    pub(super) fn new(name: &str) -> Result<Self> {
        let stem = std::env::temp_dir().join(format!("boltguard-{name}-{}", std::process::id()));
        let mut path = stem.clone();
        for next in 1.. {
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    path = stem.with_extension(next.to_string())
                }
                made => {
                    return made
                        .map(|()| Self { path: path.clone() })
                        .context(format!("make {}", path.display()));
                }
            }
        }
        Err(anyhow!("no name is left for {}", stem.display()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A server of ours. It stops when this is dropped, and also when this process dies without dropping anything.
#[derive(Debug)]
pub(super) struct Server {
    shell: Child,
    log: PathBuf,
    _scratch: Scratch,
}

/// Runs the server and, beside it, waits for the end of the standard input, which is the end of our process if not
/// before. SIGTERM stops a Redis; a PostgreSQL would wait for its clients, if it were not for the SIGINT.
const WATCH: &str = r#"
exec 3<&0
"$@" 3<&- & server=$!
(cat <&3 >/dev/null; kill -TERM $server; kill -INT $server; sleep 10; kill -KILL $server) 2>/dev/null & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
exit $code
"#;

const PATIENCE: Duration = Duration::from_secs(30);

impl Server {
    /// Starts a program; `dress` may change how, for example as which user.
    pub(super) fn start(
        program: &Path,
        args: &[&str],
        scratch: Scratch,
        dress: impl FnOnce(&mut Command),
    ) -> Result<Self> {
        let log = scratch.path().join("log");
        let output = File::create(&log).context("open the server's log")?;
        let errors = output.try_clone().context("open the server's log")?;
        let mut shell = process::command("sh");
        shell
            .args(["-c", WATCH, "sh"])
            .arg(program)
            .args(args)
            .current_dir(scratch.path());
        shell.stdin(Stdio::piped()).stdout(output).stderr(errors);
        dress(&mut shell);
        let shell = shell
            .spawn()
            .context(format!("start {}", program.display()))?;
        Ok(Self {
            shell,
            log,
            _scratch: scratch,
        })
    }

    /// Waits until `ready` says so, or the server has given up.
    pub(super) fn wait(mut self, ready: impl Fn() -> bool) -> Result<Self> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if ready() {
                return Ok(self);
            }
            if matches!(self.shell.try_wait(), Ok(Some(_))) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        Err(anyhow!("a server did not start: {}", said.trim()))
    }

    pub(super) fn lease(self) -> Lease {
        let mut server = Some(self);
        Lease::new(move || drop(server.take()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(name: &str) -> Server {
        let script = r#"trap 'exit 0' TERM; echo $$ > pid; while :; do sleep 0.1; done"#;
        Server::start(
            Path::new("sh"),
            &["-c", script],
            Scratch::new(name).unwrap(),
            |_| (),
        )
        .unwrap()
    }

    fn is_alive(pid: &str) -> bool {
        process::succeeds(process::command("kill").args(["-0", pid.trim()]))
    }

    #[test]
    fn a_server_ends_with_its_lease_and_its_directory_goes() {
        let server = sleeper("lease-test");
        let directory = server._scratch.path().to_owned();
        let pid = directory.join("pid");
        let server = server
            .wait(|| fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')))
            .unwrap();
        let pid = fs::read_to_string(&pid).unwrap();
        assert!(is_alive(&pid));
        drop(server.lease());
        assert!(!is_alive(&pid) && !directory.exists());
    }

    #[test]
    fn what_an_earlier_run_left_is_not_used() {
        let (one, other) = (
            Scratch::new("lease-names").unwrap(),
            Scratch::new("lease-names").unwrap(),
        );
        assert!(one.path() != other.path() && one.path().is_dir() && other.path().is_dir());
    }

    #[test]
    fn a_server_that_gives_up_is_not_waited_for() {
        let scratch = Scratch::new("lease-failing").unwrap();
        let server = Server::start(
            Path::new("sh"),
            &["-c", "echo no such option; exit 1"],
            scratch,
            |_| (),
        )
        .unwrap();
        let failure = server.wait(|| false).unwrap_err();
        assert!(failure.to_string().contains("no such option"), "{failure}");
    }
}
