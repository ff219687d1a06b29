//! Keys: the classes `Key`, `KeySet` and `RemoteKeys`, and everything else that Python code may pass as a key.

pub(crate) mod algorithms;
pub(crate) mod argument;
mod cache;
mod cryptography;
pub(crate) mod jwk;
pub(crate) mod key;
mod material;
pub(crate) mod prepared;
pub(crate) mod remote;
pub(crate) mod set;
pub(crate) mod signing_keys;
pub(crate) mod weak;
