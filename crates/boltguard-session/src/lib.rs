//! Sessions with refresh tokens, for services that issue short-lived access tokens.
//!
//! A refresh token is used once: each use returns its successor (rotation, [RFC 9700
//! §4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2)). If a token is used again later, two parties have
//! it, and one of them stole it: the whole session ends. Requests at the same time, for example of two browser tabs or
//! after a lost response, are not mistaken for theft: for a few seconds, the token that was just used returns the same
//! successor, byte for byte.
//!
//! ```
//! use std::time::Duration;
//!
//! use boltguard_keys::Secret;
//! use boltguard_session::{
//!     MemorySessionStore, SessionError, SessionKeys, SessionPolicy, Sessions,
//! };
//! use boltguard_types::NumericDate;
//!
//! // Once, at startup.
//! let keys = SessionKeys::new(&Secret::new(b"a secret that is thirty-two bytes")?);
//! let sessions = Sessions::new(MemorySessionStore::new(), keys, SessionPolicy::default());
//!
//! // At login.
//! let login = NumericDate::from_secs(1_800_000_000);
//! let first = sessions.create("42", login)?;
//! assert!(first.token.expose().starts_with("bgr_"));
//!
//! // An access token for the session expires at the latest when the session does.
//! let access_expires = sessions.policy().access_expires(&first.state, Duration::from_secs(900));
//! assert_eq!(access_expires, login + Duration::from_secs(900));
//!
//! // The client exchanges the token for the next one. Two tabs receive the same one.
//! let later = login + Duration::from_secs(600);
//! let second = sessions.refresh(first.token.expose(), later)?;
//! let repeated = sessions.refresh(first.token.expose(), later + Duration::from_secs(2))?;
//! assert_eq!(second.token.expose(), repeated.token.expose());
//!
//! // A stolen token is used after the grace period: the session ends for both parties.
//! let stolen = sessions.refresh(first.token.expose(), later + Duration::from_secs(60));
//! assert!(matches!(stolen, Err(SessionError::Reused(state)) if state.subject.as_str() == "42"));
//! let owner = sessions.refresh(second.token.expose(), later + Duration::from_secs(61));
//! assert!(matches!(owner, Err(SessionError::Ended)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is stored
//!
//! A [`SessionState`] is one row per session, with the number of the current token, its *generation*, and no secrets
//! and no digests: the token of each generation is derived from the ID of the session, the generation and the key of
//! the server ([`SessionKeys`]). With access to the store only, an attacker can't create a token. With the key only,
//! they need the ID of a session and its current generation.
//!
//! A wrong secret is detected without querying the store and never ends a session, so that knowing the ID of a session
//! isn't enough to end it.
//!
//! # When a session ends
//!
//! | event | result |
//! | --- | --- |
//! | the current token is used | the next generation |
//! | the previous token is used again within `reuse_grace` of its first use | the same successor |
//! | the previous token is used again later, or an older one at any time | the session ends: [`SessionError::Reused`] |
//! | no token is used for `refresh_lifetime` | [`SessionError::Expired`] |
//! | `session_lifetime` has passed since the login | [`SessionError::Expired`] |
//! | [`Sessions::end`] | [`SessionError::Ended`] |
//!
//! [`SessionLimits`] contains the durations. Access tokens that were issued before stay valid until they expire. To end
//! them as well, revoke them by the ID of the session.
//!
//! # Asynchronous stores
//!
//! [`Sessions`] drives a synchronous [`SessionStore`]. With an asynchronous one, use the same steps: the decision
//! performs no I/O. If the conditional write has no effect, another request was faster: read and decide again.
//!
//! ```
//! # use boltguard_session::*;
//! # use boltguard_types::NumericDate;
//! # async fn read(_: &SessionId) -> Option<SessionState> { None }
//! # async fn rotate(_: &SessionState) -> bool { true }
//! # async fn end(_: &SessionId) {}
//! # async fn refresh(
//! #     keys: &SessionKeys, policy: &SessionPolicy, presented: &str, now: NumericDate,
//! # ) -> Option<RefreshToken> {
//! let presented = keys.verify(&UnverifiedRefreshToken::parse(presented)?)?;
//! for _ in 0..4 {
//!     let state = read(presented.session_id()).await?;
//!     match policy.decide(&state, &presented, now) {
//!         Decision::Rotate { next, .. } if rotate(&next).await => {
//!             return Some(keys.issue(&next.id, next.generation));
//!         }
//!         Decision::Rotate { .. } => {} // Another request was faster.
//!         Decision::Replay { .. } => return Some(keys.issue(&state.id, state.generation)),
//!         Decision::Reused => {
//!             end(&state.id).await;
//!             return None;
//!         }
//!         Decision::Ended | Decision::Expired | Decision::Invalid => return None,
//!     }
//! }
//! # None
//! # }
//! ```
//!
//! This crate doesn't read the clock; the current time is always an argument.

mod decision;
mod error;
mod id;
mod keys;
mod memory;
mod policy;
mod sessions;
mod state;
mod store;
mod token;

pub use decision::Decision;
pub use error::{PolicyError, SessionError};
pub use id::SessionId;
pub use keys::SessionKeys;
pub use memory::MemorySessionStore;
pub use policy::{SessionLimits, SessionPolicy};
pub use sessions::{IssuedToken, Sessions};
pub use state::SessionState;
pub use store::SessionStore;
pub use token::{RefreshToken, UnverifiedRefreshToken, VerifiedRefreshToken};
