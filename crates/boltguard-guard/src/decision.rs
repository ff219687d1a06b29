//! What a guard says of a caller.

use boltguard_types::ReasonCode;

/// What becomes of a request.
///
/// Only [`Allow`](Self::Allow) lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The guard is true: the caller may pass.
    Allow,
    /// It depends on checks that have no result yet. Run the [`open_checks`](crate::CompiledGuard::open_checks) and
    /// decide again; a caller is never let in on this alone.
    Undetermined,
    /// The guard is unknown, since the caller is: an identity could change the answer. 401 in HTTP.
    Challenge,
    /// The guard is false: the caller may not pass. 403 in HTTP.
    Deny(ReasonCode),
}

impl Decision {
    /// Whether the caller may pass.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allow)
    }

    /// Whether the caller may pass, or some results of the open checks would let the caller pass.
    #[must_use]
    pub const fn may_open(self) -> bool {
        matches!(self, Self::Allow | Self::Undetermined)
    }

    /// The decision as a word: `allow`, `undetermined`, `challenge` or `deny`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Undetermined => "undetermined",
            Self::Challenge => "challenge",
            Self::Deny(_) => "deny",
        }
    }

    /// The decision when no more results will come: an open check counts as a refusal.
    #[must_use]
    pub const fn closed(self) -> Self {
        match self {
            Self::Undetermined => Self::Deny(ReasonCode::Denied),
            decided => decided,
        }
    }
}
