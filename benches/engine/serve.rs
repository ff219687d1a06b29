//! Individual measurements for the Python benchmarks, so that Python and Rust are measured in the same rounds.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use crate::contest::{Contest, Plan, prepare};

/// Reads lines `path<TAB>entrant<TAB>times` until the end of the input, and responds to each with nanoseconds.
pub(crate) fn serve(plans: &[Plan]) -> io::Result<()> {
    let mut prepared = HashMap::new();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        match measure(plans, &mut prepared, &line) {
            Some(nanoseconds) => writeln!(output, "{nanoseconds}")?,
            None => writeln!(output, "unknown")?,
        }
        output.flush()?;
    }
    Ok(())
}

fn measure(plans: &[Plan], prepared: &mut HashMap<String, Contest>, line: &str) -> Option<u128> {
    let mut fields = line.split('\t');
    let (path, name) = (fields.next()?, fields.next()?);
    let times = fields.next()?.parse().ok()?;
    if !prepared.contains_key(path) {
        prepared.insert(path.to_owned(), prepare(plans, path)?);
    }
    let mut entrants = prepared.get_mut(path)?.entrants.iter_mut();
    let entrant = entrants.find(|entrant| entrant.name == name)?;
    Some((entrant.run)(times).as_nanos())
}
