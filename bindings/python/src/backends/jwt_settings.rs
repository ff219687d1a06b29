//! The settings of `JwtBackend`.

use std::sync::Arc;

use boltguard::jwt::{ClaimPath, ClaimsPolicy};
use boltguard::{ConfigError, JwtBackend as Backend, Revocation, StoreFailurePolicy, TokenCookie};
use pyo3::prelude::*;

use crate::backends::trusted_keys::TrustedKeys;
use crate::backends::{header, refused, schemes};
use crate::guard::claim_value;
use crate::keys::algorithms::Algorithms;
use crate::keys::remote::RemoteKeys;
use crate::replica::stored::RevocationReplica;
use crate::revocation::MemoryRevocation;
use crate::time::Seconds;

/// The keyword arguments of `JwtBackend`, except for `keys` and `algorithms`.
pub(super) struct JwtSettings<'a, 'py> {
    /// `None` if tokens are only read from the cookie.
    pub(super) header: Option<&'a str>,
    pub(super) audience: Option<Vec<String>>,
    pub(super) issuer: Option<Vec<String>>,
    pub(super) leeway: Option<Seconds>,
    /// The largest age of tokens.
    pub(super) max_age: Option<Seconds>,
    pub(super) required_claims: Option<Vec<String>>,
    pub(super) user_id_claim: &'a str,
    pub(super) typ: Option<&'a str>,
    /// Names of claims with the values that are accepted.
    pub(super) claims: Option<Vec<(String, Vec<Bound<'py, PyAny>>)>>,
    /// Authentication schemes, such as `Bearer`.
    pub(super) scheme: Option<Vec<String>>,
    pub(super) subject_required: bool,
    pub(super) memory_revocation: Option<PyRef<'py, MemoryRevocation>>,
    /// A replica, which is used unless it is unavailable.
    pub(super) revocation_replica: Option<PyRef<'py, RevocationReplica>>,
    /// Whether a revocation store in Python is to be asked.
    pub(super) external_revocation: bool,
    /// Whether tokens are accepted while that store is unavailable.
    pub(super) store_errors_allow: bool,
    pub(super) cached_tokens: usize,
    pub(super) remote_keys: Option<PyRef<'py, RemoteKeys>>,
    /// Whether tokens are accepted before `nbf`.
    pub(super) not_before_ignored: bool,
    /// The number of the accounts of another issuer.
    pub(super) external_accounts: Option<u32>,
    /// The name for guards and contexts, instead of `jwt`.
    pub(super) name: Option<&'a str>,
    /// The name of the cookie from which tokens are also read.
    pub(super) cookie: Option<&'a str>,
    /// The paths of the claims with grants.
    pub(super) permissions_from: Option<Vec<String>>,
    pub(super) scopes_from: Option<Vec<String>>,
    pub(super) roles_from: Option<Vec<String>>,
}

impl JwtSettings<'_, '_> {
    /// Builds the backend. It uses the remote keys, if there are any, or else the trusted ones.
    pub(super) fn build(
        &self,
        py: Python<'_>,
        trusted: &TrustedKeys,
        algorithms: &Algorithms,
    ) -> PyResult<Backend> {
        let invalid = |error: ConfigError| refused(py, error);
        let (policy, algorithms) = (self.policy(py)?, algorithms.as_slice());
        let backend = match &self.remote_keys {
            Some(remote) => {
                Backend::with_remote_keys(Arc::clone(remote.remote()), algorithms, policy)
            }
            None => Backend::new(trusted.all(), algorithms, policy),
        };
        let backend = backend.map_err(invalid)?;
        let backend = match self.name {
            Some(name) => backend.with_name(name),
            None => backend,
        };
        let backend = self.with_schemes(py, backend)?;
        self.with_places(py, backend)?
            .with_revocation(self.revocation())
            .on_store_failure(self.store_failure_policy())
            .with_cache(self.cached_tokens)
            .map_err(invalid)
    }

