//! The claims set of a token, read in one pass and not admitted yet.

use std::borrow::Cow;

use boltguard_encoding::json::{JsonError, Names, Reader, Text};
use boltguard_jws::{Header, VerifiedJws};
use boltguard_types::{Held, NumericDate, Wanted};

use crate::ClaimsError;
use crate::field::{Claim, Field, Marks, Span};

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
///
/// It is kept small, since it is moved from one state of a token to the next.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) held: Held,
    expires: NumericDate,
    issued: NumericDate,
    not_before: NumericDate,
    audience: Span,
    issuer: Span,
    permissions: Span,
    scope: Span,
    subject: Span,
    token_id: Span,
    present: Marks,
    mistyped: Marks,
    pub(crate) audience_is_list: bool,
    pub(crate) is_staff: bool,
    pub(crate) is_superuser: bool,
    /// Escapes stand somewhere in the payload, so that a string may mean another text than its bytes.
    pub(crate) has_escapes: bool,
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
        let mut body = Body {
            payload,
            registered: Registered::none(),
        };
        let Body {
            payload,
            registered,
        } = &mut body;
        registered
            .read(payload, wanted)
            .map_err(|_| ClaimsError::Malformed)?;
        Ok(Self { header, body })
    }

    pub(crate) fn into_owned(self) -> Claims<'static> {
        Claims {
            header: Cow::Owned(self.header.into_owned()),
            body: self.body,
        }
    }
}

impl Body {
    /// Which of the `wanted` grants the claims contain.
    pub(crate) fn held_for(&self, wanted: &Wanted) -> Held {
        let mut registered = Registered::none();
        // The payload was read before, so reading it again finds no fault.
        match registered.read(&self.payload, wanted) {
            Ok(()) => registered.held,
            Err(_) => Held::default(),
        }
    }
}

impl Registered {
    #[inline]
    pub(crate) fn none() -> Self {
        let (span, date) = (Span::default(), NumericDate::from_secs(0));
        Self {
            held: Held::default(),
            expires: date,
            issued: date,
            not_before: date,
            audience: span,
            issuer: span,
            permissions: span,
            scope: span,
            subject: span,
            token_id: span,
            present: Marks::default(),
            mistyped: Marks::default(),
            audience_is_list: false,
            is_staff: false,
            is_superuser: false,
            has_escapes: false,
        }
    }

    #[inline]
    pub(crate) fn read(&mut self, payload: &[u8], wanted: &Wanted) -> Result<(), JsonError> {
        Span::check_len(payload)?;
        let mut reader = Reader::from_bytes(payload)?;
        let mut names = Names::default();
        self.has_escapes = !reader.is_plain();
        reader.object(|reader, name| {
            let known = match name.plain_bytes() {
                Some(plain) => self.read_known(plain, reader, wanted)?,
                None => {
                    let name = name.to_text();
                    reader.lend(|reader| self.read_escaped(name.as_bytes(), reader, wanted))?
                }
            };
            if !known {
                names.insert(name)?;
                reader.pass()?;
            }
            Ok::<_, JsonError>(())
        })?;
        reader.finish()
    }

    #[cold]
    #[inline(never)]
    fn read_escaped(
        &mut self,
        name: &[u8],
        reader: &mut Reader<'_>,
        wanted: &Wanted,
    ) -> Result<bool, JsonError> {
        self.read_known(name, reader, wanted)
    }

