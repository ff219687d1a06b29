//! The table of goals, and whether they are met.

use super::measured::{Contest, Entrant, Figures, Run};

/// A performance goal.
struct Goal {
    path: &'static str,
    contest: &'static str,
    entrant: &'static str,
    measure: Measure,
    bound: Bound,
}

/// The number that a goal limits.
#[derive(Clone, Copy)]
enum Measure {
    /// The entrant's time minus that of another.
    Over(&'static str),
    /// The entrant's figure, if it isn't a time.
    Figure,
    /// The entrant's time divided by that of another, from alternating rounds.
    Times(&'static str),
    /// How many times faster than another the entrant is.
    Faster(&'static str),
    /// The entrant's time in nanoseconds.
    Time,
}

enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};
use Measure::{Faster, Figure, Over, Time, Times};

const OWN: &str = "boltguard";

const fn own(path: &'static str, contest: &'static str, measure: Measure, bound: Bound) -> Goal {
    named(path, contest, OWN, measure, bound)
}

const fn named(
    path: &'static str,
    contest: &'static str,
    entrant: &'static str,
    measure: Measure,
    bound: Bound,
) -> Goal {
    Goal {
        path,
        contest,
        entrant,
        measure,
        bound,
    }
}

const GATE: &str = "Python: request to context, HS256";
const DECODE: &str = "Python: decode HS256 to a dict";
const MINT: &str = "Python: mint HS256 from a dict";

#[rustfmt::skip]
const GOALS: &[Goal] = &[
    own("verify and admit HS256, no permissions", "verify/HS256/0", Times("ring"), AtMost(1.6)),
    own("verify and admit HS256, 10 permissions", "verify/HS256/10", Times("ring"), AtMost(1.45)),
    own("verify and admit HS256, 200 permissions", "verify/HS256/200", Times("ring"), AtMost(1.3)),
    named("the same with 10: instructions beyond the HMAC", "instructions/HS256/10", "boltguard, beyond the HMAC",
          Figure, AtMost(3200.0)),
    own("verify and admit HS384", "verify/HS384/10", Times("ring"), AtMost(1.25)),
    own("verify and admit HS512", "verify/HS512/10", Times("ring"), AtMost(1.25)),
    own("verify and admit RS256", "verify/RS256/10", Times("ring"), AtMost(1.03)),
    own("verify and admit PS256", "verify/PS256/10", Times("ring"), AtMost(1.03)),
    own("verify and admit ES256", "verify/ES256/10", Times("ring"), AtMost(1.02)),
    own("verify and admit ES384", "verify/ES384/10", Times("ring"), AtMost(1.02)),
    own("verify and admit ES512", "verify/ES512/10", Times("p521"), AtMost(1.02)),
    own("verify and admit EdDSA", "verify/EdDSA/10", Times("ring"), AtMost(1.02)),
    own("two threads over one", "threads/HS256/10", Figure, AtLeast(1.93)),
    own("a token that was verified before, ES256", "cache/one token", Time, AtMost(80.0)),
    own("one of a thousand that were", "cache/1 k tokens", Time, AtMost(150.0)),
    own("two threads over one, on one such token", "threads/one cached token", Figure, AtLeast(1.5)),
    own("refuse two segments", "refuse/no token", Time, AtMost(60.0)),
    own("refuse a header that isn't JSON", "refuse/no header", Time, AtMost(60.0)),
    own("refuse a header of bad JSON", "refuse/no JSON", Time, AtMost(60.0)),
    own("refuse alg none", "refuse/alg none", Time, AtMost(60.0)),
    own("refuse another algorithm", "refuse/wrong algorithm", Time, AtMost(60.0)),
    own("refuse a bad signature, HS256", "refuse/bad signature/HS256", Times("ring"), AtMost(1.1)),
    own("refuse a bad signature, RS256", "refuse/bad signature/RS256", Times("ring"), AtMost(1.1)),
    own("refuse a bad signature, ES256", "refuse/bad signature/ES256", Times("ring"), AtMost(1.1)),
    own("refuse a bad signature, EdDSA", "refuse/bad signature/EdDSA", Times("ring"), AtMost(1.1)),
    own("mint HS256, 10 permissions", "mint/HS256/10", Times("ring"), AtMost(1.6)),
    own("a guard of 10 atoms against 200 permissions", "guard/10 atoms, 200 permissions", Time, AtMost(500.0)),
    own("revocation check, empty list", "revocation/empty", Time, AtMost(5.0)),
    own("revocation check, 10 k entries", "revocation/10 k", Time, AtMost(30.0)),
    named("revocation check, 10 k entries, a hit", "revocation/10 k", "boltguard, revoked", Time, AtMost(30.0)),
    own("revocation check, 1 M entries", "revocation/1 M", Time, AtMost(150.0)),
    named("revocation check, 1 M entries, a hit", "revocation/1 M", "boltguard, revoked", Time, AtMost(150.0)),
    own("a replicated check over one in memory", "revocation/replicated", Times("boltguard, in memory"), AtMost(1.2)),
    own("a revocation entry", "revocation/memory", Figure, AtMost(48.0)),
    own("the slowest of 1000 revocations", "revocation/slowest call", Figure, AtMost(100_000.0)),
    // The same key again and again: with any key, the memory's latency shows once the table outgrows the caches.
    named("API key among 1 M rather than 10", "api keys/one of them", "1 M keys", Times("10 keys"), AtMost(1.15)),
    own("axum: requests per second, over axum alone", "axum/requests", Faster("axum"), AtLeast(0.98)),

    own(GATE, "python/gate/HS256", Faster("PyJWT"), AtLeast(60.0)),
    own(GATE, "python/gate/HS256", Faster("PyJWT 2.13"), AtLeast(18.0)),
    own(GATE, "python/gate/HS256", Faster("oxyjwt"), AtLeast(4.5)),
    own(DECODE, "python/decode/HS256", Faster("PyJWT"), AtLeast(24.0)),
    own(DECODE, "python/decode/HS256", Faster("PyJWT 2.13"), AtLeast(7.0)),
    own(DECODE, "python/decode/HS256", Faster("oxyjwt"), AtLeast(1.8)),
    own("Python: request to context, RS256", "python/gate/RS256", Times("ring, in Rust"), AtMost(1.05)),
    own("Python: request to context, ES256", "python/gate/ES256", Times("ring, in Rust"), AtMost(1.05)),
    own("Python: request to context, ES512", "python/gate/ES512", Times("p521, in Rust"), AtMost(1.05)),
    own("Python: request to context, EdDSA", "python/gate/EdDSA", Times("ring, in Rust"), AtMost(1.05)),
    own("Python: decode RS256 to a dict", "python/decode/RS256", Faster("oxyjwt"), AtLeast(1.0)),
    own("Python: decode ES256 to a dict", "python/decode/ES256", Faster("oxyjwt"), AtLeast(1.0)),
    own("Python: decode ES512 to a dict", "python/decode/ES512", Faster("webtoken"), AtLeast(1.0)),
    own("Python: decode EdDSA to a dict", "python/decode/EdDSA", Faster("oxyjwt"), AtLeast(1.0)),
    own(MINT, "python/mint/HS256", Faster("PyJWT"), AtLeast(30.0)),
    own(MINT, "python/mint/HS256", Faster("oxyjwt"), AtLeast(2.0)),
    own("Python: a refused request", "python/refuse/HS256", Times("boltguard, admitted"), AtMost(1.0)),

    named("Django: a whole request, protect", "python/wsgi", "boltguard protect", Times("plain view"), AtMost(1.05)),
    named("Django: a whole request, middleware", "python/wsgi", "boltguard middleware", Times("plain view"),
          AtMost(1.05)),
    named("Django: protect, at the view", "python/view", "boltguard protect", Over("plain view"), AtMost(3000.0)),
    named("Django: protect, at an async view", "python/view", "boltguard protect, async", Times("boltguard protect"),
          AtMost(1.3)),
    named("Django: as DRF authentication, at the view", "python/drf", "DRF and boltguard", Over("DRF"),
          AtMost(4000.0)),
    own("Django: refresh a session on PostgreSQL", "python/refresh", Times("empty UPDATE"), AtMost(1.5)),
    own("the same, over the statements alone", "python/refresh", Times("Django, the same statements"), AtMost(1.2)),
];

/// A goal and the measurement.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) path: &'static str,
    pub(super) goal: String,
    pub(super) measured: String,
    /// The number behind `measured`.
    pub(super) value: Option<f64>,
    pub(super) against: &'static str,
    /// `None` if it was not measured.
    pub(super) is_met: Option<bool>,
}

/// All goals, in their order.
pub(super) fn judge(runs: &[Run]) -> Vec<Row> {
    GOALS.iter().map(|goal| goal.judge(runs)).collect()
}

/// A number and its unit, with the quartiles of ratios.
struct Measured {
    value: f64,
    unit: String,
    quartiles: Option<(f64, f64)>,
}

impl Goal {
    fn judge(&self, runs: &[Run]) -> Row {
        let measured = self.measured(runs);
        let unit = measured
            .as_ref()
            .map_or(self.measure.unit(), |measured| &measured.unit);
        Row {
            path: self.path,
            goal: match self.bound {
                AtLeast(least) => format!(">= {}", amount(least, unit)),
                AtMost(most) => format!("<= {}", amount(most, unit)),
            },
            value: measured.as_ref().map(|measured| measured.value),
            against: self.measure.against(),
            is_met: measured
                .as_ref()
                .map(|measured| self.is_met(measured.value)),
            measured: measured
                .map_or_else(|| "not measured".to_owned(), |measured| measured.text()),
        }
    }

