//! Decisions of guards.

use boltguard_types::ReasonCode;

/// The decision of a guard.
///
/// Only [`Allow`](Self::Allow) allows access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The guard is true: access is allowed.
    Allow,
    /// The decision depends on checks without a result. Run the [`open_checks`](crate::CompiledGuard::open_checks) and
    /// decide again. This decision alone never allows access.
    Undetermined,
    /// The guard is unknown, because the caller is anonymous: authentication can change the decision. HTTP status 401.
    Challenge,
    /// The guard is false: access is denied. HTTP status 403.
    Deny(ReasonCode),
}

impl Decision {
    /// Returns whether access is allowed.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allow)
    }

    /// Returns whether access is allowed, or would be for some results of the open checks.
    #[must_use]
    pub const fn may_allow(self) -> bool {
        matches!(self, Self::Allow | Self::Undetermined)
    }

    /// Returns the decision as a string: `allow`, `undetermined`, `challenge` or `deny`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Undetermined => "undetermined",
            Self::Challenge => "challenge",
            Self::Deny(_) => "deny",
        }
    }

    /// Returns the final decision if there are no more results: [`Undetermined`](Self::Undetermined) becomes a denial.
    #[must_use]
    pub const fn closed(self) -> Self {
        match self {
            Self::Undetermined => Self::Deny(ReasonCode::Denied),
            decision => decision,
        }
    }
}
