//! `Guard`: a rule that allows or denies callers.

use std::collections::HashMap;

use boltguard::grants::{ClaimTest, ClaimValue, FreshAuth, Principal};
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

/// A rule that allows or denies callers, in three-valued logic. Combine rules with `&`, `|` and `~`.
#[pyclass(frozen, eq, hash, module = "boltguard._rust")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Guard(Rules);

impl Guard {
    /// The rule, in Rust.
    pub(crate) fn rules(&self) -> &Rules {
        &self.0
    }
}

#[pymethods]
impl Guard {
    /// Allows all callers, including anonymous ones.
    #[staticmethod]
    fn allow_any() -> Self {
        Self(Rules::allow_any())
    }

    /// Allows no one.
    #[staticmethod]
    fn deny_all() -> Self {
        Self(Rules::deny_all())
    }

    /// Allows all authenticated callers.
    #[staticmethod]
    fn authenticated() -> Self {
        Self(Rules::authenticated())
    }

    /// Allows staff users.
    #[staticmethod]
    fn staff() -> Self {
        Self(Rules::staff())
    }

    /// Allows superusers.
    #[staticmethod]
    fn admin() -> Self {
        Self(Rules::admin())
    }

    /// Allows callers that have the permission.
    #[staticmethod]
    fn permission(py: Python<'_>, name: &str) -> PyResult<Self> {
        Ok(Self(Rules::permission(permission(py, name)?)))
    }

    /// Allows callers that have at least one of the permissions.
    #[staticmethod]
    fn any_permission(py: Python<'_>, names: &Bound<'_, PyAny>) -> PyResult<Self> {
        checked(py, Rules::any_permission(permissions(names)?))
    }

    /// Allows callers that have all of the permissions.
    #[staticmethod]
    fn all_permissions(py: Python<'_>, names: &Bound<'_, PyAny>) -> PyResult<Self> {
        checked(py, Rules::all_permissions(permissions(names)?))
    }

