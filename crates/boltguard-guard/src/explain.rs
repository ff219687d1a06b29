//! Explanations of decisions, for logs and debugging. Responses to clients don't contain them.

use std::fmt;

use boltguard_grants::{Principal, PrincipalView};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::compiled::Test;
use crate::guard::{Join, Op};
use crate::{Atom, CheckResults, CompiledGuard, Decision, Guard, Kleene, Missing};

/// A decision, with the value of each part of the guard and the missing grants.
///
/// The tree of parts is a list in depth-first order, in which each part has a depth, so that a template can render it
/// in one loop.
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
    /// Returns the decision.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// Returns the parts of the guard, each before its own parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the grants that the caller is missing.
    #[must_use]
    pub const fn missing(&self) -> &Missing {
        &self.missing
    }
}

/// A part of a guard, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number of parts that contain this one.
    pub depth: usize,
    /// The kind of the part.
    pub kind: PartKind,
    /// The value. An atom is unknown for an anonymous caller, and a check is unknown without a result.
    pub truth: Kleene,
}

/// The kind of a part of a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartKind {
    /// True if all its parts are true.
    AllOf,
    /// True if at least one of its parts is true.
    AnyOf,
    /// A condition.
    Atom(Atom),
    /// True if its part is false.
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
    /// Evaluates the guard for a caller and explains the decision.
    #[must_use]
    pub fn explain(&self, principal: &Principal) -> Explanation {
        self.explain_with(principal, &CheckResults::new())
    }

    /// Evaluates the guard for a caller, given the results of checks, and explains the decision.
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
    /// Explains the decision of [`decide_with`](Self::decide_with). Unlike a decision, this allocates.
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

    /// Returns the value of each part, in postfix order.
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
                Op::Atom(condition) => atom(condition),
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
    let mut pending = vec![(guard.ops.len() - 1, 0)];
    while let Some((at, depth)) = pending.pop() {
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
        pending.extend(
            guard
                .operands_reversed(at, &starts)
                .map(|operand| (operand, depth + 1)),
        );
    }
    parts
}

/// Writes one line for each part, indented by depth. Names are escaped.
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
/// unless the decision is `deny`.
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
