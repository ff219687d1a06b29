//! The authentication schemes that a gate offers to clients.

use std::sync::Arc;

use crate::{Backend, Scheme};

/// The authentication schemes that clients may use, in the order of the challenges.
///
/// ```
/// use boltguard::{Scheme, Schemes};
///
/// let schemes = Schemes::none().and_tokens(Scheme::bearer()).and_api_keys(Scheme::api_key());
/// assert_eq!(schemes.names().collect::<Vec<_>>(), ["Bearer", "ApiKey"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemes(Arc<[Offer]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Offer {
    scheme: Scheme,
    accepts_tokens: bool,
}

impl Schemes {
    /// Returns an empty list.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns only `Bearer`, for tokens.
    #[must_use]
    pub fn bearer() -> Self {
        Self::none().and_tokens(Scheme::bearer())
    }

    /// Returns only `ApiKey`, for API keys.
    #[must_use]
    pub fn api_key() -> Self {
        Self::none().and_api_keys(Scheme::api_key())
    }

    /// Adds a scheme for tokens. Its challenges have the parameters of RFC 6750.
    #[must_use]
    pub fn and_tokens(self, scheme: Scheme) -> Self {
        self.and(scheme, true)
    }

    /// Adds a scheme for API keys.
    #[must_use]
    pub fn and_api_keys(self, scheme: Scheme) -> Self {
        self.and(scheme, false)
    }

    /// Returns the schemes as they are written in the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|offer| offer.scheme.as_str())
    }

    /// Returns the schemes of these backends.
    pub(crate) fn of(backends: &[Backend]) -> Self {
        let mut all = Self::none();
        for backend in backends {
            let accepts_tokens = !matches!(backend, Backend::ApiKey(_));
            for scheme in backend.offered_schemes() {
                all = all.and(scheme.clone(), accepts_tokens);
            }
        }
        all
    }

    /// Adds a scheme. One that several backends support is offered once, with the parameters for tokens if one of them
    /// accepts tokens.
    fn and(self, scheme: Scheme, accepts_tokens: bool) -> Self {
        let mut all = self.0.to_vec();
        match all.iter_mut().find(|offer| offer.scheme == scheme) {
            Some(offer) => offer.accepts_tokens |= accepts_tokens,
            None => all.push(Offer {
                scheme,
                accepts_tokens,
            }),
        }
        Self(all.into())
    }

    /// Returns the challenges, or `None` if there are none. Those for tokens have `parameters`.
    pub(crate) fn challenges(&self, only_tokens: bool, parameters: &str) -> Option<String> {
        let offers = self
            .0
            .iter()
            .filter(|offer| offer.accepts_tokens || !only_tokens);
        let challenges: Vec<String> = offers
            .map(|offer| {
                let parameters = if offer.accepts_tokens { parameters } else { "" };
                format!(r#"{} realm="api"{parameters}"#, offer.scheme)
            })
            .collect();
        (!challenges.is_empty()).then(|| challenges.join(", "))
    }
}
