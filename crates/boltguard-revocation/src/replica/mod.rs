//! A copy of a shared revocation list in the memory of each process.
//!
//! The complete list is in the *truth*: the service's database, or a Redis server with persistence. Each process has a
//! [`Replica`], so that a check needs no I/O, and a [`Synchronizer`], which decides what to read when. New entries are
//! read from a stream in Redis 7 or Valkey, or from the truth itself.
//!
//! If a revocation was acknowledged, no replica accepts the token later than `max_staleness`. A replica that may have
//! missed an entry is unavailable. Therefore:
//!
//! - A revocation is written to the truth, then appended to the stream, and then acknowledged.
//! - A replica is current for `max_staleness` from the time at which a query was *sent*. When the response arrives has
//!   no effect. Only the monotonic clock of the process counts.
//! - A query proves that no row was missed. Otherwise, the truth is read again, beginning after the response that
//!   determines from where the stream is followed. This is also done once per minute. Only entries that were added
//!   since the previous read are needed, except at the start, once per hour, and if the replica lacks older ones.
//!
//! # The stream
//!
//! The stream has the key `<prefix>stream`, and one row for each entry. The default prefix is `boltguard:revocations:`.
//! Append rows with `XADD <prefix>stream MAXLEN ~ <rows> * …`. The rows of a minute are sufficient. A process that has
//! been disconnected for longer reads the truth.
//!
//! The stream has a consumer group without consumers, [`epoch`](EPOCH_GROUP), whose position is a random ID. A query
//! creates it, and the stream, if it doesn't exist. A stream that was deleted and created again therefore has another
//! epoch. Don't restore an older copy of the stream, such as with `RESTORE` or `RENAME`, while the server is running:
//! it has the same epoch. Use a server with `maxmemory-policy noeviction`.
//!
//! The fields of a row are:
//!
//! | field | value |
//! | --- | --- |
//! | `jti` | the ID of the token, for the revocation of one token |
//! | `jti_sha256` | instead of `jti`, the first 32 to 64 digits of its hexadecimal SHA-256 digest |
//! | `level` | instead of `jti`, the [`storage_key`](crate::RevocationLevel::storage_key) without `boltguard:level:` |
//! | `before` | with `level` only: when the revoked tokens were issued at the latest, in milliseconds since the epoch |
//! | `until` | until when the entry is kept, in whole seconds since the epoch, or 0 for a permanent entry |
//!
//! A row with other fields is treated as a loss. [`RevocationEntry`] reads and writes them.
//!
//! # States
//!
//! A replica has never been synchronized, is current, or is [unavailable](ReplicaError). Entries that it has are found
//! in each state. The [losses](Loss) after which the truth is read again are:
//!
//! | loss | detected by |
//! | --- | --- |
//! | the server was restarted, or is another one | `run_id` |
//! | the server was emptied, or the stream was deleted, also if it was empty before and after | the epoch |
//! | rows were removed before they were read | `entries-added`, which must be the number of rows read so far |
//! | the server isn't a primary any more, or has become one | `role`, `master_replid` and the error of `XTRIM` |
//! | a row is invalid | its fields |
//! | the system clock was set back, so that expired entries are valid again | the time at which entries were removed |
//!
//! # Assumptions
//!
//! - A read of the truth sees all that was committed before it began: it must use the primary database.
//! - The monotonic clock doesn't stop. `CLOCK_MONOTONIC` of Linux stops while the machine is suspended;
//!   `CLOCK_BOOTTIME` doesn't.
//! - A primary that was replaced doesn't accept writes any more; a query contains one. With replicas, configure
//!   `min-replicas-to-write 1` and add `WAIT 1` to each revocation. A primary that is cut off still accepts writes for
//!   `min-replicas-max-lag` seconds, by which the bound is longer then.
//! - The entries have an expiry date that includes [`CLOCK_SKEW_MARGIN`](crate::CLOCK_SKEW_MARGIN), as
//!   [`retain_until`](crate::retain_until) calculates it.
//! - An entry that is deleted from the truth before it expires remains in the replicas until they are restarted.

mod entry;
mod level_key;
mod memory;
mod query;
mod random;
mod settings;
mod stream;
mod synchronizer;

pub use entry::{InvalidEntry, RevocationEntry};
pub use memory::{Replica, ReplicaError};
pub use query::{EPOCH_GROUP, StreamQuery, StreamResponse};
pub use settings::SyncSettings;
pub use stream::{Loss, StreamId, StreamRow};
pub use synchronizer::{SyncAction, Synchronizer, TruthRead};
