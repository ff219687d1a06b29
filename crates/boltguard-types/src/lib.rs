//! Types shared by all Boltguard crates: identifiers, permissions, dates and reason codes.
//!
//! - [`Subject`], [`TokenId`] and [`KeyId`] are the `sub`, `jti` and `kid` of a token: strings with distinct types.
//! - [`NumericDate`] is a point in time as represented in tokens, RFC 7519 §2.
//! - [`Permission`] is a permission that a guard requires; a [`Grant`] is one that a caller has, and can be a pattern.
//! - [`ReasonCode`] identifies the cause of a rejection, with the same names in logs, exceptions and contexts.

mod date;
mod name;
mod permission;
mod reason;
#[cfg(feature = "serde")]
mod serde;
#[doc(hidden)]
pub mod work;

pub use date::NumericDate;
pub use name::{KeyId, Subject, TokenId};
pub use permission::{Grant, Permission, PermissionError};
pub use reason::ReasonCode;