    /// Sets where the token is.
    fn with_places(&self, py: Python<'_>, mut backend: Backend) -> PyResult<Backend> {
        if let Some(name) = self.header {
            backend = backend.with_header(header(py, name)?);
        }
        let cookie = match (self.cookie, self.header) {
            (None, Some(_)) => return Ok(backend),
            (None, None) => return Err(refused(py, "the token has neither a header nor a cookie")),
            (Some(name), header) => {
                let cookie = TokenCookie::new(name).map_err(|error| refused(py, error))?;
                if header.is_some() {
                    cookie
                } else {
                    cookie.without_header()
                }
            }
        };
        // Django's own check is used, because sites configure it for all of their forms.
        Ok(backend.with_cookie(cookie.with_external_csrf_check()))
    }

    fn with_schemes(&self, py: Python<'_>, backend: Backend) -> PyResult<Backend> {
        match &self.scheme {
            Some(names) => backend
                .with_schemes(schemes(py, names)?)
                .map_err(|error| refused(py, error)),
            None => Ok(backend),
        }
    }

    fn policy(&self, py: Python<'_>) -> PyResult<ClaimsPolicy> {
        let mut policy = ClaimsPolicy::new().with_user_id_claim(self.user_id_claim);
        if let Some(audience) = &self.audience {
            policy = policy.with_audience(strs(audience));
        }
        if let Some(issuer) = &self.issuer {
            policy = policy.with_issuer_template(strs(issuer));
        }
        if let Some(number) = self.external_accounts {
            policy = policy.with_external_accounts(number);
        }
        if let Some(leeway) = self.leeway {
            policy = policy.with_leeway(leeway.as_leeway()?);
        }
        if let Some(max_age) = self.max_age {
            let out_of_range = || refused(py, "max_age must be positive, and fit in 64 bits");
            policy = policy.with_max_age(max_age.as_duration().ok_or_else(out_of_range)?);
        }
        if let Some(required) = &self.required_claims {
            policy = policy.with_required(strs(required));
        }
        if let Some(typ) = self.typ {
            policy = policy.with_type(typ);
        }
        if self.not_before_ignored {
            policy = policy.ignoring_not_before();
        }
        if !self.subject_required {
            policy = policy.with_optional_user_id();
        }
        let policy = self.with_grants(py, policy)?;
        self.with_claims(py, policy)
    }

    fn with_grants(&self, py: Python<'_>, mut policy: ClaimsPolicy) -> PyResult<ClaimsPolicy> {
        if let Some(paths) = &self.permissions_from {
            policy = policy.with_permissions_from(claim_paths(py, "permissions_from", paths)?);
        }
        if let Some(paths) = &self.scopes_from {
            policy = policy.with_scopes_from(claim_paths(py, "scopes_from", paths)?);
        }
        if let Some(paths) = &self.roles_from {
            policy = policy.with_roles_from(claim_paths(py, "roles_from", paths)?);
        }
        Ok(policy)
    }

    fn with_claims(&self, py: Python<'_>, mut policy: ClaimsPolicy) -> PyResult<ClaimsPolicy> {
        for (name, values) in self.claims.iter().flatten() {
            if values.is_empty() {
                let message = format_args!("claims[{name:?}] must not be empty");
                return Err(refused(py, message));
            }
            for value in values {
                policy = policy.with_claim(name, claim_value(value)?);
            }
        }
        Ok(policy)
    }

    fn revocation(&self) -> Revocation {
        match (&self.memory_revocation, &self.revocation_replica) {
            (Some(memory), _) => Revocation::InProcess(memory.store()),
            (None, Some(replica)) => Revocation::InProcessOrExternal(replica.store()),
            (None, None) if self.external_revocation => Revocation::External,
            (None, None) => Revocation::Disabled,
        }
    }

    fn store_failure_policy(&self) -> StoreFailurePolicy {
        match self.store_errors_allow {
            true => StoreFailurePolicy::FailOpen,
            false => StoreFailurePolicy::FailClosed,
        }
    }
}

fn claim_paths(py: Python<'_>, argument: &str, paths: &[String]) -> PyResult<Vec<ClaimPath>> {
    // Without the value, which can be a secret that was passed in the wrong place.
    let read = |(index, path): (usize, &String)| {
        ClaimPath::new(path)
            .map_err(|error| refused(py, format_args!("{argument}[{index}]: {error}")))
    };
    paths.iter().enumerate().map(read).collect()
}

fn strs(strings: &[String]) -> impl Iterator<Item = &str> {
    strings.iter().map(String::as_str)
}
