//! Tests of the revocation stores.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod contract;
mod levels;
mod model;
#[cfg(feature = "redis")]
mod redis;
mod replica;
#[cfg(feature = "redis")]
mod replicated;
#[cfg(feature = "redis")]
mod server;
mod threads;
