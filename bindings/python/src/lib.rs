//! The extension module `boltguard._rust`: what Python sees of the engine.
//!
//! Nothing is decided here. Objects cross into Rust once, when they are built; a request is one call.

use pyo3::prelude::*;

mod algorithms;
mod claims_error;
mod errors;
mod foreign_key;
mod json_to_py;
mod jws;
mod jwt;
mod key;
mod key_argument;
mod key_cache;
mod key_set;
mod name_cache;
mod options;
mod prepared_key;
mod py_to_json;
mod revocation;
mod time;
mod token;

/// The engine of Boltguard.
#[pymodule(gil_used = false)]
mod _rust {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use super::jws::{jws_sign, jws_verify, jws_verify_complete, unverified_header};
    #[pymodule_export]
    use super::jwt::{jwt_decode, jwt_decode_complete, jwt_encode};
    #[pymodule_export]
    use super::key::Key;
    #[pymodule_export]
    use super::key_set::KeySet;
    #[pymodule_export]
    use super::revocation::MemoryRevocation;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let names = boltguard_keys::Algorithm::ALL
            .iter()
            .map(|algorithm| algorithm.name());
        module.add("ALGORITHMS", PyTuple::new(module.py(), names)?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
