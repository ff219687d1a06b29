//! JWT claims and the policy that validates them: [RFC 7519](https://www.rfc-editor.org/rfc/rfc7519) and
//! [RFC 8725](https://www.rfc-editor.org/rfc/rfc8725).
//!
//! [`Claims::read`] parses the payload of a [`VerifiedJws`](boltguard_jws::VerifiedJws). A [`ClaimsPolicy`] validates
//! the claims at a given time, and returns [`AdmittedClaims`] or an error.
//!
//! ```
//! use boltguard_jws::{HeaderFields, Verifier, sign};
//! use boltguard_jwt::{Claims, ClaimsError, ClaimsPolicy};
//! use boltguard_keys::{Algorithm, Key, KeySet, Secret, SigningKey, VerifyingKey};
//! use boltguard_grants::Requirements;
//! use boltguard_types::NumericDate;
//!
//! let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
//! let signer = SigningKey::new(&secret, Algorithm::Hs256)?;
//! let token = sign(br#"{"sub":"42","aud":"shop","exp":1300819380}"#, &HeaderFields::new(), &signer)?;
//!
//! let verifier = Verifier::new(KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]));
//! let policy = ClaimsPolicy::new().with_audience(["shop"]);
//!
//! let claims = Claims::read(verifier.verify(&token)?, &Requirements::new())?;
//! let admitted = policy.admit(claims, NumericDate::from_secs(1_300_819_000))?;
//! assert_eq!(admitted.subject().as_deref(), Some("42"));
//!
//! let claims = Claims::read(verifier.verify(&token)?, &Requirements::new())?;
//! let late = policy.admit(claims, NumericDate::from_secs(1_300_819_380));
//! assert!(matches!(late, Err(ClaimsError::Expired { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The subject isn't accessible before a policy has validated the claims:
//!
//! ```compile_fail
//! # fn show(claims: boltguard_jwt::Claims<'_>) {
//! claims.subject(); // no such method
//! # }
//! ```

#![deny(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

mod admission;
mod admitted;
mod cached;
mod claim_path;
mod claims;
mod class;
mod deserialize;
mod error;
mod field;
mod freshness;
mod grants;
mod ignored;
mod ignoring;
mod introspection;
mod issuer_template;
mod media_type;
mod one_of;
mod policy;
mod required;
mod rule;
mod sources;

pub use admitted::{AccountSource, AdmittedClaims, UserId};
pub use cached::CachedClaims;
pub use claim_path::{ClaimPath, ClaimPathError};
pub use claims::Claims;
pub use deserialize::DeserializeError;
pub use error::{ClaimName, ClaimsError, PolicyError};
pub use ignored::IgnoredGrant;
pub use policy::ClaimsPolicy;
