//! Tokens among the subprotocols of a WebSocket.

use boltguard::OfferedToken;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::layer::Settings;

impl Settings {
    /// Moves a token from the subprotocols of a WebSocket to `Authorization`. Returns the status with which such a
    /// WebSocket is opened.
    pub(crate) fn take_token(&self, parts: &mut Parts) -> Option<StatusCode> {
        let opening = opening_status(parts)?;
        let offered = self.offered_token(parts)?;
        let headers = &mut parts.headers;
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
        Some(opening)
    }

    fn offered_token(&self, parts: &Parts) -> Option<OfferedToken> {
        let protocol = self.protocol.as_ref()?;
        let values = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL);
        protocol.find(values.iter().filter_map(|value| value.to_str().ok()))
    }

    /// Chooses the subprotocol before the token, unless the handler chose another.
    pub(crate) fn choose_protocol(&self, headers: &mut HeaderMap) {
        let name = self.protocol.as_ref().map(|protocol| protocol.as_str());
        // A name is a token, so the value is valid.
        if let Some(Ok(value)) = name.map(HeaderValue::try_from) {
            headers.entry(SEC_WEBSOCKET_PROTOCOL).or_insert(value);
        }
    }
}

/// Returns the status with which a WebSocket is opened, RFC 6455 §4.2.2 or RFC 8441 §5. Other requests have none.
fn opening_status(parts: &Parts) -> Option<StatusCode> {
    let mut upgrades = parts.headers.get_all(UPGRADE).iter();
    let is_upgrade = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    match parts.method {
        Method::CONNECT => Some(StatusCode::OK),
        _ if upgrades.any(is_upgrade) => Some(StatusCode::SWITCHING_PROTOCOLS),
        _ => None,
    }
}
