//! The middleware that checks a guard.

use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY};
use actix_web::{Error, HttpMessage};
use boltguard::{
    AdmittedCaller, AsyncEdge, ConfigError, Gate, Now, Refusal, SharedEdge, WebSocketProtocol,
};

use crate::rejection::response;
use crate::request::Head;

/// A middleware that evaluates each request with a gate, see the [crate's documentation](crate).
///
/// Clones share everything, except for the edge `E`, which is cloned.
#[derive(Clone)]
pub struct GuardMiddleware<E = ()> {
    settings: Arc<Settings>,
    edge: E,
}

/// What all clones of a middleware share.
#[derive(Clone)]
pub(crate) struct Settings {
    gate: Gate,
    clock: Arc<dyn Fn() -> Now + Send + Sync>,
    /// A copy of the edge for connections that stay open.
    shared_edge: SharedEdge,
    vary: Option<HeaderValue>,
    pub(crate) protocol: Option<WebSocketProtocol>,
}

impl GuardMiddleware {
    /// Creates a middleware for a gate that needs nothing from outside.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Edge`](boltguard::ConfigError::Edge) if the gate may need something.
    pub fn new(gate: Gate) -> Result<Self, ConfigError> {
        Self::with_edge(gate, ())
    }
}

impl<E: AsyncEdge + Clone + 'static> GuardMiddleware<E> {
    /// Creates a middleware with the edge that provides what the gate needs from outside.
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
        };
        Ok(Self {
            settings: Arc::new(settings),
            edge,
        })
    }
}

impl<E> GuardMiddleware<E> {
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

impl<E: AsyncEdge> GuardMiddleware<E> {
    async fn admit(&mut self, request: &ServiceRequest) -> Result<AdmittedCaller, Refusal> {
        let (settings, head) = (&*self.settings, Head(request.head()));
        let clock = || (settings.clock)();
        let decision = settings.gate.admit(&head, clock, &mut self.edge).await;
        #[cfg(feature = "metrics")]
        boltguard::count_decision(env!("CARGO_PKG_NAME"), &decision);
        Ok(decision?.with_edge(&settings.shared_edge))
    }
}

impl Settings {
    /// Adds the headers with which shared caches don't send the response to another caller.
    fn add_cache_headers(&self, is_authenticated: bool, headers: &mut HeaderMap) {
        if let Some(vary) = &self.vary {
            headers.append(VARY, vary.clone());
        }
        let value = self.gate.cache_control(is_authenticated);
        if let Some(value) = value.filter(|_| !headers.contains_key(CACHE_CONTROL)) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(value));
        }
    }
}

impl<S, B, E> Transform<S, ServiceRequest> for GuardMiddleware<E>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    E: AsyncEdge + Clone + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = GuardedService<S, E>;
    type InitError = ();
    type Future = Ready<Result<GuardedService<S, E>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(GuardedService {
            inner: Rc::new(inner),
            middleware: self.clone(),
        }))
    }
}

/// A service that is only called for requests that the guard allows, see [`GuardMiddleware`].
pub struct GuardedService<S, E = ()> {
    inner: Rc<S>,
    middleware: GuardMiddleware<E>,
}

impl<S, B, E> Service<ServiceRequest> for GuardedService<S, E>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    E: AsyncEdge + Clone + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, middleware) = (Rc::clone(&self.inner), self.middleware.clone());
        Box::pin(respond(inner, middleware, request))
    }
}

async fn respond<S, B, E>(
    inner: Rc<S>,
    mut middleware: GuardMiddleware<E>,
    mut request: ServiceRequest,
) -> Result<ServiceResponse<EitherBody<B>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    E: AsyncEdge,
{
    let has_protocol = middleware.settings.take_token(request.headers_mut());
    let caller = match middleware.admit(&request).await {
        Ok(caller) => caller,
        Err(refusal) => {
            let mut refused = request
                .into_response(response(refusal))
                .map_into_right_body();
            let settings = middleware.settings;
            settings.add_cache_headers(false, refused.headers_mut());
            return Ok(refused);
        }
    };
    let is_authenticated = caller.is_authenticated();
    request.extensions_mut().insert(caller);
    let mut response = inner.call(request).await?.map_into_left_body();
    let settings = middleware.settings;
    settings.add_cache_headers(is_authenticated, response.headers_mut());
    if has_protocol && response.status() == StatusCode::SWITCHING_PROTOCOLS {
        settings.choose_protocol(response.headers_mut());
    }
    Ok(response)
}

impl<E> fmt::Debug for GuardMiddleware<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardMiddleware")
            .field("gate", &self.settings.gate)
            .finish_non_exhaustive()
    }
}

impl<S, E> fmt::Debug for GuardedService<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedService")
            .field("middleware", &self.middleware)
            .finish_non_exhaustive()
    }
}