    /// Reads a claim that has a meaning here; `false` if this one has none, and is yet to be read.
    #[inline(always)]
    fn read_known(
        &mut self,
        name: &[u8],
        reader: &mut Reader<'_>,
        wanted: &Wanted,
    ) -> Result<bool, JsonError> {
        if wanted.asks_claim(name) {
            note_claim(name, reader.peek_value()?, wanted, &mut self.held);
        }
        match *name {
            [a, b, c] => return self.read_short([a, b, c], reader),
            _ if name == b"permissions" => {
                reader.lend(|reader| self.read_permissions(reader, wanted))?;
            }
            _ if name == b"is_staff" => self.is_staff = self.read_flag(Claim::IsStaff, reader)?,
            _ if name == b"is_superuser" => {
                self.is_superuser = self.read_flag(Claim::IsSuperuser, reader)?;
            }
            _ if name == b"scope" => reader.lend(|reader| self.read_scope(reader, wanted))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads a claim whose name has three letters, as those of RFC 7519 have.
    #[inline(always)]
    fn read_short(&mut self, name: [u8; 3], reader: &mut Reader<'_>) -> Result<bool, JsonError> {
        match &name {
            b"aud" => reader.lend(|reader| self.read_audience(reader))?,
            b"exp" => self.expires = self.read_date(Claim::Expires, reader)?,
            b"iat" => self.issued = self.read_date(Claim::Issued, reader)?,
            b"iss" => self.issuer = self.read_string(Claim::Issuer, reader)?,
            b"jti" => self.token_id = self.read_string(Claim::TokenId, reader)?,
            b"nbf" => self.not_before = self.read_date(Claim::NotBefore, reader)?,
            b"sub" => self.subject = self.read_string(Claim::Subject, reader)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline]
    fn note(&mut self, claim: Claim) -> Result<(), JsonError> {
        if self.present.contains(claim) {
            return Err(JsonError::DuplicateName);
        }
        self.present.insert(claim);
        Ok(())
    }

    #[inline(always)]
    fn read_date(
        &mut self,
        claim: Claim,
        reader: &mut Reader<'_>,
    ) -> Result<NumericDate, JsonError> {
        self.note(claim)?;
        let date = reader
            .try_number()?
            .and_then(|number| match number.as_i64() {
                Some(secs) => Some(NumericDate::from_secs(secs)),
                None => NumericDate::from_f64(number.as_f64()),
            });
        Ok(date.unwrap_or_else(|| {
            self.mistyped.insert(claim);
            NumericDate::from_secs(0)
        }))
    }

    #[inline(always)]
    fn read_string(&mut self, claim: Claim, reader: &mut Reader<'_>) -> Result<Span, JsonError> {
        self.note(claim)?;
        if let Some(text) = reader.try_string()? {
            return Ok(Span::behind(reader, text));
        }
        self.mistyped.insert(claim);
        Ok(Span::default())
    }

    /// Only `true` is true.
    #[inline(always)]
    fn read_flag(&mut self, claim: Claim, reader: &mut Reader<'_>) -> Result<bool, JsonError> {
        self.note(claim)?;
        Ok(reader.try_bool()?.unwrap_or(false))
    }

    /// `aud`, RFC 7519 §4.1.3: a string, or an array of strings.
    #[inline(never)]
    fn read_audience(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        if !reader.is_at_array() {
            self.audience = self.read_string(Claim::Audience, reader)?;
            return Ok(());
        }
        self.note(Claim::Audience)?;
        self.audience_is_list = true;
        let start = reader.position();
        reader.array(|reader| {
            if reader.try_string()?.is_none() {
                self.mistyped.insert(Claim::Audience);
            }
            Ok::<_, JsonError>(())
        })?;
        self.audience = Span::of_range(start..reader.position());
        Ok(())
    }

    /// `permissions`: the strings of a list. Anything else grants nothing.
    #[inline(never)]
    fn read_permissions(
        &mut self,
        reader: &mut Reader<'_>,
        wanted: &Wanted,
    ) -> Result<(), JsonError> {
        self.note(Claim::Permissions)?;
        if !reader.is_at_array() {
            self.mistyped.insert(Claim::Permissions);
            return reader.pass();
        }
        let start = reader.position();
        if wanted.asks_no_grants() {
            reader.pass()?;
        } else {
            let held = &mut self.held;
            reader.strings(|granted| match granted.plain_bytes() {
                Some(plain) => wanted.grant_permission(plain, held),
                None => grant_escaped(granted, wanted, held),
            })?;
        }
        self.permissions = Span::of_range(start..reader.position());
        Ok(())
    }

    /// `scope`, RFC 8693 §4.2: scopes with single spaces between. Anything else grants nothing.
    #[inline(never)]
    fn read_scope(&mut self, reader: &mut Reader<'_>, wanted: &Wanted) -> Result<(), JsonError> {
        self.note(Claim::Scope)?;
        let Some(scope) = reader.try_string()? else {
            self.mistyped.insert(Claim::Scope);
            return Ok(());
        };
        self.scope = Span::behind(reader, scope);
        for granted in scope.to_text().split(' ').filter(|text| !text.is_empty()) {
            wanted.grant_scope(granted, &mut self.held);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn expires(&self) -> Field<NumericDate> {
        self.field(Claim::Expires, self.expires)
    }

    #[inline]
    pub(crate) fn issued(&self) -> Field<NumericDate> {
        self.field(Claim::Issued, self.issued)
    }

    #[inline]
    pub(crate) fn not_before(&self) -> Field<NumericDate> {
        self.field(Claim::NotBefore, self.not_before)
    }

    #[inline]
    pub(crate) fn audience(&self) -> Field<Span> {
        self.field(Claim::Audience, self.audience)
    }

    #[inline]
    pub(crate) fn issuer(&self) -> Field<Span> {
        self.field(Claim::Issuer, self.issuer)
    }

    #[inline]
    pub(crate) fn permissions(&self) -> Field<Span> {
        self.field(Claim::Permissions, self.permissions)
    }

    #[inline]
    pub(crate) fn scope(&self) -> Field<Span> {
        self.field(Claim::Scope, self.scope)
    }

    #[inline]
    pub(crate) fn subject(&self) -> Field<Span> {
        self.field(Claim::Subject, self.subject)
    }

    #[inline]
    pub(crate) fn token_id(&self) -> Field<Span> {
        self.field(Claim::TokenId, self.token_id)
    }

    #[inline]
    fn field<T>(&self, claim: Claim, value: T) -> Field<T> {
        if !self.present.contains(claim) {
            Field::Absent
        } else if self.mistyped.contains(claim) {
            Field::Mistyped
        } else {
            Field::Value(value)
        }
    }
}

#[cold]
#[inline(never)]
fn grant_escaped(granted: Text<'_>, wanted: &Wanted, held: &mut Held) {
    wanted.grant_permission(&*granted.to_text(), held);
}

#[cold]
#[inline(never)]
fn note_claim(name: &[u8], value: &str, wanted: &Wanted, held: &mut Held) {
    if let Ok(value) = serde_json::from_str(value) {
        wanted.note_claim(name, &value, held);
    }
}
