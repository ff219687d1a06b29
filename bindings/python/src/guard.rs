//! `Guard`: who may pass.

use std::collections::HashMap;

use boltguard::grants::{ClaimTest, ClaimValue, Principal};
use boltguard::guard::Guard as Rules;
use boltguard::guard::{
    CheckResults, GuardDocumentError, GuardError, ParseGuardError, TooManyAtoms,
};
use boltguard::types::{Permission, PermissionError};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};

use crate::auth_context::AuthContext;
use crate::errors::{Class, plain};
use crate::explanation::Explanation;

/// A rule that lets callers in or not, in three-valued logic; `&`, `|` and `~` make others of it.
#[pyclass(frozen, eq, hash, module = "boltguard._rust")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Guard(Rules);

impl Guard {
    /// The rule that Rust compiles.
    pub(crate) fn rules(&self) -> &Rules {
        &self.0
    }
}

#[pymethods]
impl Guard {
    /// Everybody, known or not.
    #[staticmethod]
    fn allow_any() -> Self {
        Self(Rules::allow_any())
    }

    /// Nobody.
    #[staticmethod]
    fn deny_all() -> Self {
        Self(Rules::deny_all())
    }

    /// Everybody whom a backend vouches for.
    #[staticmethod]
    fn authenticated() -> Self {
        Self(Rules::authenticated())
    }

    /// The staff.
    #[staticmethod]
    fn staff() -> Self {
        Self(Rules::staff())
    }

    /// The superusers.
    #[staticmethod]
    fn admin() -> Self {
        Self(Rules::admin())
    }

    /// The holders of a permission.
    #[staticmethod]
    fn permission(py: Python<'_>, name: &str) -> PyResult<Self> {
        Ok(Self(Rules::permission(permission(py, name)?)))
    }

    /// The holders of at least one of these permissions.
    #[staticmethod]
    fn any_permission(py: Python<'_>, names: &Bound<'_, PyAny>) -> PyResult<Self> {
        checked(py, Rules::any_permission(permissions(names)?))
    }

    /// The holders of all these permissions.
    #[staticmethod]
    fn all_permissions(py: Python<'_>, names: &Bound<'_, PyAny>) -> PyResult<Self> {
        checked(py, Rules::all_permissions(permissions(names)?))
    }

