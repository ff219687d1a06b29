//! Execution of compiled guards.

use boltguard_grants::PrincipalView;
use boltguard_types::{ReasonCode, work};

use crate::compiled::{Goto, Program, Test};
use crate::{CheckResults, Decision};

impl Program {
    /// Decides for an authenticated caller. `results` is indexed by the number of the check; missing results are open.
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

    /// Returns the results, indexed by the number of the check.
    pub(crate) fn resolve(&self, results: &CheckResults) -> Vec<Option<bool>> {
        self.checks.iter().map(|name| results.get(name)).collect()
    }

    /// Returns the numbers of the open checks that can change the decision.
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

    /// Runs from `at` until the result is determined or an open check is reached.
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
            *reason = step.reason.unwrap_or(*reason);
            at = step.otherwise;
        }
    }

    /// Evaluates all combinations of missing results: each open check first passes, then fails.
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
                for result in [true, false] {
                    if !seen.both() {
                        results[check as usize] = Some(result);
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

/// An authenticated caller, with the number of the backend if it occurs in the guard.
pub(crate) struct Caller<'f> {
    principal: &'f PrincipalView<'f>,
    backend: Option<u32>,
}

impl Caller<'_> {
    /// Returns whether the caller passes a test, or `None` for a check without a result.
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

/// The end of a run.
enum Stop {
    Allow,
    Deny,
    Open { at: Goto, test: Test },
}

/// The outcomes found so far, with the reason of the first denial, for which the most checks passed.
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

/// The maximum number of open checks of which all combinations of results are evaluated, at most 4,096.
const MAX_EXPLORED: usize = 12;
