//! PyJWT's `options`, and the other arguments for the validation of claims.

use std::borrow::Cow;
use std::sync::LazyLock;

use boltguard::jwt::ClaimsPolicy;
use boltguard::types::ReasonCode;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyMapping, PyString};

use crate::errors::{Class, coded};
use crate::json::from_python::dict_of;
use crate::time::Seconds;

/// The expected claims, by PyJWT's names.
#[derive(Default)]
pub(crate) struct Expectations<'a, 'py> {
    pub(crate) audience: Option<&'a Bound<'py, PyAny>>,
    pub(crate) issuer: Option<&'a Bound<'py, PyAny>>,
    pub(crate) subject: Option<&'a Bound<'py, PyAny>>,
    pub(crate) leeway: Option<Seconds>,
}

impl Expectations<'_, '_> {
    /// Whether all arguments were omitted.
    fn are_none(&self) -> bool {
        self.audience.is_none()
            && self.issuer.is_none()
            && self.subject.is_none()
            && self.leeway.is_none()
    }
}

/// PyJWT's options, by PyJWT's names.
pub(crate) struct Options {
    pub(crate) verify_signature: bool,
    pub(crate) enforce_minimum_key_length: bool,
    are_default: bool,
    strict_audience: bool,
    require: Option<Vec<String>>,
    media_type: Option<String>,
    checks: Checks,
}

/// The options for a single claim, each `None` if it was omitted.
#[derive(Default)]
struct Checks {
    audience: Option<bool>,
    expiry: Option<bool>,
    issued_at: Option<bool>,
    issuer: Option<bool>,
    not_before: Option<bool>,
    subject: Option<bool>,
    token_id: Option<bool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verify_signature: true,
            enforce_minimum_key_length: false,
            are_default: true,
            strict_audience: false,
            require: None,
            media_type: None,
            checks: Checks::default(),
        }
    }
}

impl Options {
    /// Reads a mapping. An unknown option is an error, because it would have no effect.
    pub(crate) fn read(options: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read_among(options, &NAMES)
    }

    /// Reads the options for a JWS, whose payload may be anything.
    pub(crate) fn read_for_jws(options: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read_among(options, &JWS_NAMES)
    }

    fn read_among(options: &Bound<'_, PyAny>, names: &[&str]) -> PyResult<Self> {
        let mapping = options
            .cast::<PyMapping>()
            .map_err(|_| PyTypeError::new_err("options must be a mapping"))?;
        let mut read = Self {
            are_default: false,
            ..Self::default()
        };
        for (name, value) in dict_of(mapping)? {
            let Ok(name) = name.cast::<PyString>() else {
                return Err(PyTypeError::new_err("the names of options must be strings"));
            };
            if !names.contains(&name.to_str()?) {
                return Err(unknown_option(name, names));
            }
            read.set(name, &value)?;
        }
        Ok(read)
    }

    fn set(&mut self, name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let switch = || switch(name, value);
        let checks = &mut self.checks;
        match name.to_str()? {
            "verify_signature" => self.verify_signature = switch()?,
            "strict_aud" => self.strict_audience = switch()?,
            "enforce_minimum_key_length" => self.enforce_minimum_key_length = switch()?,
            "require" => self.require = strings("require", value)?,
            "typ" => self.media_type = media_type(value)?,
            "verify_aud" => checks.audience = Some(switch()?),
            "verify_exp" => checks.expiry = Some(switch()?),
            "verify_iat" => checks.issued_at = Some(switch()?),
            "verify_iss" => checks.issuer = Some(switch()?),
            "verify_jti" => checks.token_id = Some(switch()?),
            "verify_nbf" => checks.not_before = Some(switch()?),
            "verify_sub" => checks.subject = Some(switch()?),
            _ => return Err(unknown_option(name, &NAMES)),
        }
        Ok(())
    }

    /// The required claims.
    ///
    /// By default this is `exp`, unless `verify_exp` or `verify_signature` is `False`.
    pub(crate) fn required(&self) -> Vec<&str> {
        match &self.require {
            Some(names) => names.iter().map(String::as_str).collect(),
            None if self.looks_at("exp") => vec!["exp"],
            None => Vec::new(),
        }
    }

