//! Runs a compiled guard.

use boltguard_grants::PrincipalView;
use boltguard_types::{ReasonCode, work};

use crate::compiled::{Goto, Program, Test};
use crate::{CheckResults, Decision};

impl Program {
    /// Decides about a known caller. `results` go by the checks' numbers; those it lacks are open.
    #[inline]
    pub(crate) fn decide(
        &self,
        principal: &PrincipalView<'_>,
        results: &[Option<bool>],
    ) -> Decision {
        let caller = self.caller(principal);
        let mut reason = ReasonCode::Denied;
        match self.run(self.start, &caller, results, &mut reason) {
            Stop::Allow => Decision::Allow,
            Stop::Deny => Decision::Deny(reason),
            Stop::Open { .. } => self.explore(&caller, results),
        }
    }

    /// The results by the checks' numbers.
    pub(crate) fn resolve(&self, results: &CheckResults) -> Vec<Option<bool>> {
        self.checks.iter().map(|name| results.get(name)).collect()
    }

    /// The open checks that could change the decision.
    pub(crate) fn open_checks(
        &self,
        principal: &PrincipalView<'_>,
        mut results: Vec<Option<bool>>,
    ) -> Vec<usize> {
        if self.decide(principal, &results) != Decision::Undetermined {
            return Vec::new();
        }
        let open: Vec<usize> = (0..results.len())
            .filter(|check| results[*check].is_none())
            .collect();
        if open.len() > MAX_EXPLORED {
            return open;
        }
        let outcomes: Vec<Decision> = (0..1_usize << open.len())
            .map(|combination| {
                for (bit, check) in open.iter().enumerate() {
                    results[*check] = Some(combination >> bit & 1 == 1);
                }
                self.decide(principal, &results)
            })
            .collect();
        let changes = |bit: usize| {
            (0..outcomes.len())
                .any(|one| outcomes[one].is_allowed() != outcomes[one ^ 1 << bit].is_allowed())
        };
        (0..open.len())
            .filter(|bit| changes(*bit))
            .map(|bit| open[bit])
            .collect()
    }

    pub(crate) fn caller<'f>(&self, principal: &'f PrincipalView<'f>) -> Caller<'f> {
        let backend = self
            .backends
            .iter()
            .position(|name| **name == *principal.backend);
        Caller {
            principal,
            backend: backend.map(|number| number as u32),
        }
    }

    /// Goes on from `at` until the outcome is settled or an open check is met.
    #[inline]
    fn run(
        &self,
        mut at: Goto,
        caller: &Caller<'_>,
        results: &[Option<bool>],
        reason: &mut ReasonCode,
    ) -> Stop {
        loop {
            let number = match at {
                Goto::Allow => return Stop::Allow,
                Goto::Deny => return Stop::Deny,
                Goto::Step(number) => number,
            };
            work::step();
            let step = &self.steps[number as usize];
            let Some(truth) = caller.passes(step.test, results) else {
                return Stop::Open {
                    at,
                    test: step.test,
                };
            };
            if truth == step.expected {
                at = step.then;
                continue;
            }
            *reason = step.blame.unwrap_or(*reason);
            at = step.otherwise;
        }
    }

    /// Tries the missing results: each check met is taken to hold, then to fail.
    #[cold]
    fn explore(&self, caller: &Caller<'_>, results: &[Option<bool>]) -> Decision {
        let mut results = results.to_vec();
        results.resize(self.checks.len(), None);
        let mut seen = Seen::default();
        self.explore_from(
            self.start,
            caller,
            &mut results,
            ReasonCode::Denied,
            0,
            &mut seen,
        );
        match seen {
            Seen {
                allowed: true,
                denied: Some(_),
            } => Decision::Undetermined,
            Seen {
                allowed: false,
                denied: Some(reason),
            } => Decision::Deny(reason),
            Seen { denied: None, .. } => Decision::Allow,
        }
    }

    fn explore_from(
        &self,
        at: Goto,
        caller: &Caller<'_>,
        results: &mut [Option<bool>],
        mut reason: ReasonCode,
        depth: usize,
        seen: &mut Seen,
    ) {
        match self.run(at, caller, results, &mut reason) {
            Stop::Allow => seen.allowed = true,
            Stop::Deny => _ = seen.denied.get_or_insert(reason),
            Stop::Open {
                at,
                test: Test::Check(check),
            } if depth < MAX_EXPLORED => {
                for answer in [true, false] {
                    if !seen.both() {
                        results[check as usize] = Some(answer);
                        self.explore_from(at, caller, results, reason, depth + 1, seen);
                    }
                }
                results[check as usize] = None;
            }
            Stop::Open { .. } => {
                *seen = Seen {
                    allowed: true,
                    denied: Some(ReasonCode::Denied),
                }
            }
        }
    }
}

/// A known caller; the backend by its number, if the guard names it.
pub(crate) struct Caller<'f> {
    principal: &'f PrincipalView<'f>,
    backend: Option<u32>,
}

impl Caller<'_> {
    /// Whether the caller passes; `None` where that is not known.
    #[inline]
    pub(crate) fn passes(&self, test: Test, results: &[Option<bool>]) -> Option<bool> {
        match test {
            Test::Admin => Some(self.principal.is_superuser),
            Test::Authenticated => Some(true),
            Test::Backend(number) => Some(self.backend == Some(number)),
            Test::Check(number) => results.get(number as usize).copied().flatten(),
            Test::Requirement(id) => Some(self.principal.grant_set.contains(id)),
            Test::Staff => Some(self.principal.is_staff),
        }
    }
}

/// Where a run ended.
enum Stop {
    Allow,
    Deny,
    Open { at: Goto, test: Test },
}

/// The outcomes met so far; the reason is that of the first, which took the checks to hold.
#[derive(Default)]
struct Seen {
    allowed: bool,
    denied: Option<ReasonCode>,
}

impl Seen {
    fn both(&self) -> bool {
        self.allowed && self.denied.is_some()
    }
}

/// Up to this many open checks in a row, every combination of results is tried: 4,096 at most.
const MAX_EXPLORED: usize = 12;
