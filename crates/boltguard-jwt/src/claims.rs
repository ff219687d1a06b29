//! The claims set of a token, read in one pass and not admitted yet.

use std::borrow::Cow;

use boltguard_encoding::json::{JsonError, Kind, Names, Reader, Text};
use boltguard_jws::{Header, VerifiedJws};
use boltguard_types::{Held, NumericDate, Wanted};

use crate::ClaimsError;
use crate::field::{Audience, Field, Span, read_audience, read_date, read_flag, read_string};

/// The claims of a token whose signature is good; a [`ClaimsPolicy`](crate::ClaimsPolicy) has yet to admit them.
#[derive(Clone, Debug)]
pub struct Claims<'t> {
    pub(crate) header: Cow<'t, Header>,
    pub(crate) body: Body,
}

/// The payload, and what was found in it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) payload: Vec<u8>,
    pub(crate) registered: Registered,
}

/// What the claims say that has a meaning here, RFC 7519 §4.1 and the grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registered {
    pub(crate) audience: Field<Audience>,
    pub(crate) expires: Field<NumericDate>,
    pub(crate) issued: Field<NumericDate>,
    pub(crate) issuer: Field<Span>,
    pub(crate) not_before: Field<NumericDate>,
    pub(crate) subject: Field<Span>,
    pub(crate) token_id: Field<Span>,
    pub(crate) is_staff: bool,
    pub(crate) is_superuser: bool,
    pub(crate) permissions: Option<Span>,
    pub(crate) scope: Option<Span>,
    pub(crate) held: Held,
    seen: u16,
}

impl<'t> Claims<'t> {
    /// Reads the claims, and which of the `wanted` grants they contain.
    ///
    /// # Errors
    ///
    /// [`ClaimsError::Malformed`] if the payload is no JSON object in UTF-8 with distinct members, RFC 7519 §7.2.
    #[inline]
    pub fn read(jws: VerifiedJws<'t>, wanted: &Wanted) -> Result<Self, ClaimsError> {
        let (header, payload) = jws.into_parts();
        let registered = Registered::read(&payload, wanted).map_err(|_| ClaimsError::Malformed)?;
        let body = Body {
            payload,
            registered,
        };
        Ok(Self { header, body })
    }
}

impl Registered {
    #[inline]
    fn read(payload: &[u8], wanted: &Wanted) -> Result<Self, JsonError> {
        let mut claims = Self::default();
        let mut names = Names::default();
        let mut reader = Reader::from_bytes(payload)?;
        reader.object(|reader, name| match name.plain_bytes() {
            Some(plain) => claims.read_claim(plain, name, &mut names, reader, wanted),
            None => claims.read_escaped(name, &mut names, reader, wanted),
        })?;
        reader.finish()?;
        Ok(claims)
    }

    #[cold]
    fn read_escaped<'p>(
        &mut self,
        name: Text<'p>,
        names: &mut Names<'p>,
        reader: &mut Reader<'p>,
        wanted: &Wanted,
    ) -> Result<(), JsonError> {
        self.read_claim(name.to_text().as_bytes(), name, names, reader, wanted)
    }

    #[inline]
    fn read_claim<'p>(
        &mut self,
        name: &[u8],
        as_written: Text<'p>,
        names: &mut Names<'p>,
        reader: &mut Reader<'p>,
        wanted: &Wanted,
    ) -> Result<(), JsonError> {
        if wanted.asks_claim(name) {
            note_claim(name, reader.peek_value()?, wanted, &mut self.held);
        }
        match name {
            b"aud" => {
                self.once(1)?;
                self.audience = read_audience(reader)?;
            }
            b"exp" => {
                self.once(1 << 1)?;
                self.expires = read_date(reader)?;
            }
            b"iat" => {
                self.once(1 << 2)?;
                self.issued = read_date(reader)?;
            }
            b"iss" => {
                self.once(1 << 3)?;
                self.issuer = read_string(reader)?;
            }
            b"nbf" => {
                self.once(1 << 4)?;
                self.not_before = read_date(reader)?;
            }
            b"sub" => {
                self.once(1 << 5)?;
                self.subject = read_string(reader)?;
            }
            b"jti" => {
                self.once(1 << 6)?;
                self.token_id = read_string(reader)?;
            }
            b"is_staff" => {
                self.once(1 << 7)?;
                self.is_staff = read_flag(reader)?;
            }
            b"is_superuser" => {
                self.once(1 << 8)?;
                self.is_superuser = read_flag(reader)?;
            }
            b"permissions" => {
                self.once(1 << 9)?;
                self.permissions = read_permissions(reader, wanted, &mut self.held)?;
            }
            b"scope" => {
                self.once(1 << 10)?;
                self.scope = read_scope(reader, wanted, &mut self.held)?;
            }
            _ => {
                names.insert(as_written)?;
                reader.skip()?;
            }
        }
        Ok(())
    }

    #[inline]
    fn once(&mut self, bit: u16) -> Result<(), JsonError> {
        if self.seen & bit != 0 {
            return Err(JsonError::DuplicateName);
        }
        self.seen |= bit;
        Ok(())
    }
}

/// The `permissions` claim: the strings of a list. Anything else grants nothing.
#[inline]
fn read_permissions(
    reader: &mut Reader<'_>,
    wanted: &Wanted,
    held: &mut Held,
) -> Result<Option<Span>, JsonError> {
    if reader.kind()? != Kind::Array {
        return reader.skip().map(|_| None);
    }
    let start = reader.position();
    if wanted.asks_no_grants() {
        reader.skip()?;
    } else {
        reader.strings(|granted| match granted.plain_bytes() {
            Some(plain) => wanted.grant_permission(plain, held),
            None => wanted.grant_permission(&*granted.to_text(), held),
        })?;
    }
    Ok(Some(Span::of_range(start..reader.position(), false)))
}

/// The `scope` claim, RFC 8693 §4.2: scopes with single spaces between. Anything else grants nothing.
fn read_scope(
    reader: &mut Reader<'_>,
    wanted: &Wanted,
    held: &mut Held,
) -> Result<Option<Span>, JsonError> {
    let scope = read_string(reader)?;
    let Some(span) = scope.value().copied() else {
        return Ok(None);
    };
    for granted in span
        .text(reader.bytes())
        .split(' ')
        .filter(|text| !text.is_empty())
    {
        wanted.grant_scope(granted, held);
    }
    Ok(Some(span))
}

#[cold]
fn note_claim(name: &[u8], value: &str, wanted: &Wanted, held: &mut Held) {
    if let Ok(value) = serde_json::from_str(value) {
        wanted.note_claim(name, &value, held);
    }
}
