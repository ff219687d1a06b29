//! Atoms: the conditions that a guard combines.

use boltguard_grants::{ClaimTest, FreshAuth};
use boltguard_types::{Permission, ReasonCode};

use crate::GuardError;

/// One condition, which is true or false for an authenticated caller.
///
/// For an anonymous caller it is unknown, except for [`AllowAny`](Self::AllowAny) and [`DenyAll`](Self::DenyAll).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Atom {
    /// The caller is a superuser (`is_superuser`), which implies neither staff membership nor permissions.
    Admin,
    /// True for every caller. It is only used as the whole guard.
    AllowAny,
    /// The caller is authenticated.
    Authenticated,
    /// The caller passes the custom check with this name.
    Check(Box<str>),
    /// A claim of the token passes the test.
    Claim(ClaimTest),
    /// False for every caller. It is only used as the whole guard.
    DenyAll,
    /// The user of the token was authenticated recently.
    FreshAuth(FreshAuth),
    /// The caller has the permission.
    Permission(Permission),
    /// The caller has the role.
    Role(Box<str>),
    /// The caller has the OAuth scope.
    Scope(Box<str>),
    /// The caller is a staff member (`is_staff`).
    Staff,
    /// The caller was authenticated by the backend with this name.
    ViaBackend(Box<str>),
}

impl Atom {
    /// Checks that names are valid and that lists have values.
    ///
    /// # Errors
    ///
    /// - [`GuardError::BackendName`], [`GuardError::CheckName`], [`GuardError::ClaimName`],
    ///   [`GuardError::RoleName`] or [`GuardError::ScopeName`] for an invalid name.
    /// - [`GuardError::AcrValues`] or [`GuardError::MaxAge`] for an authentication with an invalid setting.
    /// - [`GuardError::ClaimValues`] for a test with an empty list of values.
    pub fn check(&self) -> Result<(), GuardError> {
        match self {
            Self::Check(name) if name.is_empty() || name.contains(char::is_control) => {
                Err(GuardError::CheckName)
            }
            Self::Claim(test) if test.name().is_empty() => Err(GuardError::ClaimName),
            Self::Claim(test) if test.has_empty_list() => Err(GuardError::ClaimValues),
            Self::FreshAuth(required) if required.max_age() == 0 => Err(GuardError::MaxAge),
            Self::FreshAuth(required) if !has_valid_acr(required) => Err(GuardError::AcrValues),
            Self::Role(role) if !is_role(role) => Err(GuardError::RoleName),
            Self::Scope(scope) if !is_word(scope) => Err(GuardError::ScopeName),
            Self::ViaBackend(name) if !is_word(name) => Err(GuardError::BackendName),
            _ => Ok(()),
        }
    }

    /// Returns the reason for denying access to a caller who must meet this condition and does not.
    #[must_use]
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::Admin => ReasonCode::AdminRequired,
            Self::AllowAny | Self::Check(_) | Self::DenyAll => ReasonCode::Denied,
            Self::Authenticated => ReasonCode::NotAuthenticated,
            Self::Claim(_) => ReasonCode::ClaimMismatch,
            Self::FreshAuth(_) => ReasonCode::AuthenticationInsufficient,
            Self::Permission(_) => ReasonCode::PermissionMissing,
            Self::Role(_) => ReasonCode::RoleMissing,
            Self::Scope(_) => ReasonCode::ScopeMissing,
            Self::Staff => ReasonCode::StaffRequired,
            Self::ViaBackend(_) => ReasonCode::BackendRequired,
        }
    }
}

/// Returns whether the values can be in a challenge, which separates them with spaces, RFC 9470 §3.
fn has_valid_acr(required: &FreshAuth) -> bool {
    let is_valid = |value: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        !value.is_empty() && value.bytes().all(is_allowed)
    };
    !required.has_empty_list() && required.acr().iter().all(|value| is_valid(value))
}

/// Returns whether `name` can be a role. Roles of some issuers, such as names of groups, contain spaces.
fn is_role(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.contains(char::is_control)
}

/// Returns whether `name` is not empty and contains neither whitespace nor control characters.
fn is_word(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}
