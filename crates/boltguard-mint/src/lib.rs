//! Issuing signed JWTs, [RFC 7519](https://www.rfc-editor.org/rfc/rfc7519).
//!
//! A [`Minter`] signs tokens with one key. Each token has a subject (`sub`, §4.1.2), an issue date (`iat`, §4.1.6), an
//! expiry date (`exp`, §4.1.4) and an ID (`jti`, §4.1.7), so that it can be revoked. These four claims can't be
//! added as other claims. Nothing reads a clock: the date of issue is an argument.
//!
//! ```
//! use std::time::Duration;
//!
//! use boltguard_keys::{Algorithm, Key, SigningKey};
//! use boltguard_mint::Minter;
//! use boltguard_types::NumericDate;
//!
//! let key = SigningKey::new(&Key::generate(Algorithm::EdDsa)?, Algorithm::EdDsa)?.with_key_id("2026");
//! let minter = Minter::new(key);
//!
//! let minted = minter
//!     .token("42", Duration::from_secs(3600))
//!     .issuer("https://login.example")
//!     .audience(["shop"])
//!     .permissions(["shop.add_order"])
//!     .claim("is_staff", &true)
//!     .sign(NumericDate::from_secs(1_800_000_000))?;
//! assert_eq!(minted.token.split('.').count(), 3);
//! assert_eq!(minted.exp, NumericDate::from_secs(1_800_003_600));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod claims;
mod error;
mod json;
mod members;
mod minted;
mod minter;
mod payload;
mod token_id;

pub use claims::TokenBuilder;
pub use error::MintError;
pub use minted::MintedToken;
pub use minter::Minter;
