//! Guards and the operators that build them.

use std::ops::{BitAnd, BitOr, Not};

use boltguard_grants::{ClaimTest, FreshAuth, Principal};
use boltguard_types::Permission;

use crate::{Atom, CheckResults, CompiledGuard, Decision, GuardError};

/// An authorisation rule: a combination of [`Atom`]s with `&`, `|` and `!`.
///
/// A guard is stored in postfix order, so that deep nesting can't exhaust the stack. It is stored as it is built,
/// except for three simplifications, which are valid for every caller:
///
/// - Nested `&` and nested `|` are one list: `(a & b) & c` equals `a & (b & c)`.
/// - `!!a` is `a`.
/// - Constants are simplified: `allow_any & a` is `a`; `allow_any | a` and `!deny_all` are `allow_any`. Therefore a
///   guard that allows anonymous callers is always equal to `allow_any`.
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

/// An element of a guard in postfix order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Atom(Atom),
    Join(Join, u32),
    Not,
}

impl Op {
    /// Returns the number of preceding parts that this combines.
    pub(crate) fn operands(&self) -> u32 {
        match self {
            Self::Atom(_) => 0,
            Self::Join(_, count) => *count,
            Self::Not => 1,
        }
    }
}

/// Whether all parts must be true, or at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Join {
    All,
    Any,
}

impl Guard {
    /// Allows every caller, including anonymous ones.
    #[must_use]
    pub fn allow_any() -> Self {
        Atom::AllowAny.into()
    }

    /// Denies every caller.
    #[must_use]
    pub fn deny_all() -> Self {
        Atom::DenyAll.into()
    }

    /// Allows authenticated callers.
    #[must_use]
    pub fn authenticated() -> Self {
        Atom::Authenticated.into()
    }

    /// Allows staff members (`is_staff`). A superuser isn't automatically a staff member.
    #[must_use]
    pub fn staff() -> Self {
        Atom::Staff.into()
    }

    /// Allows superusers (`is_superuser`).
    #[must_use]
    pub fn admin() -> Self {
        Atom::Admin.into()
    }

    /// Allows callers with the permission. A superuser doesn't automatically have it.
    #[must_use]
    pub fn permission(permission: Permission) -> Self {
        Atom::Permission(permission).into()
    }

    /// Allows callers with at least one of the permissions.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if the list is empty.
    /// - [`GuardError::TooLarge`] if the list is too long; see [`check_size`](Self::check_size).
    pub fn any_permission(
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Result<Self, GuardError> {
        Self::any(permissions.into_iter().map(Self::permission))
    }

    /// Allows callers with all of the permissions.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if the list is empty.
    /// - [`GuardError::TooLarge`] if the list is too long; see [`check_size`](Self::check_size).
    pub fn all_permissions(
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Result<Self, GuardError> {
        Self::all(permissions.into_iter().map(Self::permission))
    }

    /// Allows callers with the OAuth scope, which is compared exactly.
    ///
    /// # Errors
    ///
    /// [`GuardError::ScopeName`] if the scope is empty, or contains whitespace or a control character.
    pub fn scope(scope: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::Scope(scope.into()))
    }

    /// Allows callers with the role, which is compared exactly.
    ///
    /// # Errors
    ///
    /// [`GuardError::RoleName`] if the role is empty, starts or ends with whitespace, or contains a control character.
    pub fn role(role: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::Role(role.into()))
    }

    /// Allows callers with at least one of the roles.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if the list is empty.
    /// - [`GuardError::RoleName`] if a role is invalid; see [`role`](Self::role).
    /// - [`GuardError::TooLarge`] if the list is too long; see [`check_size`](Self::check_size).
    pub fn any_role(roles: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, GuardError> {
        let roles = roles.into_iter().map(|role| Self::role(role.as_ref()));
        Self::any(roles.collect::<Result<Vec<_>, _>>()?)
    }

    /// Allows callers whose token has a claim that passes the test.
    ///
    /// # Errors
    ///
    /// - [`GuardError::ClaimName`] if the name of the claim is empty.
    /// - [`GuardError::ClaimValues`] if a list of values is empty.
    pub fn claim(test: ClaimTest) -> Result<Self, GuardError> {
        Self::checked(Atom::Claim(test))
    }

    /// Allows callers whose token says that the user was authenticated recently, in the claim `auth_time`. Others are
    /// asked to authenticate again, RFC 9470, unlike for other guards: 401.
    ///
    /// # Errors
    ///
    /// - [`GuardError::AcrValues`] if a list of authentication context classes is empty or has an invalid value.
    /// - [`GuardError::MaxAge`] if the largest age is zero.
    pub fn fresh_auth(required: FreshAuth) -> Result<Self, GuardError> {
        Self::checked(Atom::FreshAuth(required))
    }

    /// Allows callers who were authenticated by this backend: `jwt`, `api_key`, or the name of a custom backend.
    ///
    /// # Errors
    ///
    /// [`GuardError::BackendName`] if the name is empty, or contains whitespace or a control character.
    pub fn via_backend(name: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::ViaBackend(name.into()))
    }

