//! An edge that only refreshes the keys of other issuers.

use std::fmt;
use std::sync::Arc;

use boltguard_jwks::{AsyncFetch, AsyncJwksClient, Fetch, JwksClient, RemoteKeySet};

use crate::need::KeyRefresh;
use crate::{AsyncEdge, Edge, PossibleNeed, Refreshed};

/// An [`AsyncEdge`] or [`Edge`] that refreshes the keys of other issuers, and provides nothing else. Clones are cheap.
///
/// Each backend with [remote keys](crate::JwtBackend::with_remote_keys) requires a client for the same
/// [`RemoteKeySet`]. A missing client is an error at startup, see
/// [`Gate::validate_edge`](crate::Gate::validate_edge).
///
/// [`Services`](crate::Services) combines it with other edges.
///
/// ```
/// use boltguard::jwks::{AsyncFetch, AsyncJwksClient, JwksSource};
/// use boltguard::jwt::ClaimsPolicy;
/// use boltguard::keys::Algorithm;
/// use boltguard::{AsyncEdge, Gate, JwksEdge, JwtBackend};
///
/// /// The gate, and the edge that it is checked with. `fetch` is such as `AsyncHttpFetch::new()`.
/// fn gate(fetch: impl AsyncFetch) -> Result<(Gate, impl AsyncEdge + Clone), Box<dyn std::error::Error>> {
///     let source = JwksSource::discover("https://id.example.com")?;
///     let issuer = AsyncJwksClient::from_source(source, &[Algorithm::Rs256], fetch)?;
///     let policy = ClaimsPolicy::new().with_audience(["shop"]);
///     let backend = JwtBackend::for_issuer(&issuer, policy)?;
///     let gate = Gate::new([backend.into()], &r#"perm("blog.add")"#.parse()?)?;
///     Ok((gate, JwksEdge::new([issuer])))
/// }
/// # use boltguard::jwks::{FetchError, JwksUrl};
/// # gate(async |_: JwksUrl, _: usize| Err(FetchError::Connection)).unwrap();
/// ```
pub struct JwksEdge<C> {
    clients: Arc<[C]>,
}

impl<C> JwksEdge<C> {
    /// Creates an edge with these clients, one for each issuer.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = C>) -> Self {
        Self {
            clients: clients.into_iter().collect(),
        }
    }

    fn client(&self, need: &KeyRefresh, keys_of: impl Fn(&C) -> &Arc<RemoteKeySet>) -> Option<&C> {
        self.client_of(need.keys()?, keys_of)
    }

    fn client_of(
        &self,
        keys: &Arc<RemoteKeySet>,
        keys_of: impl Fn(&C) -> &Arc<RemoteKeySet>,
    ) -> Option<&C> {
        let mut clients = self.clients.iter();
        clients.find(|client| Arc::ptr_eq(keys_of(client), keys))
    }

    fn has_client_for(
        &self,
        need: &PossibleNeed<'_>,
        keys_of: impl Fn(&C) -> &Arc<RemoteKeySet>,
    ) -> bool {
        match need {
            PossibleNeed::RefreshKeys { keys, .. } => self.client_of(keys, keys_of).is_some(),
            _ => false,
        }
    }
}

impl<F: AsyncFetch> AsyncEdge for JwksEdge<AsyncJwksClient<F>> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        self.has_client_for(need, AsyncJwksClient::remote)
    }

    async fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        match self.client(need, AsyncJwksClient::remote) {
            Some(client) => client.refresh_now(need.refresh()).await.into(),
            None => Refreshed::Unavailable,
        }
    }
}

impl<F: Fetch> Edge for JwksEdge<JwksClient<F>> {
    fn provides(&self, need: &PossibleNeed<'_>) -> bool {
        self.has_client_for(need, JwksClient::remote)
    }

    fn refresh_keys(&mut self, need: &KeyRefresh) -> Refreshed {
        match self.client(need, JwksClient::remote) {
            Some(client) => client.refresh_now(need.refresh()).into(),
            None => Refreshed::Unavailable,
        }
    }
}

/// An error means that there are no usable keys.
impl<T, E> From<Result<T, E>> for Refreshed {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(_) => Self::Unavailable,
        }
    }
}

impl<C> Clone for JwksEdge<C> {
    fn clone(&self) -> Self {
        Self {
            clients: Arc::clone(&self.clients),
        }
    }
}

impl<C: fmt::Debug> fmt::Debug for JwksEdge<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JwksEdge").field(&self.clients).finish()
    }
}
