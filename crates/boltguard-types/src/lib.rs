//! The vocabulary that every Boltguard crate shares: who a caller is, what they hold, when, and why not.
//!
//! - [`Subject`], [`TokenId`] and [`KeyId`] are the `sub`, `jti` and `kid` of a token: text, told apart by type.
//! - [`NumericDate`] is a point in time as tokens write it, RFC 7519 §2.
//! - [`Permission`] is what a guard requires; a [`Grant`] is what a caller holds, and may be a pattern.
//! - [`Principal`] is a caller: anonymous, or an [`Identity`] with its grants.
//! - [`Wanted`] and [`Held`] number the things that a guard asks about, so that a decision compares bits.
//! - [`ReasonCode`] names each cause of a refusal, the same in logs, exceptions and contexts.
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
