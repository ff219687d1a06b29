//! Verdicts of Boltguard and of other libraries on the conformance vectors: `cargo xtask bench conformance`.
//!
//! The other libraries are configured as strictly as their settings allow. The table is printed, and each verdict that
//! differs from the expected one is written to `conformance.tsv` in the directory in `BOLTGUARD_BENCH_DIR`. The program
//! fails if a verdict of Boltguard differs.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a command line program that reads the clock and prints the results"
)]

mod clock;
mod peers;
mod tally;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use boltguard_testing::conformance::{Row, rows};

use self::clock::Clock;
use self::peers::Library;
use self::tally::Tally;

fn main() -> io::Result<ExitCode> {
    let rows = rows();
    let own = judge(&peers::OWN, &rows);
    if !own.is_perfect() {
        eprintln!("error: verdicts of Boltguard differ from the expected ones");
        print!("{}", own.differences());
        return Ok(ExitCode::FAILURE);
    }
    let clock = Clock::system();
    let (rows, omitted): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| clock.can_be_moved(row));
    let libraries = peers::all();
    let tallies: Vec<Tally> = libraries
        .iter()
        .map(|library| judge(library, &rows))
        .collect();
    println!("{}", tally::table(&tallies));
    println!("\n{}", remark(rows.len(), &omitted));
    if let Some(directory) = env::var_os("BOLTGUARD_BENCH_DIR") {
        write(&tallies, Path::new(&directory))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn judge(library: &Library, rows: &[Row]) -> Tally {
    let mut tally = Tally::new(library.name);
    for row in rows {
        let claims = clock::within_one_second(|clock| (library.verify)(row, clock));
        tally.add(row, row.judge(claims.as_ref()), (library.lacks)(row));
    }
    tally
}

fn remark(count: usize, omitted: &[Row]) -> String {
    let names: Vec<&str> = omitted.iter().map(|row| row.id.as_str()).collect();
    format!(
        "{count} rows. Omitted, because other libraries read the system clock: {} ({})",
        names.len(),
        names.join(", ")
    )
}

fn write(tallies: &[Tally], directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let lines: String = tallies.iter().map(Tally::differences).collect();
    fs::write(directory.join("conformance.tsv"), lines)
}
