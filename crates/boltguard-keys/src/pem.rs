//! Keys in PEM, [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468), as in configurations.

use der::pem::LineEnding;
use zeroize::Zeroizing;

use crate::asn1;
use crate::key_material;
use crate::loose;
use crate::ssh;
use crate::{KeyError, PrivateKey, PublicKey};

/// The key in a string, whose DER isn't parsed yet.
pub(crate) enum Section {
    Private(Zeroizing<Vec<u8>>),
    Public(Zeroizing<Vec<u8>>),
    Ssh(PublicKey),
}

impl Section {
    pub(crate) const fn is_private(&self) -> bool {
        matches!(self, Self::Private(_))
    }

    pub(crate) fn public(self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Private(_) => Err(KeyError::PrivateKey),
            Self::Public(der) => asn1::read_public(&der),
            Self::Ssh(key) => Ok(key),
        }
    }

    pub(crate) fn private(self) -> Result<PrivateKey, KeyError> {
        match self {
            Self::Private(der) => asn1::read_private(&der),
            Self::Public(_) | Self::Ssh(_) => Err(KeyError::NotPrivate),
        }
    }
}

/// Finds the key in a string: in PEM or, without PEM, in a line of OpenSSH or in base64.
///
/// Other content, including other PEM, is ignored. A private key takes precedence over its certificates, and the first
/// certificate of a chain over the others. Line breaks may be missing, indented, or escaped, as in environment
/// variables.
pub(crate) fn read(text: &str) -> Result<Section, KeyError> {
    read_layer(text, LAYERS)
}

fn read_layer(text: &str, layers: usize) -> Result<Section, KeyError> {
    if text.contains(BEGIN) {
        return read_pem(text);
    }
    if let Some(key) = ssh::read(text) {
        return key.map(Section::Ssh);
    }
    if let Some(decoded) = loose::base64(text.as_bytes()).filter(|_| layers > 0) {
        if asn1::is_key(&decoded) {
            return Ok(match asn1::is_private(&decoded) {
                true => Section::Private(decoded),
                false => Section::Public(decoded),
            });
        }
        if let Ok(decoded) = std::str::from_utf8(&decoded) {
            return read_layer(decoded, layers - 1);
        }
    }
    if key_material::is_url(text.as_bytes()) {
        Err(KeyError::UrlAsKey)
    } else if key_material::is_pem(text.as_bytes()) {
        Err(KeyError::PemMarkers)
    } else {
        Err(KeyError::NoPem)
    }
}

fn read_pem(text: &str) -> Result<Section, KeyError> {
    let mut keys = Vec::new();
    let mut certificate = None;
    let mut rest = text;
    while let Some((label, body, behind)) = next_section(rest)? {
        rest = behind;
        match label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => keys.push(Section::Public(der_of(body)?)),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                keys.push(Section::Private(der_of(body)?));
            }
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "OPENSSH PRIVATE KEY" => return Err(KeyError::OpenSshPrivate),
            "CERTIFICATE" if certificate.is_none() => {
                certificate = Some(Section::Public(der_of(body)?));
            }
            _ => {}
        }
    }
    if keys.len() > 1 {
        return Err(KeyError::SeveralKeys);
    }
    keys.pop().or(certificate).ok_or(KeyError::NoPem)
}

/// Returns the label and the body of the first section, and the rest of the string.
fn next_section(text: &str) -> Result<Option<(&str, &str, &str)>, KeyError> {
    let Some((_, text)) = text.split_once(BEGIN) else {
        return Ok(None);
    };
    let (label, text) = text.split_once(HYPHENS).ok_or(KeyError::NoPem)?;
    let (body, text) = text.split_once("-----END ").ok_or(KeyError::NoPem)?;
    let text = text.strip_prefix(label).ok_or(KeyError::NoPem)?;
    let text = text.strip_prefix(HYPHENS).ok_or(KeyError::NoPem)?;
    Ok(Some((label, body, text)))
}

/// Returns the DER in the body of a section.
fn der_of(body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if body.contains("Proc-Type:") && body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    if body.trim_ascii().is_empty() {
        return Err(KeyError::Der);
    }
    loose::base64(body.as_bytes()).ok_or(KeyError::NoPem)
}

/// Writes PEM with lines of 64 characters.
pub(crate) fn write(label: &'static str, der: &[u8]) -> Result<String, KeyError> {
    der::pem::encode_string(label, LineEnding::LF, der).map_err(|_| KeyError::Der)
}

const BEGIN: &str = "-----BEGIN ";
const HYPHENS: &str = "-----";

/// PEM in base64, encoded up to twice.
const LAYERS: usize = 2;
