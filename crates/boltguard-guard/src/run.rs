//! Runs a compiled guard.

use boltguard_types::{Facts, ReasonCode, work};

use crate::compiled::{Goto, Program, Test};
use crate::{Answers, Decision};

impl Program {
    /// Decides about a known caller. `answers` go by the checks' numbers; those it lacks are open.
    #[inline]
    pub(crate) fn decide(&self, facts: &Facts<'_>, answers: &[Option<bool>]) -> Decision {
        let caller = self.caller(facts);
        let mut reason = ReasonCode::Denied;
        match self.run(self.start, &caller, answers, &mut reason) {
            Stop::Allow => Decision::Allow,
            Stop::Deny => Decision::Deny(reason),
            Stop::Open { .. } => self.explore(&caller, answers),
        }
    }

    /// The answers by the checks' numbers.
    pub(crate) fn resolve(&self, answers: &Answers) -> Vec<Option<bool>> {
        self.checks.iter().map(|name| answers.get(name)).collect()
    }

    /// The open checks that could change the decision.
    pub(crate) fn questions(
        &self,
        facts: &Facts<'_>,
        mut answers: Vec<Option<bool>>,
    ) -> Vec<usize> {
        if self.decide(facts, &answers) != Decision::Ask {
            return Vec::new();
        }
        let open: Vec<usize> = (0..answers.len())
            .filter(|check| answers[*check].is_none())
            .collect();
        if open.len() > MAX_EXPLORED {
            return open;
        }
        let outcomes: Vec<Decision> = (0..1_usize << open.len())
            .map(|combination| {
                for (bit, check) in open.iter().enumerate() {
                    answers[*check] = Some(combination >> bit & 1 == 1);
                }
                self.decide(facts, &answers)
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

    pub(crate) fn caller<'f>(&self, facts: &'f Facts<'f>) -> Caller<'f> {
        let backend = self
            .backends
            .iter()
            .position(|name| **name == *facts.backend);
        Caller {
            facts,
            backend: backend.map(|number| number as u32),
        }
    }

    /// Goes on from `at` until the outcome is settled or an open check is met.
    #[inline]
    fn run(
        &self,
        mut at: Goto,
        caller: &Caller<'_>,
        answers: &[Option<bool>],
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
            let Some(truth) = caller.passes(step.test, answers) else {
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

    /// Tries the answers that are left: each check met is taken to hold, then to fail.
    #[cold]
    fn explore(&self, caller: &Caller<'_>, answers: &[Option<bool>]) -> Decision {
        let mut answers = answers.to_vec();
        answers.resize(self.checks.len(), None);
        let mut seen = Seen::default();
        self.explore_from(
            self.start,
            caller,
            &mut answers,
            ReasonCode::Denied,
            0,
            &mut seen,
        );
        match seen {
            Seen {
                allowed: true,
                denied: Some(_),
            } => Decision::Ask,
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
        answers: &mut [Option<bool>],
        mut reason: ReasonCode,
        depth: usize,
        seen: &mut Seen,
    ) {
        match self.run(at, caller, answers, &mut reason) {
            Stop::Allow => seen.allowed = true,
            Stop::Deny => _ = seen.denied.get_or_insert(reason),
            Stop::Open {
                at,
                test: Test::Check(check),
            } if depth < MAX_EXPLORED => {
                for answer in [true, false] {
                    if !seen.both() {
                        answers[check as usize] = Some(answer);
                        self.explore_from(at, caller, answers, reason, depth + 1, seen);
                    }
                }
                answers[check as usize] = None;
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
    facts: &'f Facts<'f>,
    backend: Option<u32>,
}

impl Caller<'_> {
    /// Whether the caller passes; `None` where that is not known.
    #[inline]
    pub(crate) fn passes(&self, test: Test, answers: &[Option<bool>]) -> Option<bool> {
        match test {
            Test::Admin => Some(self.facts.is_superuser),
            Test::Authenticated => Some(true),
            Test::Backend(number) => Some(self.backend == Some(number)),
            Test::Check(number) => answers.get(number as usize).copied().flatten(),
            Test::Held(id) => Some(self.facts.held.contains(id)),
            Test::Staff => Some(self.facts.is_staff),
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

/// Up to this many open checks in a row, every combination of answers is tried: 4,096 at most.
const MAX_EXPLORED: usize = 12;
