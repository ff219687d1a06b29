//! `boltguard.jwt`: JSON Web Tokens, with the API of PyJWT.

use boltguard::grants::Requirements;
use boltguard::jws::{HeaderFields, UnverifiedJws, VerifiedJws, insecure};
use boltguard::jwt::{AdmittedClaims, Claims, ClaimsError, ClaimsPolicy};
use boltguard::types::NumericDate;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::clock;
use crate::errors::{jws_error, token_sign_error, warn_of_old_argument};
use crate::json::from_python::{self, Extras};
use crate::json::to_python;
use crate::time::Seconds;
use crate::tokens::claims_error::claims_error;
use crate::tokens::encoder;
use crate::tokens::jws::{self, Verification};
use crate::tokens::options::{Expectations, Options, check_strict_audience};
use crate::tokens::signing::{Payload, Signing};
use crate::tokens::text;

/// Signs a dict of claims and returns the token.
///
/// `algorithm` defaults to the algorithm of the key, or else HS256. `exp`, `iat` and `nbf` may be datetimes.
/// `json_encoder` is a subclass of `json.JSONEncoder`, for the claims and the headers.
#[pyfunction]
#[pyo3(signature = (
    payload, key, algorithm=None, headers=None, json_encoder=None, sort_headers=true, *,
    enforce_minimum_key_length=false,
))]
pub(crate) fn jwt_encode(
    payload: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    algorithm: Option<&Bound<'_, PyAny>>,
    headers: Option<&Bound<'_, PyAny>>,
    json_encoder: Option<&Bound<'_, PyAny>>,
    sort_headers: bool,
    enforce_minimum_key_length: bool,
) -> PyResult<String> {
    let payload = payload
        .cast::<PyMapping>()
        .map_err(|_| PyTypeError::new_err("the payload of a JWT must be a dict"))?;
    let hook = json_encoder.map(encoder::default_of).transpose()?;
    let extras = hook.as_ref().map_or(Extras::Refuse, Extras::Hook);
    let mut claims = from_python::dict_of(payload)?;
    if let Some(encoder) = json_encoder {
        claims = encoder::encoded(encoder, claims)?;
    }
    let mut json = String::with_capacity(CAPACITY);
    from_python::write_claims(&claims, extras, &mut json)?;
    let signing = Signing {
        algorithm,
        headers,
        extras,
        sort_headers,
        refuses_weak_keys: enforce_minimum_key_length,
        payload: Payload::Encoded,
    };
    signing.sign(json.as_bytes(), key)
}

/// Enough for the claims of most tokens.
const CAPACITY: usize = 512;

/// Verifies a token and returns its claims.
#[pyfunction]
#[pyo3(signature = (
    jwt=None, key=None, algorithms=None, options=None, verify=None, detached_payload=None,
    audience=None, subject=None, issuer=None, leeway=None, *, now=None, token=None,
))]
#[expect(clippy::too_many_arguments, reason = "PyJWT's signature")]
pub(crate) fn jwt_decode<'py>(
    py: Python<'py>,
    jwt: Option<&Bound<'py, PyAny>>,
    key: Option<&Bound<'py, PyAny>>,
    algorithms: Option<&Bound<'py, PyAny>>,
    options: Option<&Bound<'py, PyAny>>,
    verify: Option<bool>,
    detached_payload: Option<&[u8]>,
    audience: Option<&Bound<'py, PyAny>>,
    subject: Option<&Bound<'py, PyAny>>,
    issuer: Option<&Bound<'py, PyAny>>,
    leeway: Option<Seconds>,
    now: Option<Seconds>,
    token: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let arguments = DecodeArguments {
        jwt,
        token,
        verification: Verification {
            key,
            algorithms,
            detached_payload,
        },
        options,
        verify,
        expected: Expectations {
            audience,
            issuer,
            subject,
            leeway,
        },
        now,
    };
    arguments.decode(py)
}

