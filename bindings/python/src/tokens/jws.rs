//! `boltguard.jws`: JSON Web Signatures over any payload.

use std::borrow::Cow;

use boltguard::jws::{JwsError, UnencodedJws, UnverifiedJws, VerifiedJws, Verifier, insecure};
use boltguard::keys::{Algorithm, KeyError, KeySet, VerifyingKey};
use boltguard::types::ReasonCode;
use boltguard_encoding::base64url;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::errors::{Class, coded, jws_error, key_error};
use crate::json::from_python::Extras;
use crate::json::to_python;
use crate::keys::algorithms::{Algorithms, takes_long_to_verify};
use crate::keys::argument::{KeyArgument, own_algorithm};
use crate::keys::prepared::PreparedKey;
use crate::keys::weak::{refuse_weak_key, warn_of_weak_key};
use crate::tokens::encoder;
use crate::tokens::options::Options;
use crate::tokens::signing::{Payload, Signing};
use crate::tokens::text;

/// Signs any payload and returns the token.
#[pyfunction]
#[pyo3(signature = (
    payload, key, algorithm=None, headers=None, *, json_encoder=None, sort_headers=true, is_payload_detached=false,
    enforce_minimum_key_length=false,
))]
#[expect(clippy::too_many_arguments, reason = "PyJWT's signature")]
pub(crate) fn jws_sign(
    payload: &[u8],
    key: &Bound<'_, PyAny>,
    algorithm: Option<&Bound<'_, PyAny>>,
    headers: Option<&Bound<'_, PyAny>>,
    json_encoder: Option<&Bound<'_, PyAny>>,
    sort_headers: bool,
    is_payload_detached: bool,
    enforce_minimum_key_length: bool,
) -> PyResult<String> {
    let hook = json_encoder.map(encoder::default_of).transpose()?;
    let signing = Signing {
        algorithm,
        headers,
        extras: hook.as_ref().map_or(Extras::Refuse, Extras::Hook),
        sort_headers,
        refuses_weak_keys: enforce_minimum_key_length,
        payload: match is_payload_detached {
            true => Payload::Detached,
            false => Payload::EncodedByDefault,
        },
    };
    signing.sign(payload, key)
}

/// Verifies a token and returns its payload.
#[pyfunction]
#[pyo3(signature = (token, key, algorithms=None, detached_payload=None, *, enforce_minimum_key_length=false))]
pub(crate) fn jws_verify<'py>(
    token: &Bound<'py, PyAny>,
    key: &Bound<'py, PyAny>,
    algorithms: Option<&Bound<'py, PyAny>>,
    detached_payload: Option<&[u8]>,
    enforce_minimum_key_length: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let verification = Verification {
        key: Some(key),
        algorithms,
        detached_payload,
    };
    let mut options = Options::default();
    options.enforce_minimum_key_length = enforce_minimum_key_length;
    verification.payload(token, &options)
}

/// Raises an error for options that a JWS doesn't have, and for invalid ones.
#[pyfunction]
pub(crate) fn jws_check_options(options: &Bound<'_, PyAny>) -> PyResult<()> {
    Options::read_for_jws(options).map(drop)
}

/// The header of a token, without verification.
#[pyfunction]
pub(crate) fn unverified_header<'py>(jwt: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    unverified_header_of(jwt.py(), text::text(jwt)?)
}

/// Verifies a token, unless the options say otherwise, and returns its `header`, its `payload` and its `signature`.
#[pyfunction]
#[pyo3(signature = (token, key=None, algorithms=None, detached_payload=None, options=None))]
pub(crate) fn jws_verify_complete<'py>(
    token: &Bound<'py, PyAny>,
    key: Option<&Bound<'py, PyAny>>,
    algorithms: Option<&Bound<'py, PyAny>>,
    detached_payload: Option<&[u8]>,
    options: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = options.map(Options::read_for_jws).transpose()?;
    let options = options.unwrap_or_default();
    let verification = Verification {
        key,
        algorithms,
        detached_payload,
    };
    let payload = verification.payload(token, &options)?;
    complete(token, payload.as_any())
}

/// The parts of a token whose payload was verified.
pub(crate) fn complete<'py>(
    token: &Bound<'py, PyAny>,
    payload: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let (py, text) = (token.py(), text::text(token)?);
    let signature = insecure::signature(text).map_err(|error| jws_error(py, error))?;
    let parts = PyDict::new(py);
    parts.set_item(intern!(py, "header"), unverified_header_of(py, text)?)?;
    parts.set_item(intern!(py, "payload"), payload)?;
    parts.set_item(intern!(py, "signature"), PyBytes::new(py, &signature))?;
    Ok(parts)
}

