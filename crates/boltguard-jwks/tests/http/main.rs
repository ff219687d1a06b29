//! Fetching from a server on this machine that rotates its keys, hangs, fails, and doesn't have the requested keys.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod async_service;
mod clients;
mod failures;
mod rotation;
mod server;
#[allow(dead_code, reason = "the other tests use the rest")]
#[path = "../it/support.rs"]
mod support;
mod third_party;
mod tls;
