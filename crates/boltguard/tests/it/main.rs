//! The facade from headers to a decision.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod admitted_caller;
mod api_key_table;
mod backends;
mod cache;
mod config;
mod cookies;
mod credential_watch;
mod custom;
mod debug;
mod drivers;
#[cfg(feature = "es256k")]
mod es256k;
mod other_gates;
mod outcomes;
mod policy_vectors;
mod possible_needs;
mod remote;
#[cfg(feature = "http")]
mod request_parts;
mod response_headers;
mod revocation_levels;
mod roles;
mod schemes;
mod services;
mod snapshots;
mod support;
mod tokens;
