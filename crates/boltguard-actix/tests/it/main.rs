//! The middleware and the extractors, in applications and on a real server.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod example;
mod extractors;
mod metrics;
mod middleware;
mod support;
mod websocket;
