//! `boltguard.jwt`: JSON Web Tokens in the shape of PyJWT.

use boltguard::jws::{HeaderFields, UnverifiedJws, VerifiedJws, insecure, sign};
use boltguard::jwt::{AdmittedClaims, Claims, ClaimsPolicy};
use boltguard::keys::{Algorithm, Key, SigningKey};
use boltguard::types::Wanted;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};

use crate::claims_error::claims_error;
use crate::errors::{jws_error, key_error, token_sign_error, warn_of_old_argument};
use crate::json_to_py;
use crate::jws::{self, Verification};
use crate::options::{Expectations, Options, check_strict_audience};
use crate::py_to_json::{self, Extras};
use crate::signing;
use crate::time::{self, Seconds};
use crate::token;

/// Signs a dict of claims and returns the token.
///
/// `algorithm` is the key's own where it has one, else HS256. `exp`, `iat` and `nbf` may be datetimes.
/// `json_encoder` is a subclass of `json.JSONEncoder`, whose `default` is asked about objects that JSON has no word
/// for.
#[pyfunction]
#[pyo3(signature = (payload, key, algorithm=None, headers=None, json_encoder=None, sort_headers=true))]
pub(crate) fn jwt_encode(
    payload: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    algorithm: Option<&Bound<'_, PyAny>>,
    headers: Option<&Bound<'_, PyAny>>,
    json_encoder: Option<&Bound<'_, PyAny>>,
    sort_headers: bool,
) -> PyResult<String> {
    // Headers are sorted either way.
    let _ = sort_headers;
    let payload = payload.cast::<PyMapping>().map_err(|_| {
        PyTypeError::new_err("the payload must be a dict: a JWT holds a JSON object")
    })?;
    let hook = json_encoder.map(default_of).transpose()?;
    let extras = hook.as_ref().map_or(Extras::Refuse, Extras::Hook);
    let mut json = String::with_capacity(USUAL_CLAIMS);
    py_to_json::write_claims(&py_to_json::dict_of(payload)?, extras, &mut json)?;
    signing::sign(json.as_bytes(), key, algorithm, headers)
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

/// `default` of an encoder class.
fn default_of<'py>(encoder: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    encoder.call0()?.getattr(intern!(encoder.py(), "default"))
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
        (None, None) => Err(token::malformed(py, "the token is missing")),
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
    let token = token::text(token)?;
    let options = options.map(Options::read).transpose()?.unwrap_or_default();
    let policy = options.policy(expected)?;
    if expected
        .verify
        .is_some_and(|verify| verify != options.verify_signature)
    {
        warn_of_old_argument(
            py,
            c"`verify` has no effect: use options={'verify_signature': ...}",
        )?;
    }
    let claims = admit(py, token, verification, &options, &policy, now)?;
    let claims = json_to_py::object(py, claims.as_json())?;
    if options.checks_strict_audience() {
        check_strict_audience(&claims, expected.audience)?;
    }
    Ok(claims)
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
    let token = verification.whole_token(py, token)?;
    let admit = |jws: VerifiedJws<'_>| {
        let claims = Claims::read(jws, &Wanted::new());
        claims.and_then(|claims| policy.admit(claims, now))
    };
    let admitted = if options.verify_signature {
        verification.verified(py, &token, options.enforce_minimum_key_length, admit)?
    } else {
        let (resigned, key) = vouch_for_anything(py, &token)?;
        let jws = UnverifiedJws::parse(&resigned).and_then(|jws| jws.verify(key.verifying_key()));
        admit(jws.map_err(|error| jws_error(py, error))?)
    };
    admitted.map_err(|error| claims_error(py, error, &token, options))
}

/// The token signed anew with a key of the moment, so that its claims can be read although nobody knows who
/// wrote them. This is what `verify_signature=False` asks for.
#[cold]
fn vouch_for_anything(py: Python<'_>, token: &str) -> PyResult<(String, SigningKey)> {
    let payload = insecure::payload(token).map_err(|error| jws_error(py, error))?;
    let header = jws::unverified_header_of(py, token)?;
    let typ = header
        .get_item(intern!(py, "typ"))?
        .and_then(|typ| typ.extract::<String>().ok());
    let fields = match typ {
        Some(typ) => HeaderFields::bare().with("typ", typ),
        None => HeaderFields::bare(),
    };
    let key =
        Key::generate(Algorithm::Hs256).and_then(|key| SigningKey::new(&key, Algorithm::Hs256));
    let key = key.map_err(|error| key_error(py, error))?;
    let token = sign(&payload, &fields, &key).map_err(|error| token_sign_error(py, error))?;
    Ok((token, key))
}
