//! The extension module `boltguard._rust`: the engine's interface for Python.
//!
//! It makes no decisions. Objects are passed to Rust once, when they are created; a request is a single call.

#![expect(
    clippy::disallowed_methods,
    reason = "the binding is the outermost layer"
)]

use pyo3::prelude::*;

mod api_keys;
mod auth_context;
mod backends;
mod certificates;
mod clock;
mod cookies;
mod errors;
mod explanation;
mod gate;
mod guard;
mod json;
mod keys;
mod needs;
mod origins;
mod refusal;
mod replica;
mod request;
mod revocation;
mod revocation_query;
mod sessions;
mod time;
mod tokens;

/// The engine of Boltguard.
#[pymodule(gil_used = false)]
mod _rust {
    #[pymodule_export]
    use super::api_keys::generated::{ApiKeyFormat, ApiKeyUse, GeneratedApiKey, StoredApiKey};
    #[pymodule_export]
    use super::api_keys::store::{ApiKeyRefresh, ApiKeyStore};
    #[pymodule_export]
    use super::auth_context::AuthContext;
    #[pymodule_export]
    use super::backends::api_key::ApiKeyBackend;
    #[pymodule_export]
    use super::backends::edge::{EdgeBackend, Identity};
    #[pymodule_export]
    use super::backends::jwt::JwtBackend;
    #[pymodule_export]
    use super::certificates::{parse_fingerprint, read_certificate};
    #[pymodule_export]
    use super::clock::{set_test_clock, time_ns};
    #[pymodule_export]
    use super::cookies::find_cookie;
    #[pymodule_export]
    use super::explanation::Explanation;
    #[pymodule_export]
    use super::gate::Gate;
    #[pymodule_export]
    use super::guard::Guard;
    #[pymodule_export]
    use super::keys::key::Key;
    #[pymodule_export]
    use super::keys::remote::{FetchPermit, RemoteKeys};
    #[pymodule_export]
    use super::keys::set::KeySet;
    #[pymodule_export]
    use super::keys::signing_keys::SigningKeys;
    #[pymodule_export]
    use super::needs::{
        ApiKeySnapshotRefresh, EdgeAuthentication, GuardChecks, KeyRefresh, RevocationCheck,
    };
    #[pymodule_export]
    use super::origins::OriginPolicy;
    #[pymodule_export]
    use super::refusal::Refusal;
    #[pymodule_export]
    use super::replica::entry::RevocationEntry;
    #[pymodule_export]
    use super::replica::stored::RevocationReplica;
    #[pymodule_export]
    use super::replica::synchronizer::{
        RevocationSynchronizer, StreamQuery, StreamResponse, TruthRead,
    };
    #[pymodule_export]
    use super::revocation::{MemoryRevocation, RevocationSentinel};
    #[pymodule_export]
    use super::revocation_query::{RevocationLevel, RevocationQuery};
    #[pymodule_export]
    use super::sessions::{PresentedRefreshToken, SessionDecision, SessionEngine, SessionState};
    #[pymodule_export]
    use super::tokens::jws::{
        jws_check_options, jws_sign, jws_verify, jws_verify_complete, unverified_header,
    };
    #[pymodule_export]
    use super::tokens::jwt::{
        jwt_check_claims, jwt_check_options, jwt_decode, jwt_decode_complete, jwt_encode,
    };
    #[pymodule_export]
    use super::tokens::minter::Minter;
    use boltguard::keys::Algorithm;
    use pyo3::prelude::*;
    use pyo3::types::{PyDate, PyDateTime, PyDict, PyMappingProxy, PyTuple};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // Looked up once for the process; afterwards, a test may have replaced them in Python's module.
        let _ = (py.get_type::<PyDate>(), py.get_type::<PyDateTime>());
        let names = Algorithm::ALL.iter().map(|algorithm| algorithm.name());
        module.add("ALGORITHMS", PyTuple::new(py, names)?)?;
        let symmetric = PyDict::new(py);
        for algorithm in Algorithm::ALL.iter().filter(|one| one.is_symmetric()) {
            symmetric.set_item(algorithm.name(), algorithm.hash_len())?;
        }
        let symmetric = PyMappingProxy::new(py, symmetric.as_mapping());
        module.add("SYMMETRIC_ALGORITHMS", symmetric)?;
        module.add("MAX_HEADERS", super::request::MAX_HEADERS)?;
        super::auth_context::register(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