    /// The holders of an OAuth scope.
    #[staticmethod]
    fn scope(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::scope(name))
    }

    /// The holders of a token that has this claim, with one of `any_of`, all of `all_of` and none of `none_of`, where
    /// these are not `None`. An empty list is refused.
    #[staticmethod]
    fn claim(
        py: Python<'_>,
        name: &str,
        any_of: Option<Vec<Bound<'_, PyAny>>>,
        all_of: Option<Vec<Bound<'_, PyAny>>>,
        none_of: Option<Vec<Bound<'_, PyAny>>>,
    ) -> PyResult<Self> {
        let mut test = ClaimTest::new(name);
        if let Some(values) = any_of {
            test = test.any_of(scalars(&values)?);
        }
        if let Some(values) = all_of {
            test = test.all_of(scalars(&values)?);
        }
        if let Some(values) = none_of {
            test = test.none_of(scalars(&values)?);
        }
        checked(py, Rules::claim(test))
    }

    /// The callers whom this backend vouches for: `jwt` or `api_key`.
    #[staticmethod]
    fn via_backend(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::via_backend(name))
    }

    /// Known callers of whom a check of your own holds, which is asked by its name.
    #[staticmethod]
    fn check(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::check(name))
    }

    /// Reads the text form, such as `authenticated & (perm("blog.add") | staff)`.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        text.parse().map(Self).map_err(|error: ParseGuardError| {
            plain(
                py,
                Class::ConfigurationError,
                format!("{error}\n{}", error.snippet(text)),
            )
        })
    }

    /// Reads what `to_json` wrote.
    #[staticmethod]
    fn from_json(py: Python<'_>, document: &str) -> PyResult<Self> {
        Rules::from_json(document)
            .map(Self)
            .map_err(|error: GuardDocumentError| plain(py, Class::ConfigurationError, error))
    }

    /// A JSON document with the text form and its version.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        self.0
            .to_json()
            .map_err(|error| plain(py, Class::ConfigurationError, error))
    }

    /// The callers whom all of the guards let in.
    #[staticmethod]
    fn all(py: Python<'_>, guards: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        checked(py, Rules::all(guards.iter().map(|guard| guard.0.clone())))
    }

    fn __and__(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        sized(py, self.0.clone() & other.0.clone())
    }

    fn __or__(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        sized(py, self.0.clone() | other.0.clone())
    }

    fn __invert__(&self) -> Self {
        Self(!self.0.clone())
    }

    /// The text form, which `parse` reads.
    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Guard: {}>", self.0)
    }

    /// The names of the checks of your own that the guard asks.
    #[getter]
    fn checks(&self) -> Vec<&str> {
        self.0.checks().collect()
    }

    /// The names of the backends that the guard asks for.
    #[getter]
    fn backends(&self) -> Vec<&str> {
        self.0.backends().collect()
    }

    /// Whether callers without an identity are let in.
    #[getter]
    fn opens_to_anonymous(&self) -> bool {
        self.0.opens_to_anonymous()
    }

    /// Whether `other` lets everybody in whom this guard lets in. Exact, or `GuardTooLarge`.
    fn implies(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        self.0
            .implies(&other.0)
            .map_err(|error| too_large(py, error))
    }

    /// Whether both guards answer alike: let in, 401 or 403. Exact, or `GuardTooLarge`.
    fn is_equivalent(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        self.0
            .is_equivalent(&other.0)
            .map_err(|error| too_large(py, error))
    }

    /// Why the guard decides as it does for a caller, `None` for the anonymous one, given answers to its checks.
    #[pyo3(signature = (context=None, answers=None))]
    fn explain(
        &self,
        context: Option<&AuthContext>,
        answers: Option<HashMap<String, bool>>,
    ) -> Explanation {
        let principal = context.map_or(Principal::Anonymous, AuthContext::principal);
        let answers: CheckResults = answers.unwrap_or_default().into_iter().collect();
        Explanation::new(self.0.explain_with(&principal, &answers))
    }
}

fn permission(py: Python<'_>, name: &str) -> PyResult<Permission> {
    Permission::new(name).map_err(|error: PermissionError| {
        plain(
            py,
            Class::ConfigurationError,
            format!("the permission {name:?}: {error}"),
        )
    })
}

fn permissions(names: &Bound<'_, PyAny>) -> PyResult<Vec<Permission>> {
    if names.cast::<PyString>().is_ok() {
        return Err(PyTypeError::new_err(
            "permissions are a list of names, and this is one text",
        ));
    }
    let read = |name: PyResult<Bound<'_, PyAny>>| permission(names.py(), name?.extract()?);
    names.try_iter()?.map(read).collect()
}

fn checked(py: Python<'_>, rules: Result<Rules, GuardError>) -> PyResult<Guard> {
    rules
        .map(Guard)
        .map_err(|error| plain(py, Class::ConfigurationError, error))
}

/// The rules, unless they are too large to compile: then now, where they are made.
fn sized(py: Python<'_>, rules: Rules) -> PyResult<Guard> {
    checked(py, rules.check_size().map(|()| rules))
}

fn scalars(values: &[Bound<'_, PyAny>]) -> PyResult<Vec<ClaimValue>> {
    values.iter().map(scalar).collect()
}

pub(crate) fn scalar(value: &Bound<'_, PyAny>) -> PyResult<ClaimValue> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(ClaimValue::from(text.to_str()?));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(ClaimValue::from(flag.is_true()));
    }
    if let Ok(whole) = value.cast::<PyInt>() {
        return Ok(ClaimValue::from(whole.extract::<i64>()?));
    }
    Err(PyTypeError::new_err(
        "a claim is compared with a str, an int or a bool",
    ))
}

#[cold]
fn too_large(py: Python<'_>, error: TooManyAtoms) -> PyErr {
    plain(py, Class::GuardTooLarge, error)
}
