//! The question whether a token is revoked, and the rule that decides it.

use std::borrow::Cow;
use std::fmt;

use boltguard_types::NumericDate;

use crate::uuid7;

/// The parts of a token by which it can be revoked.
///
/// The rule is the same for all stores. A token is revoked if there is an entry for its ID, or if it was
/// [issued at or before](Self::is_revoked_by) the latest watermark of its [levels](Self::levels).
///
/// ```
/// use boltguard_revocation::{RevocationLevel, RevocationQuery};
/// use boltguard_types::NumericDate;
///
/// let query = RevocationQuery::new("some-id")
///     .with_subject(Some("42"))
///     .with_issued_at(Some(NumericDate::from_secs(1_700_000_000)));
/// assert!(query.levels().eq([RevocationLevel::Subject { subject: "42", issuer: None }]));
///
/// let watermark = NumericDate::from_secs(1_700_000_000).into();
/// assert!(query.is_revoked_by(Some(watermark)));
/// assert!(!query.is_revoked_by(None));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationQuery<'a> {
    token_id: Cow<'a, str>,
    session_id: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    issuer: Option<Cow<'a, str>>,
    key_id: Option<Cow<'a, str>>,
    issued_at: Option<UnixMillis>,
}

impl<'a> RevocationQuery<'a> {
    /// Creates a query for the token with this `jti`, without other parts.
    #[must_use]
    pub fn new(token_id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            token_id: token_id.into(),
            session_id: None,
            subject: None,
            issuer: None,
            key_id: None,
            issued_at: None,
        }
    }

    /// Adds the session: `sid`, OpenID Connect Front-Channel Logout 1.0 §3.
    #[must_use]
    pub fn with_session_id(mut self, session_id: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.session_id = session_id.map(Into::into);
        self
    }

    /// Adds the subject: `sub`, or the claim that contains the user ID.
    #[must_use]
    pub fn with_subject(mut self, subject: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.subject = subject.map(Into::into);
        self
    }

    /// Adds the issuer: `iss`.
    #[must_use]
    pub fn with_issuer(mut self, issuer: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.issuer = issuer.map(Into::into);
        self
    }

    /// Adds the ID of the key: `kid` of the token's header.
    #[must_use]
    pub fn with_key_id(mut self, key_id: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.key_id = key_id.map(Into::into);
        self
    }

    /// Adds the time at which the token was issued: `iat`.
    #[must_use]
    pub fn with_issued_at(mut self, issued_at: Option<impl Into<UnixMillis>>) -> Self {
        self.issued_at = issued_at.map(Into::into);
        self
    }

    /// Returns a query that owns its parts.
    #[must_use]
    pub fn into_owned(self) -> RevocationQuery<'static> {
        let owned = |part: Option<Cow<'_, str>>| part.map(|part| Cow::Owned(part.into_owned()));
        RevocationQuery {
            token_id: Cow::Owned(self.token_id.into_owned()),
            session_id: owned(self.session_id),
            subject: owned(self.subject),
            issuer: owned(self.issuer),
            key_id: owned(self.key_id),
            issued_at: self.issued_at,
        }
    }

    /// Returns the ID of the token.
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token_id
    }

    /// Returns the ID of the session.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// Returns the subject.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Returns the issuer.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Returns the ID of the key.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns when the token was issued: the time in its ID if that is a UUID of version 7, otherwise `iat`.
    ///
    /// An `iat` in whole seconds is the start of its second. Therefore a token is revoked by each watermark in the same
    /// second, and accepted only if it was issued in a later one. An ID of version 7, or an `iat` with a fraction, is
    /// compared to the millisecond.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixMillis> {
        uuid7::timestamp(&self.token_id).or(self.issued_at)
    }

    /// Returns the levels that the token belongs to, except that of the token itself.
    pub fn levels(&self) -> impl Iterator<Item = RevocationLevel<'_>> {
        let (subject, issuer) = (self.subject(), self.issuer());
        let of_subject = |issuer| {
            Some(RevocationLevel::Subject {
                subject: subject?,
                issuer,
            })
        };
        [
            self.session_id().map(RevocationLevel::Session),
            of_subject(None),
            issuer.and_then(|issuer| of_subject(Some(issuer))),
            issuer.map(RevocationLevel::Issuer),
            self.key_id().map(RevocationLevel::Key),
        ]
        .into_iter()
        .flatten()
    }

    /// Returns whether the token was issued at or before the latest watermark of its levels.
    ///
    /// If it isn't known when the token was issued, it is revoked by any watermark.
    #[must_use]
    pub fn is_revoked_by(&self, latest: Option<UnixMillis>) -> bool {
        latest.is_some_and(|latest| self.issued_at().is_none_or(|issued| issued <= latest))
    }
}

