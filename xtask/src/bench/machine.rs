//! The machine that the benches run on.

use std::fs;
use std::thread;

use crate::process;

#[derive(Debug)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    system: String,
    compiler: String,
    /// The load average, if the system reports it.
    load: Option<f64>,
}

impl Machine {
    pub(super) fn look() -> Self {
        Self {
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            system: said_by("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned()),
            compiler: said_by("rustc", &["--version"]).unwrap_or_default(),
            load: load(),
        }
    }

    /// Whether other programs used the processor: the benches use one core, and two only briefly.
    pub(super) fn was_busy(&self) -> bool {
        self.load.is_some_and(|load| load > 1.7)
    }

    pub(super) fn text(&self) -> String {
        let load = self.load.map(|load| format!(", load {load:.1}"));
        format!(
            "{}, {} cores, {}, {}{}",
            self.processor,
            self.cores,
            self.system,
            self.compiler,
            load.unwrap_or_default()
        )
    }
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    match line.and_then(|line| line.split_once(':')) {
        Some((_, name)) => Some(name.trim().to_owned()),
        None => said_by("sysctl", &["-n", "machdep.cpu.brand_string"]),
    }
}

/// The average of the last five minutes.
fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = process::command(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}