    /// Whether a token is rejected if its `iat` is in the future. RFC 7519 §4.1.6 doesn't require this, so it is only
    /// the case if `verify_iat` is `True`.
    pub(crate) fn refuses_future(&self) -> bool {
        self.checks.issued_at == Some(true)
    }

    /// Whether `aud` and the expected audience must be single strings.
    pub(crate) fn checks_strict_audience(&self) -> bool {
        self.strict_audience && self.looks_at("aud")
    }

    /// Whether this registered claim is checked. As in PyJWT, `verify_signature=False` disables all checks that aren't
    /// enabled explicitly.
    pub(crate) fn looks_at(&self, claim: &str) -> bool {
        let checks = &self.checks;
        let check = match claim {
            "aud" => checks.audience,
            "exp" => checks.expiry,
            "iat" => checks.issued_at,
            "iss" => checks.issuer,
            "jti" => checks.token_id,
            "nbf" => checks.not_before,
            _ => checks.subject,
        };
        check.unwrap_or(self.verify_signature)
    }

    /// The policy for these options and the expected claims.
    pub(crate) fn policy(
        &self,
        expected: &Expectations<'_, '_>,
    ) -> PyResult<Cow<'static, ClaimsPolicy>> {
        static STRICT: LazyLock<ClaimsPolicy> = LazyLock::new(ClaimsPolicy::new);
        if self.are_default && expected.are_none() {
            return Ok(Cow::Borrowed(&STRICT));
        }
        let policy = ClaimsPolicy::new().with_required(self.required());
        let policy = self.without_ignored(policy);
        let policy = match &self.media_type {
            Some(media_type) => policy.with_type(media_type),
            None => policy,
        };
        with_expected(policy, expected).map(Cow::Owned)
    }

    fn without_ignored(&self, policy: ClaimsPolicy) -> ClaimsPolicy {
        type Ignore = fn(ClaimsPolicy) -> ClaimsPolicy;
        let switches: [(&str, Ignore); 7] = [
            ("aud", ClaimsPolicy::ignoring_audience),
            ("exp", ClaimsPolicy::ignoring_expiry),
            ("iat", ClaimsPolicy::ignoring_issued_at),
            ("iss", ClaimsPolicy::ignoring_issuer),
            ("jti", ClaimsPolicy::ignoring_token_id),
            ("nbf", ClaimsPolicy::ignoring_not_before),
            ("sub", ClaimsPolicy::ignoring_subject),
        ];
        let ignored = switches
            .into_iter()
            .filter(|(claim, _)| !self.looks_at(claim));
        ignored.fold(policy, |policy, (_, ignore)| ignore(policy))
    }
}

const NAMES: [&str; 12] = [
    "enforce_minimum_key_length",
    "require",
    "strict_aud",
    "typ",
    "verify_aud",
    "verify_exp",
    "verify_iat",
    "verify_iss",
    "verify_jti",
    "verify_nbf",
    "verify_signature",
    "verify_sub",
];

/// The options for a JWS.
const JWS_NAMES: [&str; 2] = ["enforce_minimum_key_length", "verify_signature"];

/// Only `True` and `False` are accepted. `None` or `"false"` may be the result of a missing or misread setting.
fn switch(name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match value.cast::<PyBool>() {
        Ok(switch) => Ok(switch.is_true()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "the option {:?} must be True or False, not {}",
            name.to_str()?,
            value.get_type().name()?
        ))),
    }
}

fn media_type(value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let mistyped = |_| PyTypeError::new_err("the option \"typ\" must be a string");
    value.extract().map_err(mistyped)
}

