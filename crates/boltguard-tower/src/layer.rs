//! The configuration of a guarded service.

use std::fmt;
use std::sync::Arc;

use boltguard::{AsyncEdge, ConfigError, Gate, Now, SharedEdge, WebSocketProtocol};
use http::HeaderValue;
use tower_layer::Layer;

use crate::GuardService;

/// A layer that evaluates each request with a gate, see the [crate's documentation](crate).
///
/// Clones share everything, except for the edge `E`, which is cloned.
#[derive(Clone)]
pub struct GuardLayer<E = ()> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) edge: E,
}

/// What all clones of a layer share.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) gate: Gate,
    pub(crate) clock: Arc<dyn Fn() -> Now + Send + Sync>,
    /// A copy of the edge for connections that stay open.
    pub(crate) shared_edge: SharedEdge,
    pub(crate) vary: Option<HeaderValue>,
    pub(crate) protocol: Option<WebSocketProtocol>,
    #[cfg(feature = "grpc")]
    pub(crate) grpc: Option<crate::Grpc>,
}

impl GuardLayer {
    /// Creates a layer for a gate that needs nothing from outside.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Edge`](boltguard::ConfigError::Edge) if the gate may need something.
    pub fn new(gate: Gate) -> Result<Self, ConfigError> {
        Self::with_edge(gate, ())
    }
}

impl<E: AsyncEdge + Clone + 'static> GuardLayer<E> {
    /// Creates a layer with the edge that provides what the gate needs from outside.
    ///
    /// The edge is cloned for each request.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Edge`](boltguard::ConfigError::Edge) if the edge doesn't provide everything that the gate may
    /// need.
    pub fn with_edge(gate: Gate, edge: E) -> Result<Self, ConfigError> {
        let shared_edge = SharedEdge::new(&gate, edge.clone())?;
        // The names of headers are tokens, so the value is valid.
        let vary = gate.vary().and_then(|value| value.try_into().ok());
        let settings = Settings {
            gate,
            clock: Arc::new(Now::system),
            shared_edge,
            vary,
            protocol: None,
            #[cfg(feature = "grpc")]
            grpc: None,
        };
        Ok(Self {
            settings: Arc::new(settings),
            edge,
        })
    }
}

impl<E> GuardLayer<E> {
    /// Refuses gRPC calls with statuses of gRPC, and exempts some services.
    #[cfg(feature = "grpc")]
    #[must_use]
    pub fn with_grpc(mut self, grpc: crate::Grpc) -> Self {
        Arc::make_mut(&mut self.settings).grpc = Some(grpc);
        self
    }

    /// Also accepts tokens as a subprotocol of WebSockets, because browsers can't set `Authorization` there.
    ///
    /// With `"bearer"`, a client offers `bearer` first, and the token second: in JavaScript, `new WebSocket(url,
    /// ["bearer", token])`. Such a token replaces `Authorization`. The handler receives only the other subprotocols. If
    /// it doesn't choose one of them, the response has `bearer`, as browsers require.
    ///
    /// # Errors
    ///
    /// Those of [`WebSocketProtocol::new`].
    pub fn with_websocket_protocol(mut self, name: impl AsRef<str>) -> Result<Self, ConfigError> {
        let protocol = WebSocketProtocol::new(name, &self.settings.gate)?;
        Arc::make_mut(&mut self.settings).protocol = Some(protocol);
        Ok(self)
    }

    /// Replaces the system clock, for tests.
    #[must_use]
    pub fn with_clock<N: Into<Now>>(
        mut self,
        clock: impl Fn() -> N + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.settings).clock = Arc::new(move || clock().into());
        self
    }
}

impl<S, E: Clone> Layer<S> for GuardLayer<E> {
    type Service = GuardService<S, E>;

    fn layer(&self, inner: S) -> GuardService<S, E> {
        GuardService {
            inner,
            layer: self.clone(),
        }
    }
}

impl<E> fmt::Debug for GuardLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer")
            .field("gate", &self.settings.gate)
            .finish_non_exhaustive()
    }
}
