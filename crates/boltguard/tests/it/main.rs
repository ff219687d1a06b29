//! The facade from headers to a decision.

mod backends;
mod outcomes;
mod support;
