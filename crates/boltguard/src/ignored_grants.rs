//! Claims that grant nothing for their type, kept until they are logged.

use std::sync::atomic::{AtomicU16, Ordering};

use boltguard_jwt::{AdmittedClaims, IgnoredGrant};

/// One bit for each [`IgnoredGrant`] that there may be.
#[derive(Debug, Default)]
pub(crate) struct IgnoredGrants {
    found: AtomicU16,
    told: AtomicU16,
}

impl IgnoredGrants {
    #[inline]
    pub(crate) fn note(&self, claims: &AdmittedClaims) {
        let ignored = claims.ignored_grants();
        if !ignored.is_empty() {
            self.add(&ignored);
        }
    }

    #[cold]
    fn add(&self, ignored: &[IgnoredGrant]) {
        let bits = bits().filter(|(one, _)| ignored.contains(one));
        let bits = bits.fold(0, |all, (_, bit)| all | bit);
        // Whoever finds again what was found writes nothing that threads share.
        if self.found.load(Ordering::Relaxed) & bits != bits {
            self.found.fetch_or(bits, Ordering::Relaxed);
        }
    }

    /// What was found and nobody was told yet.
    #[inline]
    pub(crate) fn take(&self) -> Vec<IgnoredGrant> {
        let found = self.found.load(Ordering::Relaxed);
        if found == self.told.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.tell(found)
    }

    #[cold]
    fn tell(&self, found: u16) -> Vec<IgnoredGrant> {
        let told = self.told.fetch_or(found, Ordering::Relaxed);
        let new = bits().filter(|(_, bit)| found & !told & bit != 0);
        new.map(|(one, _)| one).collect()
    }
}

fn bits() -> impl Iterator<Item = (IgnoredGrant, u16)> {
    IgnoredGrant::all().zip((0..u16::BITS).map(|at| 1 << at))
}
