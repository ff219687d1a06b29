//! Tokens among the subprotocols of a WebSocket.

use actix_web::http::header::{
    AUTHORIZATION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use boltguard::OfferedToken;

use crate::middleware::Settings;

impl Settings {
    /// Moves a token from the subprotocols of a WebSocket to `Authorization`. Returns whether there was one.
    pub(crate) fn take_token(&self, headers: &mut HeaderMap) -> bool {
        let Some(offered) = self.offered_token(headers) else {
            return false;
        };
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        // The values consist of characters of a valid value.
        if let Some(Ok(others)) = offered.others().map(HeaderValue::try_from) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, others);
        }
        headers.remove(AUTHORIZATION);
        if let Ok(mut authorization) = HeaderValue::try_from(offered.authorization()) {
            authorization.set_sensitive(true);
            headers.insert(AUTHORIZATION, authorization);
        }
        true
    }

    fn offered_token(&self, headers: &HeaderMap) -> Option<OfferedToken> {
        let protocol = self.protocol.as_ref().filter(|_| is_handshake(headers))?;
        let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL);
        protocol.find(values.filter_map(|value| value.to_str().ok()))
    }

    /// Chooses the subprotocol before the token, unless the handler chose another.
    pub(crate) fn choose_protocol(&self, headers: &mut HeaderMap) {
        let name = self.protocol.as_ref().map(|protocol| protocol.as_str());
        let is_chosen = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
        // A name is a token, so the value is valid.
        if let Some(Ok(value)) = name.filter(|_| !is_chosen).map(HeaderValue::try_from) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
    }
}

/// Returns whether a request opens a WebSocket, RFC 6455 §4.1.
fn is_handshake(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(UPGRADE);
    upgrades.any(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