/// The error for an unknown option. Its name is shown only if it resembles an option, since it may be a misplaced key.
#[cold]
fn unknown_option(name: &Bound<'_, PyString>, names: &[&str]) -> PyErr {
    let shown = name.to_string_lossy();
    let message = match similar(name, names) {
        _ if NAMES.contains(&&*shown) => {
            format!(
                "the option {shown:?} is for claims, which a JWS may not have; use boltguard.jwt"
            )
        }
        Ok(Some(meant)) => format!("unknown option {shown:?}; did you mean {meant:?}?"),
        _ => format!("unknown option; the options are {}", names.join(", ")),
    };
    PyTypeError::new_err(message)
}

/// The option with the most similar name.
fn similar(name: &Bound<'_, PyString>, names: &[&str]) -> PyResult<Option<String>> {
    let difflib = name.py().import("difflib")?;
    let close = difflib.call_method1("get_close_matches", (name, names, 1))?;
    Ok(close.extract::<Vec<String>>()?.pop())
}

fn with_expected(policy: ClaimsPolicy, expected: &Expectations<'_, '_>) -> PyResult<ClaimsPolicy> {
    let mut policy = policy;
    if let Some(audience) = expected.audience {
        let names = one_or_more_strings(
            audience,
            "audience",
            Class::InvalidAudienceError,
            ReasonCode::AudienceMismatch,
        )?;
        policy = policy.with_audience(names.iter().map(String::as_str));
    }
    if let Some(issuer) = expected.issuer {
        let names = one_or_more_strings(
            issuer,
            "issuer",
            Class::InvalidIssuerError,
            ReasonCode::IssuerMismatch,
        )?;
        policy = policy.with_issuer(names.iter().map(String::as_str));
    }
    if let Some(subject) = expected.subject {
        let subject = subject.cast::<PyString>();
        let subject = subject.map_err(|_| PyTypeError::new_err("subject must be a string"))?;
        policy = policy.with_subject(subject.to_str()?);
    }
    if let Some(leeway) = expected.leeway {
        policy = policy.with_leeway(leeway.as_leeway()?);
    }
    Ok(policy)
}

/// One or more strings. An empty list would match no token, and must not mean that nothing is expected.
fn one_or_more_strings(
    value: &Bound<'_, PyAny>,
    what: &str,
    class: Class,
    code: ReasonCode,
) -> PyResult<Vec<String>> {
    let names = match value.cast::<PyString>() {
        Ok(string) => vec![string.to_str()?.to_owned()],
        Err(_) if value.cast::<PyBytes>().is_ok() => {
            let message = format!("{what} must be a string or a list of strings, not bytes");
            return Err(PyTypeError::new_err(message));
        }
        Err(_) => strings(what, value)?.unwrap_or_default(),
    };
    if names.is_empty() || names.iter().any(String::is_empty) {
        let message = format!(
            "{what} must not be empty or contain an empty string, because no token matches it"
        );
        return Err(coded(value.py(), class, code, message));
    }
    Ok(names)
}

/// A list of strings. A single string is an error, because iterating over it would return its characters.
fn strings(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let mistyped = || PyTypeError::new_err(format!("{what} must be a list of strings"));
    if value.is_none() {
        return Ok(None);
    }
    if value.cast::<PyString>().is_ok() || value.cast::<PyBytes>().is_ok() {
        return Err(mistyped());
    }
    let mut strings = Vec::new();
    for string in value.try_iter().map_err(|_| mistyped())? {
        strings.push(string?.extract().map_err(|_| mistyped())?);
    }
    Ok(Some(strings))
}

/// Checks `strict_aud`: `aud` and the expected audience must be single strings, not lists.
pub(crate) fn check_strict_audience(
    claims: &Bound<'_, PyDict>,
    audience: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let is_string = |value: &Bound<'_, PyAny>| value.cast::<PyString>().is_ok();
    let claimed = claims.get_item(pyo3::intern!(claims.py(), "aud"))?;
    if audience.is_none_or(is_string) && claimed.as_ref().is_none_or(is_string) {
        return Ok(());
    }
    let message = "with strict_aud, audience and the claim aud must be single strings";
    Err(coded(
        claims.py(),
        Class::InvalidAudienceError,
        ReasonCode::AudienceMismatch,
        message,
    ))
}
