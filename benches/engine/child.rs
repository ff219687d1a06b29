//! Figures that only a process of its own can tell: this program, started once more.

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
            move || beyond_the_hmac(&format!("verify/HS256/{size}")),
        )
    };
    SIZES.map(plan).into()
}

fn beyond_the_hmac(path: &str) -> Vec<(String, f64)> {
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

/// The figure that this program prints when it is started with these arguments.
pub(crate) fn figure(arguments: &[&str]) -> Option<f64> {
    let output = Command::new(env::current_exe().ok()?)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// How many instructions valgrind counts for so many turns, and all that surrounds them; nothing where it is missing.
fn instructions(path: &str, name: &str, times: u32) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .args(["--turns", path, name, &times.to_string()])
        .output()
        .ok()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let counted = log.lines().find_map(|line| line.split_once("Collected :"));
    counted?.1.trim().parse().ok()
}

/// Answers the process that started this one; whether it was such a start.
pub(crate) fn answers(arguments: &[String], plans: &[Plan]) -> bool {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--memory", store] => {
            if let Some(bytes) = stores::bytes_per_entry(store) {
                println!("{bytes}");
            }
        }
        ["--turns", path, name, times] => {
            take_turns(plans, path, name, times.parse().unwrap_or_default());
        }
        _ => return false,
    }
    true
}

/// Nothing but the work of one entrant, for a profiler.
fn take_turns(plans: &[Plan], path: &str, name: &str, times: u64) {
    let mut contest = prepare(plans, path).expect("the contest is one of the plans");
    let mut entrants = contest.entrants.iter_mut();
    let entrant = entrants.find(|entrant| entrant.name == name);
    (entrant.expect("it takes part").run)(times);
}
