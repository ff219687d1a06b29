//! The extractor with which a WebSocket is closed.

use std::time::Duration;

use axum_core::extract::FromRequestParts;
use boltguard::{AdmittedCaller, CredentialWatch, Now, Refusal, RequestParts, SharedEdge};
use http::request::Parts;

use crate::Rejection;
use crate::authenticated::admitted;

/// Waits until the credentials that opened a connection are no longer valid, see [`CredentialWatch`].
///
/// ```
/// use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
/// use axum::response::Response;
/// use boltguard::Refusal;
/// use boltguard_axum::{Authenticated, ConnectionWatch};
///
/// async fn chat(_: Authenticated, watch: ConnectionWatch, upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(async move |mut socket| {
///         let refusal = tokio::select! {
///             () = converse(&mut socket) => return,
///             refusal = watch.ended() => refusal,
///         };
///         // 4401 `token_expired` or `token_revoked`
///         let (code, reason) = (refusal.close_code(), refusal.code().into());
///         let _ = socket.send(Message::Close(Some(CloseFrame { code, reason }))).await;
///     })
/// }
///
/// async fn converse(socket: &mut WebSocket) {
///     while let Some(Ok(message)) = socket.recv().await {
///         let _ = socket.send(message).await;
///     }
/// }
/// ```
#[derive(Debug)]
pub struct ConnectionWatch {
    watch: CredentialWatch,
    edge: SharedEdge,
}

impl ConnectionWatch {
    fn new(caller: &AdmittedCaller, parts: &impl RequestParts) -> Result<Self, Rejection> {
        let edge = caller.edge().ok_or_else(Rejection::without_layer)?;
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
    /// They are checked with the edge of the layer.
    pub async fn ended(&self) -> Refusal {
        let mut edge = self.edge.clone();
        self.watch
            .ended(&mut edge, Now::system, tokio::time::sleep)
            .await
    }
}

impl<S: Sync> FromRequestParts<S> for ConnectionWatch {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let caller = admitted(parts)?;
        Self::new(&caller, parts)
    }
}
