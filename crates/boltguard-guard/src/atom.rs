//! The questions that a guard is made of.

use boltguard_types::{ClaimTest, Permission, ReasonCode};

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
