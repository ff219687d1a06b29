//! Claims that grant nothing because of their type, recorded until they are logged.

use std::sync::atomic::{AtomicU16, Ordering};

use boltguard_jwt::{AdmittedClaims, IgnoredGrant};

/// One bit for each possible [`IgnoredGrant`].
#[derive(Debug, Default)]
pub(crate) struct IgnoredGrants {
    found: AtomicU16,
    returned: AtomicU16,
}

impl IgnoredGrants {
    #[inline]
    pub(crate) fn record(&self, claims: &AdmittedClaims) {
        let ignored = claims.ignored_grants();
        if !ignored.is_empty() {
            self.add(&ignored);
        }
    }

    #[cold]
    fn add(&self, ignored: &[IgnoredGrant]) {
        let bits = bits().filter(|(one, _)| ignored.contains(one));
        let bits = bits.fold(0, |all, (_, bit)| all | bit);
        // If nothing is new, no memory that threads share is written.
        if self.found.load(Ordering::Relaxed) & bits != bits {
            self.found.fetch_or(bits, Ordering::Relaxed);
        }
    }

    /// Returns the claims that were found and not returned before.
    #[inline]
    pub(crate) fn take(&self) -> Vec<IgnoredGrant> {
        let found = self.found.load(Ordering::Relaxed);
        if found == self.returned.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.take_new(found)
    }

    #[cold]
    fn take_new(&self, found: u16) -> Vec<IgnoredGrant> {
        let returned = self.returned.fetch_or(found, Ordering::Relaxed);
        let new = bits().filter(|(_, bit)| found & !returned & bit != 0);
        new.map(|(one, _)| one).collect()
    }
}

fn bits() -> impl Iterator<Item = (IgnoredGrant, u16)> {
    IgnoredGrant::all().zip((0..u16::BITS).map(|at| 1 << at))
}
