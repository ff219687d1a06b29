//! Why a guard decided as it did, for logs and for a developer's page. Clients get the reason code alone.

use std::fmt;

use boltguard_grants::{Principal, PrincipalView};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::compiled::Test;
use crate::guard::{Join, Op};
use crate::{Atom, CheckResults, CompiledGuard, Decision, Guard, Kleene, Missing};

/// A decision with the value of each part of the guard, and what is missing.
///
/// The tree of parts is flat, each part before those in it and with its depth, so that a template draws it in one loop.
///
/// ```
/// use boltguard_guard::{Guard, Missing};
/// use boltguard_grants::{Identity, Principal};
///
/// let guard: Guard = r#"authenticated & (perm("blog.add") | staff) & ~perm("blog.banned")"#.parse()?;
/// let explanation = guard.explain(&Principal::Known(Identity::new("42", "jwt")));
/// assert_eq!(
///     explanation.to_string(),
///     r#"deny: permission_missing
///   false    all of
///   true       authenticated
///   false      any of
///   false        perm("blog.add")
///   false        staff
///   true       not
///   false        perm("blog.banned")
/// missing: perm("blog.add")"#
/// );
/// # Ok::<(), boltguard_guard::ParseGuardError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    decision: Decision,
    parts: Vec<Part>,
    missing: Missing,
}

impl Explanation {
    /// The decision that is explained.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// The parts of the guard, each before those in it.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What the caller would have to be granted.
    #[must_use]
    pub const fn missing(&self) -> &Missing {
        &self.missing
    }
}

/// One part of a guard, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many parts this one is inside of.
    pub depth: usize,
    /// What it is.
    pub kind: PartKind,
    /// Whether it holds. An atom is unknown about an anonymous caller, and a check until it is answered.
    pub truth: Kleene,
}

/// What a part of a guard is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartKind {
    /// It holds if all parts in it do.
    AllOf,
    /// It holds if a part in it does.
    AnyOf,
    /// A question about the caller.
    Atom(Atom),
    /// It holds if the part in it does not.
    Not,
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllOf => f.write_str("all of"),
            Self::AnyOf => f.write_str("any of"),
            Self::Atom(atom) => atom.fmt(f),
            Self::Not => f.write_str("not"),
        }
    }
}

impl Guard {
    /// Decides about one caller and says why.
    #[must_use]
    pub fn explain(&self, principal: &Principal) -> Explanation {
        self.explain_with(principal, &CheckResults::new())
    }

    /// Decides about one caller, given the results of the guard's checks, and says why.
    #[must_use]
    pub fn explain_with(&self, principal: &Principal, results: &CheckResults) -> Explanation {
        let compiled = CompiledGuard::new(self);
        match principal {
            Principal::Anonymous => compiled.explain(None, results),
            Principal::Known(identity) => compiled.with_principal(identity, |principal| {
                compiled.explain(Some(principal), results)
            }),
        }
    }
}

impl CompiledGuard {
    /// Decides as [`decide_with`](Self::decide_with) does and says why. Meant for people: it allocates.
    #[must_use]
    pub fn explain(
        &self,
        principal: Option<&PrincipalView<'_>>,
        results: &CheckResults,
    ) -> Explanation {
        Explanation {
            decision: self.decide_with(principal, results),
            parts: parts(&self.guard, &self.values(principal, results)),
            missing: self.missing(principal, results),
        }
    }

    /// The value of the sub-guard that each step ends.
    pub(crate) fn values(
        &self,
        principal: Option<&PrincipalView<'_>>,
        results: &CheckResults,
    ) -> Vec<Kleene> {
        let results = self.program.resolve(results);
        let caller = principal.map(|principal| self.program.caller(principal));
        let unreadable = principal.is_some_and(|principal| !self.can_read(principal));
        let mut tests = self.program.tests.iter();
        self.guard
            .values(|atom| match (atom, tests.next(), &caller) {
                (Atom::AllowAny, ..) => Kleene::True,
                (Atom::DenyAll, ..) => Kleene::False,
                (_, Some(Test::Requirement(_)), _) if unreadable => Kleene::Unknown,
                (_, Some(test), Some(caller)) => caller.passes(*test, &results).into(),
                _ => Kleene::Unknown,
            })
    }
}

impl Guard {
    fn values(&self, mut atom: impl FnMut(&Atom) -> Kleene) -> Vec<Kleene> {
        let starts = self.starts();
        let mut values: Vec<Kleene> = Vec::with_capacity(self.ops.len());
        for (at, op) in self.ops.iter().enumerate() {
            let mut operands = self
                .operands_reversed(at, &starts)
                .map(|operand| values[operand]);
            let value = match op {
                Op::Atom(asked) => atom(asked),
                Op::Join(Join::All, _) => operands.fold(Kleene::True, Kleene::min),
                Op::Join(Join::Any, _) => operands.fold(Kleene::False, Kleene::max),
                Op::Not => !operands.next().unwrap_or(Kleene::Unknown),
            };
            values.push(value);
        }
        values
    }
}

fn parts(guard: &Guard, values: &[Kleene]) -> Vec<Part> {
    let starts = guard.starts();
    let mut parts = Vec::with_capacity(guard.ops.len());
    let mut todo = vec![(guard.ops.len() - 1, 0)];
    while let Some((at, depth)) = todo.pop() {
        let kind = match &guard.ops[at] {
            Op::Atom(atom) => PartKind::Atom(atom.clone()),
            Op::Join(Join::All, _) => PartKind::AllOf,
            Op::Join(Join::Any, _) => PartKind::AnyOf,
            Op::Not => PartKind::Not,
        };
        parts.push(Part {
            depth,
            kind,
            truth: values[at],
        });
        todo.extend(
            guard
                .operands_reversed(at, &starts)
                .map(|operand| (operand, depth + 1)),
        );
    }
    parts
}

/// Indented text, one part a line; names in it are escaped.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.decision.as_str())?;
        if let Decision::Deny(reason) = self.decision {
            write!(f, ": {reason}")?;
        }
        for Part { depth, kind, truth } in &self.parts {
            write!(
                f,
                "\n  {:<9}{:indent$}{kind}",
                truth.as_str(),
                "",
                indent = 2 * depth
            )?;
        }
        match &self.missing {
            Missing::Nothing => Ok(()),
            missing => write!(f, "\nmissing: {missing}"),
        }
    }
}

/// `{"decision": …, "reason": …, "parts": [{"depth": …, "part": …, "truth": …}, …], "missing": {…}}`; `reason` is null
/// but for a refusal.
impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reason = match self.decision {
            Decision::Deny(reason) => Some(reason.as_str()),
            _ => None,
        };
        let mut fields = serializer.serialize_struct("Explanation", 4)?;
        fields.serialize_field("decision", self.decision.as_str())?;
        fields.serialize_field("reason", &reason)?;
        fields.serialize_field("parts", &self.parts)?;
        fields.serialize_field("missing", &self.missing)?;
        fields.end()
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Part", 3)?;
        fields.serialize_field("depth", &self.depth)?;
        fields.serialize_field("part", &format_args!("{}", self.kind))?;
        fields.serialize_field("truth", self.truth.as_str())?;
        fields.end()
    }
}
