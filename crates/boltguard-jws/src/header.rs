//! The JOSE header, [RFC 7515 §4](https://www.rfc-editor.org/rfc/rfc7515#section-4).
//!
//! `jwk`, `jku`, `x5u` and `x5c` are ignored, because a token must not choose the keys to trust.

use std::fmt;

use boltguard_encoding::base64url;
use boltguard_encoding::json::{JsonError, Kind, Names, Reader, Text};
use boltguard_keys::Algorithm;

use crate::JwsError;

/// A parsed header.
///
/// It is boxed because most headers are borrowed from a [`Verifier`](crate::Verifier).
#[derive(Clone, PartialEq, Eq)]
pub struct Header(Box<Parameters>);

#[derive(Clone, PartialEq, Eq)]
struct Parameters {
    algorithm: Algorithm,
    key_id: Option<Box<str>>,
    media_type: Option<Box<str>>,
    has_mistyped_media_type: bool,
    json: Box<str>,
}

impl Header {
    /// Parses the first segment of a token.
    ///
    /// # Errors
    ///
    /// - [`JwsError::AlgorithmNotAllowed`] if `alg` is missing or not an [`Algorithm`], such as `none`.
    /// - [`JwsError::CriticalHeader`] if the header has `crit`, or `b64` isn't `true`.
    /// - [`JwsError::HeaderInvalid`] if it isn't a JSON object with distinct member names, or `kid` isn't a string.
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

    /// Parses the header of a token with a detached unencoded payload: `b64` is `false`, and `crit` lists only `b64`,
    /// [RFC 7797](https://www.rfc-editor.org/rfc/rfc7797).
    pub(crate) fn parse_unencoded(segment: &[u8]) -> Result<Self, JwsError> {
        let json = base64url::decode(segment).map_err(|_| JwsError::Malformed)?;
        Self::read_as(&json, Encoding::Unencoded)
    }

    pub(crate) fn read(json: &[u8]) -> Result<Self, JwsError> {
        Self::read_as(json, Encoding::Base64url)
    }

    pub(crate) fn read_as(json: &[u8], encoding: Encoding) -> Result<Self, JwsError> {
        let fields = Fields::read(json)?;
        if fields.extended || fields.encoding()? != encoding {
            return Err(JwsError::CriticalHeader);
        }
        let name = fields.algorithm.ok_or(JwsError::AlgorithmNotAllowed)?;
        let named = |algorithm: &&Algorithm| name == algorithm.name();
        let algorithm = Algorithm::ALL.iter().find(named);
        Ok(Self(Box::new(Parameters {
            algorithm: *algorithm.ok_or(JwsError::AlgorithmNotAllowed)?,
            key_id: fields.key_id.map(owned),
            media_type: fields.media_type.map(owned),
            has_mistyped_media_type: fields.has_mistyped_media_type,
            json: str::from_utf8(json)
                .map_err(|_| JwsError::HeaderInvalid)?
                .into(),
        })))
    }

    /// Returns `alg`, RFC 7515 §4.1.1.
    #[must_use]
    #[inline]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Returns `kid`, RFC 7515 §4.1.4.
    #[must_use]
    #[inline]
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// Returns `typ`, RFC 7515 §4.1.9, if it is a string.
    #[must_use]
    #[inline]
    pub fn media_type(&self) -> Option<&str> {
        self.0.media_type.as_deref()
    }

    /// Returns whether `typ` is present and neither a string nor `null`.
    #[must_use]
    #[inline]
    pub fn has_mistyped_media_type(&self) -> bool {
        self.0.has_mistyped_media_type
    }

    /// Returns the whole header as it was sent.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0.json
    }
}

/// The encoding of the payload in the signing input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Base64url, as in every JWT, RFC 7515 §5.1.
    Base64url,
    /// The unencoded bytes, RFC 7797 §3.
    Unencoded,
}

/// Headers up to this length are decoded without an allocation.
const SHORT: usize = 192;

fn owned(text: Text<'_>) -> Box<str> {
    text.to_text().into()
}

/// The parameters, borrowed from the JSON.
#[derive(Default)]
struct Fields<'a> {
    algorithm: Option<Text<'a>>,
    key_id: Option<Text<'a>>,
    media_type: Option<Text<'a>>,
    has_mistyped_media_type: bool,
    /// `b64` is `false`.
    unencoded: bool,
    /// `crit` lists `b64`.
    b64_is_critical: bool,
    /// `b64` or `crit` has any other value.
    extended: bool,
}

