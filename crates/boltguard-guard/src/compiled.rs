//! Compiled guards.

use boltguard_grants::{Identity, PrincipalView, RequirementId, Requirements};
use boltguard_types::ReasonCode;

use crate::compile::compile;
use crate::{CheckResults, Decision, Guard};

/// A guard that was compiled to a flat program of tests with jump targets.
///
/// A decision compares bits and numbers. It doesn't allocate, and compares the name of the caller's backend at most
/// once with each backend in the guard. It stops as soon as the result is determined.
///
/// ```
/// use boltguard_guard::{Decision, Guard};
/// use boltguard_grants::{PrincipalView, Identity};
/// use boltguard_types::Permission;
///
/// let guard = Guard::permission(Permission::new("blog.add")?).compile()?;
/// let ada = Identity::new("1", "jwt").with_permissions(["blog.*"]);
/// let grant_set = guard.requirements().grants_of(&ada);
/// let principal = PrincipalView { backend: "jwt", is_staff: false, is_superuser: false, grant_set: &grant_set };
///
/// assert_eq!(guard.decide(Some(&principal)), Decision::Allow);
/// assert_eq!(guard.decide(None), Decision::Challenge);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CompiledGuard {
    pub(crate) guard: Guard,
    pub(crate) program: Program,
}

/// The steps of a compiled guard, and the names that its tests refer to by number.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The tests in the order of the guard's atoms.
    pub(crate) tests: Vec<Test>,
    /// The steps in reverse order: the first to run is the last.
    pub(crate) steps: Vec<Step>,
    pub(crate) start: Goto,
    pub(crate) anonymous: Decision,
    pub(crate) requirements: Requirements,
    pub(crate) backends: Vec<Box<str>>,
    pub(crate) checks: Vec<Box<str>>,
}

/// A test of an authenticated caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Admin,
    Authenticated,
    Backend(u32),
    Check(u32),
    Requirement(RequirementId),
    Staff,
}

/// A test with the targets for success and failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) test: Test,
    pub(crate) expected: bool,
    pub(crate) then: Goto,
    pub(crate) otherwise: Goto,
    /// The reason of a denial, unless an alternative passes after this failure.
    pub(crate) reason: Option<ReasonCode>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Goto {
    Allow,
    Deny,
    Step(u32),
}

impl CompiledGuard {
    pub(crate) fn new(guard: &Guard) -> Self {
        Self {
            guard: guard.clone(),
            program: compile(guard),
        }
    }

    /// Returns the guard that was compiled.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Returns the permissions, scopes, roles and claims that the guard requires, for reading them from a credential.
    #[must_use]
    pub fn requirements(&self) -> &Requirements {
        &self.program.requirements
    }

    /// Returns the names of the distinct checks in the guard, in order.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.program.checks.iter().map(|name| &**name)
    }

    /// Returns whether the guard allows anonymous callers, which is true only for `allow_any`.
    #[must_use]
    pub fn allows_anonymous(&self) -> bool {
        self.program.anonymous.is_allowed()
    }

    /// Evaluates the guard for a caller. The anonymous caller is `None`.
    ///
    /// The grants must have been read for the [`requirements`](Self::requirements) of this guard. Otherwise, access is
    /// denied, here and in the methods below.
    ///
    /// Only a guard with [checks](Guard::check) returns [`Decision::Undetermined`].
    #[must_use]
    #[inline]
    pub fn decide(&self, principal: Option<&PrincipalView<'_>>) -> Decision {
        match principal {
            None => self.program.anonymous,
            Some(principal) if self.program.can_read(principal) => {
                self.program.decide(principal, &[])
            }
            Some(_) => UNREADABLE,
        }
    }

    /// Evaluates the guard for a caller, given the results of checks.
    ///
    /// [`Decision::Undetermined`] means that the decision depends on missing results. It is never returned if there is
    /// a result for each check.
    #[must_use]
    pub fn decide_with(
        &self,
        principal: Option<&PrincipalView<'_>>,
        results: &CheckResults,
    ) -> Decision {
        match principal {
            None => self.program.anonymous,
            Some(principal) if self.program.can_read(principal) => self
                .program
                .decide(principal, &self.program.resolve(results)),
            Some(_) => UNREADABLE,
        }
    }

    /// Returns the checks without a result that can change the decision, in order. Empty if the decision is final.
    ///
    /// If more than twelve checks have no result, all of them are returned.
    #[must_use]
    pub fn open_checks(
        &self,
        principal: Option<&PrincipalView<'_>>,
        results: &CheckResults,
    ) -> Vec<&str> {
        let program = &self.program;
        let Some(principal) = principal.filter(|principal| program.can_read(principal)) else {
            return Vec::new();
        };
        let open = program.open_checks(principal, program.resolve(results));
        open.into_iter()
            .map(|check| &*program.checks[check])
            .collect()
    }

    pub(crate) fn can_read(&self, principal: &PrincipalView<'_>) -> bool {
        self.program.can_read(principal)
    }

    pub(crate) fn with_principal<T>(
        &self,
        identity: &Identity,
        decide: impl FnOnce(&PrincipalView<'_>) -> T,
    ) -> T {
        decide(&PrincipalView {
            backend: &identity.backend,
            is_staff: identity.is_staff,
            is_superuser: identity.is_superuser,
            grant_set: &self.requirements().grants_of(identity),
        })
    }
}

impl Program {
    /// Returns whether the grants were read for this guard. The bits of another guard have a different meaning.
    #[inline]
    fn can_read(&self, principal: &PrincipalView<'_>) -> bool {
        principal.grant_set.was_read_for(&self.requirements)
    }
}

/// The decision for a caller whose grants were read for another guard.
const UNREADABLE: Decision = Decision::Deny(ReasonCode::Denied);