/// Hides the values, which identify a person.
impl fmt::Debug for RevocationQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationQuery").finish_non_exhaustive()
    }
}

/// A set of tokens that can be revoked together.
///
/// Values are compared exactly, and those of different levels are independent of each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationLevel<'a> {
    /// All tokens of the issuer with this `iss`.
    Issuer(&'a str),
    /// All tokens whose header has this `kid`, of any issuer.
    Key(&'a str),
    /// All tokens of the session with this `sid`.
    Session(&'a str),
    /// All tokens of a subject.
    Subject {
        /// The subject: `sub`, or the claim that contains the user ID.
        subject: &'a str,
        /// The issuer of the tokens, or `None` for all tokens of the subject, including those without an issuer.
        issuer: Option<&'a str>,
    },
}

/// Hides the values, which identify a person.
impl fmt::Debug for RevocationLevel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer(_) => "Issuer(..)",
            Self::Key(_) => "Key(..)",
            Self::Session(_) => "Session(..)",
            Self::Subject { .. } => "Subject { .. }",
        })
    }
}

/// A revocation of the tokens of a level that were issued at or before a time.
///
/// ```
/// use std::time::Duration;
/// use boltguard_revocation::{Watermark, retain_until};
/// use boltguard_types::NumericDate;
///
/// let (now, lifetime) = (NumericDate::from_secs(1_700_000_000), Duration::from_secs(900));
/// let watermark = Watermark::new(now).with_retention(retain_until(Some(now + lifetime), Duration::ZERO));
/// assert_eq!(watermark.before(), now.into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    before: UnixMillis,
    until: Option<NumericDate>,
}

impl Watermark {
    /// A permanent watermark for all tokens, regardless of when they were or will be issued, as for an ended session.
    pub const ALL: Self = Self {
        before: UnixMillis::MAX,
        until: None,
    };

    /// Creates a watermark for tokens that were issued at or before this time. It is kept permanently.
    ///
    /// The time is compared with the clocks of the issuers. If they can differ, use a time that is later by the
    /// difference: until then, new tokens are rejected as well.
    #[must_use]
    pub fn new(before: impl Into<UnixMillis>) -> Self {
        Self {
            before: before.into(),
            until: None,
        }
    }

    /// Keeps the watermark only until this time, when the last of the revoked tokens can't be accepted any more.
    ///
    /// [`retain_until`](crate::retain_until) returns this time for a token that is issued at the time of the watermark
    /// and has the longest lifetime of all tokens. If some tokens don't expire, the watermark must be kept permanently.
    #[must_use]
    pub fn with_retention(mut self, until: Option<NumericDate>) -> Self {
        self.until = until;
        self
    }

    /// Returns the time at or before which the revoked tokens were issued.
    #[must_use]
    pub fn before(&self) -> UnixMillis {
        self.before
    }

    /// Returns the time until which the watermark is kept, or `None` if it is kept permanently.
    #[must_use]
    pub fn until(&self) -> Option<NumericDate> {
        self.until
    }
}

/// A time in milliseconds since 1970-01-01T00:00:00Z, with at most 53 bits.
///
/// A [`NumericDate`] is rounded down. One that was calculated from a whole millisecond is that millisecond.
///
/// ```
/// use boltguard_revocation::UnixMillis;
/// use boltguard_types::NumericDate;
///
/// let date = NumericDate::from_f64(1_700_000_000.001).unwrap();
/// assert_eq!(UnixMillis::from(date), UnixMillis::new(1_700_000_000_001));
/// assert_eq!(UnixMillis::new(i64::MAX), UnixMillis::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

