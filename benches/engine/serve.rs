//! Single measurements for others, so that a Python call can stand beside the bare Rust in the same rounds.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use crate::contest::{Contest, Plan, prepare};

/// Reads `path<TAB>entrant<TAB>times` lines and answers each with nanoseconds, until there are no more.
pub(crate) fn serve(plans: &[Plan]) -> io::Result<()> {
    let mut ready = HashMap::new();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        match answer(plans, &mut ready, &line) {
            Some(nanoseconds) => writeln!(output, "{nanoseconds}")?,
            None => writeln!(output, "unknown")?,
        }
        output.flush()?;
    }
    Ok(())
}

fn answer(plans: &[Plan], ready: &mut HashMap<String, Contest>, line: &str) -> Option<u128> {
    let mut words = line.split('\t');
    let (path, name) = (words.next()?, words.next()?);
    let times = words.next()?.parse().ok()?;
    if !ready.contains_key(path) {
        ready.insert(path.to_owned(), prepare(plans, path)?);
    }
    let mut entrants = ready.get_mut(path)?.entrants.iter_mut();
    let entrant = entrants.find(|entrant| entrant.name == name)?;
    Some((entrant.run)(times).as_nanos())
}
