//! The JOSE header, [RFC 7515 §4](https://www.rfc-editor.org/rfc/rfc7515#section-4).
//!
//! `jwk`, `jku`, `x5u` and `x5c` are never looked at: a token does not say which keys to trust.

use boltguard_encoding::base64url;
use boltguard_encoding::json::{JsonError, Kind, Names, Reader, Text};
use boltguard_keys::Algorithm;

use crate::JwsError;

/// What a header says that matters here.
///
/// It is a pointer, since most headers are borrowed from those that a [`Verifier`](crate::Verifier) knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(Box<Parameters>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameters {
    algorithm: Algorithm,
    key_id: Option<Box<str>>,
    media_type: Option<Box<str>>,
    json: Box<str>,
}

impl Header {
    /// Reads the first segment of a token.
    ///
    /// # Errors
    ///
    /// - [`JwsError::AlgorithmNotAllowed`] if `alg` is missing or names no [`Algorithm`], `none` included.
    /// - [`JwsError::CriticalHeader`] for `crit`, and for `b64` other than `true`.
    /// - [`JwsError::HeaderInvalid`] if it is no JSON object without duplicate members, or `kid` is no string.
    /// - [`JwsError::Malformed`] if the segment is not base64url.
    pub fn parse(segment: &str) -> Result<Self, JwsError> {
        Self::parse_segment(segment.as_bytes())
    }

    pub(crate) fn parse_segment(segment: &[u8]) -> Result<Self, JwsError> {
        let mut buffer = [0; SHORT];
        match base64url::decode_slice(segment, &mut buffer) {
            Ok(len) => Self::read(&buffer[..len]),
            Err(_) => Self::read(&base64url::decode(segment).map_err(|_| JwsError::Malformed)?),
        }
    }

    fn read(json: &[u8]) -> Result<Self, JwsError> {
        let fields = Fields::read(json)?;
        if fields.extended {
            return Err(JwsError::CriticalHeader);
        }
        let name = fields.algorithm.ok_or(JwsError::AlgorithmNotAllowed)?;
        let named = |algorithm: &&Algorithm| name == algorithm.name();
        let algorithm = Algorithm::ALL.iter().find(named);
        Ok(Self(Box::new(Parameters {
            algorithm: *algorithm.ok_or(JwsError::AlgorithmNotAllowed)?,
            key_id: fields.key_id.map(owned),
            media_type: fields.media_type.map(owned),
            json: str::from_utf8(json)
                .map_err(|_| JwsError::HeaderInvalid)?
                .into(),
        })))
    }

    /// `alg`, RFC 7515 §4.1.1.
    #[must_use]
    #[inline]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// `kid`, RFC 7515 §4.1.4.
    #[must_use]
    #[inline]
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// `typ`, RFC 7515 §4.1.9, where it is a string.
    #[must_use]
    #[inline]
    pub fn media_type(&self) -> Option<&str> {
        self.0.media_type.as_deref()
    }

    /// The whole header as it was sent.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0.json
    }
}

/// Headers that are no longer than this are decoded without an allocation.
const SHORT: usize = 192;

fn owned(text: Text<'_>) -> Box<str> {
    text.to_text().into()
}

/// The parameters as they stand in the text.
#[derive(Default)]
struct Fields<'a> {
    algorithm: Option<Text<'a>>,
    key_id: Option<Text<'a>>,
    media_type: Option<Text<'a>>,
    extended: bool,
}

impl<'a> Fields<'a> {
    fn read(json: &'a [u8]) -> Result<Self, JwsError> {
        let mut fields = Self::default();
        fields.read_all(json).map_err(|_| JwsError::HeaderInvalid)?;
        Ok(fields)
    }

    fn read_all(&mut self, json: &'a [u8]) -> Result<(), JsonError> {
        let mut names = Names::default();
        let mut reader = Reader::from_bytes(json)?;
        reader.object(|reader, name| {
            names.insert(name)?;
            self.read_one(name.to_text().as_bytes(), reader)
        })?;
        reader.finish()
    }

    fn read_one(&mut self, name: &[u8], reader: &mut Reader<'a>) -> Result<(), JsonError> {
        match name {
            b"alg" => self.algorithm = Some(reader.string()?),
            b"kid" => self.key_id = Some(reader.string()?),
            b"typ" if reader.kind()? == Kind::String => self.media_type = Some(reader.string()?),
            b"b64" if reader.kind()? == Kind::Bool => self.extended |= !reader.bool()?,
            b"b64" | b"crit" => {
                reader.pass()?;
                self.extended = true;
            }
            _ => reader.pass()?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Header, JwsError> {
        Header::parse(&base64url::encode(json))
    }

    #[test]
    fn reads_the_parameters_that_matter() {
        let header =
            parse(r#" {"typ":"at+jwt","\u0061lg":"\u0048S256","kid":"k\n1","x5t":7,"jku":null} "#)
                .unwrap();
        assert_eq!(header.algorithm(), Algorithm::Hs256);
        assert_eq!(header.key_id(), Some("k\n1"));
        assert_eq!(header.media_type(), Some("at+jwt"));
    }

    #[test]
    fn alg_must_be_the_exact_name_of_an_algorithm() {
        for alg in [
            "none",
            "None",
            "",
            "hs256",
            "HS256 ",
            " HS256",
            "HS-256",
            "Ed25519",
            "ES256K",
            "RSA-OAEP",
            "HS256\\u0000",
        ] {
            let json = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(parse(&json), Err(JwsError::AlgorithmNotAllowed), "{alg}");
        }
        assert_eq!(
            parse(r#"{"typ":"JWT"}"#),
            Err(JwsError::AlgorithmNotAllowed)
        );
    }

    #[test]
    fn parameters_of_the_wrong_type_are_refused() {
        for json in [
            r#"{"alg":null}"#,
            r#"{"alg":256}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","kid":1}"#,
            r#"{"alg":"HS256","kid":null}"#,
            r#"{"alg":"HS256","kid":["a"]}"#,
        ] {
            assert_eq!(parse(json), Err(JwsError::HeaderInvalid), "{json}");
        }
    }

    #[test]
    fn a_header_that_is_no_object_is_refused() {
        for json in [
            "",
            "[]",
            "\"HS256\"",
            "null",
            "1",
            "{",
            "{}x",
            "{}{}",
            "\u{feff}{\"alg\":\"HS256\"}",
        ] {
            assert_eq!(parse(json), Err(JwsError::HeaderInvalid), "{json}");
        }
        assert_eq!(
            Header::parse(&base64url::encode(b"{\"alg\":\"HS256\",\"a\":\"\xff\"}")),
            Err(JwsError::HeaderInvalid)
        );
        assert_eq!(Header::parse("e30="), Err(JwsError::Malformed));
    }

    #[test]
    fn duplicate_parameters_are_refused() {
        for json in [
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","\u0061lg":"HS512"}"#,
            r#"{"alg":"HS256","x":1,"x":2}"#,
            r#"{"typ":1,"typ":"JWT","alg":"HS256"}"#,
        ] {
            assert_eq!(parse(json), Err(JwsError::HeaderInvalid), "{json}");
        }
    }

    #[test]
    fn extensions_are_refused() {
        for json in [
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","b64":"true"}"#,
            r#"{"alg":"HS256","b64":null}"#,
        ] {
            assert_eq!(parse(json), Err(JwsError::CriticalHeader), "{json}");
        }
        assert!(parse(r#"{"alg":"HS256","b64":true}"#).is_ok());
    }
}