impl UnixMillis {
    /// The latest time, in 285,000 years. Scripts of Redis and JSON can represent it exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Creates the time this many milliseconds after the epoch. Times outside the range saturate.
    #[must_use]
    pub const fn new(millis: i64) -> Self {
        match millis {
            ..=Self::EARLIEST => Self(Self::EARLIEST),
            _ if millis > Self::MAX.0 => Self::MAX,
            _ => Self(millis),
        }
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    const EARLIEST: i64 = -Self::MAX.0;
}

impl From<NumericDate> for UnixMillis {
    fn from(date: NumericDate) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let millis = (date.as_f64() * 1e3 + ROUNDING_ERROR).floor() as i64;
        Self::new(millis)
    }
}

/// More than the difference, in milliseconds, between a millisecond and its representation in seconds as `f64`, before
/// the year 2242.
const ROUNDING_ERROR: f64 = 1.0 / 512.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: f64) -> NumericDate {
        NumericDate::from_f64(secs).unwrap()
    }

    #[test]
    fn whole_milliseconds_are_exact() {
        for millis in 1_700_000_000_000..1_700_000_010_000_i64 {
            #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
            let date = at(millis as f64 / 1e3);
            assert_eq!(UnixMillis::from(date), UnixMillis::new(millis));
        }
    }

    #[test]
    fn dates_are_rounded_down_and_saturate() {
        for (secs, millis) in [
            (1.0009, 1000),
            (-1.0, -1000),
            (-0.0005, -1),
            (1e300, (1 << 53) - 1),
            (-1e300, 1 - (1 << 53)),
        ] {
            assert_eq!(UnixMillis::from(at(secs)).get(), millis, "{secs}");
        }
        assert_eq!(UnixMillis::new(i64::MIN).get(), 1 - (1 << 53));
    }

    #[test]
    fn token_of_the_same_second_is_revoked() {
        let token = |iat| RevocationQuery::new("a").with_issued_at(Some(at(iat)));
        for (iat, before, is_revoked) in [
            (10.0, 9.999, false),
            (10.0, 10.0, true),
            (10.0, 10.999, true),
            (11.0, 10.999, false),
            (10.5, 10.4, false),
            (10.5, 10.5, true),
        ] {
            let watermark = Some(at(before).into());
            assert_eq!(
                token(iat).is_revoked_by(watermark),
                is_revoked,
                "{iat} {before}"
            );
        }
    }

    #[test]
    fn id_of_version_7_is_more_precise_than_iat() {
        // 0x000000002904 is 10500.
        let query = RevocationQuery::new("00000000-2904-7000-8000-000000000000")
            .with_issued_at(Some(at(10.0)));
        assert_eq!(query.issued_at(), Some(UnixMillis::new(10_500)));
        for (before, is_revoked) in [(10_499, false), (10_500, true), (10_501, true)] {
            assert_eq!(
                query.is_revoked_by(Some(UnixMillis::new(before))),
                is_revoked
            );
        }
    }

    #[test]
    fn token_of_unknown_age_is_revoked_by_any_watermark() {
        let query = RevocationQuery::new("a");
        assert!(query.is_revoked_by(Some(UnixMillis::new(-5))));
        assert!(!query.is_revoked_by(None));
    }

    #[test]
    fn query_has_the_levels_of_its_parts() {
        let (subject, issuer) = ("s", "i");
        let query = RevocationQuery::new("a").with_subject(Some(subject));
        assert_eq!(query.levels().count(), 1);
        let query = query
            .with_issuer(Some(issuer))
            .with_session_id(Some("sid"))
            .with_key_id(Some("kid"));
        assert!(query.levels().eq([
            RevocationLevel::Session("sid"),
            RevocationLevel::Subject {
                subject,
                issuer: None
            },
            RevocationLevel::Subject {
                subject,
                issuer: Some(issuer)
            },
            RevocationLevel::Issuer(issuer),
            RevocationLevel::Key("kid"),
        ]));
    }

    #[test]
    fn debug_hides_values() {
        let query = RevocationQuery::new("a-jti").with_subject(Some("a-sub"));
        assert_eq!(format!("{query:?}"), "RevocationQuery { .. }");
        let levels: Vec<_> = query.levels().collect();
        assert_eq!(format!("{levels:?}"), "[Subject { .. }]");
    }
}
