//! Behaviour of the store as its users see it.

mod model;
#[cfg(feature = "redis")]
mod redis;
mod threads;
