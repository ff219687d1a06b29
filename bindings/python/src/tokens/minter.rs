//! `Minter`: signs tokens with one key.

use std::time::Duration;

use boltguard::mint::{MintError, Minter as Engine};
use boltguard::types::{KeyId, NumericDate};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::errors::key_error;
use crate::json::from_python::{self, Extras};
use crate::keys::algorithms::{Algorithms, named, takes_long_to_sign};
use crate::keys::argument::KeyArgument;
use crate::time::Seconds;

/// Issues tokens that are signed with one key.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct Minter(Engine);

#[pymethods]
impl Minter {
    #[new]
    #[pyo3(signature = (key, algorithm, *, kid=None, typ="JWT"))]
    fn new(
        py: Python<'_>,
        key: &Bound<'_, PyAny>,
        algorithm: &Bound<'_, PyString>,
        kid: Option<&str>,
        typ: &str,
    ) -> PyResult<Self> {
        let algorithm = named(algorithm)?;
        let key = KeyArgument::read(key, &Algorithms::one(algorithm))?;
        let signing = key.one().and_then(|key| key.jwk().signing_key(algorithm));
        let signing = signing.map_err(|error| key_error(py, error))?;
        let signing = match kid {
            Some(kid) => signing.with_key_id(KeyId::from(kid)),
            None => signing,
        };
        Ok(Self(Engine::with_type(signing, typ)))
    }

    /// Issues a token for `subject` that expires in `expires_in` seconds. The claims are added to `sub`, `iat`, `exp`
    /// and `jti`, which they can't replace.
    #[pyo3(signature = (subject, expires_in, claims, *, now=None))]
    fn mint(
        &self,
        subject: &str,
        expires_in: Seconds,
        claims: &Bound<'_, PyMapping>,
        now: Option<Seconds>,
    ) -> PyResult<String> {
        let lifetime = expires_in
            .as_duration()
            .filter(|lifetime| *lifetime > Duration::ZERO);
        let lifetime = lifetime.ok_or_else(|| {
            PyValueError::new_err("expires_in must be positive and not too large")
        })?;
        let now = now.map_or_else(crate::clock::now, Seconds::since_epoch);
        self.mint_for(subject, lifetime, claims, now, None)
    }

    /// The name of the algorithm.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.key().algorithm().name()
    }

    fn __repr__(&self) -> String {
        format!("<Minter: {}>", self.algorithm())
    }
}

impl Minter {
    /// Issues a token. With `id_seed`, its ID is derived instead of generated.
    pub(crate) fn mint_for(
        &self,
        subject: &str,
        lifetime: Duration,
        claims: &Bound<'_, PyMapping>,
        now: NumericDate,
        id_seed: Option<u64>,
    ) -> PyResult<String> {
        let mut json = String::with_capacity(CAPACITY);
        from_python::write_claims(&from_python::dict_of(claims)?, Extras::Texts, &mut json)?;
        let token = self.0.token(subject, lifetime).claims_json(&json);
        let token = match id_seed {
            Some(seed) => token.id_seed(seed),
            None => token,
        };
        let token = if takes_long_to_sign(self.0.key().algorithm()) {
            claims.py().detach(|| token.sign(now))
        } else {
            token.sign(now)
        };
        token.map(|minted| minted.token).map_err(refused)
    }

    /// The minter of an engine.
    pub(crate) fn of(engine: Engine) -> Self {
        Self(engine)
    }
}

/// Enough for the claims of most tokens.
const CAPACITY: usize = 512;

#[cold]
fn refused(error: MintError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
