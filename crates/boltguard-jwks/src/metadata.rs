//! The metadata of an issuer: [OpenID Connect Discovery 1.0
//! §3](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata), and
//! [RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414#section-2).

use boltguard_encoding::json::{JsonError, Reader};

use crate::error::DiscoveryError;
use crate::{FetchError, JwksUrl, Response};

/// The members that are used, of which each is optional.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    issuer: Option<String>,
    jwks_uri: Option<String>,
}

impl Metadata {
    pub(crate) fn parse(response: &Response) -> Result<Self, FetchError> {
        response.check_status()?;
        Self::read(&response.body).map_err(|_| DiscoveryError::Malformed.into())
    }

    fn read(body: &[u8]) -> Result<Self, JsonError> {
        let mut metadata = Self::default();
        let mut reader = Reader::from_bytes(body)?;
        reader.object(|reader, name| {
            let member = if name == "issuer" {
                &mut metadata.issuer
            } else if name == "jwks_uri" {
                &mut metadata.jwks_uri
            } else {
                return reader.skip();
            };
            let value = reader.string()?.to_text().into_owned();
            match member.replace(value) {
                None => Ok(()),
                Some(_) => Err(JsonError::DuplicateName),
            }
        })?;
        reader.finish()?;
        Ok(metadata)
    }

    /// Returns the URL of the JWK Set, if the metadata is of this issuer.
    pub(crate) fn jwks_url(
        &self,
        issuer: &str,
        requires_https: bool,
    ) -> Result<JwksUrl, DiscoveryError> {
        // Otherwise, the metadata of one issuer could provide the keys for the tokens of another, Discovery 1.0 §4.3.
        if self.issuer.as_deref() != Some(issuer) {
            return Err(DiscoveryError::Issuer);
        }
        let uri = self.jwks_uri.as_deref().ok_or(DiscoveryError::JwksUri)?;
        let url = match requires_https {
            true => JwksUrl::new(uri),
            false => JwksUrl::allowing_http(uri),
        };
        url.map_err(|_| DiscoveryError::JwksUri)
    }
}

/// Returns the URL of the configuration: a path behind the issuer, Discovery 1.0 §4.
pub(crate) fn openid_url(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{issuer}/.well-known/openid-configuration")
}

/// Returns the URL of the metadata: a path between the host and the path of the issuer, RFC 8414 §3.1.
pub(crate) fn oauth_url(issuer: &str) -> String {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    let authority = issuer.find("://").map_or(0, |at| at + "://".len());
    let path = issuer[authority..].find('/');
    let (origin, path) = issuer.split_at(path.map_or(issuer.len(), |at| authority + at));
    format!("{origin}/.well-known/oauth-authorization-server{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_paths_are_inserted_as_specified() {
        for (issuer, openid, oauth) in [
            (
                "https://id.example.com",
                "https://id.example.com/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example.com/",
                "https://id.example.com/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example.com:8443/realms/a",
                "https://id.example.com:8443/realms/a/.well-known/openid-configuration",
                "https://id.example.com:8443/.well-known/oauth-authorization-server/realms/a",
            ),
        ] {
            assert_eq!(openid_url(issuer), openid);
            assert_eq!(oauth_url(issuer), oauth);
        }
    }

    #[test]
    fn invalid_documents_are_rejected() {
        for body in [
            "",
            "[]",
            "{",
            r#"{"issuer":1}"#,
            r#"{"jwks_uri":null}"#,
            r#"{"issuer":"a","issuer":"b"}"#,
            r#"{"jwks_uri":"a","jwks_uri":"a"}"#,
            r#"{"issuer":"a"} x"#,
        ] {
            assert!(Metadata::read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Metadata::read(b"{\"issuer\":\"\xff\"}").is_err());
        assert_eq!(Metadata::read(b"{}"), Ok(Metadata::default()));
    }
}
