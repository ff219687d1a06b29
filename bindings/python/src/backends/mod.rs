//! The backends, which authenticate a request by a header.

pub(crate) mod api_key;
pub(crate) mod jwt;
