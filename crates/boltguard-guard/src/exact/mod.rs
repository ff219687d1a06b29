//! What is true of a guard for every caller there could be.
//!
//! A guard of up to a dozen atoms is asked about every possible caller: the anonymous one, and a known one for each way
//! in which the atoms can be true together.

mod assignments;
mod claims;
mod table;

use std::error::Error;
use std::fmt;

use boltguard_types::ReasonCode;

use crate::exact::assignments::Assignments;
use crate::{Atom, Guard};

impl Guard {
    /// Exact answers are given for up to this many distinct atoms, the constants and `authenticated` not counted.
    pub const EXACT_ATOMS: usize = 12;

    /// Whether whoever this guard lets in, `other` lets in too, whatever they are and hold.
    ///
    /// Two atoms are taken to be true or false independently, but for what follows from their meaning: a known caller
    /// is authenticated, is vouched for by one backend, holds the permission of a scope's name with the scope, and has
    /// one value for each claim. The results of checks are taken to be the same for both guards.
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
    /// [`TooManyAtoms`] if the two have more atoms than can be tried, and the answer is not plain without.
    pub fn implies(&self, other: &Self) -> Result<bool, TooManyAtoms> {
        if self == other || self.is(&Atom::DenyAll) || other.is(&Atom::AllowAny) {
            return Ok(true);
        }
        if self.opens_to_anonymous() || other.is(&Atom::Authenticated) {
            return Ok(!self.opens_to_anonymous());
        }
        let assignments = Assignments::of(&[self, other])?;
        Ok(assignments.implies(&assignments.table(self), &assignments.table(other)))
    }

    /// Whether both guards answer alike for every caller: let in, 401, or 403. The reason of a 403 may differ.
    ///
    /// The callers are those of [`implies`](Self::implies). `authenticated` and `allow_any` differ by the anonymous
    /// one, and so do `~authenticated`, which answers it 401, and `deny_all`, which answers 403.
    ///
    /// # Errors
    ///
    /// [`TooManyAtoms`] if the two have more atoms than can be tried, and the answer is not plain without.
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

/// The guards have more distinct atoms, or tests of one claim with more distinct values, than can be tried one by one.
///
/// The question has an answer, and it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyAtoms(());

impl TooManyAtoms {
    /// The code of the cause: [`ReasonCode::GuardInvalid`].
    #[must_use]
    pub const fn code(self) -> ReasonCode {
        ReasonCode::GuardInvalid
    }
}

impl fmt::Display for TooManyAtoms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exact answers are for guards of up to {} distinct atoms",
            Guard::EXACT_ATOMS
        )
    }
}

impl Error for TooManyAtoms {}
