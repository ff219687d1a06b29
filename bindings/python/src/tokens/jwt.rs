//! `boltguard.jwt`: JSON Web Tokens in the shape of PyJWT.

use boltguard::grants::Requirements;
use boltguard::jws::{HeaderFields, UnverifiedJws, VerifiedJws, insecure};
use boltguard::jwt::{AdmittedClaims, Claims, ClaimsError, ClaimsPolicy};
use boltguard::types::NumericDate;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::errors::{jws_error, token_sign_error, warn_of_old_argument};
use crate::json::from_python::{self, Extras};
use crate::json::to_python;
use crate::time::{self, Seconds};
use crate::tokens::claims_error::claims_error;
use crate::tokens::encoder;
use crate::tokens::jws::{self, Verification};
use crate::tokens::options::{Expectations, Options, check_strict_audience};
use crate::tokens::signing::{Payload, Signing};
use crate::tokens::text;

/// Signs a dict of claims and returns the token.
///
/// `algorithm` is the key's own where it has one, else HS256. `exp`, `iat` and `nbf` may be datetimes.
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
    let payload = payload.cast::<PyMapping>().map_err(|_| {
        PyTypeError::new_err("the payload must be a dict: a JWT holds a JSON object")
    })?;
    let hook = json_encoder.map(encoder::default_of).transpose()?;
    let extras = hook.as_ref().map_or(Extras::Refuse, Extras::Hook);
    let mut claims = from_python::dict_of(payload)?;
    if let Some(encoder) = json_encoder {
        claims = encoder::encoded(encoder, claims)?;
    }
    let mut json = String::with_capacity(USUAL_CLAIMS);
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

/// Room for the claims of most tokens.
const USUAL_CLAIMS: usize = 512;

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
    let token = one_token(py, jwt, token)?;
    let expected = Expectations {
        audience,
        issuer,
        subject,
        leeway,
        verify,
    };
    let verification = Verification {
        key,
        algorithms,
        detached_payload,
    };
    decode_claims(token, &verification, options, &expected, now)
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
    let token = one_token(py, jwt, token)?;
    let expected = Expectations {
        audience,
        issuer,
        subject,
        leeway,
        verify,
    };
    let verification = Verification {
        key,
        algorithms,
        detached_payload,
    };
    let claims = decode_claims(token, &verification, options, &expected, now)?;
    jws::complete(token, claims.as_any())
}

/// Refuses options that can't be meant, and warns of a `verify` that they contradict.
#[pyfunction]
#[pyo3(signature = (options, *, verify=None))]
pub(crate) fn jwt_check_options(options: &Bound<'_, PyAny>, verify: Option<bool>) -> PyResult<()> {
    let read = Options::read(options)?;
    check_old_argument(options.py(), verify, &read)
}

/// Checks claims that a subclass of `PyJWT` has decoded in its own way from a payload whose signature was checked.
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
        verify: None,
    };
    let options = options.map(Options::read).transpose()?.unwrap_or_default();
    let policy = options.policy(&expected)?;
    let mut json = String::new();
    from_python::write_object(payload, Extras::Refuse, &mut json)?;
    let token = unsigned(json.as_bytes(), header)?;
    let now = now.map_or_else(time::now, Seconds::since_epoch);
    let admitted = assume_verified(py, &token, |jws| policed((&policy, &options), jws, now))?;
    admitted.map_err(|error| claims_error(py, &error))?;
    if options.checks_strict_audience() {
        check_strict_audience(payload, audience)?;
    }
    Ok(())
}

/// PyJWT calls it `jwt`, most others `token`.
fn one_token<'a, 'py>(
    py: Python<'py>,
    jwt: Option<&'a Bound<'py, PyAny>>,
    token: Option<&'a Bound<'py, PyAny>>,
) -> PyResult<&'a Bound<'py, PyAny>> {
    match (jwt, token) {
        (Some(jwt), None) | (None, Some(jwt)) => Ok(jwt),
        // As in PyJWT, a token that a request did not bring is no token.
        (None, None) => Err(text::malformed(py, "the token is missing")),
        (Some(_), Some(_)) => Err(PyTypeError::new_err(
            "`jwt` and `token` are two names of one argument",
        )),
    }
}

fn decode_claims<'py>(
    token: &Bound<'py, PyAny>,
    verification: &Verification<'_, 'py>,
    options: Option<&Bound<'py, PyAny>>,
    expected: &Expectations<'_, 'py>,
    now: Option<Seconds>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = token.py();
    let token = text::text(token)?;
    let options = options.map(Options::read).transpose()?.unwrap_or_default();
    let policy = options.policy(expected)?;
    check_old_argument(py, expected.verify, &options)?;
    let claims = admit(py, token, verification, &options, &policy, now)?;
    let claims = to_python::object(py, claims.as_json())?;
    if options.checks_strict_audience() {
        check_strict_audience(&claims, expected.audience)?;
    }
    Ok(claims)
}

fn check_old_argument(py: Python<'_>, verify: Option<bool>, options: &Options) -> PyResult<()> {
    if verify.is_none_or(|verify| verify == options.verify_signature) {
        return Ok(());
    }
    warn_of_old_argument(
        py,
        c"`verify` has no effect: use options={'verify_signature': ...}",
    )
}

fn admit(
    py: Python<'_>,
    token: &str,
    verification: &Verification<'_, '_>,
    options: &Options,
    policy: &ClaimsPolicy,
    now: Option<Seconds>,
) -> PyResult<AdmittedClaims> {
    let now = now.map_or_else(time::now, Seconds::since_epoch);
    let text = token;
    let token = verification.whole_token(py, text)?;
    let admit = |jws: VerifiedJws<'_>| policed((policy, options), jws, now);
    let admitted = if options.verify_signature {
        verification.verified(py, text, &token, options.enforce_minimum_key_length, admit)?
    } else {
        let payload = insecure::payload(&token).map_err(|error| jws_error(py, error))?;
        let header = jws::unverified_header_of(py, &token)?;
        assume_verified(py, &unsigned(&payload, &header)?, admit)?
    };
    admitted.map_err(|error| claims_error(py, &error))
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

/// A token of these claims with the same `typ`, so that they can be read whatever `alg` the header names, `none`
/// included.
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
