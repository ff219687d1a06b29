//! Ratios that hold on a noisy machine.
//!
//! The entrants take turns in short slices, and a ratio is the median of those within one round, in which the machine
//! was the same for all.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};

use crate::contest::{Contest, Run};
use crate::results::{ContestResult, EntrantResult};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) slice: Duration,
    pub(crate) rounds: usize,
    pub(crate) samples: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measurement: Duration,
}

impl Effort {
    pub(crate) const QUICK: Self = Self {
        slice: Duration::from_micros(500),
        rounds: 60,
        samples: 10,
        warm_up: Duration::from_millis(30),
        measurement: Duration::from_millis(60),
    };

    pub(crate) const FULL: Self = Self {
        slice: Duration::from_millis(1),
        rounds: 250,
        samples: 30,
        warm_up: Duration::from_millis(100),
        measurement: Duration::from_millis(400),
    };

    pub(crate) fn criterion(self) -> Criterion {
        Criterion::default()
            .sample_size(self.samples)
            .warm_up_time(self.warm_up)
            .measurement_time(self.measurement)
            .nresamples(2_000)
    }
}

/// Criterion's own measurement, which tells what has changed since the last one.
pub(crate) fn by_criterion(criterion: &mut Criterion, path: &str, contest: &mut Contest) {
    let mut group = criterion.benchmark_group(path);
    for entrant in &mut contest.entrants {
        group.bench_function(BenchmarkId::from_parameter(&entrant.name), |bencher| {
            bencher.iter_custom(&mut entrant.run);
        });
    }
    group.finish();
}

/// The measurement that the goals are held against.
pub(crate) fn in_turns(path: &str, contest: &mut Contest, effort: Effort) -> ContestResult {
    let times: Vec<u64> = contest
        .entrants
        .iter_mut()
        .map(|entrant| times_within(effort.slice, &mut entrant.run))
        .collect();
    let count = contest.entrants.len();
    let mut taken = vec![Vec::with_capacity(effort.rounds); count];
    let mut order: Vec<usize> = (0..count).collect();
    let mut chance = Chance(1);
    for _ in 0..effort.rounds {
        chance.shuffle(&mut order);
        for &turn in &order {
            let elapsed = (contest.entrants[turn].run)(times[turn]);
            taken[turn].push(nanoseconds(elapsed) / times[turn] as f64);
        }
    }
    let base = taken[0].clone();
    let entrants = contest
        .entrants
        .iter()
        .zip(taken)
        .map(|(entrant, taken)| result(&entrant.name, taken, &base))
        .collect();
    ContestResult {
        path: path.to_owned(),
        entrants,
    }
}

/// How often the work fits into a slice.
fn times_within(slice: Duration, run: &mut Run) -> u64 {
    let mut times = 1;
    loop {
        // The best of some, lest a moment's noise leave an entrant with slices of one cold run each.
        let best = (0..4).map(|_| run(times)).min().unwrap_or_default();
        let elapsed = best.max(Duration::from_nanos(1));
        if elapsed >= slice / 4 || times > 1 << 30 {
            let fitting = times as f64 * nanoseconds(slice) / nanoseconds(elapsed);
            return (fitting as u64).max(1);
        }
        times *= 2;
    }
}

fn result(name: &str, taken: Vec<f64>, base: &[f64]) -> EntrantResult {
    let ratios = taken.iter().zip(base).map(|(own, base)| own / base);
    let ratios = sorted(ratios.collect());
    let taken = sorted(taken);
    EntrantResult {
        name: name.to_owned(),
        // Noise only adds: the quiet half tells what the work costs.
        nanoseconds: at(&taken, 0.25),
        upper_nanoseconds: at(&taken, 0.75),
        ratio: at(&ratios, 0.5),
        lower_ratio: at(&ratios, 0.25),
        upper_ratio: at(&ratios, 0.75),
    }
}

/// Orders by chance, so that nothing that comes and goes regularly always meets the same entrant.
///
/// Xorshift, Marsaglia 2003.
struct Chance(u64);

impl Chance {
    fn shuffle(&mut self, order: &mut [usize]) {
        for place in (1..order.len()).rev() {
            order.swap(place, self.below(place + 1));
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which this part of the sorted values is.
pub(crate) fn at(sorted: &[f64], part: f64) -> f64 {
    let index = (sorted.len().saturating_sub(1)) as f64 * part;
    sorted
        .get(index.round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
