//! The extension module `boltguard._rust`: what Python sees of the engine.
//!
//! Nothing is decided here. Objects cross into Rust once, when they are built; a request is one call.

use pyo3::prelude::*;

mod algorithms;
mod api_key_backend;
mod api_key_store;
mod api_keys;
mod auth_context;
mod claims_error;
mod encoder;
mod errors;
mod explanation;
mod foreign_key;
mod gate;
mod guard;
mod header_json;
mod json_to_py;
mod jws;
mod jwt;
mod jwt_backend;
mod key;
mod key_argument;
mod key_cache;
mod key_set;
mod minter;
mod name_cache;
mod options;
mod pending;
mod prepared_key;
mod py_to_json;
mod refusal;
mod remote_keys;
mod revocation;
mod signing;
mod time;
mod token;
mod unreadable;
mod weak_key;

/// The engine of Boltguard.
#[pymodule(gil_used = false)]
mod _rust {
    #[pymodule_export]
    use super::api_key_backend::ApiKeyBackend;
    #[pymodule_export]
    use super::api_key_store::{ApiKeyRefresh, ApiKeyStore};
    #[pymodule_export]
    use super::api_keys::{ApiKeyFormat, ApiKeyUse, GeneratedApiKey, StoredApiKey};
    #[pymodule_export]
    use super::auth_context::AuthContext;
    #[pymodule_export]
    use super::explanation::Explanation;
    #[pymodule_export]
    use super::gate::{Conditional, Gate};
    #[pymodule_export]
    use super::guard::Guard;
    #[pymodule_export]
    use super::jws::{
        jws_check_options, jws_sign, jws_verify, jws_verify_complete, unverified_header,
    };
    #[pymodule_export]
    use super::jwt::{
        jwt_check_claims, jwt_check_options, jwt_decode, jwt_decode_complete, jwt_encode,
    };
    #[pymodule_export]
    use super::jwt_backend::JwtBackend;
    #[pymodule_export]
    use super::key::Key;
    #[pymodule_export]
    use super::key_set::KeySet;
    #[pymodule_export]
    use super::minter::Minter;
    #[pymodule_export]
    use super::pending::Pending;
    #[pymodule_export]
    use super::refusal::Refusal;
    #[pymodule_export]
    use super::remote_keys::{FetchTurn, RemoteKeys};
    #[pymodule_export]
    use super::revocation::{MemoryRevocation, RevocationSentinel};
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let names = boltguard::keys::Algorithm::ALL
            .iter()
            .map(|algorithm| algorithm.name());
        module.add("ALGORITHMS", PyTuple::new(module.py(), names)?)?;
        super::auth_context::register(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