    /// Allows callers that have the OAuth scope.
    #[staticmethod]
    fn scope(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::scope(name))
    }

    /// Allows callers that have the role.
    #[staticmethod]
    fn role(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::role(name))
    }

    /// Allows callers that have at least one of the roles.
    #[staticmethod]
    fn any_role(py: Python<'_>, names: Vec<String>) -> PyResult<Self> {
        checked(py, Rules::any_role(names))
    }

    /// Allows callers whose user was authenticated in the last `max_age` seconds, with one of the `acr` values.
    #[staticmethod]
    #[pyo3(signature = (max_age, acr=None))]
    fn fresh_auth(py: Python<'_>, max_age: u32, acr: Option<Vec<String>>) -> PyResult<Self> {
        let required = FreshAuth::new(max_age);
        checked(
            py,
            Rules::fresh_auth(match acr {
                Some(values) => required.with_acr(values),
                None => required,
            }),
        )
    }

    /// Allows callers with a token that has this claim, with one of `any_of`, all of `all_of` and none of `none_of`.
    /// Each of these is ignored if it is `None`, and must not be empty.
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
            test = test.any_of(claim_values(&values)?);
        }
        if let Some(values) = all_of {
            test = test.all_of(claim_values(&values)?);
        }
        if let Some(values) = none_of {
            test = test.none_of(claim_values(&values)?);
        }
        checked(py, Rules::claim(test))
    }

    /// Allows callers that this backend authenticated: `jwt` or `api_key`.
    #[staticmethod]
    fn via_backend(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::via_backend(name))
    }

    /// Allows authenticated callers for which the custom check with this name returns `True`.
    #[staticmethod]
    fn check(py: Python<'_>, name: &str) -> PyResult<Self> {
        checked(py, Rules::check(name))
    }

    /// Parses a guard in string form, such as `authenticated & (perm("blog.add") | staff)`.
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

    /// Reads the JSON document that `to_json` returned.
    #[staticmethod]
    fn from_json(py: Python<'_>, document: &str) -> PyResult<Self> {
        Rules::from_json(document)
            .map(Self)
            .map_err(|error: GuardDocumentError| plain(py, Class::ConfigurationError, error))
    }

    /// A JSON document with the string form and its version.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        self.0
            .to_json()
            .map_err(|error| plain(py, Class::ConfigurationError, error))
    }

    /// Allows callers that all of the guards allow.
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

    /// The string form, which `parse` accepts.
    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Guard: {}>", self.0)
    }

    /// The names of the custom checks in the guard.
    #[getter]
    fn checks(&self) -> Vec<&str> {
        self.0.checks().collect()
    }

    /// The names of the backends that the guard requires.
    #[getter]
    fn backends(&self) -> Vec<&str> {
        self.0.backends().collect()
    }

    /// Whether the guard requires a recent authentication.
    #[getter]
    fn has_fresh_auth(&self) -> bool {
        self.0.fresh_auths().next().is_some()
    }

    /// The roles in the guard.
    #[getter]
    fn roles(&self) -> Vec<&str> {
        self.0.roles().collect()
    }

    /// Whether anonymous callers are allowed.
    #[getter]
    fn allows_anonymous(&self) -> bool {
        self.0.allows_anonymous()
    }

    /// Whether `other` allows every caller that this guard allows. Raises `GuardTooLarge` if that isn't known.
    fn implies(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        self.0
            .implies(&other.0)
            .map_err(|error| too_large(py, error))
    }

    /// Whether both guards always have the same result: allow, 401 or 403. Raises `GuardTooLarge` if unknown.
    fn is_equivalent(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        self.0
            .is_equivalent(&other.0)
            .map_err(|error| too_large(py, error))
    }

    /// Explains the decision for a caller, given the results of custom checks. `None` is the anonymous caller.
    #[pyo3(signature = (context=None, results=None))]
    fn explain(
        &self,
        context: Option<&AuthContext>,
        results: Option<HashMap<String, bool>>,
    ) -> Explanation {
        let principal = context.map_or(Principal::Anonymous, AuthContext::principal);
        let results: CheckResults = results.unwrap_or_default().into_iter().collect();
        Explanation::new(self.0.explain_with(&principal, &results))
    }
}

fn permission(py: Python<'_>, name: &str) -> PyResult<Permission> {
    Permission::new(name).map_err(|error: PermissionError| {
        plain(
            py,
            Class::ConfigurationError,
            format!("permission {name:?}: {error}"),
        )
    })
}

fn permissions(names: &Bound<'_, PyAny>) -> PyResult<Vec<Permission>> {
    if names.cast::<PyString>().is_ok() {
        return Err(PyTypeError::new_err(
            "permissions must be a list of names, not a single string",
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

/// Checks that the rules aren't too large to compile, so that the error is raised where they are created.
fn sized(py: Python<'_>, rules: Rules) -> PyResult<Guard> {
    checked(py, rules.check_size().map(|()| rules))
}

fn claim_values(values: &[Bound<'_, PyAny>]) -> PyResult<Vec<ClaimValue>> {
    values.iter().map(claim_value).collect()
}

/// The value of a claim that a token is compared with.
pub(crate) fn claim_value(value: &Bound<'_, PyAny>) -> PyResult<ClaimValue> {
    if let Ok(string) = value.cast::<PyString>() {
        return Ok(ClaimValue::from(string.to_str()?));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(ClaimValue::from(flag.is_true()));
    }
    if let Ok(whole) = value.cast::<PyInt>() {
        return Ok(ClaimValue::from(whole.extract::<i64>()?));
    }
    Err(PyTypeError::new_err(
        "the value of a claim must be a string, an integer or a boolean",
    ))
}

#[cold]
fn too_large(py: Python<'_>, error: TooManyAtoms) -> PyErr {
    plain(py, Class::GuardTooLarge, error)
}