/// The header of a token, without verification. As in PyJWT, only its JSON, `kid` and `crit` are checked.
pub(crate) fn unverified_header_of<'py>(
    py: Python<'py>,
    token: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let json = insecure::header_text(token).map_err(|error| jws_error(py, error))?;
    let header =
        to_python::object(py, &json).map_err(|_| jws_error(py, JwsError::HeaderInvalid))?;
    match header.get_item(intern!(py, "kid"))? {
        Some(kid) if kid.cast::<PyString>().is_err() => Err(jws_error(py, JwsError::HeaderInvalid)),
        _ if !has_known_extensions(&header)? => Err(jws_error(py, JwsError::CriticalHeader)),
        _ => Ok(header),
    }
}

/// Whether `crit` is absent, or lists only `b64`, the only supported extension, which must be present then.
fn has_known_extensions(header: &Bound<'_, PyDict>) -> PyResult<bool> {
    let py = header.py();
    let Some(critical) = header.get_item(intern!(py, "crit"))? else {
        return Ok(true);
    };
    let names = critical.extract::<Vec<String>>().unwrap_or_default();
    Ok(names == ["b64"] && header.contains(intern!(py, "b64"))?)
}

/// The arguments for the verification of a signature.
pub(crate) struct Verification<'a, 'py> {
    pub(crate) key: Option<&'a Bound<'py, PyAny>>,
    pub(crate) algorithms: Option<&'a Bound<'py, PyAny>>,
    pub(crate) detached_payload: Option<&'a [u8]>,
}

impl<'py> Verification<'_, 'py> {
    fn payload(
        &self,
        token: &Bound<'py, PyAny>,
        options: &Options,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let py = token.py();
        let text = text::text(token)?;
        let token = self.whole_token(py, text)?;
        if options.verify_signature {
            return self.verified(
                py,
                text,
                &token,
                options.enforce_minimum_key_length,
                |jws| PyBytes::new(py, jws.payload()),
            );
        }
        let payload = insecure::payload(&token).map_err(|error| jws_error(py, error))?;
        Ok(PyBytes::new(py, &payload))
    }

    /// The token including its detached payload, RFC 7515 appendix F.
    pub(crate) fn whole_token<'t>(&self, py: Python<'_>, token: &'t str) -> PyResult<Cow<'t, str>> {
        let Some(payload) = self.detached_payload else {
            return Ok(Cow::Borrowed(token));
        };
        let (header, signature) = token
            .split_once("..")
            .ok_or_else(|| jws_error(py, JwsError::Malformed))?;
        Ok(Cow::Owned(format!(
            "{header}.{}.{signature}",
            base64url::encode(payload)
        )))
    }

    /// Verifies the signature and calls `then` with the result. `token` is `text` including its detached payload.
    pub(crate) fn verified<T>(
        &self,
        py: Python<'_>,
        text: &str,
        token: &str,
        refuses_weak_keys: bool,
        then: impl FnOnce(VerifiedJws<'_>) -> T,
    ) -> PyResult<T> {
        let verified = self.verify(py, text, token, refuses_weak_keys, then);
        verified.map_err(|error| match self.detached_payload {
            None if UnencodedJws::parse(text, b"").is_ok() => detached(py),
            _ => error,
        })
    }

    fn verify<T>(
        &self,
        py: Python<'_>,
        text: &str,
        token: &str,
        refuses_weak_keys: bool,
        then: impl FnOnce(VerifiedJws<'_>) -> T,
    ) -> PyResult<T> {
        let allowed = self.allowed(py)?;
        let key = self.key.ok_or_else(|| key_error(py, KeyError::Empty))?;
        let key = KeyArgument::read(key, &allowed)?;
        if let Some(payload) = self.detached_payload
            && is_unencoded(token)
        {
            return verify_unencoded(py, (text, payload), &key, &allowed, refuses_weak_keys)
                .map(then);
        }
        match key {
            KeyArgument::One(key) => {
                let (algorithm, verifier) = verifier_for(py, token, &key, &allowed)?;
                check_strength(py, verifier.keys(), &allowed, refuses_weak_keys)?;
                let verify = || verifier.verify(token);
                detached_if(py, takes_long_to_verify(algorithm), verify).map(then)
            }
            KeyArgument::Rotating(keys) => {
                let keys = keys.get().load();
                check_strength(py, &keys, &allowed, refuses_weak_keys)?;
                verify_among(py, token, &keys, &allowed).map(then)
            }
            KeyArgument::Set(keys) => {
                check_strength(py, &keys, &allowed, refuses_weak_keys)?;
                verify_among(py, token, &keys, &allowed).map(then)
            }
        }
    }

    fn allowed(&self, py: Python<'_>) -> PyResult<Algorithms> {
        if let Some(names) = self.algorithms {
            return Algorithms::read_except_none(names);
        }
        match self.key.and_then(own_algorithm) {
            Some(own) => Ok(Algorithms::one(own)),
            None => {
                let message =
                    "algorithms is required; list the algorithms that the key is used with";
                Err(coded(
                    py,
                    Class::DecodeError,
                    ReasonCode::AlgorithmNotAllowed,
                    message,
                ))
            }
        }
    }
}

/// Warns if a secret is shorter than the hash of its algorithm, or rejects it.
fn check_strength(
    py: Python<'_>,
    keys: &KeySet,
    allowed: &Algorithms,
    refuses_weak_keys: bool,
) -> PyResult<()> {
    let is_weak = |key: &&VerifyingKey| key.is_weak() && allowed.contains(key.algorithm());
    match keys.keys().iter().find(is_weak) {
        None => Ok(()),
        Some(key) if refuses_weak_keys => Err(refuse_weak_key(py, key.algorithm())),
        Some(key) => warn_of_weak_key(py, key.algorithm()),
    }
}

/// The verifier for a token. It is a key error if the key can't be used with any of the allowed algorithms, and a
/// token error if it can only be used with others than the token's.
fn verifier_for<'k>(
    py: Python<'_>,
    token: &str,
    key: &'k PreparedKey,
    allowed: &Algorithms,
) -> PyResult<(Algorithm, &'k Verifier)> {
    let algorithm = match allowed.as_slice() {
        [only] => *only,
        _ => allowed_algorithm_of(token, allowed).map_err(|error| jws_error(py, error))?,
    };
    let verifier = key.verifier(algorithm).map_err(|error| {
        let is_usable = |other: &Algorithm| key.verifier(*other).is_ok();
        if allowed.as_slice().iter().any(is_usable) {
            jws_error(py, JwsError::AlgorithmNotAllowed)
        } else {
            key_error(py, error)
        }
    })?;
    Ok((algorithm, verifier))
}

