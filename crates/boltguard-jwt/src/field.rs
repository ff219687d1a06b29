//! The positions of claims in the payload, and which claims are present and have the right type.

use std::borrow::Cow;
use std::ops::Range;

use boltguard_encoding::json::{JsonError, Reader, Text};

use crate::claims::Body;
use crate::one_of::OneOf;

/// A claim that Boltguard interprets, as a bit of [`Marks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Claim {
    // The claims that can be lists come first, for `ListMarks`.
    Audience = 1,
    Permissions = 1 << 1,
    Scope = 1 << 2,
    Scp = 1 << 3,
    Events = 1 << 4,
    Expires = 1 << 5,
    IsStaff = 1 << 6,
    IsSuperuser = 1 << 7,
    Issued = 1 << 8,
    Issuer = 1 << 9,
    NotBefore = 1 << 10,
    Subject = 1 << 11,
    TokenId = 1 << 12,
    TokenType = 1 << 13,
    TokenUse = 1 << 14,
    Typ = 1 << 15,
    Type = 1 << 16,
}

impl Claim {
    /// Returns the name in the payload.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Audience => "aud",
            Self::Permissions => "permissions",
            Self::Scope => "scope",
            Self::Scp => "scp",
            Self::Events => "events",
            Self::Expires => "exp",
            Self::IsStaff => "is_staff",
            Self::IsSuperuser => "is_superuser",
            Self::Issued => "iat",
            Self::Issuer => "iss",
            Self::NotBefore => "nbf",
            Self::Subject => "sub",
            Self::TokenId => "jti",
            Self::TokenType => "token_type",
            Self::TokenUse => "token_use",
            Self::Typ => "typ",
            Self::Type => "type",
        }
    }
}

/// A set of claims.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks(u32);

impl Marks {
    pub(crate) const fn of(claims: &[Claim]) -> Self {
        let (mut marks, mut at) = (0, 0);
        while at < claims.len() {
            marks |= claims[at] as u32;
            at += 1;
        }
        Self(marks)
    }

    #[inline]
    pub(crate) fn insert(&mut self, claim: Claim) {
        self.0 |= claim as u32;
    }

    #[inline]
    pub(crate) fn contains(self, claim: Claim) -> bool {
        self.0 & claim as u32 != 0
    }

    /// Returns whether the set contains all of `these` claims, and `others` none of them.
    #[inline]
    pub(crate) fn contains_all_but(self, these: Self, others: Self) -> bool {
        self.0 & these.0 == these.0 && others.0 & these.0 == 0
    }

    #[inline]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn is_one(self) -> bool {
        self.0.is_power_of_two()
    }
}

/// A set of the claims that can be lists.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ListMarks(u8);

#[expect(
    clippy::cast_possible_truncation,
    reason = "the claims that may be lists have the lowest bits"
)]
impl ListMarks {
    #[inline]
    pub(crate) fn insert(&mut self, claim: Claim) {
        self.0 |= claim as u32 as u8;
    }

    #[inline]
    pub(crate) fn contains(self, claim: Claim) -> bool {
        self.0 & claim as u32 as u8 != 0
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The value of a claim, if it has the right type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<T> {
    /// The claim is absent.
    Absent,
    /// The claim has another type.
    Mistyped,
    /// The claim has this value.
    Value(T),
}

impl<T> Field<T> {
    #[inline]
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Mistyped => None,
        }
    }
}

/// The position of a value in the payload; the quotes of a string are excluded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Checks that positions fit into 16 bits. A token, and so its payload, is at most 16 KiB long.
    #[inline]
    pub(crate) fn check_len(payload: &[u8]) -> Result<(), JsonError> {
        if payload.len() > usize::from(u16::MAX) {
            return Err(JsonError::Syntax);
        }
        Ok(())
    }

    /// Converts a range of a payload whose length was checked.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "MAX_TOKEN_LEN fits in 16 bits"
    )]
    pub(crate) fn of_range(range: Range<usize>) -> Self {
        Self {
            start: range.start as u16,
            end: range.end as u16,
        }
    }

    /// Returns the position of the string that `reader` has just read.
    #[inline(always)]
    pub(crate) fn behind(reader: &Reader<'_>, text: Text<'_>) -> Self {
        let end = reader.position() - 1;
        Self::of_range(end - text.raw_len()..end)
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    #[inline]
    fn range(self) -> Range<usize> {
        self.start.into()..self.end.into()
    }
}

impl Body {
    /// Returns the bytes at this position, without decoding escapes.
    #[inline]
    fn bytes(&self, span: Span) -> &[u8] {
        self.payload.get(span.range()).unwrap_or_default()
    }

    /// Returns the string at this position, without decoding escapes.
    #[inline]
    pub(crate) fn raw(&self, span: Span) -> &str {
        str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    /// Returns the string at this position, with escapes decoded.
    #[inline]
    pub(crate) fn text(&self, span: Span) -> Cow<'_, str> {
        let raw = self.raw(span);
        if self.registered.has_escapes {
            unescaped(raw)
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// Returns whether the string is in `list`.
    #[inline]
    pub(crate) fn is_among(&self, span: Span, list: &OneOf) -> bool {
        if self.registered.has_escapes {
            return list.contains(self.text(span).as_bytes());
        }
        list.contains(self.bytes(span))
    }

    /// Returns whether one of the array's strings is in `list`.
    pub(crate) fn names_any(&self, array: Span, list: &OneOf) -> bool {
        let mut named = false;
        let read = Reader::new(self.raw(array)).array(|reader| {
            named |= list.contains(reader.string()?.to_text().as_bytes());
            Ok::<_, JsonError>(())
        });
        read.is_ok() && named
    }
}

#[cold]
fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let quoted = format!("\"{raw}\"");
    let text = Reader::new(&quoted)
        .string()
        .map(|text| text.to_text().into_owned());
    Cow::Owned(text.unwrap_or_default())
}