/// Verifies a token and returns its `header`, its `payload` and its `signature`.
#[pyfunction]
#[pyo3(signature = (
    jwt=None, key=None, algorithms=None, options=None, verify=None, detached_payload=None,
    audience=None, issuer=None, subject=None, leeway=None, *, now=None, token=None,
))]
#[expect(clippy::too_many_arguments, reason = "PyJWT's signature")]
pub(crate) fn jwt_decode_complete<'py>(
    py: Python<'py>,
    jwt: Option<&Bound<'py, PyAny>>,
    key: Option<&Bound<'py, PyAny>>,
    algorithms: Option<&Bound<'py, PyAny>>,
    options: Option<&Bound<'py, PyAny>>,
    verify: Option<bool>,
    detached_payload: Option<&[u8]>,
    audience: Option<&Bound<'py, PyAny>>,
    issuer: Option<&Bound<'py, PyAny>>,
    subject: Option<&Bound<'py, PyAny>>,
    leeway: Option<Seconds>,
    now: Option<Seconds>,
    token: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let arguments = DecodeArguments {
        jwt,
        token,
        verification: Verification {
            key,
            algorithms,
            detached_payload,
        },
        options,
        verify,
        expected: Expectations {
            audience,
            issuer,
            subject,
            leeway,
        },
        now,
    };
    let claims = arguments.decode(py)?;
    jws::complete(arguments.token(py)?, claims.as_any())
}

/// Raises an error for invalid options, and warns if `verify` contradicts them.
#[pyfunction]
#[pyo3(signature = (options, *, verify=None))]
pub(crate) fn jwt_check_options(options: &Bound<'_, PyAny>, verify: Option<bool>) -> PyResult<()> {
    let read = Options::read(options)?;
    check_old_argument(options.py(), verify, &read)
}

/// Checks claims that a subclass of `PyJWT` has decoded from a verified payload.
#[pyfunction]
#[pyo3(signature = (
    payload, header, *, options=None, audience=None, issuer=None, subject=None, leeway=None, now=None,
))]
#[expect(clippy::too_many_arguments, reason = "PyJWT's signature")]
pub(crate) fn jwt_check_claims(
    payload: &Bound<'_, PyDict>,
    header: &Bound<'_, PyDict>,
    options: Option<&Bound<'_, PyAny>>,
    audience: Option<&Bound<'_, PyAny>>,
    issuer: Option<&Bound<'_, PyAny>>,
    subject: Option<&Bound<'_, PyAny>>,
    leeway: Option<Seconds>,
    now: Option<Seconds>,
) -> PyResult<()> {
    let py = payload.py();
    let expected = Expectations {
        audience,
        issuer,
        subject,
        leeway,
    };
    let options = options.map(Options::read).transpose()?.unwrap_or_default();
    let policy = options.policy(&expected)?;
    let mut json = String::new();
    from_python::write_object(payload, Extras::Refuse, &mut json)?;
    let token = unsigned(json.as_bytes(), header)?;
    let now = now.map_or_else(clock::now, Seconds::since_epoch);
    let admitted = assume_verified(py, &token, |jws| policed((&policy, &options), jws, now))?;
    admitted.map_err(|error| claims_error(py, &error))?;
    if options.checks_strict_audience() {
        check_strict_audience(payload, audience)?;
    }
    Ok(())
}

/// The arguments of `decode` and `decode_complete`.
struct DecodeArguments<'a, 'py> {
    jwt: Option<&'a Bound<'py, PyAny>>,
    /// Another name of `jwt`.
    token: Option<&'a Bound<'py, PyAny>>,
    verification: Verification<'a, 'py>,
    options: Option<&'a Bound<'py, PyAny>>,
    /// PyJWT's deprecated argument, which has no effect.
    verify: Option<bool>,
    expected: Expectations<'a, 'py>,
    /// The time at which the token is checked. By default, the current time.
    now: Option<Seconds>,
}

