//! `SigningKeys`: the signing keys of an issuer that rotates them.

use std::sync::Arc;

use boltguard::keys::{
    KeySet as Set, KeyState, KeyTimes, RotationError, RotationPolicy, SigningKey,
    SigningKeys as Keys,
};
use boltguard::mint::Minter as Engine;
use boltguard::types::{KeyId, NumericDate};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::clock::now;
use crate::errors::{Class, key_error, plain};
use crate::keys::algorithms::{Algorithms, named};
use crate::keys::argument::KeyArgument;
use crate::time::Seconds;
use crate::tokens::minter::Minter;

/// The signing keys of an issuer, of which the time decides which one signs and which ones are published.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct SigningKeys {
    keys: Arc<Keys>,
    minters: Vec<Py<Minter>>,
}

/// A key with its algorithm, its `kid`, and when it signs and is published.
#[derive(FromPyObject)]
struct Entry<'py>(
    Bound<'py, PyAny>,
    Bound<'py, PyString>,
    Option<String>,
    Seconds,
    Option<Seconds>,
);

impl Entry<'_> {
    fn read(&self) -> PyResult<(SigningKey, KeyTimes)> {
        let Self(key, algorithm, kid, signs_from, published_from) = self;
        let algorithm = named(algorithm)?;
        let read = KeyArgument::read(key, &Algorithms::one(algorithm))?;
        let signing = read.one().and_then(|key| key.jwk().signing_key(algorithm));
        let signing = signing.map_err(|error| key_error(key.py(), error))?;
        let signing = match kid {
            Some(kid) => signing.with_key_id(KeyId::from(kid.as_str())),
            None => signing,
        };
        let times = KeyTimes {
            published_from: published_from.map(Seconds::since_epoch),
            signs_from: signs_from.since_epoch(),
        };
        Ok((signing, times))
    }
}

impl SigningKeys {
    /// The keys and their times.
    pub(crate) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }
}

#[pymethods]
impl SigningKeys {
    /// Creates it from keys in the order in which they sign, each with its algorithm, its `kid`, and the times from
    /// which it signs and is published.
    #[new]
    #[pyo3(signature = (keys, *, access_lifetime, max_age, leeway, typ="JWT"))]
    fn new(
        py: Python<'_>,
        keys: Vec<Entry<'_>>,
        access_lifetime: Seconds,
        max_age: Seconds,
        leeway: Seconds,
        typ: &str,
    ) -> PyResult<Self> {
        let duration = |name: &str, seconds: Seconds| {
            let refused = || {
                let message = format_args!("{name} must not be negative or too large");
                plain(py, Class::ConfigurationError, message)
            };
            seconds.as_duration().ok_or_else(refused)
        };
        let policy = RotationPolicy {
            token_lifetime: duration("access_lifetime", access_lifetime)?,
            cache_lifetime: duration("max_age", max_age)?,
            leeway: duration("leeway", leeway)?,
        };
        let keys = keys.iter().map(Entry::read).collect::<PyResult<Vec<_>>>()?;
        let keys = Keys::new(keys, policy).map_err(|error| refused(py, error))?;
        let minter =
            |key: &SigningKey| Py::new(py, Minter::of(Engine::with_type(key.clone(), typ)));
        Ok(Self {
            minters: keys.keys().iter().map(minter).collect::<PyResult<_>>()?,
            keys: Arc::new(keys),
        })
    }

    /// The `kid` of each key.
    #[getter]
    fn key_ids(&self) -> Vec<&str> {
        let names = self.keys.keys().iter().filter_map(SigningKey::key_id);
        names.map(KeyId::as_str).collect()
    }

    /// The algorithm of each key.
    #[getter]
    fn algorithms(&self) -> Vec<&'static str> {
        let keys = self.keys.keys().iter();
        keys.map(|key| key.algorithm().name()).collect()
    }

    /// When each key isn't published any more, in seconds since the epoch; `None` if no key follows it.
    #[getter]
    fn published_until(&self) -> Vec<Option<f64>> {
        let until = |index| self.keys.schedule().published_until(index);
        (0..self.minters.len())
            .map(|index| until(index).map(NumericDate::as_f64))
            .collect()
    }

    /// The state of each key: "pending", "next", "signing", "retiring" or "retired".
    #[pyo3(signature = (now=None))]
    fn states(&self, now: Option<Seconds>) -> Vec<&'static str> {
        let states = self.keys.schedule().states(time(now));
        states.into_iter().map(KeyState::as_str).collect()
    }

    /// The published keys as a JWK Set, in JSON.
    #[pyo3(signature = (now=None))]
    fn to_jwks<'py>(&self, py: Python<'py>, now: Option<Seconds>) -> Bound<'py, PyBytes> {
        let published: Set = self.keys.published(time(now));
        PyBytes::new(py, published.to_jwks().as_bytes())
    }

    /// The minter of the key that signs, for tokens that expire in `expires_in` seconds.
    #[pyo3(signature = (expires_in, now=None))]
    fn minter(
        &self,
        py: Python<'_>,
        expires_in: Seconds,
        now: Option<Seconds>,
    ) -> PyResult<Py<Minter>> {
        let longest = self.keys.schedule().policy().token_lifetime;
        if expires_in.as_duration().is_none_or(|one| one > longest) {
            return Err(PyValueError::new_err(TOO_LONG));
        }
        let minter = self.keys.schedule().signing(time(now));
        let minter = minter.and_then(|index| self.minters.get(index));
        let minter = minter.ok_or_else(|| PyValueError::new_err(NONE_SIGNS))?;
        Ok(minter.clone_ref(py))
    }

    fn __repr__(&self) -> String {
        format!("<SigningKeys {:?}>", self.key_ids())
    }
}

fn time(now_or_none: Option<Seconds>) -> NumericDate {
    now_or_none.map_or_else(now, Seconds::since_epoch)
}

#[cold]
fn refused(py: Python<'_>, error: RotationError) -> PyErr {
    let message = match error {
        RotationError::Duplicate { index } => {
            format!("keys[{index}] is the same key as another one, or has the same kid")
        }
        RotationError::NotPublished { index } => {
            format!("keys[{index}] requires published_from, the time from which it is published")
        }
        RotationError::OutOfOrder { index } => {
            format!("keys[{index}] doesn't sign later than the key before it; sort the keys")
        }
        RotationError::SignsTooEarly { index, earliest } => {
            let earliest = match shown(py, earliest) {
                Ok(earliest) => earliest,
                Err(error) => return error,
            };
            format!(
                "keys[{index}] signs too early: verifiers may cache the published keys for max_age; the earliest \
                 possible signs_from is {earliest}"
            )
        }
        RotationError::Symmetric { index } => {
            format!("keys[{index}] is an HMAC secret, which can't be published; use a private key")
        }
        other => other.to_string(),
    };
    plain(py, Class::ConfigurationError, message)
}

/// The time in ISO 8601.
fn shown(py: Python<'_>, time: NumericDate) -> PyResult<String> {
    let datetime = py.import("datetime")?;
    let utc = datetime.getattr("timezone")?.getattr("utc")?;
    let class = datetime.getattr("datetime")?;
    let shown = class.call_method1("fromtimestamp", (time.as_f64(), utc))?;
    shown.call_method0("isoformat")?.extract()
}

const TOO_LONG: &str =
    "expires_in is longer than access_lifetime of SigningKeys, during which old keys are published";
const NONE_SIGNS: &str = "no key of SigningKeys signs yet";
