//! A simulation of revocation in a large fleet: a thousand nodes and a million revocations per hour.
//!
//! It prints the tables of `docs/fleet-sizing.md`. Everything except the measurements of memory is deterministic.
#![expect(clippy::print_stdout, reason = "a command line program")]

mod fleet;
mod memory;
mod node;
mod scenarios;
mod servers;
mod settings;
mod tables;
mod truth;
mod wire;

use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [memory::OPTION, seconds, kind] => {
            let lifetime = Duration::from_secs(seconds.parse().unwrap_or(0));
            if let Some(memory) = memory::measure_here(lifetime, kind == tables::SESSIONS) {
                println!("{} {}", memory.entries, memory.bytes);
            }
        }
        _ => tables::print_all(),
    }
}
