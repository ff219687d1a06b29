//! The claims of a verified token, parsed in one pass.

use std::borrow::Cow;
use std::fmt;

use boltguard_encoding::json::{JsonError, Kind, Names, Reader};
use boltguard_grants::{GrantReader, GrantSet, Requirements};
use boltguard_jws::{Header, VerifiedJws};
use boltguard_types::NumericDate;

use crate::ClaimsError;
use crate::field::{Claim, Field, ListMarks, Marks, Span};

/// The claims of a verified token.
///
/// A [`ClaimsPolicy`](crate::ClaimsPolicy) has to validate them before they can be used.
#[derive(Clone)]
pub struct Claims<'t> {
    pub(crate) header: Cow<'t, Header>,
    pub(crate) body: Body,
}

/// The payload and the interpreted claims.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) payload: Vec<u8>,
    pub(crate) registered: Registered,
}

/// The claims that Boltguard interprets: those of RFC 7519 §4.1, and grants.
///
/// The struct is small because it is moved from one state of a token to the next.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) grant_set: GrantSet,
    expires: NumericDate,
    issued: NumericDate,
    not_before: NumericDate,
    audience: Span,
    issuer: Span,
    pub(crate) permissions: Span,
    scope: Span,
    scp: Span,
    subject: Span,
    token_id: Span,
    /// The position of the label that was read last. Most tokens have at most one.
    pub(crate) label: Span,
    pub(crate) present: Marks,
    /// The claims that are arrays, where an array is allowed.
    pub(crate) lists: ListMarks,
    pub(crate) mistyped: Marks,
    /// The claims whose grants are ignored, all or in part, because of their types.
    pub(crate) ignored_grants: ListMarks,
    pub(crate) is_staff: bool,
    pub(crate) is_superuser: bool,
    /// The payload contains escapes, so a string can differ from its bytes.
    pub(crate) has_escapes: bool,
}

impl<'t> Claims<'t> {
    /// Reads the claims, and determines which of the `requirements` they meet.
    ///
    /// # Errors
    ///
    /// [`ClaimsError::Malformed`] if the payload is not a JSON object in UTF-8 with distinct member names, RFC 7519
    /// §7.2.
    #[inline]
    pub fn read(jws: VerifiedJws<'t>, requirements: &Requirements) -> Result<Self, ClaimsError> {
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
            .read(payload, requirements)
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
    /// Determines which of the `requirements` the claims meet.
    pub(crate) fn grants_for(&self, requirements: &Requirements) -> GrantSet {
        let mut registered = Registered::none();
        // The payload was valid when it was read first, so there is no error.
        match registered.read(&self.payload, requirements) {
            Ok(()) => registered.grant_set,
            Err(_) => GrantSet::default(),
        }
    }
}

impl Registered {
    #[inline]
    pub(crate) fn none() -> Self {
        let (span, date) = (Span::default(), NumericDate::from_secs(0));
        Self {
            grant_set: GrantSet::default(),
            expires: date,
            issued: date,
            not_before: date,
            audience: span,
            issuer: span,
            permissions: span,
            scope: span,
            scp: span,
            subject: span,
            token_id: span,
            label: span,
            present: Marks::default(),
            lists: ListMarks::default(),
            mistyped: Marks::default(),
            ignored_grants: ListMarks::default(),
            is_staff: false,
            is_superuser: false,
            has_escapes: false,
        }
    }

    #[inline]
    pub(crate) fn read(
        &mut self,
        payload: &[u8],
        requirements: &Requirements,
    ) -> Result<(), JsonError> {
        Span::check_len(payload)?;
        let mut reader = Reader::from_bytes(payload)?;
        let mut names = Names::default();
        let mut grants = requirements.reader();
        self.has_escapes = !reader.is_plain();
        reader.object(|reader, name| {
            let known = match name.plain_bytes() {
                Some(plain) => self.read_known(plain, reader, &mut grants)?,
                None => {
                    let name = name.to_text();
                    reader.with_copy(|reader| {
                        self.read_escaped(name.as_bytes(), reader, &mut grants)
                    })?
                }
            };
            if !known {
                names.insert(name)?;
                reader.skip()?;
            }
            Ok::<_, JsonError>(())
        })?;
        self.grant_set = grants.finish();
        reader.finish()
    }

    #[cold]
    #[inline(never)]
    fn read_escaped(
        &mut self,
        name: &[u8],
        reader: &mut Reader<'_>,
        grants: &mut GrantReader<'_>,
    ) -> Result<bool, JsonError> {
        self.read_known(name, reader, grants)
    }

