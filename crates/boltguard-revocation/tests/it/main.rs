//! Tests of the revocation stores.

mod model;
#[cfg(feature = "redis")]
mod redis;
mod threads;
