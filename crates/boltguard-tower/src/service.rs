//! The guarded service.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use boltguard::{AdmittedCaller, AsyncEdge, Refusal};
use http::request::Parts;
use http::{Request, Response};
use tower_service::Service;

use crate::response::{add_cache_headers, refused};
use crate::{GuardBody, GuardLayer};

/// A service that is only called for requests that the guard allows, see [`GuardLayer`].
#[derive(Clone)]
pub struct GuardService<S, E = ()> {
    pub(crate) inner: S,
    pub(crate) layer: GuardLayer<E>,
}

impl<S, E, B, R> Service<Request<B>> for GuardService<S, E>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    E: AsyncEdge + Clone + 'static,
    B: Send + 'static,
    R: 'static,
{
    type Response = Response<GuardBody<R>>;
    type Error = S::Error;
    type Future = GuardFuture<R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Only this instance was polled until it was ready, so it must be the one that is called.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        GuardFuture(Box::pin(respond(inner, self.layer.clone(), request)))
    }
}

async fn respond<S, E, B, R>(
    inner: S,
    layer: GuardLayer<E>,
    request: Request<B>,
) -> Result<Response<GuardBody<R>>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    E: AsyncEdge,
{
    let (parts, body) = request.into_parts();
    #[cfg(feature = "tracing")]
    let logged = crate::log::LoggedRequest::new(&parts);
    let response = evaluate(inner, layer, parts, body).await?;
    #[cfg(feature = "tracing")]
    let response = logged.log(response);
    Ok(response)
}

async fn evaluate<S, E, B, R>(
    mut inner: S,
    mut layer: GuardLayer<E>,
    mut parts: Parts,
    body: B,
) -> Result<Response<GuardBody<R>>, S::Error>
where
    S: Service<Request<B>, Response = Response<R>>,
    E: AsyncEdge,
{
    #[cfg(feature = "grpc")]
    if layer.settings.is_exempt(&parts) {
        let response = inner.call(Request::from_parts(parts, body)).await?;
        return Ok(response.map(GuardBody::inner));
    }
    let opening = layer.settings.take_token(&mut parts);
    let caller = match layer.admit(&parts).await {
        Ok(caller) => caller,
        #[cfg(feature = "grpc")]
        Err(refusal) if layer.settings.is_grpc_call(&parts) => {
            return Ok(crate::grpc::refused(refusal));
        }
        Err(refusal) => return Ok(refused(&layer.settings, refusal)),
    };
    let is_authenticated = caller.is_authenticated();
    parts.extensions.insert(caller);
    let mut response = inner.call(Request::from_parts(parts, body)).await?;
    add_cache_headers(&layer.settings, is_authenticated, response.headers_mut());
    if opening == Some(response.status()) {
        layer.settings.choose_protocol(response.headers_mut());
    }
    Ok(response.map(GuardBody::inner))
}

impl<E: AsyncEdge> GuardLayer<E> {
    async fn admit(&mut self, parts: &Parts) -> Result<AdmittedCaller, Refusal> {
        let settings = &*self.settings;
        let clock = || (settings.clock)();
        let decision = settings.gate.admit(parts, clock, &mut self.edge).await;
        #[cfg(feature = "metrics")]
        boltguard::count_decision(env!("CARGO_PKG_NAME"), &decision);
        Ok(decision?.with_edge(&settings.shared_edge))
    }
}

impl<S, E> fmt::Debug for GuardService<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService")
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

/// The future of a response of [`GuardService`].
pub struct GuardFuture<R, E>(Pin<Box<Evaluating<R, E>>>);

type Evaluating<R, E> = dyn Future<Output = Result<Response<GuardBody<R>>, E>> + Send;

impl<R, E> Future for GuardFuture<R, E> {
    type Output = Result<Response<GuardBody<R>>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<R, E> fmt::Debug for GuardFuture<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardFuture").finish_non_exhaustive()
    }
}