    fn is_met(&self, value: f64) -> bool {
        match self.bound {
            AtLeast(least) => value >= least,
            AtMost(most) => value <= most,
        }
    }

    fn measured(&self, runs: &[Run]) -> Option<Measured> {
        match self.measure {
            Figure => {
                let mut all = runs.iter().flat_map(|run| &run.figures);
                self.figure(all.find(|figures| figures.path == self.contest)?)
            }
            _ => {
                let mut all = runs.iter().flat_map(|run| &run.contests);
                self.time(all.find(|contest| contest.path == self.contest)?)
            }
        }
    }

    fn figure(&self, figures: &Figures) -> Option<Measured> {
        let mut all = figures.figures.iter();
        let (_, value) = all.find(|(name, _)| name == self.entrant)?;
        Some(Measured {
            value: *value,
            unit: figures.unit.clone(),
            quartiles: None,
        })
    }

    fn time(&self, contest: &Contest) -> Option<Measured> {
        let own = contest.entrant(self.entrant)?;
        let other = || contest.entrant(self.measure.against());
        let (value, quartiles) = match self.measure {
            Over(_) => (own.nanoseconds - other()?.nanoseconds, None),
            Times(_) => {
                let other = other()?;
                (own.ratio / other.ratio, Some(quartiles(own, other)))
            }
            Faster(_) => {
                let other = other()?;
                (other.ratio / own.ratio, Some(quartiles(other, own)))
            }
            Figure | Time => (own.nanoseconds, None),
        };
        Some(Measured {
            value,
            unit: self.measure.unit().to_owned(),
            quartiles,
        })
    }
}

/// The widest possible quartiles of the ratio of one to the other; exact if the other is the first entrant.
fn quartiles(one: &Entrant, other: &Entrant) -> (f64, f64) {
    (
        one.lower_ratio / other.upper_ratio,
        one.upper_ratio / other.lower_ratio,
    )
}

impl Measure {
    fn against(self) -> &'static str {
        match self {
            Faster(other) | Over(other) | Times(other) => other,
            Figure | Time => "",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Over(_) | Time => "ns",
            Faster(_) | Times(_) => "x",
            Figure => "",
        }
    }
}