    /// Reads a claim that Boltguard interprets. Returns `false` for any other claim, whose value is not read yet.
    #[inline(always)]
    fn read_known(
        &mut self,
        name: &[u8],
        reader: &mut Reader<'_>,
        grants: &mut GrantReader<'_>,
    ) -> Result<bool, JsonError> {
        if grants.mentions_claim(name) {
            read_tested(name, reader.peek_value()?, grants);
        }
        if let [a, b, c] = *name {
            return self.read_short([a, b, c], reader, grants);
        }
        match name.len() {
            4 if name == b"type" => {
                reader.with_copy(|reader| self.read_label(Claim::Type, reader))?
            }
            5 if name == b"scope" => {
                self.scope =
                    reader.with_copy(|reader| self.read_scope(Claim::Scope, reader, grants))?;
            }
            6 if name == b"events" => {
                reader.with_copy(|reader| self.read_label(Claim::Events, reader))?
            }
            8 if name == b"is_staff" => self.is_staff = self.read_flag(Claim::IsStaff, reader)?,
            9 if name == b"token_use" => {
                reader.with_copy(|reader| self.read_label(Claim::TokenUse, reader))?
            }
            10 if name == b"token_type" => {
                reader.with_copy(|reader| self.read_label(Claim::TokenType, reader))?
            }
            11 if name == b"permissions" => {
                reader.with_copy(|reader| self.read_permissions(reader, grants))?;
            }
            12 if name == b"is_superuser" => {
                self.is_superuser = self.read_flag(Claim::IsSuperuser, reader)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads a claim whose name has three letters, such as those of RFC 7519.
    #[inline(always)]
    fn read_short(
        &mut self,
        name: [u8; 3],
        reader: &mut Reader<'_>,
        grants: &mut GrantReader<'_>,
    ) -> Result<bool, JsonError> {
        match &name {
            b"aud" => reader.with_copy(|reader| self.read_audience(reader))?,
            b"exp" => self.expires = self.read_date(Claim::Expires, reader)?,
            b"iat" => self.issued = self.read_date(Claim::Issued, reader)?,
            b"iss" => self.issuer = self.read_string(Claim::Issuer, reader)?,
            b"jti" => self.token_id = self.read_string(Claim::TokenId, reader)?,
            b"nbf" => self.not_before = self.read_date(Claim::NotBefore, reader)?,
            b"scp" => {
                self.scp =
                    reader.with_copy(|reader| self.read_scope(Claim::Scp, reader, grants))?;
            }
            b"sub" => self.subject = self.read_string(Claim::Subject, reader)?,
            b"typ" => reader.with_copy(|reader| self.read_label(Claim::Typ, reader))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline]
    pub(crate) fn note(&mut self, claim: Claim) -> Result<(), JsonError> {
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

    /// Reads a flag; any value except `true` counts as false.
    #[inline(always)]
    fn read_flag(&mut self, claim: Claim, reader: &mut Reader<'_>) -> Result<bool, JsonError> {
        self.note(claim)?;
        Ok(reader.try_bool()?.unwrap_or(false))
    }

    /// Reads `aud`, RFC 7519 §4.1.3: a string, or an array of strings.
    #[inline(never)]
    fn read_audience(&mut self, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        if !reader.is_at_array() {
            self.audience = self.read_string(Claim::Audience, reader)?;
            return Ok(());
        }
        self.note(Claim::Audience)?;
        self.lists.insert(Claim::Audience);
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

    /// Reads a claim that names the class of the token, and records the position of its string, or of any other value.
    #[inline(never)]
    fn read_label(&mut self, claim: Claim, reader: &mut Reader<'_>) -> Result<(), JsonError> {
        self.note(claim)?;
        self.label = if reader.kind()? == Kind::String {
            let text = reader.string()?;
            Span::behind(reader, text)
        } else {
            self.mistyped.insert(claim);
            let value = reader.read_raw()?;
            let end = reader.position();
            Span::of_range(end - value.len()..end)
        };
        Ok(())
    }

    /// Returns whether these claims are present and have the right types.
    #[inline]
    pub(crate) fn has_values(&self, claims: Marks) -> bool {
        self.present.contains_all_but(claims, self.mistyped)
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
    pub(crate) fn scp(&self) -> Field<Span> {
        self.field(Claim::Scp, self.scp)
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
    pub(crate) fn is_mistyped(&self, claim: Claim) -> bool {
        self.mistyped.contains(claim)
    }

    #[inline]
    pub(crate) fn field<T>(&self, claim: Claim, value: T) -> Field<T> {
        if !self.present.contains(claim) {
            Field::Absent
        } else if self.mistyped.contains(claim) {
            Field::Mistyped
        } else {
            Field::Value(value)
        }
    }
}

/// Reads a claim that a guard tests.
#[cold]
#[inline(never)]
pub(crate) fn read_tested(name: &[u8], value: &str, grants: &mut GrantReader<'_>) {
    if let Ok(value) = serde_json::from_str(value) {
        grants.claim(name, &value);
    }
}

/// Shows the header only.
impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("header", &*self.header)
            .finish_non_exhaustive()
    }
}
