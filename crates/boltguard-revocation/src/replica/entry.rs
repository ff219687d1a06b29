//! The entries of a shared revocation list, as they are written to a stream.

use std::error::Error;
use std::fmt;

use boltguard_types::NumericDate;

use super::level_key::{HexDigest, LevelKey, is_lower_hex};
use crate::{RevocationLevel, UnixMillis, Watermark};

/// A revocation of one token or of a level, as it is shared between processes.
///
/// ```
/// use boltguard_revocation::replica::RevocationEntry;
/// use boltguard_types::NumericDate;
///
/// let entry = RevocationEntry::token("some-id", Some(NumericDate::from_secs(1_700_000_900)));
/// let fields = entry.fields();
/// assert_eq!(fields, [("jti", "some-id".into()), ("until", "1700000900".into())]);
///
/// let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
/// assert!(RevocationEntry::from_fields(fields)? == entry);
/// # Ok::<(), boltguard_revocation::replica::InvalidEntry>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationEntry {
    pub(super) target: Target,
    /// In whole seconds since the epoch. `None` is a permanent entry.
    until: Option<i64>,
}

/// What an entry revokes.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Target {
    Level(LevelKey, UnixMillis),
    Token(Box<str>),
    /// The name of the digest of a token ID in memory.
    TokenDigest(Box<str>),
}

impl RevocationEntry {
    /// Creates an entry for the token with this `jti`, which is kept until `until`, rounded up to a whole second, or
    /// permanently.
    #[must_use]
    pub fn token(token_id: &str, until: Option<NumericDate>) -> Self {
        Self::new(Target::Token(token_id.into()), until)
    }

    /// Creates an entry for a token of which only the SHA-256 digest is known, from its first 32 to 64 hexadecimal
    /// digits.
    ///
    /// Stores use digests for token IDs that don't fit into a column or a key.
    ///
    /// # Errors
    ///
    /// [`InvalidEntry`] if the digest is shorter, longer, or not in lower case.
    pub fn token_digest(digest: &str, until: Option<NumericDate>) -> Result<Self, InvalidEntry> {
        let is_valid = (32..=64).contains(&digest.len()) && is_lower_hex(digest.as_bytes());
        let prefix = digest.get(..32).filter(|_| is_valid).ok_or(InvalidEntry)?;
        Ok(Self::new(Target::TokenDigest(digest_name(prefix)), until))
    }

    /// Creates an entry for a level.
    #[must_use]
    pub fn level(level: RevocationLevel<'_>, watermark: Watermark) -> Self {
        Self::with_level_key(LevelKey::new(level), watermark)
    }

    /// Creates an entry for a level of which only the name in shared stores is known, such as
    /// `boltguard:level:session:` and a digest. `boltguard:level:` can be omitted.
    ///
    /// # Errors
    ///
    /// [`InvalidEntry`] if the name is invalid.
    pub fn stored_level(name: &str, watermark: Watermark) -> Result<Self, InvalidEntry> {
        let key = LevelKey::parse(name).ok_or(InvalidEntry)?;
        Ok(Self::with_level_key(key, watermark))
    }

    /// Parses the fields of a row of a stream.
    ///
    /// # Errors
    ///
    /// [`InvalidEntry`] if a field is missing, repeated, unknown or invalid.
    pub fn from_fields<'a>(
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Self, InvalidEntry> {
        Fields::collect(fields)
            .and_then(Fields::parse)
            .ok_or(InvalidEntry)
    }

    /// Returns the fields of a row of a stream.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = match &self.target {
            Target::Level(key, before) => {
                vec![(LEVEL, key.name()), (BEFORE, before.get().to_string())]
            }
            Target::Token(id) => vec![(TOKEN, id.to_string())],
            Target::TokenDigest(name) => {
                vec![(DIGEST, name.replacen(DIGEST_NAME, "", 1))]
            }
        };
        fields.push((UNTIL, self.until.unwrap_or(0).to_string()));
        fields
    }

    /// Returns the time until which the entry is kept, or `None` if it is permanent.
    #[must_use]
    pub fn until(&self) -> Option<NumericDate> {
        self.until.map(NumericDate::from_secs)
    }

    fn with_level_key(key: LevelKey, watermark: Watermark) -> Self {
        let target = Target::Level(key, watermark.before());
        Self::new(target, watermark.until())
    }

    fn new(target: Target, until: Option<NumericDate>) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let until = until.map(|until| (until.as_f64().ceil() as i64).max(1));
        Self { target, until }
    }
}

/// Hides the ID of the token.
impl fmt::Debug for RevocationEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationEntry").finish_non_exhaustive()
    }
}

/// Returns the name, in memory, of a token of which the digest is known.
pub(super) fn token_digest_name(token_id: &str) -> Box<str> {
    digest_name(&HexDigest::of(token_id).as_str()[..32])
}

fn digest_name(prefix: &str) -> Box<str> {
    [DIGEST_NAME, prefix].concat().into()
}

