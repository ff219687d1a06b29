//! Backends outside of this crate.

use std::fmt;
use std::sync::Arc;

use boltguard_grants::Identity;
use boltguard_types::{NumericDate, ReasonCode};

use super::BackendName;
use crate::{HeaderName, RequestParts, Scheme};

/// A way to authenticate that this crate doesn't have, and that needs no waiting.
///
/// The gate calls it for each request whose caller isn't identified by a backend before it. For a backend that has to
/// wait for something, such as a database, use [`EdgeBackend`].
///
/// ```
/// use boltguard::grants::Identity;
/// use boltguard::guard::Guard;
/// use boltguard::types::NumericDate;
/// use boltguard::{Authenticate, Authentication, Backend, Gate, HeaderName, Outcome, RequestParts, Step};
///
/// /// Identifies the caller as the gateway in front of the service does.
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
    /// The request has no credentials for this backend: the next one is tried.
    Absent,
    /// The credentials are bad, for this reason: the next backend is tried.
    Failed(ReasonCode),
    /// The credentials are good. The name of the backend in the identity is replaced by the backend's own.
    Identified(Identity),
    /// The credentials can't be checked now: the request is refused with 503.
    Unavailable,
}

/// A backend of the edge, which an evaluation asks by a [`Need::Authenticate`](crate::Need::Authenticate).
#[derive(Clone, Debug)]
pub struct EdgeBackend {
    pub(super) name: BackendName,
    pub(super) headers: Box<[HeaderName]>,
    pub(super) schemes: Box<[Scheme]>,
    /// Without a value in the first of the headers, there are no credentials.
    pub(super) requires_header: bool,
}

impl EdgeBackend {
    /// Creates a backend that is asked about every request.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: BackendName::Given(name.into()),
            headers: [].into(),
            schemes: [].into(),
            requires_header: false,
        }
    }

    /// Asks the backend only about requests with this header.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.headers = [header].into();
        self.requires_header = true;
        self
    }

    /// Names the headers that the backend reads, which may all be absent.
    #[must_use]
    pub fn reading(mut self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers = headers.into_iter().collect();
        self.requires_header = false;
        self
    }

    /// Offers these schemes in the challenge of a 401.
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
