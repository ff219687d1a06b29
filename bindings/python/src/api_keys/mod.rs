//! Generated API keys, and the store in which they are looked up.

pub(crate) mod generated;
pub(crate) mod store;
