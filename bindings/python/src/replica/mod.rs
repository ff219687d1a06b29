//! Replicas of a shared revocation list, and their synchronization.

mod clock;
pub(crate) mod entry;
pub(crate) mod stored;
pub(crate) mod synchronizer;
