//! `JwtBackend`: authentication by a JWT in a header or a cookie.

use std::sync::Arc;

use boltguard::JwtBackend as Backend;
use boltguard::keys::{Algorithm, KeySet as Set};
use pyo3::prelude::*;

use crate::backends::jwt_settings::JwtSettings;
use crate::backends::trusted_keys::TrustedKeys;
use crate::clock::now;
use crate::keys::algorithms::Algorithms;
use crate::keys::remote::RemoteKeys;
use crate::replica::stored::RevocationReplica;
use crate::revocation::MemoryRevocation;
use crate::time::Seconds;

/// Authenticates requests by a JWT in a header or a cookie. All settings are checked when it is created.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct JwtBackend {
    backend: Arc<Backend>,
    weak_secrets: Vec<&'static str>,
    keys: Arc<TrustedKeys>,
}

impl JwtBackend {
    pub(crate) fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// The trusted keys. Keep them for as long as the backend, because they update it.
    pub(crate) fn keys(&self) -> &Arc<TrustedKeys> {
        &self.keys
    }
}

#[pymethods]
impl JwtBackend {
    /// Without a `header`, only tokens in the `cookie` are accepted. Requests with a token in a cookie may be
    /// forged: check those whose context has the `credential_source` `cookie`.
    #[new]
    #[pyo3(signature = (
        *, keys, algorithms, header="authorization", audience=None, issuer=None, leeway=None,
        required_claims=None, user_id_claim="sub", typ=None, claims=None, scheme=None,
        subject_required=true, memory_revocation=None, revocation_replica=None,
        external_revocation=false, store_errors_allow=false, cached_tokens=0, remote_keys=None,
        external_accounts=None, name=None, cookie=None, not_before_ignored=false,
        max_age=None, permissions_from=None, scopes_from=None, roles_from=None,
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword argument in Python"
    )]
    fn new<'py>(
        py: Python<'py>,
        keys: Vec<Bound<'py, PyAny>>,
        algorithms: &Bound<'py, PyAny>,
        header: Option<&str>,
        audience: Option<Vec<String>>,
        issuer: Option<Vec<String>>,
        leeway: Option<Seconds>,
        required_claims: Option<Vec<String>>,
        user_id_claim: &str,
        typ: Option<&str>,
        claims: Option<Vec<(String, Vec<Bound<'py, PyAny>>)>>,
        scheme: Option<Vec<String>>,
        subject_required: bool,
        memory_revocation: Option<PyRef<'py, MemoryRevocation>>,
        revocation_replica: Option<PyRef<'py, RevocationReplica>>,
        external_revocation: bool,
        store_errors_allow: bool,
        cached_tokens: usize,
        remote_keys: Option<PyRef<'py, RemoteKeys>>,
        external_accounts: Option<u32>,
        name: Option<&str>,
        cookie: Option<&str>,
        not_before_ignored: bool,
        max_age: Option<Seconds>,
        permissions_from: Option<Vec<String>>,
        scopes_from: Option<Vec<String>>,
        roles_from: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let settings = JwtSettings {
            header,
            audience,
            issuer,
            leeway,
            required_claims,
            user_id_claim,
            typ,
            claims,
            scheme,
            subject_required,
            memory_revocation,
            revocation_replica,
            external_revocation,
            store_errors_allow,
            cached_tokens,
            remote_keys,
            external_accounts,
            name,
            cookie,
            not_before_ignored,
            max_age,
            permissions_from,
            scopes_from,
            roles_from,
        };
        Self::build(py, &keys, algorithms, &settings)
    }

    /// The algorithms with a secret that is shorter than their hash.
    #[getter]
    fn weak_secrets(&self) -> Vec<&'static str> {
        self.weak_secrets.clone()
    }

    /// The current number of cached tokens.
    #[getter]
    fn cached_tokens(&self) -> usize {
        self.backend.cached_tokens()
    }

    fn __repr__(&self) -> &'static str {
        "<JwtBackend>"
    }
}

impl JwtBackend {
    fn build(
        py: Python<'_>,
        keys: &[Bound<'_, PyAny>],
        algorithms: &Bound<'_, PyAny>,
        settings: &JwtSettings<'_, '_>,
    ) -> PyResult<Self> {
        let algorithms = Algorithms::read(algorithms)?;
        let trusted = TrustedKeys::read(keys, &algorithms)?;
        let backend = Arc::new(settings.build(py, &trusted, &algorithms)?);
        trusted.follow(&backend);
        if trusted.are_scheduled() {
            trusted.follow_schedule(now());
        }
        Ok(Self {
            backend,
            weak_secrets: weak_secrets(&trusted.merged()),
            keys: trusted,
        })
    }
}

fn weak_secrets(keys: &Set) -> Vec<&'static str> {
    let is_weak = |algorithm: &Algorithm| {
        keys.keys()
            .iter()
            .any(|key| key.algorithm() == *algorithm && key.is_weak())
    };
    keys.algorithms()
        .filter(is_weak)
        .map(Algorithm::name)
        .collect()
}
