//! Turns a guard into a program.
//!
//! The guard is walked from its end. Whatever is walked knows where to go on if it is satisfied and if it is not, since
//! what follows it is laid out already; so `&` and `|` leave no trace but in these targets, and `!` turns round what
//! its operand has to satisfy.

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

/// Without constants in it, a guard is unknown where its atoms are.
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
            // A constant is a guard by itself and has no tests.
            Atom::AllowAny | Atom::Authenticated | Atom::DenyAll => Test::Authenticated,
            Atom::Check(name) => Test::Check(checks.number(name)),
            Atom::Claim(test) => Test::Requirement(self.requirements.claim(test)),
            Atom::Permission(permission) => {
                Test::Requirement(self.requirements.permission(permission))
            }
            Atom::Scope(scope) => Test::Requirement(self.requirements.scope(scope)),
            Atom::Staff => Test::Staff,
            Atom::ViaBackend(name) => Test::Backend(backends.number(name)),
        }
    }
}

/// Distinct names, each with its place for a number.
#[derive(Default)]
struct Numbers {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
}

impl Numbers {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.into());
        self.places.insert(name.into(), place);
        place
    }
}

fn steps(guard: &Guard, tests: &[Test]) -> Vec<Step> {
    let starts = guard.starts();
    let informative = informative(guard, &starts);
    let mut tests = tests.iter().rev();
    let mut steps = Vec::with_capacity(tests.len());
    let mut frames = vec![Frame::new(Join::All, 1, Place::WHOLE, None)];
    for (at, op) in guard.ops.iter().enumerate().rev() {
        let Some(frame) = frames.last_mut() else {
            break;
        };
        let place = frame.place(at, entry(&steps));
        match op {
            Op::Atom(atom) => steps.extend(tests.next().map(|test| place.step(*test, atom))),
            Op::Not => frames.push(Frame::new(Join::All, 1, place.negated(), None)),
            Op::Join(join, count) => {
                let join = if place.sign { *join } else { join.dual() };
                let reported = guard
                    .operands_reversed(at, &starts)
                    .filter(|operand| informative[*operand].at(place.sign))
                    .last();
                let first = guard.operands_reversed(at, &starts).last();
                frames.push(Frame::new(join, *count, place, reported.or(first)));
            }
        }
        while frames.last().is_some_and(|frame| frame.left == 0) {
            frames.pop();
        }
    }
    steps
}

/// What was laid out last is asked first.
fn entry(steps: &[Step]) -> Goto {
    match steps.len() {
        0 => Goto::Deny,
        count => Goto::Step(count as u32 - 1),
    }
}

/// What a sub-guard has to satisfy, and what follows.
#[derive(Clone, Copy)]
struct Place {
    /// Whether it is asked to be true; to be false otherwise.
    sign: bool,
    satisfied: Goto,
    failed: Goto,
    /// Whether its failure is what a refusal names.
    blamed: bool,
}

impl Place {
    const WHOLE: Self = Self {
        sign: true,
        satisfied: Goto::Allow,
        failed: Goto::Deny,
        blamed: true,
    };

    fn negated(self) -> Self {
        Self {
            sign: !self.sign,
            ..self
        }
    }

    fn step(self, test: Test, atom: &Atom) -> Step {
        let reason = if self.sign {
            atom.reason()
        } else {
            ReasonCode::Denied
        };
        Step {
            test,
            expected: self.sign,
            then: self.satisfied,
            otherwise: self.failed,
            blame: self.blamed.then_some(reason),
        }
    }
}

/// A join whose operands are being laid out, the last first.
struct Frame {
    join: Join,
    count: u32,
    left: u32,
    place: Place,
    /// Of alternatives that all fail, the one to name: the first that tells what is missing, else the first.
    reported: Option<usize>,
}

impl Frame {
    fn new(join: Join, count: u32, place: Place, reported: Option<usize>) -> Self {
        Self {
            join,
            count,
            left: count,
            place,
            reported,
        }
    }

    /// The place of the operand that ends at `at`, before the one that starts at `next`.
    fn place(&mut self, at: usize, next: Goto) -> Place {
        let mut place = self.place;
        match self.join {
            _ if self.left == self.count => {}
            Join::All => place.satisfied = next,
            Join::Any => place.failed = next,
        }
        place.blamed &= self.join == Join::All || self.reported == Some(at);
        self.left -= 1;
        place
    }
}

impl Join {
    /// De Morgan's counterpart.
    pub(crate) fn dual(self) -> Self {
        match self {
            Self::All => Self::Any,
            Self::Any => Self::All,
        }
    }
}

/// Whether the refusal of a sub-guard can name something better than `denied`, by whether it is asked to be true.
#[derive(Clone, Copy, Default)]
struct Informative {
    asked: bool,
    forbidden: bool,
}

impl Informative {
    fn at(self, sign: bool) -> bool {
        if sign { self.asked } else { self.forbidden }
    }
}

fn informative(guard: &Guard, starts: &[usize]) -> Vec<Informative> {
    let mut informative: Vec<Informative> = Vec::with_capacity(guard.ops.len());
    for (at, op) in guard.ops.iter().enumerate() {
        let any =
            guard
                .operands_reversed(at, starts)
                .fold(Informative::default(), |any, operand| Informative {
                    asked: any.asked || informative[operand].asked,
                    forbidden: any.forbidden || informative[operand].forbidden,
                });
        informative.push(match op {
            Op::Atom(atom) => Informative {
                asked: atom.reason() != ReasonCode::Denied,
                forbidden: false,
            },
            Op::Join(..) => any,
            Op::Not => Informative {
                asked: any.forbidden,
                forbidden: any.asked,
            },
        });
    }
    informative
}