/// The values of the fields of a row.
#[derive(Default)]
struct Fields<'a> {
    before: Option<&'a str>,
    digest: Option<&'a str>,
    level: Option<&'a str>,
    token: Option<&'a str>,
    until: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn collect(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Option<Self> {
        let mut found = Self::default();
        for (name, value) in fields {
            let field = match std::str::from_utf8(name).ok()? {
                BEFORE => &mut found.before,
                DIGEST => &mut found.digest,
                LEVEL => &mut found.level,
                TOKEN => &mut found.token,
                UNTIL => &mut found.until,
                _ => return None,
            };
            if field.replace(std::str::from_utf8(value).ok()?).is_some() {
                return None;
            }
        }
        Some(found)
    }

    fn parse(self) -> Option<RevocationEntry> {
        let until = match decimal(self.until?)? {
            ..0 => return None,
            0 => None,
            until => Some(NumericDate::from_secs(until)),
        };
        match (self.token, self.digest, self.level, self.before) {
            (Some(id), None, None, None) => Some(RevocationEntry::token(id, until)),
            (None, Some(digest), None, None) => RevocationEntry::token_digest(digest, until).ok(),
            (None, None, Some(level), Some(before)) => {
                let watermark = Watermark::new(UnixMillis::new(decimal(before)?));
                RevocationEntry::stored_level(level, watermark.with_retention(until)).ok()
            }
            _ => None,
        }
    }
}

/// Parses a decimal integer of at most 53 bits, without a plus sign.
fn decimal(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok().filter(|_| !text.starts_with('+'))?;
    (number.abs() <= UnixMillis::MAX.get()).then_some(number)
}

/// The row of a stream or table isn't a valid entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEntry;

impl fmt::Display for InvalidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entry of the revocation list is invalid")
    }
}

impl Error for InvalidEntry {}

const BEFORE: &str = "before";
const DIGEST: &str = "jti_sha256";
const LEVEL: &str = "level";
const TOKEN: &str = "jti";
const UNTIL: &str = "until";

/// The beginning of the names, in memory, of token IDs of which only the digest is known.
const DIGEST_NAME: &str = "\0sha256:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(fields: &[(&str, &str)]) -> Result<RevocationEntry, InvalidEntry> {
        let fields = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        RevocationEntry::from_fields(fields)
    }

    fn round_trip(entry: &RevocationEntry) {
        let fields = entry.fields();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        assert!(parse(&fields).as_ref() == Ok(entry), "{fields:?}");
    }

    #[test]
    fn invalid_rows_are_rejected() {
        let digest = "0".repeat(64);
        let (digest, level) = (&*digest, &*format!("session:{digest}"));
        assert!(parse(&[("level", level), ("before", "5"), ("until", "0")]).is_ok());
        for fields in [
            [].as_slice(),
            &[("jti", "a")],
            &[("until", "0")],
            &[("jti", "a"), ("until", "")],
            &[("jti", "a"), ("until", "-1")],
            &[("jti", "a"), ("until", "+1")],
            &[("jti", "a"), ("until", "1.5")],
            &[("jti", "a"), ("until", "99999999999999999999")],
            &[("jti", "a"), ("until", "9007199254740992")],
            &[("jti", "a"), ("until", "0"), ("until", "0")],
            &[("jti", "a"), ("until", "0"), ("new", "1")],
            &[("jti", "a"), ("until", "0"), ("before", "1")],
            &[("jti", "a"), ("jti_sha256", digest), ("until", "0")],
            &[("jti_sha256", "abc"), ("until", "0")],
            &[("level", level), ("until", "0")],
            &[("level", "session:"), ("before", "5"), ("until", "0")],
        ] {
            assert_eq!(parse(fields), Err(InvalidEntry), "{fields:?}");
        }
        let binary = [(&b"jti"[..], &b"\xff"[..]), (b"until", b"0")];
        assert!(RevocationEntry::from_fields(binary).is_err());
    }

    #[test]
    fn permanent_entries_and_those_of_1970_differ() {
        for secs in [-5.0, 0.0, 0.5] {
            let entry = RevocationEntry::token("a", NumericDate::from_f64(secs));
            assert_eq!(entry.until(), Some(NumericDate::from_secs(1)));
        }
        assert_eq!(RevocationEntry::token("a", None).until(), None);
    }

    #[test]
    fn debug_hides_the_id() {
        let entry = RevocationEntry::token("a-jti", None);
        assert_eq!(format!("{entry:?}"), "RevocationEntry { .. }");
    }

    proptest! {
        #[test]
        fn entries_round_trip(id in "\\PC{0,80}", until in prop::option::of(1..1_i64 << 50), before: i64) {
            let until = until.map(NumericDate::from_secs);
            let watermark = Watermark::new(UnixMillis::new(before)).with_retention(until);
            round_trip(&RevocationEntry::token(&id, until));
            round_trip(&RevocationEntry::level(RevocationLevel::Session(&id), watermark));
            let pair = RevocationLevel::Subject { subject: &id, issuer: Some("issuer") };
            round_trip(&RevocationEntry::level(pair, watermark));
            round_trip(&RevocationEntry::token_digest(HexDigest::of(&id).as_str(), until).unwrap());
        }

        #[test]
        fn parsing_any_bytes_does_not_panic(fields: Vec<(Vec<u8>, Vec<u8>)>) {
            let _ = RevocationEntry::from_fields(fields.iter().map(|(name, value)| (&**name, &**value)));
        }
    }
}
