//! `AuthContext`: the caller of a request, as a read-only mapping.

use boltguard::grants::Principal;
use boltguard::jwt::AccountSource;
use boltguard::types::{NumericDate, ReasonCode};
use boltguard::{Caller, CredentialSource, Failure};
use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyIterator, PyList, PyString};

use crate::clock::now;
use crate::json::to_python;

/// The caller of a request: `request.context`.
///
/// A read-only mapping of `user_id`, `is_staff`, `is_superuser`, `auth_backend`, `permissions`, for a token also
/// `auth_claims`, and if invalid credentials were allowed as anonymous, also `auth_error`. The claims become Python
/// objects when they are read, new ones each time, so that changing them affects no other code.
#[pyclass(frozen, mapping, module = "boltguard._rust")]
pub(crate) struct AuthContext {
    caller: Caller,
    claims: PyOnceLock<Py<PyDict>>,
    permissions: PyOnceLock<Py<PyList>>,
}

impl AuthContext {
    #[inline]
    pub(crate) fn new(caller: Caller) -> Self {
        Self {
            caller,
            claims: PyOnceLock::new(),
            permissions: PyOnceLock::new(),
        }
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The caller with its context.
    pub(crate) fn principal(&self) -> Principal {
        self.caller.principal()
    }

    /// The value of a key, if the context has it.
    fn find<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = match key {
            "user_id" => self.user_id().into_pyobject(py)?.into_any(),
            "is_staff" => self.is_staff().into_pyobject(py)?.to_owned().into_any(),
            "is_superuser" => self.is_superuser().into_pyobject(py)?.to_owned().into_any(),
            "auth_backend" => self.auth_backend().into_pyobject(py)?.into_any(),
            "permissions" => self.permissions(py)?.into_any(),
            "auth_claims" => return self.claims(py).map(|found| found.map(Bound::into_any)),
            "auth_error" => match self.auth_error() {
                Some(code) => PyString::intern(py, code).into_any(),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        if !self.has_claims() {
            return Ok(None);
        }
        let dict = self.claims.get_or_try_init(py, || {
            match (self.caller.claims(), self.caller.identity()) {
                (Some(claims), _) => to_python::object(py, claims.as_json()),
                (None, Some(identity)) => {
                    let json = serde_json::to_string(&identity.claims).unwrap_or_default();
                    to_python::object(py, &json)
                }
                (None, None) => Ok(PyDict::new(py)),
            }
            .map(Bound::unbind)
        })?;
        copy_dict(dict.bind(py)).map(Some)
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for name in self.names() {
            dict.set_item(name, self.find(py, name)?)?;
        }
        Ok(dict)
    }

    fn auth_error(&self) -> Option<&'static str> {
        Some(self.caller.failure()?.reason().as_str())
    }

    /// Whether the credential has claims: a token does, and an identity of a custom backend may.
    fn has_claims(&self) -> bool {
        let identity = self.caller.identity();
        self.caller.claims().is_some() || identity.is_some_and(|known| !known.claims.is_empty())
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let claims = self.has_claims().then_some("auth_claims");
        let error = self.auth_error().map(|_| "auth_error");
        ALWAYS.into_iter().chain(claims).chain(error)
    }
}

/// A copy of a value read from JSON, whose nesting the reader has limited. Immutable values are shared.
fn copy<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(dict) = value.cast_exact::<PyDict>() {
        return copy_dict(dict).map(Bound::into_any);
    }
    let Ok(list) = value.cast_exact::<PyList>() else {
        return Ok(value.clone());
    };
    let copied = list.get_slice(0, list.len());
    for (at, item) in list.iter().enumerate() {
        if is_container(&item) {
            copied.set_item(at, copy(&item)?)?;
        }
    }
    Ok(copied.into_any())
}

fn copy_dict<'py>(dict: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let copied = dict.copy()?;
    for (name, value) in dict.iter() {
        if is_container(&value) {
            copied.set_item(name, copy(&value)?)?;
        }
    }
    Ok(copied)
}

fn is_container(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyDict>() || value.is_exact_instance_of::<PyList>()
}

const ALWAYS: [&str; 5] = [
    "user_id",
    "is_staff",
    "is_superuser",
    "auth_backend",
    "permissions",
];

#[pymethods]
impl AuthContext {
    /// Returns the context of a request that failed the CSRF check: anonymous, with the error `csrf_failed`.
    #[staticmethod]
    fn csrf_failed() -> Self {
        Self::new(Failure::from(ReasonCode::CsrfFailed).into())
    }

    /// The ID of the user, as a string; `None` for the anonymous caller.
    #[getter]
    fn user_id(&self) -> Option<String> {
        self.caller.user_id().map(std::borrow::Cow::into_owned)
    }

    /// The ID of the local account that the credentials belong to; `None` for an API key without an owner, and for a
    /// token of another issuer.
    #[getter]
    fn account(&self) -> Option<String> {
        self.caller.account().map(std::borrow::Cow::into_owned)
    }

    /// The number that identifies the kind of accounts of the token, if they are those of another issuer.
    #[getter]
    fn account_source(&self) -> Option<u32> {
        match self.caller.account_source() {
            Some(AccountSource::External(number)) => Some(number),
            Some(AccountSource::Local | AccountSource::Unknown) | None => None,
        }
    }

