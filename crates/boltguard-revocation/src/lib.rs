//! Deny-lists of token ids: log out one token before its time is over.
//!
//! A signed token is good until it expires; whoever wants it dead earlier must write down its id, the
//! `jti` of [RFC 7519 §4.1.7](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.7), and look there at
//! each request. [`MemoryRevocation`] is that list for one process: bounded, forgetting an entry when its
//! token is over, and asked in some 20 ns, 1 ns while it is empty.
//!
//! ```
//! use std::time::Duration;
//! use boltguard_revocation::{MemoryRevocation, entry_until};
//! use boltguard_types::NumericDate;
//!
//! let leeway = Duration::from_secs(30);
//! let store = MemoryRevocation::new();
//!
//! let now = NumericDate::from_secs(1_700_000_000);
//! let exp = now + Duration::from_secs(900);
//! store.revoke("0190f5a2-7c3e-7b1d-9f00-aabbccddeeff", entry_until(Some(exp), leeway), now)?;
//!
//! assert!(store.is_revoked("0190f5a2-7c3e-7b1d-9f00-aabbccddeeff", now));
//! assert!(store.is_revoked("0190f5a2-7c3e-7b1d-9f00-aabbccddeeff", exp + leeway));
//! assert!(!store.is_revoked("0190f5a2-7c3e-7b1d-9f00-000000000000", now));
//! # Ok::<(), boltguard_revocation::RevocationError>(())
//! ```
//!
//! - [`entry_until`] says how long an entry must live: until the token could no longer be accepted anywhere.
//! - An entry without an end is kept for good. A full list refuses a new entry with
//!   [`RevocationError::Full`]; it never forgets a token that could still be accepted.
//! - A store that was told the leeway of those who ask it, by [`RevocationStore::bind_leeway`] or
//!   `RedisRevocation::with_leeway`, keeps entries for so much longer, whoever wrote them.
//! - The list holds no token ids, only keyed digests of them: 48 bytes an entry at most.
//! - [`RevocationStore`] is what an authenticator asks; implement it for a list of your own that answers
//!   without waiting.
//! - With the feature `redis`, `RedisRevocation` keeps the list in Redis, for several processes and machines.
//!
//! - [`Sentinel`] tells a shared store that was emptied from one that never held anything.
//!
//! The time is an argument everywhere; nothing here reads a clock.

mod id;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod sentinel;
mod store;

#[cfg(feature = "redis")]
pub use self::redis::RedisRevocation;
pub use memory::MemoryRevocation;
pub use sentinel::{MarkState, Sentinel};
pub use store::{MARGIN, RevocationError, RevocationStore, entry_until};
