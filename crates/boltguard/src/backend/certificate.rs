//! Authentication by the client certificate of a TLS connection (mutual TLS).

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boltguard_grants::Identity;
use boltguard_keys::digest_sha256;
use boltguard_types::{NumericDate, ReasonCode};

use super::{Authenticate, Authentication};
use crate::{ConfigError, HeaderName, RequestParts};

/// The name of an unnamed [`ClientCertificates`] backend, in guards and contexts.
pub const CERTIFICATE_BACKEND: &str = "client_certificate";

/// The longest value of a header that is read as a certificate, in bytes.
pub const MAX_CERTIFICATE: usize = 16 * 1024;

/// Authenticates clients by their TLS certificates, which are known by their SHA-256 fingerprints.
///
/// The server that terminates TLS must have verified the certificate and that the client has its key. If that is a
/// proxy, it passes the certificate in a header, which it must remove from the requests of clients.
///
/// Browsers send client certificates automatically: protect requests with an unsafe method against forgery.
///
/// ```
/// use boltguard::grants::Identity;
/// use boltguard::guard::Guard;
/// use boltguard::types::NumericDate;
/// use boltguard::{Backend, ClientCertificates, Fingerprint, Gate, HeaderName, Outcome, Step};
///
/// let header = HeaderName::new("client-cert")?;
/// let known = Fingerprint::of_der(b"a certificate in DER");
/// let backend = ClientCertificates::from_header(header, [(known, Identity::new("billing", ""))])?;
/// let gate = Gate::new([Backend::custom(backend)], &Guard::authenticated())?;
///
/// let parts = [("client-cert", ":YSBjZXJ0aWZpY2F0ZSBpbiBERVI=:")]; // RFC 9440
/// let Step::Done(Outcome::Admitted(caller)) = gate.evaluate(&parts, NumericDate::from_secs(0)) else {
///     panic!("the certificate is known")
/// };
/// assert_eq!(caller.user_id().as_deref(), Some("billing"));
/// # Ok::<(), boltguard::ConfigError>(())
/// ```
pub struct ClientCertificates {
    name: Box<str>,
    header: Option<HeaderName>,
    clients: HashMap<Fingerprint, Identity>,
}

/// The SHA-256 fingerprint of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint of a certificate in DER.
    #[must_use]
    pub fn of_der(certificate: &[u8]) -> Self {
        Self(digest_sha256(certificate))
    }

    /// Reads 64 hexadecimal digits, in upper or lower case, without separators or with a colon between all bytes, as
    /// `openssl x509 -fingerprint -sha256` prints them.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Fingerprint`] for anything else.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, ConfigError> {
        let text = text.as_ref();
        if text.contains(':') && text.split(':').any(|byte| byte.len() != 2) {
            return Err(ConfigError::Fingerprint);
        }
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(ConfigError::Fingerprint);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (digit(*high), digit(*low));
            *byte = high
                .zip(low)
                .map(|(high, low)| high << 4 | low)
                .ok_or(ConfigError::Fingerprint)?;
        }
        Ok(Self(bytes))
    }
}

fn digit(character: u8) -> Option<u8> {
    let value = char::from(character).to_digit(16)?;
    u8::try_from(value).ok()
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl ClientCertificates {
    /// Reads certificates from a header that the proxy sets, in any of the forms of [`certificate_der`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoClients`] if there are no clients, and [`ConfigError::DuplicateClient`] if two of them have the
    /// same fingerprint.
    pub fn from_header(
        header: HeaderName,
        clients: impl IntoIterator<Item = (Fingerprint, Identity)>,
    ) -> Result<Self, ConfigError> {
        Self::new(Some(header), clients)
    }

    /// Reads certificates from [`RequestParts::peer_certificate`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoClients`] if there are no clients, and [`ConfigError::DuplicateClient`] if two of them have the
    /// same fingerprint.
    pub fn from_tls(
        clients: impl IntoIterator<Item = (Fingerprint, Identity)>,
    ) -> Result<Self, ConfigError> {
        Self::new(None, clients)
    }

    fn new(
        header: Option<HeaderName>,
        clients: impl IntoIterator<Item = (Fingerprint, Identity)>,
    ) -> Result<Self, ConfigError> {
        let mut known = HashMap::new();
        for (fingerprint, identity) in clients {
            if known.insert(fingerprint, identity).is_some() {
                return Err(ConfigError::DuplicateClient);
            }
        }
        if known.is_empty() {
            return Err(ConfigError::NoClients);
        }
        Ok(Self {
            name: CERTIFICATE_BACKEND.into(),
            header,
            clients: known,
        })
    }

    /// Sets the name of the backend, for guards and contexts.
    #[must_use]
    pub fn with_name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.name = name.into();
        self
    }

    fn identify(&self, certificate: &[u8]) -> Authentication {
        match self.clients.get(&Fingerprint::of_der(certificate)) {
            Some(identity) => Authentication::Identified(identity.clone()),
            None => Authentication::Failed(ReasonCode::CredentialsInvalid),
        }
    }
}