impl<'a> Fields<'a> {
    /// Returns the encoding.
    ///
    /// `b64` must be critical, RFC 7797 §6, and `crit` must not list an absent parameter, RFC 7515 §4.1.11.
    fn encoding(&self) -> Result<Encoding, JwsError> {
        match (self.unencoded, self.b64_is_critical) {
            (false, false) => Ok(Encoding::Base64url),
            (true, true) => Ok(Encoding::Unencoded),
            _ => Err(JwsError::CriticalHeader),
        }
    }

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
            b"typ" => self.read_media_type(reader)?,
            b"b64" if reader.kind()? == Kind::Bool => self.unencoded = !reader.bool()?,
            b"b64" => {
                reader.skip()?;
                self.extended = true;
            }
            b"crit" => self.read_critical(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    }

    fn read_critical(&mut self, reader: &mut Reader<'a>) -> Result<(), JsonError> {
        if !reader.is_at_array() {
            self.extended = true;
            return reader.skip();
        }
        reader.array(|reader| {
            let name = reader.try_string()?;
            let is_b64 = name.is_some_and(|name| name.to_text() == "b64");
            self.extended |= !is_b64 || self.b64_is_critical;
            self.b64_is_critical = true;
            Ok::<_, JsonError>(())
        })?;
        self.extended |= !self.b64_is_critical;
        Ok(())
    }

    fn read_media_type(&mut self, reader: &mut Reader<'a>) -> Result<(), JsonError> {
        self.has_mistyped_media_type = !matches!(reader.kind()?, Kind::String | Kind::Null);
        self.media_type = reader.try_string()?;
        Ok(())
    }
}

/// Shows only the parameters that select a key.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("algorithm", &self.algorithm())
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
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
    fn a_typ_of_another_type_is_recorded() {
        for (typ, mistyped) in [
            ("7", true),
            ("[\"refresh\"]", true),
            ("{}", true),
            ("false", true),
            ("null", false),
            ("\"JWT\"", false),
        ] {
            let header = parse(&format!(r#"{{"alg":"HS256","typ":{typ}}}"#)).unwrap();
            assert_eq!(header.has_mistyped_media_type(), mistyped, "{typ}");
        }
        assert!(
            !parse(r#"{"alg":"HS256"}"#)
                .unwrap()
                .has_mistyped_media_type()
        );
    }

    #[test]
    fn alg_must_be_an_exact_name() {
        for alg in [
            "none",
            "None",
            "",
            "hs256",
            "HS256 ",
            " HS256",
            "HS-256",
            "Ed25519",
            "ES521",
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
    fn rejects_parameters_of_the_wrong_type() {
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
    fn rejects_a_header_that_isnt_an_object() {
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
    fn rejects_duplicate_parameters() {
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
    fn rejects_extensions() {
        for json in [
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","b64":"true"}"#,
            r#"{"alg":"HS256","b64":null}"#,
            r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
            r#"{"alg":"HS256","b64":true,"crit":["b64"]}"#,
            r#"{"alg":"HS256","crit":["b64"]}"#,
        ] {
            assert_eq!(parse(json), Err(JwsError::CriticalHeader), "{json}");
        }
        assert!(parse(r#"{"alg":"HS256","b64":true}"#).is_ok());
    }

    #[test]
    fn an_unencoded_payload_requires_critical_b64() {
        let parse = |json: &str| Header::parse_unencoded(base64url::encode(json).as_bytes());
        let header = parse(r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#).unwrap();
        assert_eq!(header.algorithm(), Algorithm::Hs256);
        for json in [
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"HS256","b64":true}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","b64":false,"crit":[]}"#,
            r#"{"alg":"HS256","b64":false,"crit":"b64"}"#,
            r#"{"alg":"HS256","b64":false,"crit":["b64","b64"]}"#,
            r#"{"alg":"HS256","b64":false,"crit":["b64","exp"],"exp":1}"#,
            r#"{"alg":"HS256","b64":false,"crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","b64":false,"crit":[["b64"]]}"#,
            r#"{"alg":"HS256","b64":true,"crit":["b64"]}"#,
            r#"{"alg":"HS256","b64":null,"crit":["b64"]}"#,
            r#"{"alg":"HS256","b64":0,"crit":["b64"]}"#,
            r#"{"alg":"HS256","crit":["b64"]}"#,
        ] {
            assert_eq!(parse(json), Err(JwsError::CriticalHeader), "{json}");
        }
    }
}
