//! What is measured: contests of entrants that do the same work.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Does the work so many times, and says how long that took.
pub(crate) type Run = Box<dyn FnMut(u64) -> Duration>;

/// One of those who do the same work.
pub(crate) struct Entrant {
    pub(crate) name: String,
    pub(crate) run: Run,
}

/// Those who do the same work; the others are compared with the first.
pub(crate) struct Contest {
    pub(crate) entrants: Vec<Entrant>,
}

impl Contest {
    pub(crate) fn new() -> Self {
        Self {
            entrants: Vec::new(),
        }
    }

    /// Adds one; what it gives, and the dropping of it, is part of the work.
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

    /// Adds one, unless it can't do the work at all.
    pub(crate) fn with_peer(self, name: &str, work: Option<Work>) -> Self {
        match work {
            Some(mut work) => {
                assert!(work(), "{name} does the work");
                self.with(name, work)
            }
            None => self,
        }
    }

    /// Adds one that looks at the clock itself.
    pub(crate) fn timed(mut self, name: &str, run: Run) -> Self {
        self.entrants.push(Entrant {
            name: name.to_owned(),
            run,
        });
        self
    }
}

/// The work of another library, and whether it succeeded.
pub(crate) type Work = Box<dyn FnMut() -> bool>;

/// What can be measured, made ready only when it is.
pub(crate) struct Plan {
    /// Such as `verify/HS256/10`.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// How it is measured.
pub(crate) enum Kind {
    /// By the clock.
    Contest(Box<dyn Fn() -> Contest>),
    /// Otherwise: each entrant has a figure, if the machine can tell it.
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

/// The contest of this path.
pub(crate) fn prepare(plans: &[Plan], path: &str) -> Option<Contest> {
    match &plans.iter().find(|plan| plan.path == path)?.kind {
        Kind::Contest(prepare) => Some(prepare()),
        Kind::Figures { .. } => None,
    }
}
