//! Behaviour of sessions as their users see it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod decision;
mod model;
mod policy;
mod sessions;
mod store;
mod support;
mod threads;
mod token;
