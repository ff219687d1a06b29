//! The watermarks of a list in memory.

use std::array;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::expiring_map::{Expire, ExpiringMap, Until};
use crate::id::{Id, IdKey};
use crate::{RevocationLevel, RevocationQuery, UnixMillis, Watermark};

/// The watermarks of all levels.
pub(crate) struct Levels {
    /// Different keys, so that equal strings have different IDs at different levels.
    keys: [IdKey; KEYS],
    pub(crate) map: ExpiringMap<Mark>,
    /// The levels that have had a watermark, one bit each. The others are not looked up.
    used: AtomicU8,
}

/// One key for each level, except two for subjects of one issuer.
const KEYS: usize = 6;

impl Levels {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            keys: array::from_fn(|_| IdKey::random()),
            map: ExpiringMap::new(limit),
            used: AtomicU8::new(0),
        }
    }

    /// Marks the level as used, before its first watermark is inserted.
    pub(crate) fn id_for_insertion(&self, level: RevocationLevel<'_>) -> Id {
        self.used.fetch_or(bit(level), Relaxed);
        self.id(level)
    }

    /// Returns whether the token is revoked by a watermark.
    pub(crate) fn revoke(&self, query: &RevocationQuery<'_>, threshold: f64) -> bool {
        let used = query.levels().filter(|level| self.is_used(*level));
        let watermarks = used.filter_map(|level| self.before(level, threshold));
        query.is_revoked_by(watermarks.max())
    }

    /// Returns the time of the watermark of a level.
    pub(crate) fn before(&self, level: RevocationLevel<'_>, threshold: f64) -> Option<UnixMillis> {
        let mark = self.map.get(self.id(level), threshold)?;
        Some(mark.before)
    }

    /// Returns whether there has been a watermark of this kind of level.
    pub(crate) fn is_used(&self, level: RevocationLevel<'_>) -> bool {
        self.used.load(Relaxed) & bit(level) != 0
    }

    fn id(&self, level: RevocationLevel<'_>) -> Id {
        let [session, subject, pair, issuer_of_pair, issuer, key] = &self.keys;
        match level {
            RevocationLevel::Session(id) => session.id(id),
            RevocationLevel::Subject {
                subject: id,
                issuer: None,
            } => subject.id(id),
            // Two pairs have the same combination only if the digests of their parts differ by the same bits.
            RevocationLevel::Subject {
                subject,
                issuer: Some(issuer),
            } => pair.id(subject).combined_with(issuer_of_pair.id(issuer)),
            RevocationLevel::Issuer(id) => issuer.id(id),
            RevocationLevel::Key(id) => key.id(id),
        }
    }
}

fn bit(level: RevocationLevel<'_>) -> u8 {
    match level {
        RevocationLevel::Issuer(_) => 1,
        RevocationLevel::Key(_) => 1 << 1,
        RevocationLevel::Session(_) => 1 << 2,
        RevocationLevel::Subject { issuer: None, .. } => 1 << 3,
        RevocationLevel::Subject {
            issuer: Some(_), ..
        } => 1 << 4,
    }
}

/// A watermark in memory.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    before: UnixMillis,
    until: Until,
}

impl From<Watermark> for Mark {
    fn from(watermark: Watermark) -> Self {
        Self {
            before: watermark.before(),
            until: Until::new(watermark.until()),
        }
    }
}

impl Expire for Mark {
    fn until(self) -> Until {
        self.until
    }

    fn merge(self, other: Self) -> Self {
        Self {
            before: self.before.max(other.before),
            until: self.until.max(other.until),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    use super::*;

    #[test]
    fn watermark_takes_at_most_76_bytes() {
        let slot = size_of::<(Id, Mark)>() + 1;
        assert!(slot * 16 / 7 <= 76, "{slot}");
    }

    #[test]
    fn levels_have_different_ids() {
        let levels = Levels::new(1);
        let pair = |subject, issuer| RevocationLevel::Subject { subject, issuer };
        let all = [
            RevocationLevel::Issuer("a"),
            RevocationLevel::Key("a"),
            RevocationLevel::Session("a"),
            pair("a", None),
            pair("a", Some("a")),
            pair("a", Some("b")),
            pair("b", Some("a")),
            pair("ab", Some("")),
            pair("", Some("ab")),
        ];
        for (position, one) in all.iter().enumerate() {
            for other in &all[..position] {
                assert_ne!(levels.id(*one), levels.id(*other), "{position}");
            }
        }
    }
}
