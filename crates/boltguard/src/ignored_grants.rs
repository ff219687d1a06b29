//! Claims that grant nothing because of their type, recorded until they are logged.

use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use boltguard_jwt::{AdmittedClaims, IgnoredGrant};

/// The distinct [`IgnoredGrant`]s of a backend, in the order in which they were found. There are at most a few for each
/// claim with grants.
#[derive(Debug, Default)]
pub(crate) struct IgnoredGrants {
    all: ArcSwap<Vec<IgnoredGrant>>,
    found: AtomicUsize,
    returned: AtomicUsize,
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
        // If nothing is new, no memory that threads share is written.
        let known = self.all.load();
        if ignored.iter().all(|one| known.contains(one)) {
            return;
        }
        self.all.rcu(|all| {
            let new = ignored.iter().filter(|one| !all.contains(one));
            all.iter().chain(new).cloned().collect::<Vec<_>>()
        });
        self.found
            .fetch_max(self.all.load().len(), Ordering::Relaxed);
    }

    /// Returns the claims that were found and not returned before.
    #[inline]
    pub(crate) fn take(&self) -> Vec<IgnoredGrant> {
        let found = self.found.load(Ordering::Relaxed);
        if found == self.returned.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.take_new()
    }

    #[cold]
    fn take_new(&self) -> Vec<IgnoredGrant> {
        let all = self.all.load();
        let returned = self.returned.fetch_max(all.len(), Ordering::Relaxed);
        all.get(returned..).unwrap_or_default().to_vec()
    }
}
