//! API keys: static keys from configuration, and generated keys with an owner, permissions and an expiry date.
//!
//! Keys are stored as digests. The time of a lookup depends neither on the number of keys nor on how much of a key was
//! guessed correctly. Logs and user IDs only contain the public ID of a key.
//!
//! # Static keys
//!
//! [`ApiKeys`] is a fixed set of keys:
//!
//! ```
//! use boltguard_apikey::ApiKeys;
//!
//! let keys = ApiKeys::builder()
//!     .keys(["sk-reader-key", "sk-admin-key"])
//!     .permissions("sk-admin-key", ["admin.read", "admin.write"])
//!     .build()?;
//!
//! let admin = keys.find("sk-admin-key").expect("the key is in the set");
//! assert!(admin.permissions().eq(["admin.read", "admin.write"]));
//! assert!(admin.user_id().starts_with("apikey:"));
//! assert!(keys.find("sk-admin-kez").is_none());
//! # Ok::<(), boltguard_apikey::ApiKeyError>(())
//! ```
//!
//! # Generated keys
//!
//! A [`KeyFormat`] generates keys that secret scanners can detect, and that are rejected without a lookup if they are
//! mistyped. A [`StoredKey`] is the record of a key in a store. An [`ApiKeyVerifier`] looks up a presented key in a
//! [`KeyStore`], either the [`MemoryKeyStore`] or a custom one.
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
//! // Show the key to its owner once; the store only has the digest.
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
//! This crate doesn't read the clock; the current time is always an argument. The program `boltguard-apikey` in this
//! crate generates and checks keys, and prints the regular expression for secret scanners.

mod base62;
mod digest;
mod entry;
mod error;
mod format;
mod key;
mod key_use;
mod layers;
mod set;
mod store;
mod stored;
mod verifier;

pub use digest::{KeyDigest, Peppers};
pub use entry::ApiKeyEntry;
pub use error::{ApiKeyError, StoreUnavailable};
pub use format::KeyFormat;
pub use key::{GeneratedKey, ParsedKey};
pub use key_use::KeyUse;
pub use set::{ApiKeys, ApiKeysBuilder};
pub use store::{KeyStore, MemoryKeyStore};
pub use stored::StoredKey;
pub use verifier::ApiKeyVerifier;
