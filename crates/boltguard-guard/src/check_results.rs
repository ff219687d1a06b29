//! Results of custom checks, which run outside of this crate.

use std::collections::BTreeMap;

/// The results of a guard's [checks](crate::Guard::check), with the names of the checks as keys.
///
/// A check without a result is open. Results of checks that a guard doesn't have are ignored.
///
/// ```
/// use boltguard_guard::CheckResults;
///
/// let mut results = CheckResults::new().with("owner", true);
/// results.insert("in_office_hours", false);
/// assert_eq!(results.get("owner"), Some(true));
/// assert_eq!(results.get("friend"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckResults(BTreeMap<Box<str>, bool>);

impl CheckResults {
    /// Creates an empty set of results.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a result, replacing an earlier one.
    #[must_use]
    pub fn with(mut self, check: &str, passed: bool) -> Self {
        self.insert(check, passed);
        self
    }

    /// Adds a result, replacing an earlier one.
    pub fn insert(&mut self, check: &str, passed: bool) {
        self.0.insert(check.into(), passed);
    }

    /// Adds the results of another set, replacing earlier ones.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        let others = others.0.iter();
        self.0
            .extend(others.map(|(check, passed)| (check.clone(), *passed)));
        self
    }

    /// Returns the result of a check, if there is one.
    #[must_use]
    pub fn get(&self, check: &str) -> Option<bool> {
        self.0.get(check).copied()
    }
}

impl<S: Into<Box<str>>> FromIterator<(S, bool)> for CheckResults {
    fn from_iter<I: IntoIterator<Item = (S, bool)>>(results: I) -> Self {
        Self(
            results
                .into_iter()
                .map(|(check, passed)| (check.into(), passed))
                .collect(),
        )
    }
}
