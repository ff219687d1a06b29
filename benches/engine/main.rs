//! Benchmarks of the engine, the raw primitives and other libraries:
//! `cargo bench -p boltguard-bench -- [--quick] [name…]`.
//!
//! Each contest is measured twice: with criterion, one entrant after the other, to compare with the previous run; and
//! in short alternating slices, for the ratios that the goals refer to. The results are written to the directory in
//! `BOLTGUARD_BENCH_DIR`, for the report.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a command line program that measures time and prints the results"
)]

use std::fs;
use std::path::Path;
use std::time::Instant;
use std::{env, io};

use self::contest::{Kind, Plan};
use self::results::{FiguresResult, Results};
use self::rounds::Effort;

mod child;
mod claims;
mod contest;
mod decisions;
mod loopback;
mod ours;
mod peers;
mod raw;
mod results;
mod rounds;
mod serve;
mod services;
mod stores;
mod tokens;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag| arguments.iter().any(|argument| argument == flag);
    let effort = match has("--quick") {
        true => Effort::QUICK,
        false => Effort::FULL,
    };
    let plans = plans(effort);
    if child::run_command(&arguments, &plans) {
        return Ok(());
    }
    if has("--serve") {
        return serve::serve(&plans);
    }
    if !has("--bench") {
        println!("run `cargo bench` to measure; `cargo test` only compiles the benchmarks");
        return Ok(());
    }
    let results = measure(selected(&plans, &arguments), effort);
    match env::var_os("BOLTGUARD_BENCH_DIR") {
        Some(directory) => write(&results, Path::new(&directory)),
        None => Ok(()),
    }
}

/// Returns the plans whose path contains one of the names, or all plans if there are no names.
fn selected<'p>(plans: &'p [Plan], arguments: &'p [String]) -> impl Iterator<Item = &'p Plan> {
    let names = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"));
    let names: Vec<&String> = names.collect();
    plans
        .iter()
        .filter(move |plan| names.is_empty() || names.iter().any(|name| plan.path.contains(*name)))
}

fn plans(effort: Effort) -> Vec<Plan> {
    let mut plans = tokens::plans(effort);
    plans.extend(child::plans());
    plans.extend(decisions::plans());
    plans.extend(stores::plans());
    plans.extend(services::plans());
    plans
}

fn measure<'a>(plans: impl Iterator<Item = &'a Plan>, effort: Effort) -> Results {
    let start = Instant::now();
    let mut criterion = effort.criterion();
    let (mut contests, mut figures) = (Vec::new(), Vec::new());
    for plan in plans {
        match &plan.kind {
            Kind::Contest(prepare) => {
                let mut contest = prepare();
                rounds::by_criterion(&mut criterion, &plan.path, &mut contest);
                contests.push(rounds::alternate(&plan.path, &mut contest, effort));
            }
            Kind::Figures { unit, take } => figures.push(FiguresResult {
                path: plan.path.clone(),
                unit,
                figures: take(),
            }),
        }
    }
    criterion.final_summary();
    Results {
        language: "Rust",
        method: format!(
            "{} rounds, in each of which every entrant runs for {} µs; a ratio is the median of the ratios within each round",
            effort.rounds,
            effort.slice.as_micros()
        ),
        seconds: start.elapsed().as_secs_f64(),
        contests,
        figures,
    }
}

fn write(results: &Results, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    // The Python benchmarks run this program for individual measurements.
    fs::write(
        directory.join("engine.path"),
        env::current_exe()?.to_string_lossy().as_bytes(),
    )?;
    fs::write(
        directory.join("rust.json"),
        serde_json::to_vec_pretty(results)?,
    )
}
