//! The layer, around services of several kinds.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod bodies;
mod example;
#[cfg(feature = "grpc")]
mod grpc;
mod metrics;
mod refusals;
mod requests;
mod services;
mod support;
