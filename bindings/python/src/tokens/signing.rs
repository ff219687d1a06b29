//! Signing, for `boltguard.jwt` and `boltguard.jws`.

use boltguard::jws::{JwsSignError, Signer, sign_unencoded};
use boltguard::keys::Algorithm;
use boltguard::types::ReasonCode;
use pyo3::prelude::*;

use crate::errors::{Class, coded, key_error, token_sign_error};
use crate::json::from_python::Extras;
use crate::keys::algorithms::{Algorithms, named_by_any, takes_long_to_sign};
use crate::keys::argument::{KeyArgument, own_algorithm};
use crate::keys::weak::{refuse_weak_key, warn_of_weak_key};
use crate::tokens::headers::Headers;

/// The arguments for signing, except for the payload and the key.
#[derive(Clone, Copy)]
pub(crate) struct Signing<'a, 'py> {
    pub(crate) algorithm: Option<&'a Bound<'py, PyAny>>,
    pub(crate) headers: Option<&'a Bound<'py, PyAny>>,
    /// How objects in the headers are written that JSON doesn't support.
    pub(crate) extras: Extras<'a, 'py>,
    pub(crate) sort_headers: bool,
    pub(crate) refuses_weak_keys: bool,
    pub(crate) payload: Payload,
}

/// How the payload is included in the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// Encoded, as in every JWT.
    Encoded,
    /// Encoded, unless `b64` in the headers is `False`.
    EncodedByDefault,
    /// Detached and unencoded, RFC 7797.
    Detached,
}

impl Signing<'_, '_> {
    /// Signs a payload and returns the token.
    pub(crate) fn sign(&self, payload: &[u8], key: &Bound<'_, PyAny>) -> PyResult<String> {
        let py = key.py();
        let headers = self.headers(py)?;
        let algorithm = self.algorithm_for(key, headers.as_ref())?;
        let key = KeyArgument::read(key, &Algorithms::one(algorithm))?;
        let signer = key.one().and_then(|key| key.signer(algorithm));
        let signer = signer.map_err(|error| key_error(py, error))?;
        if signer.key().is_weak() {
            if self.refuses_weak_keys {
                return Err(refuse_weak_key(py, algorithm));
            }
            warn_of_weak_key(py, algorithm)?;
        }
        let style = self.style();
        let sign = || style.sign(payload, headers, signer);
        let token = if takes_long_to_sign(algorithm) {
            py.detach(sign)
        } else {
            sign()
        };
        token.map_err(|error| token_sign_error(py, error))
    }

    fn headers(&self, py: Python<'_>) -> PyResult<Option<Headers>> {
        let Some(headers) = self.headers else {
            return Ok(None);
        };
        let mut headers = Headers::read(headers, self.extras)?;
        if self.payload == Payload::Detached {
            headers.detach();
        }
        let refused = |message| {
            let (class, code) = (Class::InvalidTokenError, ReasonCode::CriticalHeader);
            Err(coded(py, class, code, message))
        };
        if headers.lack_critical() {
            return refused("crit lists \"b64\", but b64 isn't False in the headers");
        }
        if headers.are_detached() && self.payload == Payload::Encoded {
            return refused("b64 can't be False in a JWT; use boltguard.jws");
        }
        Ok(Some(headers))
    }

    /// The algorithm that the caller, the headers or the key specifies. As in PyJWT, the default is HS256.
    fn algorithm_for(
        &self,
        key: &Bound<'_, PyAny>,
        headers: Option<&Headers>,
    ) -> PyResult<Algorithm> {
        let named = self.algorithm.map(named_by_any).transpose()?;
        match (named, headers.and_then(Headers::algorithm)) {
            (Some(named), Some(other)) if named != other => {
                let message = "algorithm differs from alg in the headers";
                Err(coded(
                    key.py(),
                    Class::InvalidAlgorithmError,
                    ReasonCode::AlgorithmNotAllowed,
                    message,
                ))
            }
            (Some(named), _) | (None, Some(named)) => Ok(named),
            (None, None) => Ok(own_algorithm(key).unwrap_or(Algorithm::Hs256)),
        }
    }

    fn style(&self) -> Style {
        Style {
            is_sorted: self.sort_headers,
            is_detached: self.payload == Payload::Detached,
        }
    }
}

/// The part of [`Signing`] that is used while other Python threads run.
#[derive(Clone, Copy)]
struct Style {
    is_sorted: bool,
    is_detached: bool,
}

impl Style {
    fn sign(
        self,
        payload: &[u8],
        headers: Option<Headers>,
        signer: &Signer,
    ) -> Result<String, JwsSignError> {
        if headers.is_none() && self.is_sorted && !self.is_detached {
            return signer.sign(payload);
        }
        let key = signer.key();
        let mut headers = headers.unwrap_or_default();
        if self.is_detached {
            headers.detach();
        }
        let json = headers.to_json(key, self.is_sorted);
        if headers.are_detached() {
            return sign_unencoded(payload, &json, key);
        }
        let signer = Signer::with_header_json(key.clone(), &json).map_err(JwsSignError::Header)?;
        signer.sign(payload)
    }
}
