//! Compilation of a guard to a program.
//!
//! The guard is compiled from its end, so the jump targets of a part are known when it is reached: the steps that
//! follow it already exist. `&` and `|` only determine jump targets, and `!` inverts the value that its operand must
//! have.

use std::collections::HashMap;

use boltguard_grants::Requirements;
use boltguard_types::ReasonCode;

use crate::compiled::{Goto, Program, Step, Test};
use crate::guard::{Join, Op};
use crate::{Atom, Decision, Guard};

pub(crate) fn compile(guard: &Guard) -> Program {
    let mut program = Program {
        tests: Vec::new(),
        steps: Vec::new(),
        start: Goto::Deny,
        anonymous: anonymous(guard),
        requirements: Requirements::new(),
        backends: Vec::new(),
        checks: Vec::new(),
    };
    if guard.is(&Atom::AllowAny) {
        program.start = Goto::Allow;
    } else if !guard.is(&Atom::DenyAll) {
        let (mut backends, mut checks) = (Numbers::default(), Numbers::default());
        let mut test = |atom| program.test(atom, &mut backends, &mut checks);
        program.tests = guard.atoms().map(&mut test).collect();
        program.backends = backends.names;
        program.checks = checks.names;
        program.steps = steps(guard, &program.tests);
        program.start = entry(&program.steps);
    }
    program
}

/// Returns the decision for anonymous callers. A guard without constants is unknown, because all its atoms are.
fn anonymous(guard: &Guard) -> Decision {
    match guard.ops.as_slice() {
        [Op::Atom(Atom::AllowAny)] => Decision::Allow,
        [Op::Atom(Atom::DenyAll)] => Decision::Deny(ReasonCode::Denied),
        _ => Decision::Challenge,
    }
}

impl Program {
    fn test(&mut self, atom: &Atom, backends: &mut Numbers, checks: &mut Numbers) -> Test {
        match atom {
            Atom::Admin => Test::Admin,
            // A constant is only ever a whole guard, for which no tests are compiled.
            Atom::AllowAny | Atom::Authenticated | Atom::DenyAll => Test::Authenticated,
            Atom::Check(name) => Test::Check(checks.number(name)),
            Atom::Claim(test) => Test::Requirement(self.requirements.claim(test)),
            Atom::Permission(permission) => {
                Test::Requirement(self.requirements.permission(permission))
            }
            Atom::FreshAuth(required) => Test::Requirement(self.requirements.fresh_auth(required)),
            Atom::Role(role) => Test::Requirement(self.requirements.role(role)),
            Atom::Scope(scope) => Test::Requirement(self.requirements.scope(scope)),
            Atom::Staff => Test::Staff,
            Atom::ViaBackend(name) => Test::Backend(backends.number(name)),
        }
    }
}

/// Distinct names, numbered by their position.
#[derive(Default)]
struct Numbers {
    names: Vec<Box<str>>,
    positions: HashMap<Box<str>, u32>,
}

impl Numbers {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.positions.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.into());
        self.positions.insert(name.into(), number);
        number
    }
}

fn steps(guard: &Guard, tests: &[Test]) -> Vec<Step> {
    let starts = guard.starts();
    let informative = informative(guard, &starts);
    let mut tests = tests.iter().rev();
    let mut steps = Vec::with_capacity(tests.len());
    let mut frames = vec![Frame::new(Join::All, 1, Target::GUARD, None)];
    for (at, op) in guard.ops.iter().enumerate().rev() {
        let Some(frame) = frames.last_mut() else {
            break;
        };
        let target = frame.operand(at, entry(&steps));
        match op {
            Op::Atom(atom) => steps.extend(tests.next().map(|test| target.step(*test, atom))),
            Op::Not => frames.push(Frame::new(Join::All, 1, target.negated(), None)),
            Op::Join(join, count) => {
                let join = if target.expected { *join } else { join.dual() };
                let reported = guard
                    .operands_reversed(at, &starts)
                    .filter(|operand| informative[*operand].at(target.expected))
                    .last();
                let first = guard.operands_reversed(at, &starts).last();
                frames.push(Frame::new(join, *count, target, reported.or(first)));
            }
        }
        while frames.last().is_some_and(|frame| frame.remaining == 0) {
            frames.pop();
        }
    }
    steps
}

/// Returns the entry point: the step that was added last runs first.
fn entry(steps: &[Step]) -> Goto {
    match steps.len() {
        0 => Goto::Deny,
        count => Goto::Step(count as u32 - 1),
    }
}

/// The value that a part must have, and where to continue.
#[derive(Clone, Copy)]
struct Target {
    expected: bool,
    satisfied: Goto,
    failed: Goto,
    /// Whether its failure determines the reason of a denial.
    sets_reason: bool,
}

impl Target {
    const GUARD: Self = Self {
        expected: true,
        satisfied: Goto::Allow,
        failed: Goto::Deny,
        sets_reason: true,
    };

    fn negated(self) -> Self {
        Self {
            expected: !self.expected,
            ..self
        }
    }

    fn step(self, test: Test, atom: &Atom) -> Step {
        let reason = if self.expected {
            atom.reason()
        } else {
            ReasonCode::Denied
        };
        Step {
            test,
            expected: self.expected,
            then: self.satisfied,
            otherwise: self.failed,
            reason: self.sets_reason.then_some(reason),
        }
    }
}

/// A join whose operands are being compiled, in reverse order.
struct Frame {
    join: Join,
    count: u32,
    remaining: u32,
    target: Target,
    /// The alternative whose failure is reported if all fail: the first with a specific reason, or else the first.
    reported: Option<usize>,
}

impl Frame {
    fn new(join: Join, count: u32, target: Target, reported: Option<usize>) -> Self {
        Self {
            join,
            count,
            remaining: count,
            target,
            reported,
        }
    }

    /// Returns the target of the operand that ends at `at`, which is followed by the steps at `next`.
    fn operand(&mut self, at: usize, next: Goto) -> Target {
        let mut target = self.target;
        match self.join {
            _ if self.remaining == self.count => {}
            Join::All => target.satisfied = next,
            Join::Any => target.failed = next,
        }
        target.sets_reason &= self.join == Join::All || self.reported == Some(at);
        self.remaining -= 1;
        target
    }
}

impl Join {
    /// Returns the other join, by De Morgan's laws.
    pub(crate) fn dual(self) -> Self {
        match self {
            Self::All => Self::Any,
            Self::Any => Self::All,
        }
    }
}

/// Whether the failure of a part has a more specific reason than `denied`, if the part is required or forbidden.
#[derive(Clone, Copy, Default)]
struct Informative {
    required: bool,
    forbidden: bool,
}

impl Informative {
    fn at(self, expected: bool) -> bool {
        if expected {
            self.required
        } else {
            self.forbidden
        }
    }
}

fn informative(guard: &Guard, starts: &[usize]) -> Vec<Informative> {
    let mut informative: Vec<Informative> = Vec::with_capacity(guard.ops.len());
    for (at, op) in guard.ops.iter().enumerate() {
        let any =
            guard
                .operands_reversed(at, starts)
                .fold(Informative::default(), |any, operand| Informative {
                    required: any.required || informative[operand].required,
                    forbidden: any.forbidden || informative[operand].forbidden,
                });
        informative.push(match op {
            Op::Atom(atom) => Informative {
                required: atom.reason() != ReasonCode::Denied,
                forbidden: false,
            },
            Op::Join(..) => any,
            Op::Not => Informative {
                required: any.forbidden,
                forbidden: any.required,
            },
        });
    }
    informative
}
