//! Exact comparison of guards.
//!
//! A guard with up to twelve distinct atoms is evaluated for every possible caller: the anonymous one, and an
//! authenticated one for each possible truth assignment to the atoms.

mod assignments;
mod claims;
mod table;

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

use crate::exact::assignments::Assignments;
use crate::{Atom, Guard};

impl Guard {
    /// The maximum number of distinct atoms for an exact comparison, not counting constants and `authenticated`.
    pub const EXACT_ATOMS: usize = 12;

    /// Returns whether `other` allows every caller that this guard allows.
    ///
    /// Atoms are independent of each other, with these exceptions: an authenticated caller has exactly one backend, has
    /// the permission of the same name for each scope, and has one value for each claim. Checks have the same results
    /// for both guards.
    ///
    /// ```
    /// use boltguard_guard::Guard;
    ///
    /// let strict: Guard = r#"staff & perm("blog.add")"#.parse()?;
    /// let loose: Guard = r#"staff | admin"#.parse()?;
    /// assert_eq!(strict.implies(&loose), Ok(true));
    /// assert_eq!(loose.implies(&strict), Ok(false));
    /// # Ok::<(), boltguard_guard::ParseGuardError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TooManyAtoms`] if the guards have too many atoms for an exact comparison, and the result isn't obvious.
    pub fn implies(&self, other: &Self) -> Result<bool, TooManyAtoms> {
        if self == other || self.is(&Atom::DenyAll) || other.is(&Atom::AllowAny) {
            return Ok(true);
        }
        if self.allows_anonymous() || other.is(&Atom::Authenticated) {
            return Ok(!self.allows_anonymous());
        }
        let assignments = Assignments::of(&[self, other])?;
        Ok(assignments.implies(&assignments.table(self), &assignments.table(other)))
    }

    /// Returns whether both guards allow, challenge (401) and deny (403) the same callers. The reasons of denials can
    /// differ.
    ///
    /// The possible callers are those of [`implies`](Self::implies). `authenticated` and `allow_any` differ for the
    /// anonymous caller, and so do `~authenticated` (401) and `deny_all` (403).
    ///
    /// # Errors
    ///
    /// [`TooManyAtoms`] if the guards have too many atoms for an exact comparison, and the result isn't obvious.
    pub fn is_equivalent(&self, other: &Self) -> Result<bool, TooManyAtoms> {
        if self == other || self.is_constant() || other.is_constant() {
            return Ok(self == other);
        }
        let assignments = Assignments::of(&[self, other])?;
        Ok(assignments.agree(&assignments.table(self), &assignments.table(other)))
    }

    fn is_constant(&self) -> bool {
        self.is(&Atom::AllowAny) || self.is(&Atom::DenyAll)
    }
}

/// The error of guards with too many distinct atoms, or too many distinct values of one claim, for an exact comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyAtoms(());

impl TooManyAtoms {
    /// Returns the reason code: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }
}

impl fmt::Display for TooManyAtoms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "only guards with up to {} distinct atoms can be compared",
            Guard::EXACT_ATOMS
        )
    }
}

impl Error for TooManyAtoms {}
