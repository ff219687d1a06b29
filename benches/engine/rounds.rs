//! Measurement of ratios that are reliable on a noisy machine.
//!
//! In each round, every entrant runs for a short slice. A ratio is the median of the ratios within each round, in which
//! the conditions are similar for all entrants.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};

use crate::contest::{Contest, Run};
use crate::results::{ContestResult, EntrantResult};

/// The duration of the measurements.
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

/// Measures a contest with criterion, which reports changes since the previous run.
pub(crate) fn by_criterion(criterion: &mut Criterion, path: &str, contest: &mut Contest) {
    let mut group = criterion.benchmark_group(path);
    for entrant in &mut contest.entrants {
        group.bench_function(BenchmarkId::from_parameter(&entrant.name), |bencher| {
            bencher.iter_custom(&mut entrant.run);
        });
    }
    group.finish();
}

/// Measures a contest in alternating slices. The goals refer to these results.
pub(crate) fn alternate(path: &str, contest: &mut Contest, effort: Effort) -> ContestResult {
    let slice = effort.slice * contest.slices;
    let mut times: Vec<u64> = contest
        .entrants
        .iter_mut()
        .map(|entrant| times_within(slice, &mut entrant.run))
        .collect();
    if contest.has_equal_slices {
        let most = times.iter().copied().max().unwrap_or(1);
        times.fill(most);
    }
    let count = contest.entrants.len();
    let mut durations = vec![Vec::with_capacity(effort.rounds); count];
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random(1);
    for _ in 0..effort.rounds {
        random.shuffle(&mut order);
        for &index in &order {
            let elapsed = (contest.entrants[index].run)(times[index]);
            durations[index].push(nanoseconds(elapsed) / times[index] as f64);
        }
    }
    let base = durations[0].clone();
    let entrants = contest
        .entrants
        .iter()
        .zip(durations)
        .map(|(entrant, durations)| result(&entrant.name, durations, &base))
        .collect();
    ContestResult {
        path: path.to_owned(),
        entrants,
    }
}

/// Returns the number of times that the work fits into a slice.
fn times_within(slice: Duration, run: &mut Run) -> u64 {
    let mut times = 1;
    loop {
        // The minimum of several runs, because noise in a single one could result in slices that are too short.
        let best = (0..4).map(|_| run(times)).min().unwrap_or_default();
        let elapsed = best.max(Duration::from_nanos(1));
        if elapsed >= slice / 4 || times > 1 << 30 {
            let fitted = times as f64 * nanoseconds(slice) / nanoseconds(elapsed);
            return (fitted as u64).max(1);
        }
        times *= 2;
    }
}

fn result(name: &str, durations: Vec<f64>, base: &[f64]) -> EntrantResult {
    let ratios = durations.iter().zip(base).map(|(own, base)| own / base);
    let ratios = sorted(ratios.collect());
    let durations = sorted(durations);
    EntrantResult {
        name: name.to_owned(),
        // Noise only increases durations, so the lower quartile is closest to the actual cost.
        nanoseconds: at(&durations, 0.25),
        upper_nanoseconds: at(&durations, 0.75),
        ratio: at(&ratios, 0.5),
        lower_ratio: at(&ratios, 0.25),
        upper_ratio: at(&ratios, 0.75),
    }
}

/// A random number generator for the order of entrants, so that periodic noise affects all of them equally.
///
/// Xorshift, Marsaglia 2003.
struct Random(u64);

impl Random {
    fn shuffle(&mut self, order: &mut [usize]) {
        for index in (1..order.len()).rev() {
            order.swap(index, self.below(index + 1));
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

/// Returns a quantile of sorted values.
pub(crate) fn at(sorted: &[f64], quantile: f64) -> f64 {
    let index = (sorted.len().saturating_sub(1)) as f64 * quantile;
    sorted
        .get(index.round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
