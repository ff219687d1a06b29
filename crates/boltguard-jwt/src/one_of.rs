//! The allowed values of a claim.

use boltguard_types::work::step;

/// Distinct strings in order. A short list is scanned, and a long one uses binary search.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneOf(Vec<Box<str>>);

/// Up to this length, a scan is faster than a binary search.
const FEW: usize = 8;

impl OneOf {
    pub(crate) fn extend(&mut self, strings: impl IntoIterator<Item = Box<str>>) {
        self.0.extend(strings);
        self.0.sort_unstable();
        self.0.dedup();
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|one| &**one)
    }

    #[inline]
    pub(crate) fn contains(&self, bytes: &[u8]) -> bool {
        if self.0.len() > FEW {
            return self.search(bytes);
        }
        self.0.iter().any(|one| {
            step();
            one.as_bytes() == bytes
        })
    }

    #[cold]
    fn search(&self, bytes: &[u8]) -> bool {
        let found = self.0.binary_search_by(|one| {
            step();
            one.as_bytes().cmp(bytes)
        });
        found.is_ok()
    }
}

impl<S: Into<Box<str>>> FromIterator<S> for OneOf {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut list = Self::default();
        list.extend(strings.into_iter().map(Into::into));
        list
    }
}
