//! Grants of callers, and requirements of guards.
//!
//! - [`Principal`] is a caller: anonymous, or an [`Identity`] with its grants.
//! - [`Requirements`] lists the permissions, scopes, roles and [claim tests](ClaimTest) that a guard requires,
//!   each with an ID.
//! - [`GrantReader`] reads a credential for such requirements. Its result is a [`GrantSet`] with a bit for each
//!   requirement, so that a decision compares bits, regardless of the number of grants.
//! - [`PrincipalView`] is the part of an authenticated caller that a compiled guard reads.
//!
//! ```
//! use boltguard_grants::{Identity, Requirements};
//! use boltguard_types::Permission;
//!
//! let ada = Identity::new("42", "jwt").with_permissions(["blog.*"]);
//! let mut requirements = Requirements::new();
//! let add = requirements.permission(&Permission::new("blog.add")?);
//! let shop = requirements.permission(&Permission::new("shop.add")?);
//!
//! let grants = requirements.grants_of(&ada);
//! assert!(grants.contains(add) && !grants.contains(shop));
//! # Ok::<(), boltguard_types::PermissionError>(())
//! ```

mod claim_test;
mod claim_tests;
mod fresh_auth;
mod grant_reader;
mod grant_set;
mod names;
mod principal;
mod requirements;

pub use claim_test::{ClaimTest, ClaimValue};
pub use fresh_auth::FreshAuth;
pub use grant_reader::GrantReader;
pub use grant_set::{GrantSet, RequirementId};
pub use principal::{Identity, Principal, PrincipalView};
pub use requirements::Requirements;