impl Measured {
    fn text(&self) -> String {
        let value = amount(self.value, &self.unit);
        match self.quartiles {
            Some((lower, upper)) => format!("{value} ({} to {})", ratio(lower), ratio(upper)),
            None => value,
        }
    }
}

/// A number with its unit, with enough digits to show whether a goal is met.
pub(super) fn amount(value: f64, unit: &str) -> String {
    match unit {
        "ns" if value.abs() >= 1e6 => format!("{:.2} ms", value / 1e6),
        "ns" if value.abs() >= 1e3 => format!("{:.2} µs", value / 1e3),
        "ns" => format!("{value:.1} ns"),
        "x" => format!("{} x", ratio(value)),
        "instructions" | "" => format!("{value:.0}"),
        other => format!("{value:.1} {other}"),
    }
}

fn ratio(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::tests::TEXT;
    use super::*;

    #[track_caller]
    fn check(goal: Goal, expected: f64, is_met: bool) {
        let row = goal.judge(&[Run::read(TEXT).unwrap()]);
        let value = row.value.unwrap();
        assert!((value - expected).abs() < 1e-9, "{value}");
        assert_eq!(row.is_met, Some(is_met));
    }

    #[test]
    fn each_measure_takes_its_number() {
        check(own("", "c", Times("raw"), AtMost(1.45)), 1.5, false);
        check(own("", "c", Faster("peer"), AtLeast(6.0)), 6.0, true);
        check(own("", "c", Time, AtMost(150.0)), 150.0, true);
        check(own("", "c", Over("raw"), AtMost(49.0)), 50.0, false);
        check(own("", "f", Figure, AtMost(48.0)), 44.0, true);
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        for goal in [
            named("", "c", "missing", Time, AtMost(1.0)),
            own("", "c", Times("missing"), AtMost(1.0)),
            own("", "elsewhere", Figure, AtMost(1.0)),
        ] {
            let row = goal.judge(&[Run::read(TEXT).unwrap()]);
            assert_eq!((row.is_met, row.measured.as_str()), (None, "not measured"));
        }
    }

    #[test]
    fn amounts_are_short() {
        let texts = [
            (12.34, "ns"),
            (1234.0, "ns"),
            (5.6e6, "ns"),
            (1.0349, "x"),
            (61.27, "x"),
            (43.99, "bytes"),
        ]
        .map(|(value, unit)| amount(value, unit));
        assert_eq!(
            texts,
            [
                "12.3 ns",
                "1.23 µs",
                "5.60 ms",
                "1.035 x",
                "61.3 x",
                "44.0 bytes"
            ]
        );
    }
}
