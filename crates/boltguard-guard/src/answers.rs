//! Answers to the checks that the engine can't make itself.

use std::collections::BTreeMap;

/// What is known of a guard's [checks](crate::Guard::check), by name.
///
/// A check that is not in here is still open. Answers to checks that a guard does not ask are passed over.
///
/// ```
/// use boltguard_guard::Answers;
///
/// let mut answers = Answers::new().with("owner", true);
/// answers.insert("in_office_hours", false);
/// assert_eq!(answers.get("owner"), Some(true));
/// assert_eq!(answers.get("friend"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<Box<str>, bool>);

impl Answers {
    /// No answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer, in place of an earlier one.
    #[must_use]
    pub fn with(mut self, check: &str, holds: bool) -> Self {
        self.insert(check, holds);
        self
    }

    /// Adds an answer, in place of an earlier one.
    pub fn insert(&mut self, check: &str, holds: bool) {
        self.0.insert(check.into(), holds);
    }

    /// The answer, if there is one.
    #[must_use]
    pub fn get(&self, check: &str) -> Option<bool> {
        self.0.get(check).copied()
    }
}

impl<S: Into<Box<str>>> FromIterator<(S, bool)> for Answers {
    fn from_iter<I: IntoIterator<Item = (S, bool)>>(answers: I) -> Self {
        Self(
            answers
                .into_iter()
                .map(|(check, holds)| (check.into(), holds))
                .collect(),
        )
    }
}
