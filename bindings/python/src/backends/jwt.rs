//! `JwtBackend`: authentication by a JWT in a header.

use std::sync::{Arc, OnceLock, Weak};

use boltguard::jwt::ClaimsPolicy;
use boltguard::keys::{Algorithm, KeySet as Set};
use boltguard::{
    ConfigError, HeaderName, JwtBackend as Backend, Revocation, Scheme, StoreFailurePolicy,
};
use pyo3::prelude::*;

use crate::errors::{Class, key_error, plain};
use crate::guard::scalar;
use crate::keys::algorithms::{Algorithms, takes_long_to_verify};
use crate::keys::argument::KeyArgument;
use crate::keys::jwk::warn_of_skipped;
use crate::keys::remote::RemoteKeys;
use crate::keys::set::Rotating;
use crate::revocation::MemoryRevocation;
use crate::time::Seconds;

/// Authenticates by a JWT in a header. Everything is checked when it is built.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct JwtBackend {
    backend: Arc<Backend>,
    weak_secrets: Vec<&'static str>,
    keys: Arc<TrustedKeys>,
}

impl JwtBackend {
    pub(crate) fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// The keys, to be kept as long as the backend: through them it learns of others.
    pub(crate) fn keys(&self) -> &Arc<TrustedKeys> {
        &self.keys
    }
}

#[pymethods]
impl JwtBackend {
    #[new]
    #[pyo3(signature = (
        *, keys, algorithms, header="authorization", audience=None, issuer=None, leeway=None, required_claims=None,
        user_id_claim="sub", typ=None, claims=None, scheme=None, subject_required=true, memory_revocation=None,
        external_revocation=false, store_errors_allow=false, cached_tokens=0, remote_keys=None, external_accounts=None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "every setting by its name")]
    fn new(
        py: Python<'_>,
        keys: Vec<Bound<'_, PyAny>>,
        algorithms: &Bound<'_, PyAny>,
        header: &str,
        audience: Option<Vec<String>>,
        issuer: Option<Vec<String>>,
        leeway: Option<Seconds>,
        required_claims: Option<Vec<String>>,
        user_id_claim: &str,
        typ: Option<&str>,
        claims: Option<Vec<(String, Vec<Bound<'_, PyAny>>)>>,
        scheme: Option<Vec<String>>,
        subject_required: bool,
        memory_revocation: Option<PyRef<'_, MemoryRevocation>>,
        external_revocation: bool,
        store_errors_allow: bool,
        cached_tokens: usize,
        remote_keys: Option<PyRef<'_, RemoteKeys>>,
        external_accounts: Option<u32>,
    ) -> PyResult<Self> {
        let algorithms = Algorithms::read(algorithms)?;
        let sources = keys.iter().map(|key| Source::read(key, &algorithms));
        let trusted = TrustedKeys::new(sources.collect::<PyResult<_>>()?, &algorithms);

        let mut policy = ClaimsPolicy::new().with_user_id_claim(user_id_claim);
        if let Some(audience) = &audience {
            policy = policy.with_audience(texts(audience));
        }
        if let Some(issuer) = &issuer {
            policy = policy.with_issuer(texts(issuer));
        }
        if let Some(number) = external_accounts {
            policy = policy.with_external_accounts(number);
        }
        if let Some(leeway) = leeway {
            policy = policy.with_leeway(leeway.as_leeway()?);
        }
        if let Some(required) = &required_claims {
            policy = policy.with_required(texts(required));
        }
        if let Some(typ) = typ {
            policy = policy.with_type(typ);
        }
        for (name, values) in claims.iter().flatten() {
            if values.is_empty() {
                let message = format!("claims has no value for {name:?}: it matches no token");
                return Err(plain(py, Class::ConfigurationError, message));
            }
            for value in values {
                policy = policy.with_claim(name, scalar(value)?);
            }
        }
        if !subject_required {
            policy = policy.with_optional_user_id();
        }

        let revocation = match (memory_revocation, external_revocation) {
            (Some(memory), _) => Revocation::InProcess(memory.store()),
            (None, true) => Revocation::External,
            (None, false) => Revocation::Disabled,
        };
        let on_store_error = if store_errors_allow {
            StoreFailurePolicy::FailOpen
        } else {
            StoreFailurePolicy::FailClosed
        };
        let all = trusted.merged();
        let weak_secrets = weak_secrets(&all);
        let backend = match &remote_keys {
            Some(remote) => {
                let remote = Arc::clone(remote.remote());
                Backend::with_remote_keys(remote, algorithms.as_slice(), policy)
            }
            None => Backend::new(all, algorithms.as_slice(), policy),
        };
        let mut backend = backend.map_err(|error| refused(py, error))?;
        if let Some(scheme) = &scheme {
            backend = backend
                .with_schemes(schemes(py, scheme)?)
                .map_err(|error| refused(py, error))?;
        }
        let backend = backend
            .with_header(HeaderName::new(header).map_err(|error| bad_header(py, error))?)
            .with_revocation(revocation)
            .on_store_failure(on_store_error)
            .with_cache(cached_tokens)
            .map_err(|error| refused(py, error))?;
        let backend = Arc::new(backend);
        trusted.follow(&backend);
        Ok(Self {
            backend,
            weak_secrets,
            keys: trusted,
        })
    }

    /// The algorithms whose secret is shorter than their hash.
    #[getter]
    fn weak_secrets(&self) -> Vec<&'static str> {
        self.weak_secrets.clone()
    }

    /// How many verified tokens are kept at the moment.
    #[getter]
    fn cached_tokens(&self) -> usize {
        self.backend.cached_tokens()
    }

    fn __repr__(&self) -> String {
        "<JwtBackend>".to_owned()
    }
}

