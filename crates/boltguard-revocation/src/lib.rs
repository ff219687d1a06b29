//! Revocation lists, for revoking tokens before they expire.
//!
//! A signed token is valid until it expires. To revoke it earlier, record its `jti` ([RFC 7519
//! §4.1.7](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.7)) and check it on each request. [`MemoryRevocation`] is
//! such a list for a single process. Its size is limited, and it removes entries when their tokens expire. A lookup
//! takes about 20 ns, or 1 ns if the list is empty.
//!
//! ```
//! use std::time::Duration;
//! use boltguard_revocation::{MemoryRevocation, retain_until};
//! use boltguard_types::NumericDate;
//!
//! let leeway = Duration::from_secs(30);
//! let store = MemoryRevocation::new();
//!
//! let now = NumericDate::from_secs(1_700_000_000);
//! let exp = now + Duration::from_secs(900);
//! store.revoke("0190f5a2-7c3e-7b1d-9f00-aabbccddeeff", retain_until(Some(exp), leeway), now)?;
//!
//! assert!(store.is_revoked("0190f5a2-7c3e-7b1d-9f00-aabbccddeeff", now));
//! assert!(store.is_revoked("0190f5a2-7c3e-7b1d-9f00-aabbccddeeff", exp + leeway));
//! assert!(!store.is_revoked("0190f5a2-7c3e-7b1d-9f00-000000000000", now));
//! # Ok::<(), boltguard_revocation::RevocationError>(())
//! ```
//!
//! # Levels
//!
//! All tokens of a session (`sid`), a subject, an issuer or a key (`kid`) can be revoked together. A [`Watermark`]
//! revokes those that were issued at or before a time, so that the user can log in again. [`RevocationStore::check`]
//! takes a [`RevocationQuery`], with the parts of a token, and checks all levels.
//!
//! ```
//! # use std::time::Duration;
//! # use boltguard_revocation::{MemoryRevocation, RevocationQuery, RevocationStore, Watermark, retain_until};
//! # use boltguard_types::NumericDate;
//! let store = MemoryRevocation::new();
//! let now = NumericDate::from_secs(1_700_000_000);
//! let token = |iat| RevocationQuery::new("some-id").with_subject(Some("42")).with_issued_at(Some(iat));
//!
//! // No token is valid for more than 15 minutes.
//! let until = retain_until(Some(now + Duration::from_secs(900)), Duration::ZERO);
//! store.revoke_subject("42", None, Watermark::new(now).with_retention(until), now)?;
//!
//! assert!(store.check(&token(now), now)?);
//! assert!(!store.check(&token(now + Duration::from_secs(1)), now)?);
//! # Ok::<(), boltguard_revocation::RevocationError>(())
//! ```
//!
//! - Times are compared in milliseconds. The time of a token is the one in its `jti` if that is a UUID of version 7
//!   ([RFC 9562 §5.7](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)), and otherwise `iat`. `boltguard-mint`
//!   writes such IDs, so a token that was issued in the millisecond after a revocation is accepted.
//! - An `iat` in whole seconds is the start of its second: all tokens of the second of the revocation are revoked, also
//!   those issued after it. Another issuer has to write `iat` with a fraction, or issue the next token of the subject
//!   in the next second.
//! - A token without either is revoked by any watermark of its levels.
//! - If there are several watermarks for a token, the latest one decides. A watermark can be moved forward, but not
//!   back.
//! - A store that doesn't support a level rejects its revocation with [`RevocationError::Unsupported`].
//!
//! # Entries
//!
//! - [`retain_until`] returns how long an entry must be kept: until the token can't be accepted anywhere any more.
//! - An entry without an expiry date is kept forever. A full list rejects new entries with [`RevocationError::Full`];
//!   it never removes the entry of a token that can still be accepted.
//! - [`RevocationStore::bind_leeway`] and `RedisRevocation::with_leeway` set the leeway of the callers that check the
//!   entries. Entries are kept for that much longer, regardless of who created them.
//! - The list contains keyed digests, not the IDs themselves. An entry takes at most 48 bytes, and a watermark 76.
//! - To use your own list, implement [`RevocationStore`], whose methods must not block, or [`AsyncRevocationStore`].
//!   With the feature `contract-tests`, the module `contract` has tests for both.
//! - With the feature `redis`, `RedisRevocation` stores the list in Redis, for several processes and machines.
//! - With the same feature, `ReplicatedRevocation` keeps a copy of a shared list in the memory of each process. A
//!   revocation takes effect on all machines within a guaranteed time, and a check needs no I/O. The module
//!   [`replica`] is the part of it that performs no I/O.
//! - [`Sentinel`] distinguishes a shared store that lost its entries from one that never had any.
//!
//! This crate doesn't read the clock; the current time is always an argument. Only `ReplicatedRevocation` reads it.

mod async_store;
#[cfg(feature = "contract-tests")]
pub mod contract;
mod expiring_map;
mod id;
mod levels;
mod memory;
mod query;
#[cfg(feature = "redis")]
mod redis;
pub mod replica;
#[cfg(feature = "redis")]
mod replicated;
mod sentinel;
mod storage_key;
mod store;
mod uuid7;

#[cfg(feature = "redis")]
pub use self::redis::RedisRevocation;
#[cfg(feature = "redis")]
pub use self::replicated::{
    ReplicatedRevocation, ReplicatedRevocationBuilder, RevocationTruth, StalePolicy,
};
pub use async_store::AsyncRevocationStore;
pub use memory::MemoryRevocation;
pub use query::{RevocationLevel, RevocationQuery, UnixMillis, Watermark};
pub use sentinel::{MarkState, Sentinel};
pub use store::{CLOCK_SKEW_MARGIN, RevocationError, RevocationStore, retain_until};
