//! Figures that require a separate process, for which this program starts itself.

use std::env;
use std::process::{Command, Stdio};

use crate::claims::SIZES;
use crate::contest::{Plan, prepare};
use crate::{ours, stores};

pub(crate) fn plans() -> Vec<Plan> {
    let plan = |size| {
        Plan::figures(
            format!("instructions/HS256/{size}"),
            "instructions",
            move || instructions_without_hmac(&format!("verify/HS256/{size}")),
        )
    };
    SIZES.map(plan).into()
}

fn instructions_without_hmac(path: &str) -> Vec<(String, f64)> {
    let count = |name| {
        let (many, few) = (
            instructions(path, name, 2_000)?,
            instructions(path, name, 1_000)?,
        );
        Some((many - few) / 1_000.0)
    };
    let (Some(raw), Some(own)) = (count("ring"), count(ours::NAME)) else {
        return Vec::new();
    };
    vec![
        ("ring".to_owned(), raw),
        (ours::NAME.to_owned(), own),
        (BEYOND.to_owned(), own - raw),
    ]
}

const BEYOND: &str = "boltguard, beyond the HMAC";

/// Runs this program with the arguments, and returns the figure that it prints.
pub(crate) fn figure(arguments: &[&str]) -> Option<f64> {
    let output = Command::new(env::current_exe().ok()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Returns the number of instructions of a process that does the work a number of times, as counted by valgrind.
///
/// `None` if valgrind isn't installed.
fn instructions(path: &str, name: &str, times: u32) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .args(["--repeat", path, name, &times.to_string()])
        .output()
        .ok()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let counted = log.lines().find_map(|line| line.split_once("Collected :"));
    counted?.1.trim().parse().ok()
}

/// Runs a command of a parent process, and returns whether the arguments contain one.
pub(crate) fn run_command(arguments: &[String], plans: &[Plan]) -> bool {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--memory", store] => {
            if let Some(bytes) = stores::bytes_per_entry(store) {
                println!("{bytes}");
            }
        }
        ["--repeat", path, name, times] => {
            repeat(plans, path, name, times.parse().unwrap_or_default());
        }
        _ => return false,
    }
    true
}

/// Runs only the work of one entrant, for a profiler.
fn repeat(plans: &[Plan], path: &str, name: &str, times: u64) {
    let mut contest = prepare(plans, path).expect("the contest exists");
    let mut entrants = contest.entrants.iter_mut();
    let entrant = entrants.find(|entrant| entrant.name == name);
    (entrant.expect("the entrant exists").run)(times);
}
