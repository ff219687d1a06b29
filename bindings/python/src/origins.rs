//! `OriginPolicy`: which pages may make requests with cookies.

use boltguard::{HeaderName, OriginPolicy as Policy, RequestOrigin, RequestParts};
use pyo3::prelude::*;

use crate::errors::{Class, plain};

/// The origins whose pages may make requests with cookies, besides the origin of the service itself.
#[pyclass(frozen, module = "boltguard._rust")]
pub(crate) struct OriginPolicy(Policy);

#[pymethods]
impl OriginPolicy {
    /// Trusts origins such as `https://app.example.com`; `https://*.example.com` includes the subdomains.
    #[new]
    #[pyo3(signature = (trusted=vec![]))]
    fn new(py: Python<'_>, trusted: Vec<String>) -> PyResult<Self> {
        Policy::new(trusted.iter().map(String::as_str))
            .map(Self)
            .map_err(|error| plain(py, Class::ConfigurationError, error))
    }

    /// Where a request comes from, according to its headers `Origin` and `Sec-Fetch-Site`: `same_origin`, `trusted`,
    /// `cross_origin`, or `unknown` if it has neither of them.
    ///
    /// `own` is the origin of the service, such as `https://api.example.com`. Without it, `host` is used, the `Host`
    /// header, and the scheme must be `https`, or `http` on the local machine.
    #[pyo3(signature = (*, origin, fetch_site, own=None, host=None))]
    fn classify(
        &self,
        origin: Option<&str>,
        fetch_site: Option<&str>,
        own: Option<&str>,
        host: Option<&str>,
    ) -> &'static str {
        let parts = Parts {
            origin,
            fetch_site,
            host,
        };
        let found = match own {
            Some(own) => self.0.classify_at(own, &parts),
            None => self.0.classify(&parts),
        };
        match found {
            RequestOrigin::CrossOrigin => "cross_origin",
            RequestOrigin::SameOrigin => "same_origin",
            RequestOrigin::Trusted => "trusted",
            RequestOrigin::Unknown => "unknown",
        }
    }

    fn __repr__(&self) -> &'static str {
        "<OriginPolicy>"
    }
}

struct Parts<'a> {
    origin: Option<&'a str>,
    fetch_site: Option<&'a str>,
    host: Option<&'a str>,
}

impl RequestParts for Parts<'_> {
    fn header(&self, name: &HeaderName) -> Option<&str> {
        match name.as_str() {
            "host" => self.host,
            "origin" => self.origin,
            "sec-fetch-site" => self.fetch_site,
            _ => None,
        }
    }
}
