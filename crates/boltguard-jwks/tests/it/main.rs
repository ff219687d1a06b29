//! The keys of another issuer: the schedule, the client, and a server that misbehaves.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod async_client;
mod discovery;
mod properties;
mod reports;
mod responses;
mod schedule;
mod support;
mod threads;