/// The keys that a backend trusts, of which sets may be replaced.
pub(crate) struct TrustedKeys {
    sources: Vec<Source>,
    algorithms: Vec<Algorithm>,
    backend: OnceLock<Weak<Backend>>,
}

enum Source {
    Fixed(Set),
    Rotating(Arc<Rotating>),
}

impl Source {
    fn read(key: &Bound<'_, PyAny>, algorithms: &Algorithms) -> PyResult<Self> {
        match KeyArgument::read(key, algorithms)? {
            KeyArgument::One(prepared) => Set::from_jwk(prepared.jwk(), algorithms.as_slice())
                .map(Self::Fixed)
                .map_err(|error| key_error(key.py(), error)),
            KeyArgument::Set(set) => {
                warn_of_skipped(key.py(), &set)?;
                Ok(Self::Fixed(set))
            }
            KeyArgument::Rotating(set) => Ok(Self::Rotating(Arc::clone(set.get().rotating()))),
        }
    }
}

impl TrustedKeys {
    fn new(sources: Vec<Source>, algorithms: &Algorithms) -> Arc<Self> {
        Arc::new(Self {
            sources,
            algorithms: algorithms.as_slice().to_vec(),
            backend: OnceLock::new(),
        })
    }

    /// Whether some of the algorithms take long.
    pub(crate) fn take_long(&self) -> bool {
        self.algorithms
            .iter()
            .any(|algorithm| takes_long_to_verify(*algorithm))
    }

    fn merged(&self) -> Set {
        let restricted = |source: &Source| match source {
            Source::Fixed(set) => set.restricted_to(&self.algorithms),
            Source::Rotating(set) => set.keys().load().restricted_to(&self.algorithms),
        };
        self.sources
            .iter()
            .map(restricted)
            .fold(Set::default(), Set::and)
    }

    fn follow(self: &Arc<Self>, backend: &Arc<Backend>) {
        let _ = self.backend.set(Arc::downgrade(backend));
        for source in &self.sources {
            if let Source::Rotating(set) = source {
                set.add_observer(self);
            }
        }
    }

    /// Hands the keys of now to the backend.
    pub(crate) fn refresh(&self) {
        if let Some(backend) = self.backend.get().and_then(Weak::upgrade) {
            backend.replace_keys(self.merged());
        }
    }
}

/// Schemes by their names.
pub(crate) fn schemes(py: Python<'_>, names: &[String]) -> PyResult<Vec<Scheme>> {
    let read = |name: &String| {
        let explained = |error| {
            plain(
                py,
                Class::ConfigurationError,
                format!("scheme {name:?} is {error}"),
            )
        };
        Scheme::new(name).map_err(explained)
    };
    names.iter().map(read).collect()
}

fn texts(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}

fn weak_secrets(keys: &Set) -> Vec<&'static str> {
    let weak = |algorithm: &Algorithm| {
        keys.keys()
            .iter()
            .any(|key| key.algorithm() == *algorithm && key.is_weak())
    };
    keys.algorithms()
        .filter(weak)
        .map(Algorithm::name)
        .collect()
}

#[cold]
fn refused(py: Python<'_>, error: ConfigError) -> PyErr {
    plain(py, Class::ConfigurationError, error)
}

/// Why a text is no name of a header. The text itself may be a key in the wrong place.
#[cold]
pub(crate) fn bad_header(py: Python<'_>, error: ConfigError) -> PyErr {
    plain(
        py,
        Class::ConfigurationError,
        format!("the header is {error}"),
    )
}