fn verify_among<'t>(
    py: Python<'_>,
    token: &'t str,
    keys: &KeySet,
    allowed: &Algorithms,
) -> PyResult<VerifiedJws<'t>> {
    let verify = || {
        let jws = UnverifiedJws::parse(token)?;
        if !allowed.contains(jws.unverified_header().algorithm()) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        jws.verify_among(keys)
    };
    let is_long = allowed
        .as_slice()
        .iter()
        .any(|algorithm| takes_long_to_verify(*algorithm));
    detached_if(py, is_long, verify)
}

#[cold]
fn detached(py: Python<'_>) -> PyErr {
    let message = "the payload is detached; pass it as detached_payload";
    coded(py, Class::DecodeError, ReasonCode::CriticalHeader, message)
}

/// Whether the header has critical extensions. The only supported one is an unencoded payload.
fn is_unencoded(token: &str) -> bool {
    matches!(UnverifiedJws::parse(token), Err(JwsError::CriticalHeader))
}

/// Verifies a token with an unencoded, detached payload, RFC 7797.
#[cold]
fn verify_unencoded(
    py: Python<'_>,
    (token, payload): (&str, &[u8]),
    key: &KeyArgument<'_>,
    allowed: &Algorithms,
    refuses_weak_keys: bool,
) -> PyResult<VerifiedJws<'static>> {
    let refused = |error| jws_error(py, error);
    let jws = UnencodedJws::parse(token, payload).map_err(refused)?;
    let algorithm = jws.unverified_header().algorithm();
    if !allowed.contains(algorithm) {
        return Err(refused(JwsError::AlgorithmNotAllowed));
    }
    let verify = |keys: &KeySet| {
        check_strength(py, keys, allowed, refuses_weak_keys)?;
        jws.verify_among(keys).map_err(refused)
    };
    match key {
        KeyArgument::One(key) => {
            let verifier = key
                .verifier(algorithm)
                .map_err(|error| key_error(py, error))?;
            verify(verifier.keys())
        }
        KeyArgument::Rotating(keys) => verify(&keys.get().load()),
        KeyArgument::Set(keys) => verify(keys),
    }
}

/// Lets other Python threads run during the verification if it takes long.
fn detached_if<T: Send>(
    py: Python<'_>,
    is_long: bool,
    verify: impl FnOnce() -> Result<T, JwsError> + Send,
) -> PyResult<T> {
    let verified = if is_long { py.detach(verify) } else { verify() };
    verified.map_err(|error| jws_error(py, error))
}

fn allowed_algorithm_of(token: &str, allowed: &Algorithms) -> Result<Algorithm, JwsError> {
    let algorithm = UnverifiedJws::parse(token)?.unverified_header().algorithm();
    if allowed.contains(algorithm) {
        Ok(algorithm)
    } else {
        Err(JwsError::AlgorithmNotAllowed)
    }
}
