//! The extractor with which a WebSocket is closed.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, rt};
use boltguard::{AdmittedCaller, CredentialWatch, Now, Refusal, RequestParts, SharedEdge};

use crate::Rejection;
use crate::authenticated::admitted;
use crate::request::Head;

/// Waits until the credentials that opened a connection are no longer valid, see [`CredentialWatch`].
///
/// ```
/// use boltguard_actix::ConnectionWatch;
///
/// /// Runs as long as the credentials are valid, and returns the code and the reason for which to close the WebSocket.
/// async fn run(watch: ConnectionWatch, chat: impl Future<Output = ()>) -> Option<(u16, &'static str)> {
///     let (mut chat, mut ended) = (std::pin::pin!(chat), std::pin::pin!(watch.ended()));
///     std::future::poll_fn(|context| {
///         if chat.as_mut().poll(context).is_ready() {
///             return std::task::Poll::Ready(None);
///         }
///         let ended = ended.as_mut().poll(context);
///         ended.map(|refusal| Some((refusal.close_code(), refusal.code())))
///     })
///     .await
/// }
/// ```
#[derive(Debug)]
pub struct ConnectionWatch {
    watch: CredentialWatch,
    edge: SharedEdge,
}

impl ConnectionWatch {
    fn new(caller: &AdmittedCaller, parts: &impl RequestParts) -> Result<Self, Rejection> {
        let edge = caller.edge().ok_or_else(Rejection::without_middleware)?;
        Ok(Self {
            watch: CredentialWatch::new(caller, parts),
            edge: edge.clone(),
        })
    }

    /// Sets how often the credentials are checked, besides when the token expires. The default is every 5 seconds.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        let watch = self.watch.with_interval(interval);
        Self { watch, ..self }
    }

    /// Waits until the credentials are no longer valid, and returns why.
    ///
    /// They are checked with the edge of the middleware.
    pub async fn ended(&self) -> Refusal {
        let mut edge = self.edge.clone();
        self.watch
            .ended(&mut edge, Now::system, rt::time::sleep)
            .await
    }
}

impl FromRequest for ConnectionWatch {
    type Error = Rejection;
    type Future = Ready<Result<Self, Rejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let watch = |caller| Self::new(&caller, &Head(request.head()));
        ready(admitted(request).and_then(watch))
    }
}
