//! The atoms that a guard consists of.

use boltguard_grants::ClaimTest;
use boltguard_types::{Permission, ReasonCode};

use crate::GuardError;

/// One question about a caller, true or false for whoever is known.
///
/// About an anonymous caller each is unknown, but for [`AllowAny`](Self::AllowAny) and [`DenyAll`](Self::DenyAll).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Atom {
    /// Is the caller an administrator (`is_superuser`)? Such a one is of the staff, or holds a permission, only if the
    /// credential says that too.
    Admin,
    /// True for everybody. Only a guard that is nothing else contains it.
    AllowAny,
    /// Has a backend vouched for the caller?
    Authenticated,
    /// Does the caller pass a check that the engine leaves to whoever asks it?
    Check(Box<str>),
    /// Does a claim of the credential pass a test?
    Claim(ClaimTest),
    /// False for everybody. Only a guard that is nothing else contains it.
    DenyAll,
    /// Does the caller hold a permission?
    Permission(Permission),
    /// Does the caller hold an OAuth scope?
    Scope(Box<str>),
    /// Is the caller of the staff (`is_staff`)?
    Staff,
    /// Has the backend of this name vouched for the caller?
    ViaBackend(Box<str>),
}

impl Atom {
    /// Checks that the question can be asked: names are names, and lists have values.
    ///
    /// # Errors
    ///
    /// - [`GuardError::BackendName`], [`GuardError::CheckName`], [`GuardError::ClaimName`] or
    ///   [`GuardError::ScopeName`] for a text that can't be such a name.
    /// - [`GuardError::ClaimValues`] for a test with an empty list of values.
    pub fn check(&self) -> Result<(), GuardError> {
        match self {
            Self::Check(name) if name.is_empty() || name.contains(char::is_control) => {
                Err(GuardError::CheckName)
            }
            Self::Claim(test) if test.name().is_empty() => Err(GuardError::ClaimName),
            Self::Claim(test) if test.has_empty_list() => Err(GuardError::ClaimValues),
            Self::Scope(scope) if !is_word(scope) => Err(GuardError::ScopeName),
            Self::ViaBackend(name) if !is_word(name) => Err(GuardError::BackendName),
            _ => Ok(()),
        }
    }

    /// Why a caller is refused of whom this is asked and false.
    #[must_use]
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::Admin => ReasonCode::AdminRequired,
            Self::AllowAny | Self::Check(_) | Self::DenyAll => ReasonCode::Denied,
            Self::Authenticated => ReasonCode::NotAuthenticated,
            Self::Claim(_) => ReasonCode::ClaimMismatch,
            Self::Permission(_) => ReasonCode::PermissionMissing,
            Self::Scope(_) => ReasonCode::ScopeMissing,
            Self::Staff => ReasonCode::StaffRequired,
            Self::ViaBackend(_) => ReasonCode::BackendRequired,
        }
    }
}

/// Whether `text` is not empty and holds no white space and no control character.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}