    /// Allows callers who pass the custom check with this name, which requires code or the requested object.
    ///
    /// If the result of the guard depends on checks, the decision is [`Decision::Undetermined`]. If it doesn't, the
    /// decision is final. For an anonymous caller, a check is unknown like other atoms, and isn't run. Checks with
    /// equal names have the same result.
    ///
    /// # Errors
    ///
    /// [`GuardError::CheckName`] if the name is empty, or contains a control character.
    pub fn check(name: &str) -> Result<Self, GuardError> {
        Self::checked(Atom::Check(name.into()))
    }

    /// Allows callers whom all of `guards` allow.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if the list is empty.
    /// - [`GuardError::TooLarge`] if the list is too long; see [`check_size`](Self::check_size).
    pub fn all(guards: impl IntoIterator<Item = Self>) -> Result<Self, GuardError> {
        Self::sized(guards.into_iter().reduce(Self::bitand))
    }

    /// Allows callers whom at least one of `guards` allows.
    ///
    /// # Errors
    ///
    /// - [`GuardError::Empty`] if the list is empty.
    /// - [`GuardError::TooLarge`] if the list is too long; see [`check_size`](Self::check_size).
    pub fn any(guards: impl IntoIterator<Item = Self>) -> Result<Self, GuardError> {
        Self::sized(guards.into_iter().reduce(Self::bitor))
    }

    /// Checks the limits of the string syntax, so that the guard can be serialized and parsed again.
    ///
    /// Operators can't return errors, so they don't check the size. [`compile`](Self::compile) does.
    ///
    /// # Errors
    ///
    /// [`GuardError::TooLarge`] if it is nested deeper than [`MAX_DEPTH`](Self::MAX_DEPTH), has more than
    /// [`MAX_ATOMS`](Self::MAX_ATOMS) atoms, or is longer than [`MAX_LENGTH`](Self::MAX_LENGTH) bytes as a string.
    pub fn check_size(&self) -> Result<(), GuardError> {
        self.checked_string().map(drop)
    }

    fn checked(atom: Atom) -> Result<Self, GuardError> {
        atom.check().map(|()| atom.into())
    }

    fn sized(joined: Option<Self>) -> Result<Self, GuardError> {
        let guard = joined.ok_or(GuardError::Empty)?;
        guard.check_size()?;
        Ok(guard)
    }

    /// Evaluates the guard for a caller. For more than one decision, [compile](Self::compile) the guard.
    #[must_use]
    pub fn decide(&self, principal: &Principal) -> Decision {
        self.decide_with(principal, &CheckResults::new())
    }

    /// Evaluates the guard for a caller, given the results of checks.
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

    /// Compiles the guard to a program that decides without allocating and without comparing names of permissions.
    ///
    /// # Errors
    ///
    /// - [`GuardError::TooLarge`]; see [`check_size`](Self::check_size).
    /// - The error of [`Atom::check`] for an invalid atom.
    pub fn compile(&self) -> Result<CompiledGuard, GuardError> {
        self.check_size()?;
        self.atoms().try_for_each(Atom::check)?;
        Ok(CompiledGuard::new(self))
    }

    /// Returns whether the guard allows anonymous callers, which is true only for `allow_any`.
    #[must_use]
    pub fn allows_anonymous(&self) -> bool {
        self.is(&Atom::AllowAny)
    }

    /// Returns the atoms of the guard, in order and with duplicates.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.ops.iter().filter_map(|op| match op {
            Op::Atom(atom) => Some(atom),
            Op::Join(..) | Op::Not => None,
        })
    }

    /// Returns the names of the backends in the guard, so that unknown names can be rejected at startup.
    pub fn backends(&self) -> impl Iterator<Item = &str> {
        self.atoms().filter_map(|atom| match atom {
            Atom::ViaBackend(name) => Some(&**name),
            _ => None,
        })
    }

    /// Returns the roles in the guard, so that a guard can be rejected at startup if no caller can have roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.atoms().filter_map(|atom| match atom {
            Atom::Role(role) => Some(&**role),
            _ => None,
        })
    }

    /// Returns the recent authentications in the guard, for the challenge.
    pub fn fresh_auths(&self) -> impl Iterator<Item = &FreshAuth> {
        self.atoms().filter_map(|atom| match atom {
            Atom::FreshAuth(required) => Some(required),
            _ => None,
        })
    }

    /// Returns the names of the checks in the guard.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.atoms().filter_map(|atom| match atom {
            Atom::Check(name) => Some(&**name),
            _ => None,
        })
    }

    pub(crate) fn is(&self, atom: &Atom) -> bool {
        matches!(self.ops.as_slice(), [Op::Atom(only)] if only == atom)
    }

    /// Returns the start of the part that ends at each position.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut starts: Vec<usize> = Vec::with_capacity(self.ops.len());
        for (at, op) in self.ops.iter().enumerate() {
            let start = (0..op.operands()).fold(at, |start, _| starts[start - 1]);
            starts.push(start);
        }
        starts
    }

    /// Returns the ends of the operands of the operator at `at`, in reverse order.
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

    /// Returns the nesting depth of operators, not counting `!`. The string has fewer nested parentheses.
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

    /// Removes the final operator if it is this join, and returns the number of parts that remain.
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
