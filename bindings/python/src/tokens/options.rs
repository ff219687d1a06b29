//! PyJWT's `options`, and the other arguments that say what to ask of a token.

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

/// What `decode` is asked to check, beside the signature.
#[derive(Default)]
pub(crate) struct Expectations<'a, 'py> {
    pub(crate) audience: Option<&'a Bound<'py, PyAny>>,
    pub(crate) issuer: Option<&'a Bound<'py, PyAny>>,
    pub(crate) subject: Option<&'a Bound<'py, PyAny>>,
    pub(crate) leeway: Option<Seconds>,
    /// PyJWT's old switch, which does nothing there and nothing here.
    pub(crate) verify: Option<bool>,
}

impl Expectations<'_, '_> {
    /// Whether nothing is asked for.
    fn are_none(&self) -> bool {
        self.audience.is_none()
            && self.issuer.is_none()
            && self.subject.is_none()
            && self.leeway.is_none()
    }
}

/// PyJWT's options, by their names.
pub(crate) struct Options {
    pub(crate) verify_signature: bool,
    pub(crate) enforce_minimum_key_length: bool,
    are_default: bool,
    strict_audience: bool,
    require: Option<Vec<String>>,
    media_type: Option<String>,
    checks: Checks,
}

/// Checks of one claim each; `None` where the option was not given.
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
    /// Reads a mapping; an option that does not exist is an error, since it was meant to do something.
    pub(crate) fn read(options: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read_among(options, &NAMES)
    }

    /// The options of a JWS, whose payload need not be claims.
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
                return Err(PyTypeError::new_err("options are named by str"));
            };
            if !names.contains(&name.to_str()?) {
                return Err(no_option(name, names));
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
            "require" => self.require = texts("require", value)?,
            "typ" => self.media_type = media_type(value)?,
            "verify_aud" => checks.audience = Some(switch()?),
            "verify_exp" => checks.expiry = Some(switch()?),
            "verify_iat" => checks.issued_at = Some(switch()?),
            "verify_iss" => checks.issuer = Some(switch()?),
            "verify_jti" => checks.token_id = Some(switch()?),
            "verify_nbf" => checks.not_before = Some(switch()?),
            "verify_sub" => checks.subject = Some(switch()?),
            _ => return Err(no_option(name, &NAMES)),
        }
        Ok(())
    }

    /// The claims that have to be there.
    ///
    /// `exp` has to, unless it is not looked at: `verify_exp` is off, or so is the signature.
    pub(crate) fn required(&self) -> Vec<&str> {
        match &self.require {
            Some(names) => names.iter().map(String::as_str).collect(),
            None if self.looks_at("exp") => vec!["exp"],
            None => Vec::new(),
        }
    }

    /// Whether a token from the future is refused. As RFC 7519 §4.1.6 has it, it is not, unless `verify_iat` is named.
    pub(crate) fn refuses_future(&self) -> bool {
        self.checks.issued_at == Some(true)
    }

    /// Whether one audience is to be there, and no list.
    pub(crate) fn checks_strict_audience(&self) -> bool {
        self.strict_audience && self.looks_at("aud")
    }

    /// Whether this registered claim is looked at; as in PyJWT, a token whose signature is not looked at is checked
    /// in nothing that is not asked for.
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

    /// The policy that these options and `expected` ask for.
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

/// What a JWS has of them.
const JWS_NAMES: [&str; 2] = ["enforce_minimum_key_length", "verify_signature"];

/// `None`, or a text such as `"false"`, is refused: it may come from a setting that is missing or misread.
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
    let mistyped = |_| PyTypeError::new_err("the option \"typ\" must be a str");
    value.extract().map_err(mistyped)
}

