//! Tokens among the subprotocols of a WebSocket, [RFC 6455 §11.3.4](https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4).

use std::fmt;

use crate::credentials::is_token;
use crate::{Backend, ConfigError, Gate, Scheme};

/// The subprotocol after which a WebSocket handshake has a token, because browsers can't set `Authorization` there.
///
/// The client offers the subprotocol first, the token second, and then those that it supports. The integration passes
/// the token on in `Authorization` with the scheme `Bearer`, and the other subprotocols to the handler.
///
/// ```
/// # use boltguard::guard::Guard;
/// # use boltguard::jwt::ClaimsPolicy;
/// # use boltguard::keys::{Algorithm, Key, KeySet, Secret, VerifyingKey};
/// # use boltguard::{Gate, JwtBackend};
/// use boltguard::WebSocketProtocol;
///
/// # let secret = Key::Secret(Secret::new(b"a secret that is thirty-two bytes")?);
/// # let keys = KeySet::new([VerifyingKey::new(&secret, Algorithm::Hs256)?]);
/// # let backend = JwtBackend::new(keys, &[Algorithm::Hs256], ClaimsPolicy::new())?;
/// # let gate = Gate::new([backend.into()], &Guard::authenticated())?;
/// let protocol = WebSocketProtocol::new("bearer", &gate)?;
/// let offered = protocol.find(["bearer, a.b.c, chat.v2, chat.v1"]).unwrap();
/// assert_eq!(offered.authorization(), "Bearer a.b.c");
/// assert_eq!(offered.others(), Some("chat.v2, chat.v1"));
/// assert!(protocol.find(["chat.v2, bearer, a.b.c"]).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketProtocol(Box<str>);

impl WebSocketProtocol {
    /// Creates the subprotocol with this name, such as `bearer`, for the backends of a gate.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::WebSocketProtocol`] if the name isn't a token, RFC 6455 §4.1.
    /// - [`ConfigError::NoBearer`] if no backend of the gate reads `Authorization` with the scheme `Bearer`.
    pub fn new(name: impl AsRef<str>, gate: &Gate) -> Result<Self, ConfigError> {
        let name = name.as_ref();
        if !is_token(name) {
            return Err(ConfigError::WebSocketProtocol(name.into()));
        }
        if !gate.backends().iter().any(reads_bearer) {
            return Err(ConfigError::NoBearer);
        }
        Ok(Self(name.into()))
    }

    /// Returns the name, with which the server responds unless the handler chooses another subprotocol.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the token in the values of `Sec-WebSocket-Protocol`, or `None` if there is none.
    pub fn find<'v>(&self, values: impl IntoIterator<Item = &'v str>) -> Option<OfferedToken> {
        let values = values.into_iter().flat_map(|value| value.split(','));
        let mut names = values.map(str::trim).filter(|name| !name.is_empty());
        if names.next() != Some(self.as_str()) {
            return None;
        }
        let authorization = format!("Bearer {}", names.next()?);
        Some(OfferedToken {
            authorization,
            others: names.collect::<Vec<_>>().join(", "),
        })
    }
}

/// A token among the subprotocols that a client offers. `Debug` doesn't show it.
pub struct OfferedToken {
    authorization: String,
    others: String,
}

impl OfferedToken {
    /// Returns the value of `Authorization` with the token, which replaces that of the request.
    #[must_use]
    pub fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Returns the value of `Sec-WebSocket-Protocol` without the token, or `None` if the client only offers the token.
    #[must_use]
    pub fn others(&self) -> Option<&str> {
        (!self.others.is_empty()).then_some(&*self.others)
    }
}

/// Hides the token.
impl fmt::Debug for OfferedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfferedToken")
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}

/// Returns whether a backend may accept a token in `Authorization` with the scheme `Bearer`.
fn reads_bearer(backend: &Backend) -> bool {
    let has_scheme = match backend {
        Backend::ApiKey(backend) => backend.schemes().contains(&Scheme::bearer()),
        Backend::Jwt(backend) => backend.schemes().contains(&Scheme::bearer()),
        // They may read it without offering it to clients.
        Backend::Custom(_) | Backend::Edge(_) => true,
    };
    let mut headers = backend.headers().iter();
    has_scheme && headers.any(|name| name.is_authorization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(values: &[&str]) -> Option<(String, Option<String>)> {
        let protocol = WebSocketProtocol("bearer".into());
        let found = protocol.find(values.iter().copied())?;
        let others = found.others().map(str::to_owned);
        Some((found.authorization().to_owned(), others))
    }

    #[test]
    fn the_token_is_the_second_subprotocol() {
        for values in [
            &["bearer, a.b.c"][..],
            &["bearer,a.b.c"],
            &[" bearer ,, a.b.c ,"],
            &["bearer", "a.b.c"],
        ] {
            let expected = ("Bearer a.b.c".to_owned(), None);
            assert_eq!(find(values), Some(expected), "{values:?}");
        }
        let (_, others) = find(&["bearer, a.b.c, chat", "mqtt"]).unwrap();
        assert_eq!(others.as_deref(), Some("chat, mqtt"));
    }

    #[test]
    fn other_lists_have_no_token() {
        for values in [
            &[][..],
            &[""],
            &["bearer"],
            &["Bearer, a.b.c"],
            &["chat, bearer, a.b.c"],
            &["bearer a.b.c"],
        ] {
            assert_eq!(find(values), None, "{values:?}");
        }
    }

    #[test]
    fn debug_hides_the_token() {
        let protocol = WebSocketProtocol("bearer".into());
        let found = protocol.find(["bearer, a.b.c, chat"]).unwrap();
        assert_eq!(
            format!("{found:?}"),
            r#"OfferedToken { others: "chat", .. }"#
        );
    }
}