impl<'a, 'py> DecodeArguments<'a, 'py> {
    fn token(&self, py: Python<'py>) -> PyResult<&'a Bound<'py, PyAny>> {
        match (self.jwt, self.token) {
            (Some(token), None) | (None, Some(token)) => Ok(token),
            // As in PyJWT, so that a request without a token is rejected like one with an invalid token.
            (None, None) => Err(text::malformed(py, "the token is missing")),
            (Some(_), Some(_)) => Err(PyTypeError::new_err(
                "jwt and token are names of the same argument; pass only one of them",
            )),
        }
    }

    /// Verifies the token and returns its claims.
    fn decode(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let token = text::text(self.token(py)?)?;
        let options = self.options.map(Options::read).transpose()?;
        let options = options.unwrap_or_default();
        let policy = options.policy(&self.expected)?;
        check_old_argument(py, self.verify, &options)?;
        let claims = self.admit(py, token, &options, &policy)?;
        let claims = to_python::object(py, claims.as_json())?;
        if options.checks_strict_audience() {
            check_strict_audience(&claims, self.expected.audience)?;
        }
        Ok(claims)
    }

    fn admit(
        &self,
        py: Python<'_>,
        text: &str,
        options: &Options,
        policy: &ClaimsPolicy,
    ) -> PyResult<AdmittedClaims> {
        let now = self.now.map_or_else(clock::now, Seconds::since_epoch);
        let token = self.verification.whole_token(py, text)?;
        let admit = |jws: VerifiedJws<'_>| policed((policy, options), jws, now);
        let admitted = if options.verify_signature {
            let refuses_weak_keys = options.enforce_minimum_key_length;
            self.verification
                .verified(py, text, &token, refuses_weak_keys, admit)?
        } else {
            let payload = insecure::payload(&token).map_err(|error| jws_error(py, error))?;
            let header = jws::unverified_header_of(py, &token)?;
            assume_verified(py, &unsigned(&payload, &header)?, admit)?
        };
        admitted.map_err(|error| claims_error(py, &error))
    }
}

fn check_old_argument(py: Python<'_>, verify: Option<bool>, options: &Options) -> PyResult<()> {
    if verify.is_none_or(|verify| verify == options.verify_signature) {
        return Ok(());
    }
    warn_of_old_argument(
        py,
        c"verify has no effect; use options={'verify_signature': ...}",
    )
}

fn policed(
    (policy, options): (&ClaimsPolicy, &Options),
    jws: VerifiedJws<'_>,
    now: NumericDate,
) -> Result<AdmittedClaims, ClaimsError> {
    let claims = policy.admit(Claims::read(jws, &Requirements::new())?, now)?;
    match claims.issued() {
        // PyJWT treats `iat` as a second `nbf`.
        Some(nbf) if options.refuses_future() && now + policy.leeway() < nbf => {
            Err(ClaimsError::NotYetValid { nbf, now })
        }
        _ => Ok(claims),
    }
}

/// A token of these claims with the same `typ`, so that they can be read with any `alg` in the header, including
/// `none`.
#[cold]
fn unsigned(payload: &[u8], header: &Bound<'_, PyDict>) -> PyResult<String> {
    let py = header.py();
    let typ = header
        .get_item(intern!(py, "typ"))?
        .and_then(|typ| typ.extract::<String>().ok());
    let fields = match typ {
        Some(typ) => HeaderFields::empty().with("typ", typ),
        None => HeaderFields::empty(),
    };
    insecure::unsigned(payload, &fields).map_err(|error| token_sign_error(py, error))
}

/// Calls `then` with a token whose signature was checked elsewhere, or isn't to be checked: `verify_signature=False`.
fn assume_verified<T>(
    py: Python<'_>,
    token: &str,
    then: impl FnOnce(VerifiedJws<'_>) -> T,
) -> PyResult<T> {
    let jws = UnverifiedJws::parse(token).and_then(insecure::assume_verified);
    jws.map(then).map_err(|error| jws_error(py, error))
}
