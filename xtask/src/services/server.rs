//! A private server, which stops with the tests, however they end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process;

/// A directory for the files of a server, and the user that the server runs as.
#[derive(Debug)]
pub(super) struct Place {
    directory: TempDir,
    /// A user other than the current one.
    user: Option<u32>,
    /// Variables of the server's environment.
    variables: Vec<(&'static str, String)>,
}

/// A running server. It stops when this is dropped, and also when this process dies without dropping anything.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) url: String,
    shell: Child,
    _directory: TempDir,
}

impl Place {
    /// Among the system's temporary files, which other users can reach.
    pub(super) fn new() -> Result<Self> {
        let directory = TempDir::with_prefix("boltguard-")?;
        Ok(Self {
            directory,
            user: None,
            variables: Vec::new(),
        })
    }

    /// For a server that refuses to run as root, which runs it as `nobody`.
    pub(super) fn unprivileged() -> Result<Self> {
        let mut place = Self::new()?;
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::uid(&fs::metadata(place.path())?) == 0 {
            std::os::unix::fs::chown(place.path(), Some(NOBODY), Some(NOBODY))?;
            place.user = Some(NOBODY);
        }
        Ok(place)
    }

    /// With these variables in the environment of the server.
    pub(super) fn with_variables(mut self, variables: &[(&'static str, String)]) -> Self {
        self.variables.extend_from_slice(variables);
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A program that runs in this directory as this user.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = process::command(program);
        command.current_dir(self.path());
        #[cfg(unix)]
        if let Some(user) = self.user {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(user);
        }
        command
    }

    /// Starts a server, and waits until its log contains `ready`.
    pub(super) fn start(
        self,
        program: &Path,
        args: &[&str],
        ready: &str,
        url: String,
    ) -> Result<Server> {
        let log = self.path().join("log");
        let output = File::create(&log)?;
        let errors = output.try_clone()?;
        let mut shell = self.command("sh");
        shell.envs(self.variables.clone());
        shell.args(["-c", WATCH, "sh"]).arg(self.path());
        shell.arg(program).args(args);
        shell.stdin(Stdio::piped()).stdout(output).stderr(errors);
        let mut server = Server {
            url,
            shell: shell.spawn().context("start sh")?,
            _directory: self.directory,
        };
        let start = Instant::now();
        loop {
            let has_ended = server.shell.try_wait()?.is_some();
            let said = fs::read(&log)?;
            let said = String::from_utf8_lossy(&said);
            if has_ended || start.elapsed() > TIMEOUT {
                bail!("{} doesn't start: {}", program.display(), said.trim());
            }
            if said.contains(ready) {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Server {
    /// The URL of the server, for clients.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// The number of the user `nobody`, and of its group, on Linux.
const NOBODY: u32 = 65534;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the server and, beside it, waits for the end of the standard input, which is when this process ends if not
/// before. What waits is started first, so that it is there whenever the shell is killed, and the server writes its
/// process ID. SIGTERM stops Redis and MariaDB; PostgreSQL would wait for its clients, and stops on SIGINT. The
/// directory is removed as well, because a process that is interrupted drops nothing.
const WATCH: &str = r#"
directory=$1
shift
exec 3<&0
(
  cat <&3 >/dev/null
  trap "" TERM
  server=$(cat "$directory/server.pid")
  kill -TERM $server; kill -INT $server
  seconds=0
  while kill -0 $server && [ $seconds -lt 10 ]; do sleep 1; seconds=$((seconds + 1)); done
  [ $seconds -lt 10 ] || kill -KILL $server
  rm -rf "$directory"
) 2>/dev/null & watch=$!
sh -c 'echo $$ > server.pid; exec "$@"' sh "$@" 3<&- & wait $!; code=$?
kill $watch 2>/dev/null
exit $code
"#;

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Server> {
        Place::new()?.start(Path::new("sh"), &["-c", script], "ready", String::new())
    }

    #[test]
    fn a_dropped_server_ends_and_its_directory_is_removed() {
        let script = "trap 'exit 0' TERM; echo $$ > pid; echo ready; while :; do sleep 0.1; done";
        let server = shell(script).unwrap();
        let directory = server._directory.path().to_owned();
        let pid = fs::read_to_string(directory.join("pid")).unwrap();
        let is_alive = || process::succeeds(process::command("kill").args(["-0", pid.trim()]));
        assert!(is_alive());
        drop(server);
        assert!(!is_alive() && !directory.exists());
    }

    #[test]
    fn a_server_ends_and_its_directory_is_removed_if_this_process_is_killed() {
        for is_shell_killed in [false, true] {
            let script = "echo $$ > pid; echo ready; while :; do sleep 0.1; done";
            let mut server = shell(script).unwrap();
            let directory = server._directory.path().to_owned();
            let pid = fs::read_to_string(directory.join("pid")).unwrap();
            let is_alive = || process::succeeds(process::command("kill").args(["-0", pid.trim()]));
            // Ctrl-C kills the shell; a signal for this process alone only closes the pipe.
            if is_shell_killed {
                server.shell.kill().unwrap();
            }
            drop(server.shell.stdin.take());
            wait_until(|| !is_alive() && !directory.exists());
        }
    }

    fn wait_until(is_done: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_done() {
            assert!(start.elapsed() < TIMEOUT, "this takes too long");
            thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn a_server_has_its_variables() {
        let place = Place::new().unwrap();
        let place = place.with_variables(&[("PLACE_OF_TEST", "here".into())]);
        let args = ["-c", r#"echo "ready $PLACE_OF_TEST"; exec sleep 100"#];
        let server = place.start(Path::new("sh"), &args, "ready here", String::new());
        assert!(server.is_ok(), "{server:?}");
    }

    #[test]
    fn a_server_that_gives_up_is_not_waited_for() {
        let error = shell("echo no such option; exit 1").unwrap_err();
        assert!(error.to_string().contains("no such option"), "{error}");
    }
}
