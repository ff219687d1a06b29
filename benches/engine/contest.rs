//! Contests: measurements of entrants that do the same work.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A function that does the work a number of times, and returns the duration.
pub(crate) type Run = Box<dyn FnMut(u64) -> Duration>;

/// A participant in a contest.
pub(crate) struct Entrant {
    pub(crate) name: String,
    pub(crate) run: Run,
}

/// Entrants that do the same work. They are compared with the first one.
pub(crate) struct Contest {
    pub(crate) entrants: Vec<Entrant>,
    /// The duration of a slice, as a multiple of the usual one.
    pub(crate) slices: u32,
    /// Whether all entrants do the work equally often in a slice.
    pub(crate) has_equal_slices: bool,
}

impl Contest {
    pub(crate) fn new() -> Self {
        Self {
            entrants: Vec::new(),
            slices: 1,
            has_equal_slices: false,
        }
    }

    /// Creates a contest of servers, which only reach their full speed after a few requests: its slices are longer, and
    /// contain the same number of requests, so that the time until then has the same share.
    pub(crate) fn of_servers() -> Self {
        Self {
            slices: 20,
            has_equal_slices: true,
            ..Self::new()
        }
    }

    /// Adds an entrant. Dropping the result of `work` is part of the measurement.
    pub(crate) fn with<T>(self, name: &str, mut work: impl FnMut() -> T + 'static) -> Self {
        self.timed(
            name,
            Box::new(move |times| {
                let start = Instant::now();
                for _ in 0..times {
                    black_box(work());
                }
                start.elapsed()
            }),
        )
    }

    /// Adds another library, unless it doesn't support the work.
    pub(crate) fn with_peer(self, name: &str, work: Option<Work>) -> Self {
        match work {
            Some(mut work) => {
                assert!(work(), "{name} must succeed");
                self.with(name, work)
            }
            None => self,
        }
    }

    /// Adds an entrant that measures the time itself.
    pub(crate) fn timed(mut self, name: &str, run: Run) -> Self {
        self.entrants.push(Entrant {
            name: name.to_owned(),
            run,
        });
        self
    }
}

/// The work of another library, which returns whether it succeeded.
pub(crate) type Work = Box<dyn FnMut() -> bool>;

/// A measurement, which is prepared when it runs.
pub(crate) struct Plan {
    /// The path, such as `verify/HS256/10`.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// The kind of a measurement.
pub(crate) enum Kind {
    /// A comparison of durations.
    Contest(Box<dyn Fn() -> Contest>),
    /// Other figures. An entrant is omitted if its figure isn't available on the machine.
    Figures {
        unit: &'static str,
        take: Box<dyn Fn() -> Vec<(String, f64)>>,
    },
}

impl Plan {
    pub(crate) fn contest(
        path: impl Into<String>,
        prepare: impl Fn() -> Contest + 'static,
    ) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Contest(Box::new(prepare)),
        }
    }

    pub(crate) fn figures(
        path: impl Into<String>,
        unit: &'static str,
        take: impl Fn() -> Vec<(String, f64)> + 'static,
    ) -> Self {
        Self {
            path: path.into(),
            kind: Kind::Figures {
                unit,
                take: Box::new(take),
            },
        }
    }
}

/// Prepares the contest with this path.
pub(crate) fn prepare(plans: &[Plan], path: &str) -> Option<Contest> {
    match &plans.iter().find(|plan| plan.path == path)?.kind {
        Kind::Contest(prepare) => Some(prepare()),
        Kind::Figures { .. } => None,
    }
}
