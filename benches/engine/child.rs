//! Figures that only a process of its own can tell: this program, started once more.

use std::env;
use std::process::{Command, Stdio};

use boltguard::keys::Algorithm;
use boltguard_testing::keys;

use crate::contest::Plan;
use crate::{claims, ours, raw, stores};

pub(crate) fn plans() -> Vec<Plan> {
    vec![Plan::figures(
        "instructions/HS256/10",
        "instructions",
        || {
            let count =
                |name| Some((instructions(name, 2_000)? - instructions(name, 1_000)?) / 1_000.0);
            let (Some(raw), Some(own)) = (count("ring"), count(ours::NAME)) else {
                return Vec::new();
            };
            vec![
                ("ring".to_owned(), raw),
                (ours::NAME.to_owned(), own),
                (BEYOND.to_owned(), own - raw),
            ]
        },
    )]
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
fn instructions(name: &str, times: u32) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().ok()?)
        .args(["--turns", name, &times.to_string()])
        .output()
        .ok()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let counted = log.lines().find_map(|line| line.split_once("Collected :"));
    counted?.1.trim().parse().ok()
}

/// Answers the process that started this one; whether it was such a start.
pub(crate) fn answers(arguments: &[String]) -> bool {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--memory", store] => {
            if let Some(bytes) = stores::bytes_per_entry(store) {
                println!("{bytes}");
            }
        }
        ["--turns", name, times] => take_turns(name, times.parse().unwrap_or_default()),
        _ => return false,
    }
    true
}

fn take_turns(name: &str, times: u32) {
    let token = claims::token(10, &keys::signing_key(Algorithm::Hs256));
    if name == ours::NAME {
        let mut admit = ours::admit(Algorithm::Hs256, token, true);
        (0..times).for_each(|_| assert!(admit()));
    } else {
        let (key, (message, signature)) = (raw::hmac_key(Algorithm::Hs256), raw::parts(&token));
        let verify = || ring::hmac::verify(&key, &message, std::hint::black_box(&signature));
        (0..times).for_each(|_| assert!(verify().is_ok()));
    }
}