impl Authenticate for ClientCertificates {
    fn name(&self) -> &str {
        &self.name
    }

    fn headers(&self) -> &[HeaderName] {
        self.header.as_slice()
    }

    fn authenticate(&self, parts: &dyn RequestParts, _: NumericDate) -> Authentication {
        let Some(header) = &self.header else {
            return match parts.peer_certificate() {
                Some(certificate) => self.identify(certificate),
                None => Authentication::Absent,
            };
        };
        // A proxy may set the header for clients without a certificate, too.
        match parts.header(header).filter(|value| !value.is_empty()) {
            None => Authentication::Absent,
            Some(value) => match certificate_der(value) {
                Some(certificate) => self.identify(&certificate),
                None => Authentication::Failed(ReasonCode::CredentialsInvalid),
            },
        }
    }
}

/// Decodes a certificate from the value of a header, as proxies write it.
///
/// - RFC 9440 §2.1: base64 of the DER between colons.
/// - PEM, percent-encoded as nginx does (`$ssl_client_escaped_cert`), or with spaces or tabs instead of line breaks.
/// - Base64 of the DER.
///
/// Returns `None` for anything else, for several certificates, and for values over [`MAX_CERTIFICATE`]. The DER isn't
/// examined.
///
/// ```
/// use boltguard::certificate_der;
///
/// for value in [
///     ":AQID:",
///     "-----BEGIN%20CERTIFICATE-----%0AAQID%0A-----END%20CERTIFICATE-----%0A",
///     "-----BEGIN CERTIFICATE----- AQID -----END CERTIFICATE-----",
///     "AQID",
/// ] {
///     assert_eq!(certificate_der(value), Some(vec![1, 2, 3]));
/// }
/// assert_eq!(certificate_der("AQI"), None);
/// ```
#[must_use]
pub fn certificate_der(value: &str) -> Option<Vec<u8>> {
    if value.len() > MAX_CERTIFICATE {
        return None;
    }
    let decoded = percent_decoded(value.trim())?;
    let text = decoded.trim();
    let framed = text
        .strip_prefix("-----BEGIN CERTIFICATE-----")
        .map(|rest| rest.strip_suffix("-----END CERTIFICATE-----"));
    let encoded = match framed {
        Some(body) => body?.split_ascii_whitespace().collect(),
        None => byte_sequence(text)?.to_owned(),
    };
    let der = STANDARD.decode(encoded).ok()?;
    (!der.is_empty()).then_some(der)
}

