//! A guard made ready to decide.

use boltguard_grants::{Identity, PrincipalView, RequirementId, Requirements};
use boltguard_types::ReasonCode;

use crate::compile::compile;
use crate::{CheckResults, Decision, Guard};

/// A guard as a flat program of tests, each of which says where to go on.
///
/// A decision compares bits and numbers: it allocates nothing, and compares the name of the backend at most once with
/// each that the guard asks for. It stops as soon as the outcome is settled.
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

/// The tests, and the names that they are numbers for.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// In the order of the guard's atoms.
    pub(crate) tests: Vec<Test>,
    /// Laid out from the end: what is asked first is last.
    pub(crate) steps: Vec<Step>,
    pub(crate) start: Goto,
    pub(crate) anonymous: Decision,
    pub(crate) requirements: Requirements,
    pub(crate) backends: Vec<Box<str>>,
    pub(crate) checks: Vec<Box<str>>,
}

/// A question about a caller who is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Admin,
    Authenticated,
    Backend(u32),
    Check(u32),
    Requirement(RequirementId),
    Staff,
}

/// One test and what follows from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) test: Test,
    pub(crate) expected: bool,
    pub(crate) then: Goto,
    pub(crate) otherwise: Goto,
    /// The cause to name if nothing later makes up for this failure.
    pub(crate) blame: Option<ReasonCode>,
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

    /// The guard that was compiled.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What the guard asks about, so that whoever reads a credential can note it.
    #[must_use]
    pub fn requirements(&self) -> &Requirements {
        &self.program.requirements
    }

    /// The checks that the guard asks, once each, in reading order.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.program.checks.iter().map(|name| &**name)
    }

    /// Whether an anonymous caller is let in, which is so only for a guard that is `allow_any`.
    #[must_use]
    pub fn opens_to_anonymous(&self) -> bool {
        self.program.anonymous.is_allowed()
    }

    /// Decides about a caller, `None` for the anonymous one.
    ///
    /// The grants must have been read for this guard's [`requirements`](Self::requirements): a caller whose grants were
    /// read for another guard is denied, here and in the methods below.
    ///
    /// [`Decision::Undetermined`] comes only of a guard with [checks](Guard::check).
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

    /// Decides about a caller, given the results of some of the guard's checks.
    ///
    /// [`Decision::Undetermined`] means that the missing results matter: some allow access and others don't. With every
    /// check answered it never comes.
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

    /// The checks without an answer that could still change the decision, in reading order; none if it is settled.
    ///
    /// Exact for up to a dozen open checks. Beyond that every open check is named.
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
    /// Whether the grants were read for this guard. What another guard's bits mean, nobody can tell here.
    #[inline]
    fn can_read(&self, principal: &PrincipalView<'_>) -> bool {
        principal.grant_set.was_read_for(&self.requirements)
    }
}

/// What is decided about a caller whose grants were read for another guard.
const UNREADABLE: Decision = Decision::Deny(ReasonCode::Denied);
