//! Guards and the operators that build them.

use std::ops::{BitAnd, BitOr, Not};

use boltguard_grants::{ClaimTest, Principal};
use boltguard_types::Permission;

use crate::{Atom, CheckResults, CompiledGuard, Decision, GuardError};

/// Who may pass, as a combination of [`Atom`]s with `&`, `|` and `!`.
///
/// A guard is kept flat, in postfix order, so that no depth of nesting exhausts a stack. It is kept as it is built, but
/// for three identities, which hold for every caller:
///
/// - nested `&` and nested `|` are one list: `(a & b) & c` equals `a & (b & c)`;
/// - `!!a` is `a`;
/// - `allow_any` and `deny_all` vanish into what they are combined with: `allow_any & a` is `a`, `allow_any | a` and
///   `!deny_all` are `allow_any`. So a guard that lets an anonymous caller in *is* `allow_any`, and says so.
///
/// ```
/// use boltguard_guard::{Decision, Guard};
/// use boltguard_grants::{Identity, Principal};
/// use boltguard_types::{Permission, ReasonCode};
///
/// let add = Guard::permission(Permission::new("blog.add")?);
/// let banned = Guard::permission(Permission::new("blog.banned")?);
/// let guard = (add | Guard::staff()) & !banned;
///
/// let ada = Identity::new("1", "jwt").with_permissions(["blog.add"]);
/// assert_eq!(guard.decide(&Principal::Known(ada)), Decision::Allow);
/// let bob = Identity::new("2", "jwt");
/// assert_eq!(guard.decide(&Principal::Known(bob)), Decision::Deny(ReasonCode::PermissionMissing));
/// assert_eq!(guard.decide(&Principal::Anonymous), Decision::Challenge);
/// # Ok::<(), boltguard_types::PermissionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Guard {
    pub(crate) ops: Vec<Op>,
}

/// One step of a guard in postfix order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Atom(Atom),
    Join(Join, u32),
    Not,
}

impl Op {
    /// How many of the sub-guards before it this takes.
    pub(crate) fn operands(&self) -> u32 {
        match self {
            Self::Atom(_) => 0,
            Self::Join(_, count) => *count,
            Self::Not => 1,
        }
    }
}

/// Whether all of several sub-guards are asked, or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Join {
    All,
    Any,
}

impl Guard {
    /// Lets everybody in, anonymous callers too.
    #[must_use]
    pub fn allow_any() -> Self {
        Atom::AllowAny.into()
    }

    /// Lets nobody in.
    #[must_use]
    pub fn deny_all() -> Self {
        Atom::DenyAll.into()
    }

    /// Lets in whom a backend has vouched for.
    #[must_use]
    pub fn authenticated() -> Self {
        Atom::Authenticated.into()
    }

    /// Lets in the staff: `is_staff`. A superuser is not of the staff by that alone.
    #[must_use]
    pub fn staff() -> Self {
        Atom::Staff.into()
    }

    /// Lets in administrators: `is_superuser`.
    #[must_use]
    pub fn admin() -> Self {
        Atom::Admin.into()
    }

    /// Lets in who holds `permission`. A superuser does not by that alone.
    #[must_use]
    pub fn permission(permission: Permission) -> Self {
        Atom::Permission(permission).into()
    }

    /// Lets in who holds at least one of these.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if there are none.
    /// - [`GuardError::TooLarge`] if there are too many, see [`check_size`](Self::check_size).
    pub fn any_permission(
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Result<Self, GuardError> {
        Self::any(permissions.into_iter().map(Self::permission))
    }

    /// Lets in who holds all of these.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if there are none.
    /// - [`GuardError::TooLarge`] if there are too many, see [`check_size`](Self::check_size).
    pub fn all_permissions(
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Result<Self, GuardError> {
        Self::all(permissions.into_iter().map(Self::permission))
    }

    /// Lets in who holds the OAuth scope; scopes are compared exactly.
    ///
    /// # Errors
    ///
    /// [`GuardError::ScopeName`] if nobody could hold it.
    pub fn scope(scope: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::Scope(scope.into()))
    }

    /// Lets in whose credential has a claim that passes the test.
    ///
    /// # Errors
    ///
    /// - [`GuardError::ClaimName`] if the test names no claim.
    /// - [`GuardError::ClaimValues`] if it was given an empty list of values.
    pub fn claim(test: ClaimTest) -> Result<Self, GuardError> {
        Self::checked(Atom::Claim(test))
    }

    /// Lets in whom the backend of this name has vouched for: `jwt`, `api_key`, or a name of your own.
    ///
    /// # Errors
    ///
    /// [`GuardError::BackendName`] if no backend could have the name.
    pub fn via_backend(name: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::ViaBackend(name.into()))
    }

