//! The keys of another issuer: when to fetch its JWK Set, how long to trust it, and a client that does.
//!
//! An issuer publishes its public keys at an address and changes them when it likes,
//! [RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5). Whoever verifies its tokens keeps a copy, and is
//! torn between asking too often and trusting too long:
//!
//! - A set is current for its TTL. Then the first one who needs it fetches, and the others go on with the old one.
//! - A token whose key is not in the set may be one of a new key: the set is fetched anew, and not again before a
//!   cooldown is over, however many such tokens come.
//! - One fetches at a time. Where there are no keys yet, the others wait for it. For a key that may not exist two wait
//!   and the rest goes on with what is there, so that a slow issuer doesn't hold every thread. The cooldown begins when
//!   the fetch ends.
//! - After a fetch that failed there is a pause, twice as long each time. The old set serves on, for an hour at most;
//!   then nothing verifies.
//! - What came is read by the strict reader of [`boltguard_keys`], within limits. A set that is malformed, empty, or
//!   holds a private key is none, and the old one stays; single keys that can't be used are skipped, secrets among
//!   them, and listed with the reasons: [`Fetched::skipped`], [`RemoteKeySet::skipped`].
//!
//! [`RemoteKeySet`] is this clockwork, without a clock and without a connection. [`JwksClient`] adds the clock, and
//! [`Fetch`] is what it fetches by: with the feature `http`, `HttpFetch`. Both are for threads that may block; an edge
//! that may not asks [`RemoteKeySet::step`] itself.

mod client;
mod error;
#[cfg(feature = "http")]
mod http;
mod remote;
mod response;
mod schedule;
mod times;
mod turn;
mod url;

pub use client::{Fetch, JwksClient};
pub use error::{ConfigError, FetchError, Unavailable};
#[cfg(feature = "http")]
pub use http::HttpFetch;
pub use remote::{Follower, Need, RemoteKeySet, Step};
pub use response::{Limits, Response};
pub use times::Times;
pub use turn::{Fetched, Turn, Waiting};
pub use url::JwksUrl;
