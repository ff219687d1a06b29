//! Backends outside of this crate.

use std::fmt;
use std::sync::Arc;

use boltguard_grants::Identity;
use boltguard_types::{NumericDate, ReasonCode};

use super::BackendName;
use crate::{HeaderName, RequestParts, Scheme};

/// A custom way to authenticate, without waiting.
///
/// The gate calls it for each request whose caller no earlier backend identified. If a backend has to wait for
/// something, such as a database, use [`EdgeBackend`].
///
/// ```
/// use boltguard::grants::Identity;
/// use boltguard::guard::Guard;
/// use boltguard::types::NumericDate;
/// use boltguard::{Authenticate, Authentication, Backend, Gate, HeaderName, Outcome, RequestParts, Step};
///
/// /// Trusts the caller that the gateway in front of the service identified.
/// struct Gateway {
///     headers: [HeaderName; 1],
/// }
///
/// impl Authenticate for Gateway {
///     fn name(&self) -> &str {
///         "gateway"
///     }
///
///     fn headers(&self) -> &[HeaderName] {
///         &self.headers
///     }
///
///     fn authenticate(&self, parts: &dyn RequestParts, _now: NumericDate) -> Authentication {
///         match parts.header(&self.headers[0]) {
///             Some(user) => Authentication::Identified(Identity::new(user, "gateway")),
///             None => Authentication::Absent,
///         }
///     }
/// }
///
/// let gateway = Gateway { headers: [HeaderName::new("x-gateway-user")?] };
/// let gate = Gate::new([Backend::custom(gateway)], &Guard::authenticated())?;
/// let parts = [("x-gateway-user", "ada")];
/// let Step::Done(Outcome::Admitted(caller)) = gate.evaluate(&parts, NumericDate::from_secs(0)) else {
///     panic!("the caller is identified")
/// };
/// assert_eq!(caller.user_id().as_deref(), Some("ada"));
/// # Ok::<(), boltguard::ConfigError>(())
/// ```
pub trait Authenticate: Send + Sync {
    /// Returns the name by which guards and contexts refer to this backend. It must not change.
    fn name(&self) -> &str;

    /// Returns the headers that the backend reads. Responses vary by them.
    fn headers(&self) -> &[HeaderName] {
        &[]
    }

    /// Returns the schemes of the challenge in a 401, RFC 9110 §11.6.1.
    fn schemes(&self) -> &[Scheme] {
        &[]
    }

    /// Identifies the caller of a request.
    fn authenticate(&self, parts: &dyn RequestParts, now: NumericDate) -> Authentication;
}

/// The result of a custom backend.
#[derive(Clone, Debug)]
#[must_use]
pub enum Authentication {
    /// The request has no credentials for this backend. The next one is tried.
    Absent,
    /// The credentials are invalid for this reason. The next backend is tried.
    Failed(ReasonCode),
    /// The credentials are valid. The backend name of the identity is replaced by the name of this backend.
    Identified(Identity),
    /// The credentials can't be checked. The request is refused with 503.
    Unavailable,
}

/// A backend that the edge implements. Evaluations return [`Need::Authenticate`](crate::Need::Authenticate) for it.
#[derive(Clone, Debug)]
pub struct EdgeBackend {
    pub(super) name: BackendName,
    pub(super) headers: Box<[HeaderName]>,
    pub(super) schemes: Box<[Scheme]>,
    /// If the first header is absent, there are no credentials.
    pub(super) requires_header: bool,
}

impl EdgeBackend {
    /// Creates a backend for all requests.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        Self {
            name: BackendName::Given(name.into()),
            headers: [].into(),
            schemes: [].into(),
            requires_header: false,
        }
    }

    /// Limits the backend to requests with this header.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.headers = [header].into();
        self.requires_header = true;
        self
    }

    /// Sets the headers that the backend reads. All of them are optional.
    #[must_use]
    pub fn reading(mut self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers = headers.into_iter().collect();
        self.requires_header = false;
        self
    }

    /// Sets the schemes of the challenge in a 401.
    #[must_use]
    pub fn with_schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        self.schemes = schemes.into_iter().collect();
        self
    }
}

/// A custom backend with its name.
#[derive(Clone)]
pub struct CustomBackend {
    pub(super) name: BackendName,
    pub(super) backend: Arc<dyn Authenticate>,
}

impl CustomBackend {
    pub(super) fn new(backend: Arc<dyn Authenticate>) -> Self {
        Self {
            name: BackendName::Given(backend.name().into()),
            backend,
        }
    }
}

impl fmt::Debug for CustomBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CustomBackend");
        debug.field("name", &self.name).finish_non_exhaustive()
    }
}
