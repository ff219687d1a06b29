//! What a guard says of a caller.

use boltguard_types::ReasonCode;

/// What becomes of a request.
///
/// Only [`Allow`](Self::Allow) lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The guard is true: the caller may pass.
    Allow,
    /// It depends on checks that nobody has answered yet. Answer [`questions`](crate::CompiledGuard::questions) and
    /// decide again; a caller is never let in on this alone.
    Ask,
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

    /// Whether the caller may pass, or some answers to the checks that are left would let the caller pass.
    #[must_use]
    pub const fn may_open(self) -> bool {
        matches!(self, Self::Allow | Self::Ask)
    }

    /// The decision as a word: `allow`, `ask`, `challenge` or `deny`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Challenge => "challenge",
            Self::Deny(_) => "deny",
        }
    }

    /// The decision when no more answers will come: whatever still had to be asked is refused.
    #[must_use]
    pub const fn closed(self) -> Self {
        match self {
            Self::Ask => Self::Deny(ReasonCode::Denied),
            decided => decided,
        }
    }
}
