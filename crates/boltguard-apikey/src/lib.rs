//! API keys: a fixed set of them, or generated ones with an owner, permissions and an end.
//!
//! A key is kept as a digest and matched by it, in a time that depends neither on how many keys there are nor on
//! how much of one was guessed right. What is shown of a key, in logs or as the caller's name, is its public id.
//!
//! # A fixed set
//!
//! [`ApiKeys`] knows the keys of a configuration:
//!
//! ```
//! use boltguard_apikey::ApiKeys;
//!
//! let keys = ApiKeys::builder()
//!     .keys(["sk-reader-key", "sk-admin-key"])
//!     .permissions("sk-admin-key", ["admin.read", "admin.write"])
//!     .build()?;
//!
//! let admin = keys.find("sk-admin-key").expect("it is in the set");
//! assert!(admin.permissions().eq(["admin.read", "admin.write"]));
//! assert!(admin.user_id().starts_with("apikey:"));
//! assert!(keys.find("sk-admin-kez").is_none());
//! # Ok::<(), boltguard_apikey::ApiKeyError>(())
//! ```
//!
//! # Generated keys
//!
//! A [`KeyFormat`] makes keys that a secret scanner finds and that are refused without a look-up when they are
//! mistyped; a [`StoredKey`] is what is written down of one; an [`ApiKeyVerifier`] checks a key that is presented
//! against a [`KeyStore`], the [`MemoryKeyStore`] or one of your own.
//!
//! ```
//! use std::time::Duration;
//! use boltguard_apikey::{ApiKeyError, ApiKeyVerifier, KeyFormat, MemoryKeyStore, Peppers, StoredKey};
//! use boltguard_keys::{Algorithm, Secret};
//! use boltguard_types::NumericDate;
//!
//! let now = NumericDate::from_secs(1_700_000_000);
//! let format = KeyFormat::new("sk")?;
//! let peppers = Peppers::new(Secret::generate(Algorithm::Hs256)?);
//!
//! // Shown to its owner now and never again; the store has only the digest.
//! let key = format.generate()?;
//! let stored = StoredKey::new(&key, &peppers, now)
//!     .owned_by("42")
//!     .with_permissions(["blog.*"])
//!     .expiring(now + Duration::from_secs(3600));
//! let store = MemoryKeyStore::from_iter([stored]);
//!
//! let verifier = ApiKeyVerifier::new(format, peppers);
//! let caller = verifier.verify(&store, key.expose(), now)?;
//! assert_eq!((caller.public_id(), caller.user_id()), (key.id(), "42"));
//!
//! store.revoke(key.id(), now);
//! assert_eq!(verifier.verify(&store, key.expose(), now), Err(ApiKeyError::Revoked));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The time is an argument everywhere; nothing here reads a clock. The program `boltguard-apikey` of this crate
//! makes keys, checks them, and prints the regular expression for a secret scanner.

mod base62;
mod digest;
mod entry;
mod error;
mod format;
mod key_use;
mod layers;
mod set;
mod store;
mod stored;
mod verifier;

pub use digest::{KeyDigest, Peppers};
pub use entry::ApiKeyEntry;
pub use error::ApiKeyError;
pub use format::{GeneratedKey, KeyFormat, ParsedKey};
pub use key_use::KeyUse;
pub use set::{ApiKeys, ApiKeysBuilder};
pub use store::{KeyStore, MemoryKeyStore};
pub use stored::StoredKey;
pub use verifier::ApiKeyVerifier;
