//! The authentication schemes of a gate, as a client is told of them.

use std::sync::Arc;

use crate::{Backend, Scheme};

/// The authentication schemes that a client may use, in the order in which it is told of them.
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
    takes_tokens: bool,
}

impl Schemes {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// `Bearer` alone, for tokens.
    #[must_use]
    pub fn bearer() -> Self {
        Self::none().and_tokens(Scheme::bearer())
    }

    /// `ApiKey` alone, for API keys.
    #[must_use]
    pub fn api_key() -> Self {
        Self::none().and_api_keys(Scheme::api_key())
    }

    /// With a scheme for tokens, of which a client is told as RFC 6750 has it.
    #[must_use]
    pub fn and_tokens(self, scheme: Scheme) -> Self {
        self.and(scheme, true)
    }

    /// With a scheme for API keys.
    #[must_use]
    pub fn and_api_keys(self, scheme: Scheme) -> Self {
        self.and(scheme, false)
    }

    /// The schemes, as they were written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|offer| offer.scheme.as_str())
    }

    /// Those of these backends.
    pub(crate) fn of(backends: &[Backend]) -> Self {
        let mut all = Self::none();
        for backend in backends {
            let takes_tokens = !matches!(backend, Backend::ApiKey(_));
            for scheme in backend.offered_schemes() {
                all = all.and(scheme.clone(), takes_tokens);
            }
        }
        all
    }

    /// A client is told of each once: that it takes tokens, if it does.
    fn and(self, scheme: Scheme, takes_tokens: bool) -> Self {
        let mut all = self.0.to_vec();
        match all.iter_mut().find(|offer| offer.scheme == scheme) {
            Some(offer) => offer.takes_tokens |= takes_tokens,
            None => all.push(Offer {
                scheme,
                takes_tokens,
            }),
        }
        Self(all.into())
    }

    /// Challenges, of which those for tokens have `parameters`; `None` if there is none.
    pub(crate) fn challenges(&self, only_tokens: bool, parameters: &str) -> Option<String> {
        let offers = self
            .0
            .iter()
            .filter(|offer| offer.takes_tokens || !only_tokens);
        let challenges: Vec<String> = offers
            .map(|offer| {
                let parameters = if offer.takes_tokens { parameters } else { "" };
                format!(r#"{} realm="api"{parameters}"#, offer.scheme)
            })
            .collect();
        (!challenges.is_empty()).then(|| challenges.join(", "))
    }
}