/// The content of a byte sequence, RFC 8941 §3.3.5, which is between colons, or the whole string.
fn byte_sequence(text: &str) -> Option<&str> {
    match text.strip_prefix(':') {
        Some(rest) => rest.strip_suffix(':'),
        None => Some(text),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DER: &[u8] = b"certificate";

    fn fingerprint() -> Fingerprint {
        Fingerprint::of_der(DER)
    }

    fn backend() -> ClientCertificates {
        let header = HeaderName::new("client-cert").unwrap();
        ClientCertificates::from_header(header, [(fingerprint(), Identity::new("a", ""))]).unwrap()
    }

    fn user(backend: &ClientCertificates, value: &str) -> Option<String> {
        let parts = [("client-cert", value)];
        match backend.authenticate(&parts, NumericDate::from_secs(0)) {
            Authentication::Identified(identity) => Some(identity.subject.as_str().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_known_certificate_identifies_its_client() {
        let encoded = STANDARD.encode(DER);
        for value in [
            format!(":{encoded}:"),
            encoded.clone(),
            format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n"),
        ] {
            assert_eq!(user(&backend(), &value).as_deref(), Some("a"), "{value}");
        }
        assert_eq!(user(&backend(), &STANDARD.encode(b"other")), None);
    }

    #[test]
    fn other_values_are_rejected() {
        for value in [
            ":AQID",
            "AQID:",
            "AQ ID",
            "%",
            "%4",
            "%zz",
            "%ff",
            "-----BEGIN CERTIFICATE-----AQID",
            "-----BEGIN CERTIFICATE-----AQID-----END CERTIFICATE----- x",
            "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n\
             -----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----",
            "",
            "::",
            &"A".repeat(MAX_CERTIFICATE + 4),
        ] {
            assert_eq!(certificate_der(value), None, "{value}");
        }
    }

    #[test]
    fn missing_or_empty_header_has_no_credentials() {
        for parts in [&[][..], &[("client-cert", "")]] {
            let found = backend().authenticate(&parts, NumericDate::from_secs(0));
            assert!(matches!(found, Authentication::Absent));
        }
    }

    #[test]
    fn the_certificate_of_the_connection_needs_no_header() {
        struct Tls(Option<&'static [u8]>);
        impl RequestParts for Tls {
            fn header(&self, _: &HeaderName) -> Option<&str> {
                panic!("no header is read")
            }

            fn peer_certificate(&self) -> Option<&[u8]> {
                self.0
            }
        }
        let backend =
            ClientCertificates::from_tls([(fingerprint(), Identity::new("a", ""))]).unwrap();
        let now = NumericDate::from_secs(0);
        assert!(backend.headers().is_empty());
        let known = backend.authenticate(&Tls(Some(DER)), now);
        assert!(matches!(known, Authentication::Identified(_)));
        let unknown = backend.authenticate(&Tls(Some(b"x")), now);
        assert!(matches!(unknown, Authentication::Failed(_)));
        assert!(matches!(
            backend.authenticate(&Tls(None), now),
            Authentication::Absent
        ));
    }

    #[test]
    fn a_fingerprint_has_64_digits() {
        let shown = format!("{:?}", fingerprint());
        let colons: Vec<_> = shown
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap())
            .collect();
        for text in [shown.clone(), shown.to_uppercase(), colons.join(":")] {
            assert_eq!(Fingerprint::parse(&text), Ok(fingerprint()));
        }
        for text in [
            "",
            "00",
            &shown[..62],
            &format!("{shown}00"),
            &shown.replace('a', "g"),
            &"é".repeat(32),
            &format!(":{shown}"),
            &format!("{shown}:"),
            &format!("{}:{}", &shown[..32], &shown[32..]),
        ] {
            if text != shown {
                assert_eq!(
                    Fingerprint::parse(text),
                    Err(ConfigError::Fingerprint),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_backend_without_clients_is_refused() {
        assert_eq!(
            ClientCertificates::from_tls([]).err(),
            Some(ConfigError::NoClients)
        );
    }

    #[test]
    fn two_clients_with_one_certificate_are_refused() {
        let clients = ["a", "b"].map(|name| (fingerprint(), Identity::new(name, "")));
        assert_eq!(
            ClientCertificates::from_tls(clients).err(),
            Some(ConfigError::DuplicateClient)
        );
    }

    proptest! {
        #[test]
        fn any_value_is_decoded_or_rejected(value in "\\PC{0,40}|[%:A-Za-z0-9+/= -]{0,60}") {
            let _ = certificate_der(&value);
        }

        #[test]
        fn what_is_encoded_is_decoded(der in prop::collection::vec(any::<u8>(), 1..100)) {
            let value = format!(":{}:", STANDARD.encode(&der));
            prop_assert_eq!(certificate_der(&value), Some(der));
        }
    }
}
