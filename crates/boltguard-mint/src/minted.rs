//! Issued tokens.

use std::fmt;

use boltguard_types::{NumericDate, TokenId};

/// An issued token, with what is needed to revoke it. `Debug` shows only the expiry date.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MintedToken {
    /// The token, in JWS Compact Serialization.
    pub token: String,
    /// The ID of the token, RFC 7519 §4.1.7.
    pub jti: TokenId,
    /// The expiry date, RFC 7519 §4.1.4.
    pub exp: NumericDate,
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MintedToken")
            .field("exp", &self.exp)
            .finish_non_exhaustive()
    }
}