    /// The issuer of the token.
    #[getter]
    fn issuer(&self) -> Option<String> {
        self.caller.issuer().map(std::borrow::Cow::into_owned)
    }

    /// The public ID of the API key.
    #[getter]
    fn api_key_id(&self) -> Option<&str> {
        Some(self.caller.api_key()?.public_id())
    }

    /// Whether a backend authenticated the caller.
    #[getter]
    fn is_authenticated(&self) -> bool {
        self.caller.is_authenticated()
    }

    /// Whether the credentials contain `is_staff`.
    #[getter]
    fn is_staff(&self) -> bool {
        self.caller
            .view()
            .is_some_and(|principal| principal.is_staff)
    }

    /// Whether the credentials contain `is_superuser`.
    #[getter]
    fn is_superuser(&self) -> bool {
        self.caller
            .view()
            .is_some_and(|principal| principal.is_superuser)
    }

    /// The name of the backend that authenticated the caller, such as `jwt` or `api_key`.
    #[getter]
    fn auth_backend(&self) -> Option<&str> {
        self.caller.backend()
    }

    /// The permissions of the caller, including wildcards.
    #[getter]
    fn permissions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = || {
            let granted = self.caller.permissions();
            PyList::new(py, granted.iter().map(|one| &**one)).map(Bound::unbind)
        };
        let permissions = self.permissions.get_or_try_init(py, list)?.bind(py);
        Ok(permissions.get_slice(0, permissions.len()))
    }

    /// Whether a custom backend identified the caller.
    #[getter]
    fn is_custom(&self) -> bool {
        self.caller.identity().is_some()
    }

    /// Where the credentials were in the request: `cookie`, `custom` or `header`; `None` for the anonymous caller.
    #[getter]
    fn credential_source(&self) -> Option<&'static str> {
        self.caller.source().as_str()
    }

    /// Whether browsers send the credentials automatically, because they are in a cookie.
    #[getter]
    fn is_from_cookie(&self) -> bool {
        self.caller.source() == CredentialSource::Cookie
    }

    /// Whether the credentials are a token.
    #[getter]
    fn has_token(&self) -> bool {
        self.caller.claims().is_some()
    }

    /// The ID of the token, which is required to revoke it.
    #[getter]
    fn jti(&self) -> Option<String> {
        let token_id = self.caller.claims()?.token_id()?;
        Some(token_id.into_owned())
    }

    /// The id of the session that the token belongs to: its claim `sid`.
    #[getter]
    fn session_id(&self) -> Option<String> {
        self.caller.session_id().map(std::borrow::Cow::into_owned)
    }

    /// The response of token introspection for the token, RFC 7662, as JSON.
    fn introspection<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let response = self.caller.claims()?.introspection();
        Some(PyBytes::new(py, response.as_bytes()))
    }

    /// The number of seconds until the token expires; `None` if it doesn't expire.
    #[getter]
    fn expires_in(&self) -> Option<f64> {
        let end = self.caller.claims()?.expires()?;
        Some(left(end, now()))
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = match key.cast::<PyString>() {
            Ok(name) => self.find(py, name.to_str().unwrap_or_default())?,
            Err(_) => None,
        };
        found.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
    }

    /// The value of a key, or `default`.
    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = match key.cast::<PyString>() {
            Ok(name) => self.find(py, name.to_str().unwrap_or_default())?,
            Err(_) => None,
        };
        Ok(found.or(default))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> bool {
        let name = key.cast::<PyString>().ok();
        let name = name.and_then(|name| name.to_str().ok());
        name.is_some_and(|name| self.names().any(|known| known == name))
    }

    fn __len__(&self) -> usize {
        self.names().count()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.names())?.try_iter()
    }

    /// A view of the keys.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        view(slf, "KeysView")
    }

    /// A view of the values, in the order of the keys.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        view(slf, "ValuesView")
    }

    /// A view of the pairs of keys and values.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        view(slf, "ItemsView")
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let ours = self.to_dict(other.py())?;
        match other.cast::<Self>() {
            Ok(context) => ours.eq(context.get().to_dict(other.py())?),
            Err(_) => ours.eq(other),
        }
    }

    /// The representation for Sentry, which would otherwise list the items of a mapping.
    fn __sentry_repr__(&self) -> String {
        self.__repr__()
    }

    /// Shows neither the user nor the claims, which don't belong in a log.
    fn __repr__(&self) -> String {
        match self.auth_backend() {
            Some(backend) => format!("<AuthContext: authenticated via '{backend}'>"),
            None => "<AuthContext: anonymous>".to_owned(),
        }
    }
}

fn left(end: NumericDate, now: NumericDate) -> f64 {
    end.as_f64() - now.as_f64()
}

/// A view of the mapping, of this class of `collections.abc`.
fn view<'py>(context: &Bound<'py, AuthContext>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    let module = context
        .py()
        .import(intern!(context.py(), "collections.abc"))?;
    module.call_method1(class, (context,))
}

/// Registers the class as a mapping for `isinstance`.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    let mapping = py
        .import("collections.abc")?
        .getattr(intern!(py, "Mapping"))?;
    mapping.call_method1(intern!(py, "register"), (py.get_type::<AuthContext>(),))?;
    Ok(())
}