    /// Lets in who passes the check of this name, which the engine can't make: it needs code, or the object that the
    /// caller is after.
    ///
    /// A guard with checks decides [`Decision::Undetermined`] where it depends on them, and what is false without them
    /// is refused at once. About an anonymous caller a check is as unknown as any other atom, and never asked. Equal
    /// names are one check, with one answer.
    ///
    /// # Errors
    ///
    /// [`GuardError::CheckName`] if the name is empty or holds a control character.
    pub fn check(name: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::Check(name.into()))
    }

    /// Lets in whom every one of `guards` lets in.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if there are none.
    /// - [`GuardError::TooLarge`] if there are too many, see [`check_size`](Self::check_size).
    pub fn all(guards: impl IntoIterator<Item = Self>) -> Result<Self, GuardError> {
        Self::sized(guards.into_iter().reduce(Self::bitand))
    }

    /// Lets in whom at least one of `guards` lets in.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if there are none.
    /// - [`GuardError::TooLarge`] if there are too many, see [`check_size`](Self::check_size).
    pub fn any(guards: impl IntoIterator<Item = Self>) -> Result<Self, GuardError> {
        Self::sized(guards.into_iter().reduce(Self::bitor))
    }

    /// Checks that the guard is as small as one that is read from text, so that it can be written down and read again,
    /// and that whatever looks at it is done soon.
    ///
    /// The operators don't, since they give guards and no errors; [`compile`](Self::compile) does.
    ///
    /// # Errors
    ///
    /// [`GuardError::TooLarge`] if it is nested deeper than [`MAX_DEPTH`](Self::MAX_DEPTH), has more than
    /// [`MAX_ATOMS`](Self::MAX_ATOMS) atoms, or a text of more than [`MAX_TEXT`](Self::MAX_TEXT) bytes.
    pub fn check_size(&self) -> Result<(), GuardError> {
        self.checked_text().map(drop)
    }

    fn checked(atom: Atom) -> Result<Self, GuardError> {
        atom.check().map(|()| atom.into())
    }

    fn sized(joined: Option<Self>) -> Result<Self, GuardError> {
        let guard = joined.ok_or(GuardError::Empty)?;
        guard.check_size()?;
        Ok(guard)
    }

    /// Decides about one caller. [Compile](Self::compile) a guard that decides about many.
    #[must_use]
    pub fn decide(&self, principal: &Principal) -> Decision {
        self.decide_with(principal, &CheckResults::new())
    }

    /// Decides about one caller, given the results of the guard's checks.
    #[must_use]
    pub fn decide_with(&self, principal: &Principal, results: &CheckResults) -> Decision {
        let compiled = CompiledGuard::new(self);
        match principal {
            Principal::Anonymous => compiled.decide(None),
            Principal::Known(identity) => compiled.with_principal(identity, |principal| {
                compiled.decide_with(Some(principal), results)
            }),
        }
    }

    /// Turns the guard into a program that decides without allocating or comparing names.
    ///
    /// # Errors
    ///
    /// - [`GuardError::TooLarge`], see [`check_size`](Self::check_size).
    /// - The error of an [atom](Atom::check) that was not built by a method of this type.
    pub fn compile(&self) -> Result<CompiledGuard, GuardError> {
        self.check_size()?;
        self.atoms().try_for_each(Atom::check)?;
        Ok(CompiledGuard::new(self))
    }

    /// Whether an anonymous caller is let in, which is so only for a guard that is `allow_any`.
    #[must_use]
    pub fn opens_to_anonymous(&self) -> bool {
        self.is(&Atom::AllowAny)
    }

    /// What the guard asks, in reading order, as often as it asks.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.ops.iter().filter_map(|op| match op {
            Op::Atom(atom) => Some(atom),
            Op::Join(..) | Op::Not => None,
        })
    }

    /// The backends that the guard names, so that a name that no backend has can be refused at start.
    pub fn backends(&self) -> impl Iterator<Item = &str> {
        self.atoms().filter_map(|atom| match atom {
            Atom::ViaBackend(name) => Some(&**name),
            _ => None,
        })
    }

    /// The checks that the guard names.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.atoms().filter_map(|atom| match atom {
            Atom::Check(name) => Some(&**name),
            _ => None,
        })
    }

    pub(crate) fn is(&self, atom: &Atom) -> bool {
        matches!(self.ops.as_slice(), [Op::Atom(only)] if only == atom)
    }

    /// For each step, where the sub-guard that it ends begins.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut starts: Vec<usize> = Vec::with_capacity(self.ops.len());
        for (at, op) in self.ops.iter().enumerate() {
            let start = (0..op.operands()).fold(at, |start, _| starts[start - 1]);
            starts.push(start);
        }
        starts
    }

    /// Where the operands of the step at `at` end, the last first.
    pub(crate) fn operands_reversed(
        &self,
        at: usize,
        starts: &[usize],
    ) -> impl Iterator<Item = usize> {
        let mut end = at;
        (0..self.ops[at].operands()).map(move |_| {
            let operand = end - 1;
            end = starts[operand];
            operand
        })
    }

    /// How deep its operators are nested, `!` not counted: how many parentheses its text can need, and one more.
    pub(crate) fn depth(&self) -> usize {
        let starts = self.starts();
        let mut depths: Vec<usize> = Vec::with_capacity(self.ops.len());
        for (at, op) in self.ops.iter().enumerate() {
            let inner = self
                .operands_reversed(at, &starts)
                .map(|operand| depths[operand])
                .max()
                .unwrap_or(0);
            depths.push(inner + usize::from(matches!(op, Op::Join(..))));
        }
        depths.last().copied().unwrap_or(0)
    }

    fn join(mut self, mut other: Self, join: Join) -> Self {
        let count = self.unjoin(join) + other.unjoin(join);
        self.ops.append(&mut other.ops);
        self.ops.push(Op::Join(join, count));
        self
    }

    /// Makes a list out of the guard if it is one of this kind; returns how many sub-guards it now is.
    fn unjoin(&mut self, join: Join) -> u32 {
        match self.ops.last() {
            Some(Op::Join(kind, count)) if *kind == join => {
                let count = *count;
                self.ops.pop();
                count
            }
            _ => 1,
        }
    }
}

impl From<Atom> for Guard {
    fn from(atom: Atom) -> Self {
        Self {
            ops: vec![Op::Atom(atom)],
        }
    }
}

impl BitAnd for Guard {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        if self.is(&Atom::DenyAll) || other.is(&Atom::AllowAny) {
            self
        } else if other.is(&Atom::DenyAll) || self.is(&Atom::AllowAny) {
            other
        } else {
            self.join(other, Join::All)
        }
    }
}

impl BitOr for Guard {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        if self.is(&Atom::AllowAny) || other.is(&Atom::DenyAll) {
            self
        } else if other.is(&Atom::AllowAny) || self.is(&Atom::DenyAll) {
            other
        } else {
            self.join(other, Join::Any)
        }
    }
}

impl Not for Guard {
    type Output = Self;

    fn not(mut self) -> Self {
        match self.ops.as_slice() {
            [Op::Atom(Atom::AllowAny)] => Self::deny_all(),
            [Op::Atom(Atom::DenyAll)] => Self::allow_any(),
            [.., Op::Not] => {
                self.ops.pop();
                self
            }
            _ => {
                self.ops.push(Op::Not);
                self
            }
        }
    }
}