/// Only what is almost an option is shown: anything else may be a key, given in the wrong place.
#[cold]
fn no_option(name: &Bound<'_, PyString>, names: &[&str]) -> PyErr {
    let shown = name.to_string_lossy();
    let message = match similar(name, names) {
        _ if NAMES.contains(&&*shown) => {
            format!(
                "the option {shown:?} is for claims, which a JWS need not have: use boltguard.jwt"
            )
        }
        Ok(Some(meant)) => format!("there is no option {shown:?}; did you mean {meant:?}?"),
        _ => format!("there is no such option; there are {}", names.join(", ")),
    };
    PyTypeError::new_err(message)
}

/// The option that is spelt almost like this.
fn similar(name: &Bound<'_, PyString>, names: &[&str]) -> PyResult<Option<String>> {
    let difflib = name.py().import("difflib")?;
    let close = difflib.call_method1("get_close_matches", (name, names, 1))?;
    Ok(close.extract::<Vec<String>>()?.pop())
}

fn with_expected(policy: ClaimsPolicy, expected: &Expectations<'_, '_>) -> PyResult<ClaimsPolicy> {
    let mut policy = policy;
    if let Some(audience) = expected.audience {
        let names = some_texts(
            audience,
            "audience",
            Class::InvalidAudienceError,
            ReasonCode::AudienceMismatch,
        )?;
        policy = policy.with_audience(names.iter().map(String::as_str));
    }
    if let Some(issuer) = expected.issuer {
        let names = some_texts(
            issuer,
            "issuer",
            Class::InvalidIssuerError,
            ReasonCode::IssuerMismatch,
        )?;
        policy = policy.with_issuer(names.iter().map(String::as_str));
    }
    if let Some(subject) = expected.subject {
        let subject = subject.cast::<PyString>();
        let subject = subject.map_err(|_| PyTypeError::new_err("subject must be a str"))?;
        policy = policy.with_subject(subject.to_str()?);
    }
    if let Some(leeway) = expected.leeway {
        policy = policy.with_leeway(leeway.as_leeway()?);
    }
    Ok(policy)
}

/// One text or several; none at all would match no token, and must not read as if nothing were asked.
fn some_texts(
    value: &Bound<'_, PyAny>,
    what: &str,
    class: Class,
    code: ReasonCode,
) -> PyResult<Vec<String>> {
    let names = match value.cast::<PyString>() {
        Ok(text) => vec![text.to_str()?.to_owned()],
        Err(_) if value.cast::<PyBytes>().is_ok() => {
            let message = format!("{what} is of type bytes: give a text");
            return Err(PyTypeError::new_err(message));
        }
        Err(_) => texts(what, value)?.unwrap_or_default(),
    };
    if names.is_empty() || names.iter().any(String::is_empty) {
        let message = format!("`{what}` is empty, or holds an empty text: it matches no token");
        return Err(coded(value.py(), class, code, message));
    }
    Ok(names)
}

/// A list of texts; a single text is a mistake here, it would be read letter by letter.
fn texts(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let mistyped = || PyTypeError::new_err(format!("{what} must be a list of str"));
    if value.is_none() {
        return Ok(None);
    }
    if value.cast::<PyString>().is_ok() || value.cast::<PyBytes>().is_ok() {
        return Err(mistyped());
    }
    let mut texts = Vec::new();
    for text in value.try_iter().map_err(|_| mistyped())? {
        texts.push(text?.extract().map_err(|_| mistyped())?);
    }
    Ok(Some(texts))
}

/// `strict_aud`: the token and the caller name one audience each, not a list.
pub(crate) fn check_strict_audience(
    claims: &Bound<'_, PyDict>,
    audience: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let is_text = |value: &Bound<'_, PyAny>| value.cast::<PyString>().is_ok();
    let claimed = claims.get_item(pyo3::intern!(claims.py(), "aud"))?;
    if audience.is_none_or(is_text) && claimed.as_ref().is_none_or(is_text) {
        return Ok(());
    }
    let message = "strict_aud: one audience is expected, and one in the token";
    Err(coded(
        claims.py(),
        Class::InvalidAudienceError,
        ReasonCode::AudienceMismatch,
        message,
    ))
}
