//! The extractors, in routers and on a real server.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod example;
mod extractors;
mod fleet;
mod routes;
mod support;
mod websocket;
