//! The digests of a level, by which replicas identify it.

use std::array;
use std::str;

use sha2::{Digest, Sha256};

use crate::RevocationLevel;
use crate::storage_key::LEVEL;

/// The name of a level in shared stores, without `boltguard:level:`.
///
/// Shared stores contain digests of the values, so a replica compares digests as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct LevelKey {
    kind: Kind,
    digest: HexDigest,
    /// The digest of the issuer, for a subject of one issuer.
    issuer: Option<HexDigest>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Issuer,
    Key,
    Session,
    Subject,
}

impl LevelKey {
    pub(super) fn new(level: RevocationLevel<'_>) -> Self {
        let (kind, value, issuer) = match level {
            RevocationLevel::Issuer(issuer) => (Kind::Issuer, issuer, None),
            RevocationLevel::Key(key_id) => (Kind::Key, key_id, None),
            RevocationLevel::Session(session_id) => (Kind::Session, session_id, None),
            RevocationLevel::Subject { subject, issuer } => (Kind::Subject, subject, issuer),
        };
        Self {
            kind,
            digest: HexDigest::of(value),
            issuer: issuer.map(HexDigest::of),
        }
    }

    /// Parses a name, such as `session:` and a hexadecimal digest. `boltguard:level:` in front of it is skipped.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.strip_prefix(LEVEL).unwrap_or(name);
        let (kind, digests) = name.split_once(':')?;
        let kind = KINDS.into_iter().find(|(_, name)| *name == kind)?.0;
        let (digest, issuer) = match digests.split_once(':') {
            Some((digest, issuer)) if kind == Kind::Subject => (digest, Some(issuer)),
            Some(_) => return None,
            None => (digests, None),
        };
        Some(Self {
            kind,
            digest: HexDigest::parse(digest)?,
            issuer: match issuer {
                Some(issuer) => Some(HexDigest::parse(issuer)?),
                None => None,
            },
        })
    }

    pub(super) fn name(&self) -> String {
        let kind = KINDS.into_iter().find(|(kind, _)| *kind == self.kind);
        let kind = kind.map_or("", |(_, name)| name);
        match &self.issuer {
            Some(issuer) => [kind, self.digest.as_str(), issuer.as_str()].join(":"),
            None => [kind, self.digest.as_str()].join(":"),
        }
    }

    /// Returns a level of the same kind, whose values are the digests.
    pub(super) fn as_level(&self) -> RevocationLevel<'_> {
        let digest = self.digest.as_str();
        match self.kind {
            Kind::Issuer => RevocationLevel::Issuer(digest),
            Kind::Key => RevocationLevel::Key(digest),
            Kind::Session => RevocationLevel::Session(digest),
            Kind::Subject => RevocationLevel::Subject {
                subject: digest,
                issuer: self.issuer.as_ref().map(HexDigest::as_str),
            },
        }
    }
}

/// A hexadecimal SHA-256 digest, in lower case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HexDigest([u8; 64]);

impl HexDigest {
    pub(super) fn of(value: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(value).into();
        let digit = |index: usize| digest[index / 2] >> (4 * (1 - index % 2)) & 0xf;
        Self(array::from_fn(|index| {
            b"0123456789abcdef"[usize::from(digit(index))]
        }))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 64] = text.as_bytes().try_into().ok()?;
        is_lower_hex(&digits).then_some(Self(digits))
    }

    pub(super) fn as_str(&self) -> &str {
        // The digits are ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

pub(super) fn is_lower_hex(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Issuer, "issuer"),
    (Kind::Key, "key"),
    (Kind::Session, "session"),
    (Kind::Subject, "subject"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const OF_A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    #[test]
    fn names_are_those_of_shared_stores() {
        let of = |level| LevelKey::new(level).name();
        assert_eq!(of(RevocationLevel::Session("a")), format!("session:{OF_A}"));
        let pair = RevocationLevel::Subject {
            subject: "a",
            issuer: Some("a"),
        };
        assert_eq!(of(pair), format!("subject:{OF_A}:{OF_A}"));
        for level in [
            pair,
            RevocationLevel::Issuer("b"),
            RevocationLevel::Key("b"),
        ] {
            let name = of(level);
            assert_eq!(format!("{LEVEL}{name}"), level.storage_key());
            for name in [name, level.storage_key()] {
                assert!(LevelKey::parse(&name) == Some(LevelKey::new(level)));
            }
        }
    }

    #[test]
    fn other_names_are_rejected() {
        for name in [
            String::new(),
            "session".into(),
            "session:".into(),
            "session:abc".into(),
            format!("device:{OF_A}"),
            format!("session:{}", OF_A.to_uppercase()),
            format!("session:{OF_A}:{OF_A}"),
            format!("subject:{OF_A}:"),
            format!("subject:{OF_A}:{OF_A}:{OF_A}"),
            format!(" session:{OF_A}"),
        ] {
            assert!(LevelKey::parse(&name).is_none(), "{name}");
        }
    }
}
