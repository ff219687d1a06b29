//! Signing and verifying tokens: `boltguard.jwt`, `boltguard.jws` and `Minter`.

mod claims_error;
mod encoder;
mod headers;
pub(crate) mod jws;
pub(crate) mod jwt;
pub(crate) mod minter;
mod options;
mod signing;
mod text;
