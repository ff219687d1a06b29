//! Public keys of OpenSSH: a line with the type and the base64 of the wire format, RFC 4253 §6.6, RFC 5656 §3.1 and
//! RFC 8709 §4; and the form of RFC 4716.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::public::RsaScheme;
use crate::{Curve, KeyError, PublicKey};

/// Returns whether this is a public key of OpenSSH of any type, supported or not, as a line or in its wire format.
pub(crate) fn is_key(bytes: &[u8]) -> bool {
    let words = || bytes.split(u8::is_ascii_whitespace);
    // A wire format begins with the length of its type, so in base64 with `AAAA`.
    let has_body = || words().skip(1).any(|word| word.starts_with(b"AAAA"));
    words().any(is_type) && has_body() || contains_rfc4716(bytes) || is_wire(bytes)
}

/// Parses the key in the string. Returns `None` if there is none.
pub(crate) fn read(text: &str) -> Option<Result<PublicKey, KeyError>> {
    if contains_rfc4716(text.as_bytes()) {
        return Some(read_rfc4716(text));
    }
    let mut words = text.split_ascii_whitespace();
    let name = words.find(|word| is_type(word.as_bytes()))?;
    let body = words.next().filter(|body| body.starts_with("AAAA"))?;
    Some(read_body(body, Some(name)))
}

fn read_rfc4716(text: &str) -> Result<PublicKey, KeyError> {
    let mut body = String::new();
    let mut is_header = false;
    let lines = text.lines().map(str::trim);
    let lines = lines.skip_while(|line| !line.starts_with(RFC4716)).skip(1);
    for line in lines.take_while(|line| !line.starts_with("----")) {
        // A header continues after a backslash, RFC 4716 §3.3.
        is_header = (is_header && body.is_empty()) || line.contains(':');
        if !is_header {
            body.push_str(line);
        }
        is_header = is_header && line.ends_with('\\');
    }
    read_body(&body, None)
}

fn read_body(base64: &str, name: Option<&str>) -> Result<PublicKey, KeyError> {
    let wire = STANDARD.decode(base64).map_err(|_| KeyError::Ssh)?;
    let mut fields = Fields(&wire);
    let kind = fields.next()?;
    if name.is_some_and(|name| name.as_bytes() != kind) {
        return Err(KeyError::Ssh);
    }
    let key = match kind {
        b"ssh-rsa" => {
            let (e, n) = (fields.next()?, fields.next()?);
            PublicKey::rsa(n, e, RsaScheme::Any)
        }
        b"ssh-ed25519" => PublicKey::ed25519(fields.next()?),
        b"ecdsa-sha2-nistp256" => elliptic(Curve::P256, &mut fields),
        b"ecdsa-sha2-nistp384" => elliptic(Curve::P384, &mut fields),
        b"ecdsa-sha2-nistp521" => elliptic(Curve::P521, &mut fields),
        _ => return Err(KeyError::Unsupported),
    }?;
    if fields.0.is_empty() {
        Ok(key)
    } else {
        Err(KeyError::Ssh)
    }
}

fn elliptic(curve: Curve, fields: &mut Fields<'_>) -> Result<PublicKey, KeyError> {
    let _name = fields.next()?;
    PublicKey::ec(curve, fields.next()?)
}

/// The fields of a wire format, each behind its length, RFC 4251 §5.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<&'a [u8], KeyError> {
        let (length, rest) = self.0.split_first_chunk().ok_or(KeyError::Ssh)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| KeyError::Ssh)?;
        let (field, rest) = rest.split_at_checked(length).ok_or(KeyError::Ssh)?;
        self.0 = rest;
        Ok(field)
    }
}

fn is_wire(bytes: &[u8]) -> bool {
    Fields(bytes).next().is_ok_and(is_type)
}

/// Returns whether this is the type of a key; options and quotes may precede it, as in `authorized_keys`.
fn is_type(word: &[u8]) -> bool {
    const TYPES: [&[u8]; 4] = [b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    let word = word.trim_ascii();
    let word = match word.first() {
        Some(b'"' | b'\'') => &word[1..],
        _ => word,
    };
    let word = word.strip_prefix(b"\xef\xbb\xbf").unwrap_or(word);
    TYPES.iter().any(|kind| word.starts_with(kind))
}

fn contains_rfc4716(bytes: &[u8]) -> bool {
    let mark = RFC4716.as_bytes();
    bytes.windows(mark.len()).any(|window| window == mark)
}

const RFC4716: &str = "---- BEGIN SSH2 PUBLIC KEY";
