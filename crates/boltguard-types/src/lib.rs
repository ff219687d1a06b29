//! Types shared by all Boltguard crates: callers, permissions, dates and reason codes.
//!
//! - [`Subject`], [`TokenId`] and [`KeyId`] are the `sub`, `jti` and `kid` of a token: strings with distinct types.
//! - [`NumericDate`] is a point in time as represented in tokens, RFC 7519 §2.
//! - [`Permission`] is a permission that a guard requires; a [`Grant`] is given to a caller, and can be a pattern.
//! - [`Principal`] is a caller: anonymous, or an [`Identity`] with its grants.
//! - [`Wanted`] numbers the permissions, scopes and claims that a guard requires, and [`Held`] is the set of bits of
//!   those that a caller has, so that a decision compares bits.
//! - [`ReasonCode`] identifies the cause of a refusal, with the same names in logs, exceptions and contexts.
//!
//! ```
//! use boltguard_types::{Identity, Permission, Wanted};
//!
//! let ada = Identity::new("42", "jwt").with_permissions(["blog.*"]);
//! let mut wanted = Wanted::new();
//! let add = wanted.permission(&Permission::new("blog.add")?);
//! let shop = wanted.permission(&Permission::new("shop.add")?);
//!
//! let held = wanted.held_by(&ada);
//! assert!(held.contains(add) && !held.contains(shop));
//! # Ok::<(), boltguard_types::PermissionError>(())
//! ```

mod claim_test;
mod claim_tests;
mod date;
mod grant_reader;
mod held;
mod name;
mod names;
mod permission;
mod principal;
mod reason;
mod wanted;
#[doc(hidden)]
pub mod work;

pub use claim_test::{ClaimTest, Scalar};
pub use date::NumericDate;
pub use grant_reader::GrantReader;
pub use held::{Held, WantId};
pub use name::{KeyId, Subject, TokenId};
pub use permission::{Grant, Permission, PermissionError};
pub use principal::{Facts, Identity, Principal};
pub use reason::ReasonCode;
pub use wanted::Wanted;
