//! `RevocationQuery` and `RevocationLevel`: by what a token can be revoked.

use std::hash::{Hash, Hasher};

use boltguard::revocation::{RevocationLevel as Level, RevocationQuery as Query, UnixMillis};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// The parts of a token by which it can be revoked.
///
/// `issued_at` is the claim `iat` in Unix milliseconds. The `repr` doesn't show the parts.
#[pyclass(frozen, eq, module = "boltguard._rust")]
#[derive(PartialEq)]
pub(crate) struct RevocationQuery(Query<'static>);

impl RevocationQuery {
    pub(crate) fn new(query: Query<'_>) -> Self {
        Self(query.into_owned())
    }

    pub(crate) fn query(&self) -> &Query<'static> {
        &self.0
    }
}

#[pymethods]
impl RevocationQuery {
    #[new]
    #[pyo3(signature = (
        token_id, *, session_id=None, subject=None, issuer=None, key_id=None, issued_at=None
    ))]
    fn from_parts(
        token_id: String,
        session_id: Option<String>,
        subject: Option<String>,
        issuer: Option<String>,
        key_id: Option<String>,
        issued_at: Option<i64>,
    ) -> Self {
        let query = Query::new(token_id)
            .with_session_id(session_id)
            .with_subject(subject)
            .with_issuer(issuer)
            .with_key_id(key_id)
            .with_issued_at(issued_at.map(UnixMillis::new));
        Self(query)
    }

    /// The claim `jti`, or an empty string.
    #[getter]
    fn token_id(&self) -> &str {
        self.0.token_id()
    }

    /// The claim `sid`.
    #[getter]
    fn session_id(&self) -> Option<&str> {
        self.0.session_id()
    }

    /// The claim `sub`, or the one that contains the user ID.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.subject()
    }

    /// The claim `iss`.
    #[getter]
    fn issuer(&self) -> Option<&str> {
        self.0.issuer()
    }

    /// The `kid` of the header.
    #[getter]
    fn key_id(&self) -> Option<&str> {
        self.0.key_id()
    }

    /// When the token was issued, in Unix milliseconds: the time in its ID if that is a UUID of version 7, otherwise
    /// `iat`.
    #[getter]
    fn issued_at(&self) -> Option<i64> {
        self.0.issued_at().map(UnixMillis::get)
    }

    /// The levels that the token belongs to.
    fn levels(&self) -> PyResult<Vec<RevocationLevel>> {
        self.0.levels().map(RevocationLevel::new).collect()
    }

    /// Whether the token was issued at or before the latest watermark of its levels, in Unix milliseconds. If it isn't
    /// known when the token was issued, any watermark revokes it.
    #[pyo3(signature = (latest))]
    fn is_revoked_by(&self, latest: Option<i64>) -> bool {
        self.0.is_revoked_by(latest.map(UnixMillis::new))
    }

    fn __repr__(&self) -> &'static str {
        "<RevocationQuery>"
    }
}

/// A set of tokens that can be revoked together: those of a session, subject, issuer or key.
///
/// The `repr` doesn't show the value.
#[pyclass(frozen, eq, hash, module = "boltguard._rust")]
#[derive(PartialEq)]
pub(crate) struct RevocationLevel {
    kind: &'static str,
    value: String,
    issuer: Option<String>,
    storage_key: String,
}

impl RevocationLevel {
    fn new(level: Level<'_>) -> PyResult<Self> {
        let (kind, value, issuer) = match level {
            Level::Issuer(issuer) => ("issuer", issuer, None),
            Level::Key(key_id) => ("key", key_id, None),
            Level::Session(session_id) => ("session", session_id, None),
            Level::Subject { subject, issuer } => ("subject", subject, issuer),
            _ => return Err(unknown_level()),
        };
        Ok(Self {
            kind,
            value: value.to_owned(),
            issuer: issuer.map(str::to_owned),
            storage_key: level.storage_key(),
        })
    }

    /// A level whose value isn't empty: no token would belong to it.
    fn checked(level: Level<'_>, values: &[&str]) -> PyResult<Self> {
        match values.contains(&"") {
            true => Err(PyValueError::new_err(
                "the value of a revocation level must not be empty",
            )),
            false => Self::new(level),
        }
    }

    pub(crate) fn level(&self) -> Level<'_> {
        match self.kind {
            "issuer" => Level::Issuer(&self.value),
            "key" => Level::Key(&self.value),
            "session" => Level::Session(&self.value),
            _ => Level::Subject {
                subject: &self.value,
                issuer: self.issuer.as_deref(),
            },
        }
    }
}

#[cold]
fn unknown_level() -> PyErr {
    PyRuntimeError::new_err("this version of boltguard doesn't know this level of revocation")
}

impl Hash for RevocationLevel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.storage_key.hash(state);
    }
}

#[pymethods]
impl RevocationLevel {
    /// The tokens of the session with this `sid`.
    #[staticmethod]
    fn session(session_id: &str) -> PyResult<Self> {
        Self::checked(Level::Session(session_id), &[session_id])
    }

    /// The tokens of a subject: of one issuer, or of any issuer and of none.
    #[staticmethod]
    #[pyo3(name = "subject", signature = (subject, issuer=None))]
    fn of_subject(subject: &str, issuer: Option<&str>) -> PyResult<Self> {
        let level = Level::Subject { subject, issuer };
        Self::checked(level, &[subject, issuer.unwrap_or(subject)])
    }

    /// The tokens of the issuer with this `iss`.
    #[staticmethod]
    #[pyo3(name = "issuer")]
    fn of_issuer(issuer: &str) -> PyResult<Self> {
        Self::checked(Level::Issuer(issuer), &[issuer])
    }

    /// The tokens whose header has this `kid`.
    #[staticmethod]
    fn key(key_id: &str) -> PyResult<Self> {
        Self::checked(Level::Key(key_id), &[key_id])
    }

    /// `"session"`, `"subject"`, `"issuer"` or `"key"`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    /// The `sid`, `sub`, `iss` or `kid`.
    #[getter]
    fn value(&self) -> &str {
        &self.value
    }

    /// The issuer of a subject of one issuer, otherwise `None`.
    #[getter]
    fn subject_issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The name of the level in shared stores: `boltguard:level:`, the kind and SHA-256 digests, in at most 153
    /// characters.
    #[getter]
    fn storage_key(&self) -> &str {
        &self.storage_key
    }

    fn __repr__(&self) -> String {
        format!("<RevocationLevel: {}>", self.kind)
    }
}
