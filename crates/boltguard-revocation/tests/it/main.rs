//! Behaviour of the store as its users see it.

mod model;
mod threads;
